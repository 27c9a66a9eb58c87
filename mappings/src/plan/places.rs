//! Turns paths as written into interned names and tries of places.

use crate::{
    document::{Format, NameId, NameKind, Names},
    grammar,
};

use super::{Place, PlaceId, Selection};

/// Gives out names, and knows what the prefixes of an XML dialect mean.
pub(super) struct Namer {
    pub(super) names: Names,
    pub(super) format: Format,
    prefixes: Vec<(String, u16)>,
}

impl Namer {
    pub(super) fn new(format: Format, namespaces: &[(String, String)]) -> Self {
        let names = Names::new(namespaces.iter().map(|(_, address)| address.as_str().into()).collect());
        let number = |address: &str| names.namespace(address).unwrap_or_default();
        let prefixes = namespaces.iter().map(|(prefix, address)| (prefix.clone(), number(address))).collect();
        Self { names, format, prefixes }
    }

    /// The namespace and the local part of an XML name.
    pub(super) fn qualify<'t>(&self, text: &'t str, kind: NameKind) -> Result<(u16, &'t str), String> {
        if self.format != Format::Xml {
            return Ok((0, text));
        }
        let (prefix, local) = text.split_once(':').unwrap_or(("", text));
        if prefix.is_empty() && kind == NameKind::Attribute {
            return Ok((0, local));
        }
        match self.prefixes.iter().find(|(known, _)| known == prefix) {
            Some((_, number)) => Ok((*number, local)),
            None if prefix.is_empty() => Ok((0, local)),
            None => Err(format!("the prefix `{prefix}` is not declared; add it under `[namespaces]`")),
        }
    }

    /// The name of a step below another name.
    pub(super) fn name(&mut self, parent: NameId, step: &grammar::Step) -> Result<NameId, String> {
        let (text, kind) = match step {
            grammar::Step::Member(text, _) => (text.as_str(), NameKind::Member),
            grammar::Step::Attribute(text) => (text.as_str(), NameKind::Attribute),
            grammar::Step::Items(_) => ("", NameKind::Items),
        };
        let (namespace, local) = self.qualify(text, kind)?;
        let format = self.format;
        Ok(self.names.make(parent, local, namespace, kind, || match format {
            Format::Json => serde_json::Value::from(text).to_string(),
            Format::Xml | Format::Labels => text.to_owned(),
        }))
    }

    /// The names of several steps below another name.
    pub(super) fn path(&mut self, from: NameId, steps: &[grammar::Step]) -> Result<Vec<NameId>, String> {
        let mut at = from;
        steps
            .iter()
            .map(|step| {
                at = self.name(at, step)?;
                Ok(at)
            })
            .collect()
    }

    /// A selection among the items or elements of a name.
    pub(super) fn selection(
        &mut self,
        of: NameId,
        selection: Option<&grammar::Selection>,
    ) -> Result<Option<Selection>, String> {
        let Some(selection) = selection else {
            return Ok(None);
        };
        Ok(Some(Selection {
            at: self.path(of, &selection.at)?,
            values: selection.values.iter().map(|value| value.as_str().into()).collect(),
            is_negated: selection.is_negated,
            index: selection.index,
        }))
    }
}

/// The places of a scope while it is made.
pub(super) struct Places {
    pub(super) list: Vec<Place>,
    written: Vec<Option<grammar::Selection>>,
}

impl Places {
    /// The item itself.
    pub(super) fn new(name: NameId) -> Self {
        let root = Place { parent: 0, name, selection: None };
        Self { list: vec![root], written: vec![None] }
    }

    /// The place at the end of some steps, made if it is not there.
    pub(super) fn make(&mut self, steps: &[grammar::Step], namer: &mut Namer) -> Result<PlaceId, String> {
        let mut at = 0;
        for step in steps {
            let name = namer.name(self.list[at].name, step)?;
            let same = |(index, place): &(usize, &Place)| {
                *index > 0
                    && place.parent == at
                    && place.name == name
                    && self.written[*index].as_ref() == step.selection()
            };
            if let Some((index, _)) = self.list.iter().enumerate().find(same) {
                at = index;
                continue;
            }
            let selection = namer.selection(name, step.selection())?;
            self.list.push(Place { parent: at, name, selection });
            self.written.push(step.selection().cloned());
            at = self.list.len() - 1;
        }
        Ok(at)
    }

    /// The place at the end of some steps, if it is there.
    pub(super) fn find(&self, steps: &[grammar::Step], namer: &mut Namer) -> Result<Option<PlaceId>, String> {
        let mut at = 0;
        for step in steps {
            let name = namer.name(self.list[at].name, step)?;
            let found = self.list.iter().enumerate().position(|(index, place)| {
                index > 0
                    && place.parent == at
                    && place.name == name
                    && self.written[index].as_ref() == step.selection()
            });
            match found {
                Some(index) => at = index,
                None => return Ok(None),
            }
        }
        Ok(Some(at))
    }
}
