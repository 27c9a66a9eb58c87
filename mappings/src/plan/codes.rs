//! Makes the part of a rule that reads and writes codes.

use schemas::Field;

use crate::{
    codes::{CodedShape, Coder},
    document::{Format, NameId},
    error::did_you_mean,
    grammar::{Place as WrittenPlace, Step, Written},
};

use super::{CodedLeaf, Marks, compile::label_language, rules::RuleMaker};

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
        let schemes: Vec<&str> = field.map(|field| field.schemes.clone()).unwrap_or_default();
        let coder = self.coder(&schemes)?.with_label_only(&written.label_only);
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
        let marks = self.marks(if self.compiler.namer.format == Format::Xml {
            code_names.last().copied().unwrap_or(name)
        } else {
            name
        })?;
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

    fn marks(&mut self, name: NameId) -> Option<Vec<Marks>> {
        let file = self.compiler.file;
        let is_xml = self.compiler.namer.format == Format::Xml;
        let mut all = Vec::new();
        for list in &self.written().codes {
            let marks = file.lists.iter().find(|marks| marks.list == *list);
            let mut named = Vec::new();
            for (attribute, text) in marks.map(|marks| marks.attributes.as_slice()).unwrap_or_default() {
                let step =
                    if is_xml { Step::Attribute(attribute.clone()) } else { Step::Member(attribute.clone(), None) };
                let id = self.compiler.namer.name(name, &step).map_err(|problem| self.mistake(problem, "")).ok()?;
                named.push((id, text.as_str().into()));
            }
            all.push(named);
        }
        Some(all)
    }
}
