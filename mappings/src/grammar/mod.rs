//! The language of mapping files: TOML as written by an integrator, with the place of every word.
//!
//! **Invariant:** nothing here knows a document; every mistake is collected, none stops the reading.

mod conditions;
mod dialect;
mod file;
mod labels;
mod left;
mod like;
mod options;
mod place;
mod rule;
mod toml;

pub(crate) use conditions::Condition;
pub(crate) use dialect::Dialect;
pub use dialect::{Directions, Evidence};
pub(crate) use file::{Line, MappingFile, Shape, read_mapping_file};
pub(crate) use labels::{Labels, Parts, WrittenWording};
pub(crate) use left::{Bracket, Left, Segment};
pub(crate) use like::like_of;
pub(crate) use options::{LetterCase, MILLISECONDS, Rule, Scalar, TextKind, Written};
pub(crate) use place::{Place, Selection, Start, Step};
pub(crate) use toml::{entries, scalar};
