//! Makes the part of a rule that reads and writes codes.

use schemas::Field;

use crate::{
    codes::{CodedShape, Coder},
    document::{Format, NameId},
    error::did_you_mean,
    grammar::{Place as WrittenPlace, Step, Written},
};

use super::{CodedLeaf, Marks, Naming, compile::label_language, rules::RuleMaker};

impl RuleMaker<'_, '_, '_> {
    pub(super) fn coded(
        &mut self,
        shape: CodedShape,
        field: Option<&'static Field>,
        name: NameId,
    ) -> Option<CodedLeaf> {
        let written = self.written();
        if written.codes.is_empty() {
            self.mistake("the field is coded, but the line names no code list", "add `codes = \"list\"`");
            return None;
        }
        let schemes: Vec<&str> = match &written.derive {
            Some(scheme) => vec![scheme],
            None => field.map(|field| field.schemes.clone()).unwrap_or_default(),
        };
        let coder = self.coder(&schemes)?.with_label_only(&written.label_only).with_words(written.is_words);
        let dialect = &self.compiler.file.dialect;
        let code = written.code.as_ref().or(dialect.code.as_ref());
        let label = written.label.as_ref().or(dialect.label.as_ref());
        let code_names = self.inner_names(name, code)?;
        // A scalar in JSON has no room for words beside it.
        let label = label.filter(|_| self.compiler.namer.format != Format::Json || !code_names.is_empty());
        let label_names = match label {
            Some(label) => Some(self.inner_names(name, Some(label))?),
            None => None,
        };
        let scheme = match &written.scheme {
            Some(scheme) => Some(self.inner_names(name, Some(scheme))?),
            None => None,
        };
        if written.keeps_others && scheme.is_none() {
            let remedy = "add `scheme = \"…\"`, where the name of the list stands";
            self.mistake("codes of other lists say nothing without the name of their list", remedy);
        }
        let pair = match &written.pair {
            None => None,
            Some(pair) => {
                let place = self.make_place(pair)?;
                Some((place, self.inner_names(self.places.list[place].name, code)?))
            }
        };
        let marked =
            if self.compiler.namer.format == Format::Xml { code_names.last().copied().unwrap_or(name) } else { name };
        let (marks, namings) = self.marks(marked)?;
        let is_number = written.written == Some(Written::Number);
        let keeps_others = written.keeps_others;
        Some(CodedLeaf {
            shape,
            coder,
            code: code_names,
            label: label_names,
            scheme,
            keeps_others,
            pair,
            marks,
            namings,
            is_number,
        })
    }

    pub(super) fn coder(&mut self, schemes: &[&str]) -> Option<Coder> {
        let mut lists = Vec::new();
        for name in &self.written().codes {
            if let Some(list) = self.compiler.library.list(name) {
                lists.push(list.clone());
            } else {
                {
                    let remedy = did_you_mean(name, self.compiler.library.lists().map(|list| &**list.name()));
                    self.mistake(format!("there is no code list `{name}`"), remedy);
                }
            }
        }
        if lists.is_empty() {
            return None;
        }
        let language = label_language(self.compiler.file);
        Some(Coder::new(self.compiler.library, lists, schemes, language, self.written().is_code_required))
    }

    fn inner_names(&mut self, name: NameId, place: Option<&WrittenPlace>) -> Option<Vec<NameId>> {
        let steps = place.map(|place| place.steps.as_slice()).unwrap_or_default();
        self.compiler.namer.path(name, steps).map_err(|problem| self.mistake(problem, "")).ok()
    }

    /// For every list of the line what stands beside its codes, and where documents name it.
    fn marks(&mut self, name: NameId) -> Option<(Vec<Marks>, Vec<Naming>)> {
        let file = self.compiler.file;
        let (mut all, mut namings) = (Vec::new(), Vec::new());
        for list in &self.written().codes {
            let Some(marks) = file.lists.iter().find(|marks| marks.list == *list) else {
                all.push(Vec::new());
                continue;
            };
            let mut named = Vec::new();
            for (attribute, text) in &marks.attributes {
                named.push((self.mark_name(name, attribute)?, text.as_str().into()));
            }
            if let Some(scheme) = &marks.scheme_in {
                let own = marks.attributes.iter().find(|(known, _)| known == scheme).map(|(_, text)| text.as_str());
                let version = match &marks.version_in {
                    Some(version) => Some(self.mark_name(name, version)?),
                    None => None,
                };
                let scheme = self.mark_name(name, scheme)?;
                namings.push(Naming { scheme, own: own.unwrap_or_default().into(), version });
            }
            all.push(named);
        }
        Some((all, namings))
    }

    fn mark_name(&mut self, name: NameId, attribute: &str) -> Option<NameId> {
        let is_xml = self.compiler.namer.format == Format::Xml;
        let text = attribute.to_owned();
        let step = if is_xml { Step::Attribute(text) } else { Step::Member(text, None) };
        self.compiler.namer.name(name, &step).map_err(|problem| self.mistake(problem, "")).ok()
    }
}
