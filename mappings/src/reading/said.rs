//! What the document does not say: what its dialect or shape says, and the partner's defaults.

use schemas::{Outcome, Value};

use crate::{defaults::Defaults, plan::push_index};

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
        for spoken in &shape.spoken {
            let items = spoken.list.get(&self.values[0], &self.tongue).items();
            let wanted = self.tongue.language.as_deref();
            if let Some(index) = items.iter().position(|item| item.field(spoken.key).as_text() == wanted) {
                let mut path = String::new();
                spoken.list.render(&Value::Absent, &self.tongue, &mut path);
                push_index(&mut path, index);
                path.push('.');
                path.push_str(spoken.record.fields[spoken.key].name);
                self.report_defaults(vec![path]);
            }
        }
    }
}
