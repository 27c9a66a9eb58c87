//! Puts the complement back: what the target held beside what the record says.

use super::writer::Writer;

impl Writer<'_> {
    /// Merges the complement into the sheet.
    pub(super) fn merge(&mut self) {
        let Some(_complement) = self.options.complement else {
            return;
        };
    }
}
