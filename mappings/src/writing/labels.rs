//! Values of several parts in documents of labels: what would not be read again as it was written is not written.

use schemas::Outcome;

use crate::{
    document::{Format, NameId, Wordings},
    plan::{Program, Rule},
};

use super::{
    sheet::{Sheet, SheetId, SheetName},
    writer::Writer,
};

/// More parts than a value has.
const MAX_PARTS: usize = 8;

impl<'a> Writer<'a> {
    /// Remembers which field was written in a node.
    pub(super) fn note_origin(&mut self, node: SheetId, rule: &'a Rule, index: Option<usize>) {
        if self.program.syntax.format != Format::Labels {
            return;
        }
        let mut path = self.path(rule.level, &rule.target);
        if let Some(index) = index {
            crate::plan::push_index(&mut path, index);
        }
        // Numbers of nodes that were taken back are given out again: the last is meant.
        self.origins.insert(node, path);
    }

    /// Takes out the parts of values for which there is no wording.
    pub(super) fn check_parts(&mut self) {
        let program = self.program;
        let sections = self.sheet.children(Sheet::root()).collect::<Vec<_>>();
        let labels = sections.iter().flat_map(|section| self.sheet.children(*section)).chain(sections.iter().copied());
        for label in labels.collect::<Vec<_>>() {
            let Some(wordings) = wordings_of(&self.sheet, program, label) else {
                continue;
            };
            let items = match &wordings.list {
                Some(_) => self.sheet.children(label).collect(),
                None => vec![label],
            };
            for item in items {
                self.check_item(wordings, item);
            }
        }
    }

    fn check_item(&mut self, wordings: &Wordings, item: SheetId) {
        let parts: Vec<SheetId> = self.sheet.children(item).take(MAX_PARTS).collect();
        if parts.is_empty() {
            return;
        }
        // As many parts as can be worded; those of the record before those of the complement, the first before the last.
        let own = parts.iter().map(|part| self.origin(*part).is_some()).collect::<Vec<_>>();
        let worth = |mask: &u32| {
            let own = own.iter().enumerate().filter(|(at, is_own)| **is_own && mask & (1 << at) != 0).count();
            (own, mask.count_ones(), u32::MAX - mask)
        };
        let mut masks: Vec<u32> = (1..1 << parts.len()).collect();
        masks.sort_by_key(|mask| std::cmp::Reverse(worth(mask)));
        let is_worded = |mask: &u32| {
            let wanted = parts.iter().enumerate().filter(|(at, _)| mask & (1 << at) != 0).map(|(_, part)| *part);
            texts_of(&self.sheet, wanted).is_some_and(|texts| wordings.print(&texts).is_some())
        };
        let kept = masks.iter().copied().find(is_worded).unwrap_or_default();
        for (_, part) in parts.iter().enumerate().filter(|(at, _)| kept & (1 << at) == 0) {
            if let Some(path) = self.origin(*part).map(str::to_owned) {
                self.note_path(path, Outcome::Dropped, "pattern_mismatch");
            }
            self.sheet.remove(*part);
        }
    }

    fn origin(&self, node: SheetId) -> Option<&str> {
        self.origins.get(&node).map(String::as_str)
    }
}

/// How the value of a label is worded, if it says several things.
pub(super) fn wordings_of<'p>(sheet: &Sheet<'_>, program: &'p Program, label: SheetId) -> Option<&'p Wordings> {
    match sheet.node(label).name {
        SheetName::Known(name) => program.syntax.labels.parts.get(&name),
        SheetName::Other(_) => None,
    }
}

/// The parts with their texts; nothing if one has no name of the mapping.
fn texts_of<'s>(sheet: &'s Sheet<'_>, parts: impl Iterator<Item = SheetId>) -> Option<Vec<(NameId, &'s str)>> {
    parts
        .map(|part| match sheet.node(part).name {
            SheetName::Known(name) => Some((name, sheet.letters(part))),
            SheetName::Other(_) => None,
        })
        .collect()
}

/// The value of a label as one text.
pub(super) fn value_of(sheet: &Sheet<'_>, program: &Program, label: SheetId) -> String {
    let Some(wordings) = wordings_of(sheet, program, label).filter(|_| sheet.children(label).next().is_some()) else {
        return sheet.letters(label).to_owned();
    };
    let print =
        |node| texts_of(sheet, sheet.children(node)).and_then(|texts| wordings.print(&texts)).unwrap_or_default();
    match &wordings.list {
        Some((_, between)) => sheet.children(label).map(print).collect::<Vec<_>>().join(between),
        None => print(label),
    }
}
