//! What a mapping says of its labels, and how a line is recognised.

use std::{borrow::Cow, collections::HashMap};

use regex::Regex;

use super::{NameId, names::ROOT, tree::Damage, wording::Wordings};

/// What a mapping says of its labels.
#[derive(Debug, Default)]
pub(crate) struct LabelSyntax {
    /// The class of the element of a page that holds the document.
    pub(crate) page: Option<Box<str>>,
    /// What a label means, by the section that it stands in and its letters in [`normal`] form.
    pub(crate) labels: HashMap<(NameId, String), Meaning>,
    /// The label that documents begin with, and the one under which the line before it is read.
    pub(crate) first: Option<(NameId, NameId)>,
    /// Labels of running text: in a page only a label of the mapping ends it.
    pub(crate) texts: Vec<NameId>,
    /// Lines without a label that are known by their wording.
    pub(crate) lines: Vec<(Regex, NameId)>,
    /// Labels whose values say several things.
    pub(crate) parts: HashMap<NameId, Wordings>,
}

/// What a label means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Meaning {
    /// It begins a section.
    Section(NameId),
    /// It begins a value.
    Value(NameId),
    /// It is a heading in the running text of another label.
    Within(NameId),
    /// It only structures the page.
    Nothing,
}

/// A line, in the pieces that its mark-up makes of it, each with the blanks around it.
#[derive(Debug, Default, Clone)]
pub(super) struct Line<'a> {
    pub(super) pieces: Vec<Cow<'a, str>>,
    /// Whether it goes on with the value of the line before.
    pub(super) goes_on: bool,
    pub(super) damage: Damage,
}

impl LabelSyntax {
    /// The label that a line begins with, and the value behind it: a first piece, or what stands before a colon.
    pub(super) fn label<'a>(&self, section: NameId, line: &Line<'a>) -> Option<(Meaning, Cow<'a, str>)> {
        let (first, others) = line.pieces.split_first()?;
        if let Some(meaning) = self.meaning(section, without_colon(first)) {
            return Some((meaning, join(None, others)));
        }
        let (label, value) = match first {
            Cow::Borrowed(first) => first.split_once(':').map(|(label, value)| (label, Cow::Borrowed(value))),
            Cow::Owned(first) => first.split_once(':').map(|(label, value)| (label, Cow::Owned(value.to_owned()))),
        }?;
        Some((self.meaning(section, label)?, join(Some(value), others)))
    }

    /// Whether a piece of a line is a label with its colon.
    pub(super) fn is_label_with_colon(&self, section: NameId, piece: &str) -> bool {
        let piece = trim(piece);
        piece.ends_with(':') && self.meaning(section, without_colon(piece)).is_some()
    }

    /// What a label means in a section, or anywhere.
    fn meaning(&self, section: NameId, label: &str) -> Option<Meaning> {
        let mut key = (section, normal(label));
        let found = self.labels.get(&key).copied();
        key.0 = ROOT;
        found.or_else(|| self.labels.get(&key).copied())
    }
}

impl<'a> Line<'a> {
    /// Its words, as one text.
    pub(super) fn text(&self) -> Cow<'a, str> {
        match self.pieces.as_slice() {
            [Cow::Borrowed(only)] => Cow::Borrowed(trim(only)),
            pieces => Cow::Owned(trim(&pieces.concat()).to_owned()),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.pieces.iter().all(|piece| trim(piece).is_empty())
    }
}

fn join<'a>(first: Option<Cow<'a, str>>, others: &[Cow<'a, str>]) -> Cow<'a, str> {
    let pieces: Vec<Cow<'a, str>> = first.into_iter().chain(others.iter().cloned()).collect();
    Line { pieces, ..Line::default() }.text()
}

/// Blanks of every kind, and the bullets that some pages put before a label.
pub(super) fn trim(text: &str) -> &str {
    text.trim_matches(|character: char| character.is_whitespace() || character == '\u{f0b7}')
}

fn without_colon(label: &str) -> &str {
    trim(label).trim_end_matches(':')
}

/// Labels are compared without regard to case, blanks and the kind of apostrophe.
pub(crate) fn normal(label: &str) -> String {
    let words: Vec<&str> = trim(label).split_whitespace().collect();
    words.join(" ").replace('\u{2019}', "'").to_lowercase()
}
