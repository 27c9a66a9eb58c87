//! What the document does not say: what its dialect or shape says, and the partner's defaults.

use schemas::{Outcome, Value};

use crate::{defaults::Defaults, plan::TargetStep};

use super::reader::Reader;

impl Reader<'_, '_> {
    /// Fills in what was not read.
    pub(super) fn say(&mut self, defaults: Option<&Defaults>) {
        self.say_language();
        let shape = self.shape;
        for said in &shape.said {
            let filled = crate::defaults::fill(&mut self.values[0], &said.path, &said.value, false);
            if said.is_assumed {
                self.report_defaults(filled);
            }
        }
        if let Some(defaults) = defaults {
            let filled = defaults.apply(&mut self.values[0]);
            self.report_defaults(filled);
        }
    }

    fn report_defaults(&mut self, paths: Vec<String>) {
        for path in paths {
            self.extra.note(Outcome::Defaulted, "not_said", None, Some(path));
        }
    }

    /// Reports the language if the document does not say it and something was read in it.
    fn say_language(&mut self) {
        if self.tongue.is_said {
            return;
        }
        let shape = self.shape;
        let mut reported: Vec<String> = Vec::new();
        for rule in &shape.scope.rules {
            let language = rule.target.steps.iter().position(|step| matches!(step, TargetStep::Language(..)));
            let Some(at) = language else {
                continue;
            };
            let list = crate::plan::Target { steps: rule.target.steps[..at].to_vec(), ..rule.target.clone() };
            let TargetStep::Language(record, key) = &rule.target.steps[at] else {
                continue;
            };
            let items = list.get(&self.values[0], &self.tongue).items();
            let wanted = self.tongue.language.as_deref();
            let Some(index) = items.iter().position(|item| item.field(*key).as_text() == wanted) else {
                continue;
            };
            let mut path = String::new();
            list.render(&Value::Absent, &self.tongue, &mut path);
            let path = format!("{path}[{index}].{}", record.fields[*key].name);
            if !reported.contains(&path) {
                reported.push(path);
            }
        }
        self.report_defaults(reported);
    }
}
