//! Code lists, the crosswalks between them, and what a rule does with a code.

mod coded;
mod coder;
mod crosswalk;
mod entry;
mod grade;
mod library;
mod list;
mod said;

pub use crosswalk::{Crosswalk, Link};
pub use grade::Grade;
pub use library::Library;
pub use list::CodeList;

pub(crate) use coded::{CodedShape, Named};
pub(crate) use coder::Coder;
pub(crate) use said::{Found, Given, Spelled, Written};
