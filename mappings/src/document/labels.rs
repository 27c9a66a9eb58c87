//! Lines of `label : value`, under headings, as a tree.
//!
//! A line whose label the mapping knows starts a value; a line that is a heading the mapping knows starts a section;
//! every other line goes on with the value before it.

use std::borrow::Cow;

use super::{
    Kind, Names, NodeId, Tree,
    names::ROOT,
    tree::{NONE, NodeName},
};

/// Parses a document.
pub(crate) fn parse_labels<'a>(text: &'a str, names: &Names) -> Tree<'a> {
    let mut tree = Tree::with_room_for(text.len());
    let root = tree.add_root(Kind::Object);
    let mut parser = Parser { names, tree, section: (root, ROOT), last: [NONE; 2], value: NONE };
    for line in text.lines() {
        parser.line(line);
    }
    parser.tree
}

struct Parser<'a, 'n> {
    names: &'n Names,
    tree: Tree<'a>,
    /// The section in hand: its node and its name.
    section: (NodeId, u32),
    /// The last child of the root and of the section.
    last: [NodeId; 2],
    /// The value that further lines belong to.
    value: NodeId,
}

impl<'a> Parser<'a, '_> {
    fn line(&mut self, line: &'a str) {
        let words = trim(line);
        if words.is_empty() {
            return;
        }
        let is_indented = line.starts_with([' ', '\t']) && self.value != NONE;
        let (label, value) = words.split_once(':').map_or((words, ""), |(label, value)| (trim(label), trim(value)));
        if !is_indented {
            if let Some(name) = self.known(ROOT, label).filter(|name| self.is_section(*name)) {
                return self.start_section(name);
            }
            for (parent, name) in [self.section, (Tree::root(), ROOT)] {
                if let Some(label) = self.known(name, label) {
                    return self.add(parent, NodeName::Known(label), value);
                }
            }
            if words.contains(':') && label.len() < MAX_LABEL {
                return self.add(self.section.0, NodeName::Unknown(Cow::Borrowed(label)), value);
            }
        }
        if self.value == NONE {
            return self.add(Tree::root(), NodeName::Unknown(Cow::Borrowed("")), words);
        }
        let text = &mut self.tree.node_mut(self.value).text;
        if !text.is_empty() {
            text.to_mut().push('\n');
        }
        text.to_mut().push_str(words);
    }

    fn known(&self, parent: u32, label: &str) -> Option<u32> {
        self.names.find_label(parent, &normal(label))
    }

    fn is_section(&self, name: u32) -> bool {
        self.names.has_members(name)
    }

    fn start_section(&mut self, name: u32) {
        let node = self.tree.add(Tree::root(), self.last[0], NodeName::Known(name), Kind::Object, Cow::Borrowed(""));
        self.last = [node, NONE];
        self.section = (node, name);
        self.value = NONE;
    }

    fn add(&mut self, parent: NodeId, name: NodeName<'a>, value: &'a str) {
        let slot = usize::from(parent != Tree::root());
        let node = self.tree.add(parent, self.last[slot], name, Kind::Text, Cow::Borrowed(value));
        self.last[slot] = node;
        self.value = node;
    }
}

/// A longer text before a colon is a sentence, not a label.
const MAX_LABEL: usize = 60;

/// Blanks of every kind, and the bullets that some pages put before a label.
fn trim(text: &str) -> &str {
    text.trim_matches(|character: char| character.is_whitespace() || character == '\u{f0b7}')
}

/// Labels are compared without regard to the kind of apostrophe.
pub(super) fn normal(label: &str) -> Cow<'_, str> {
    if label.contains('\u{2019}') { Cow::Owned(label.replace('\u{2019}', "'")) } else { Cow::Borrowed(label) }
}
