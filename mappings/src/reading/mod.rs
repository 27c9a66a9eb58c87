//! Runs a plan over a document: document in, record and loss report out.

mod coded;
mod conditions;
mod derived;
mod hidden;
mod leaf;
mod lists;
mod month;
mod pattern;
mod places;
mod reader;
mod said;
mod sweep;

use schemas::{LossReport, Operation, Record};

use crate::{complement::Complement, defaults::Defaults};

pub(crate) use conditions::shape_of;
pub(crate) use leaf::{Read, shift};
pub(crate) use reader::read;

/// What a reader may ask for.
#[derive(Debug, Clone, Copy, Default)]
pub struct ReadOptions<'a> {
    /// What the partner's documents never say.
    pub defaults: Option<&'a Defaults>,
    /// Whether the trail of what was kept is wanted too.
    pub full: bool,
}

/// What was made of a document.
#[derive(Debug)]
pub struct Reading {
    /// The canonical record.
    pub record: Record,
    /// What the document does to its entity.
    pub operation: Operation,
    /// Which of the dialect's shapes it had.
    pub shape: Option<String>,
    /// What could not be carried.
    pub loss: LossReport,
    /// What the record cannot hold.
    pub complement: Complement,
    /// Every field that was kept, if it was asked for.
    pub trail: Vec<Trail>,
}

/// A field of a document and where it went, or came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trail {
    /// Where in the document: JSON Pointer, XPath or label.
    pub pointer: String,
    /// Where in the canonical record.
    pub path: String,
}
