//! HR Open 4.2.1, where it is at hand: its schemas may not be part of this project, and are looked for in `../shared/data/ats`.

use std::{
    error::Error,
    fs,
    path::{Path, PathBuf},
};

use jsonschema::{Draft, Retrieve, Uri, Validator};
use serde_json::Value as Json;

const BASE: &str = "file:///hropen/recruiting/json/CandidateType.json";

/// The files of HR Open under their own addresses.
struct Files(PathBuf);

impl Retrieve for Files {
    fn retrieve(&self, uri: &Uri<String>) -> Result<Json, Box<dyn Error + Send + Sync>> {
        let path = uri.path().as_str().strip_prefix("/hropen/").ok_or("an address outside of the standard")?;
        Ok(serde_json::from_slice(&fs::read(self.0.join(path))?)?)
    }
}

/// A document.
pub fn json(path: &Path) -> Json {
    let bytes = fs::read(path).unwrap_or_else(|error| panic!("`{}`: {error}", path.display()));
    serde_json::from_slice(&bytes).unwrap()
}

/// HR Open 4.2.1, `CandidateType`.
pub fn hropen(data: &Path) -> Validator {
    let folder = data.join("ats/hropen-4.2.1");
    let root = json(&folder.join("recruiting/json/CandidateType.json"));
    let options = jsonschema::options().with_draft(Draft::Draft4).with_base_uri(BASE);
    options.with_retriever(Files(folder)).should_validate_formats(true).build(&root).unwrap()
}

/// What a schema says against a document.
pub fn faults(schema: &Validator, document: &[u8]) -> Vec<String> {
    let document: Json = serde_json::from_slice(document).unwrap();
    schema.iter_errors(&document).map(|error| format!("{}: {error}", error.instance_path)).collect()
}
