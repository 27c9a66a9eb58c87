//! Translates between the dialects of the outside world and the canonical records.

mod catalogue;
pub mod codes;
mod complement;
mod defaults;
mod document;
mod error;
mod grammar;
mod mapping;
mod plan;
mod reading;
pub mod text;
mod writing;

pub use catalogue::Catalogue;
pub use complement::Complement;
pub use defaults::Defaults;
pub use document::{Fault, Format, ReadFailure};
pub use error::MappingError;
pub use grammar::{Directions, Evidence};
pub use mapping::Mapping;
pub use reading::{ReadOptions, Reading, Trail};
pub use writing::{Parameters, Refusal, WriteOptions, Writing};
