//! What a document says at the place of a code, and what is to be written there.

use std::sync::Arc;

use schemas::Value;

/// What a document says at the place of a code.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Given<'a> {
    /// The code, or the text that may be one.
    pub(crate) code: Option<&'a str>,
    /// The words beside it.
    pub(crate) label: Option<&'a str>,
    /// The second part of a pair.
    pub(crate) pair: Option<&'a str>,
    /// Which of the lists the document names.
    pub(crate) list: Option<usize>,
    /// The name of another list, if the document names one.
    pub(crate) other: Option<&'a str>,
}

/// What is to be written for a coded value.
#[derive(Debug, Clone, Default)]
pub(crate) struct Written<'a> {
    pub(crate) code: Option<Spelled<'a>>,
    pub(crate) label: Option<Spelled<'a>>,
    /// Which of the rule's lists the code is of.
    pub(crate) list: usize,
    /// The scheme of another list, if the code is of none of the rule's.
    pub(crate) other: Option<&'a str>,
    /// Why the value is not carried as it was.
    pub(crate) coarsened: Option<&'static str>,
    /// Whether words are lost that the code does not imply.
    pub(crate) loses_label: bool,
}

/// A text of the record or of a code list.
#[derive(Debug, Clone)]
pub(crate) enum Spelled<'a> {
    Borrowed(&'a str),
    Shared(Arc<str>),
}

impl Spelled<'_> {
    pub(crate) fn as_str(&self) -> &str {
        match self {
            Self::Borrowed(text) => text,
            Self::Shared(text) => text,
        }
    }
}

/// What was found for a code that was read.
pub(crate) struct Found {
    pub(crate) value: Value,
    /// Why the value is less sure than what was read.
    pub(crate) coarsened: Option<&'static str>,
}
