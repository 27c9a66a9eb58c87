//! Translates between the dialects of the outside world and the canonical records.

mod canonical;
mod catalogue;
pub mod codes;
mod complement;
mod confined;
mod coverage;
mod defaults;
mod document;
mod error;
mod fnv;
mod grammar;
pub mod laws;
mod mapping;
mod plan;
mod reading;
mod split;
pub mod text;
mod translate;
mod writing;

pub use canonical::{CANONICAL, read_canonical, write_canonical};
pub use catalogue::Catalogue;
pub use complement::Complement;
pub use coverage::{FieldCoverage, coverage, coverage_table};
pub use defaults::Defaults;
pub use document::{Fault, Format, MAX_BYTES, ReadFailure};
pub use error::MappingError;
pub use grammar::{Directions, Evidence};
pub use mapping::Mapping;
pub use reading::{ReadOptions, Reading, Trail};
pub use translate::{Complements, TranslateError, Translation, translate};
pub use writing::{CONSENT_MISSING_REQUIRED, Parameters, Refusal, WriteOptions, Writing};
