//! What others say a document must be: JSON Schemas, where they are at hand, and the rules of EURES.
//!
//! The schemas may not be part of this project: they are looked for in `../shared/data/ats`.

pub mod eures;
pub mod europass;
pub mod hropen;
pub mod hrxml;

use std::path::Path;

use jsonschema::{Draft, Validator};

use self::hropen::json;
pub use self::hropen::{faults, hropen};

/// JSON Resume.
pub fn json_resume(data: &Path) -> Validator {
    let root = json(&data.join("ats/jsonresume/schema.json"));
    jsonschema::options().with_draft(Draft::Draft7).should_validate_formats(true).build(&root).unwrap()
}
