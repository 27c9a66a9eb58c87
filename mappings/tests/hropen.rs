//! HR Open candidates as we write them, checked against the published schema where it is at hand.
//!
//! The schema may not be part of this project: it is looked for in `../shared/data/ats/hropen-4.2.1`.

#![expect(clippy::unwrap_used, reason = "the helpers of tests may fail as tests do")]

mod generated;

use std::{
    error::Error,
    fs,
    path::{Path, PathBuf},
};

use jsonschema::{Draft, Retrieve, Uri, Validator};
use mappings::{Catalogue, Mapping, ReadOptions, TranslateError, WriteOptions, laws};
use proptest::{
    strategy::{Strategy, ValueTree},
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};
use schemas::{Category, Kind, Mask};
use serde_json::Value as Json;

const BASE: &str = "file:///hropen/recruiting/json/CandidateType.json";

/// The files of the standard under their own addresses.
struct Files(PathBuf);

impl Retrieve for Files {
    fn retrieve(&self, uri: &Uri<String>) -> Result<Json, Box<dyn Error + Send + Sync>> {
        let path = uri.path().as_str().strip_prefix("/hropen/").ok_or("an address outside of the standard")?;
        Ok(serde_json::from_slice(&fs::read(self.0.join(path))?)?)
    }
}

fn data() -> Option<PathBuf> {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data");
    if !data.exists() {
        eprintln!("skipped: no reference data at `{}`", data.display());
        return None;
    }
    Some(data.join("ats/hropen-4.2.1"))
}

fn schema(folder: &Path) -> Validator {
    let root = fs::read(folder.join("recruiting/json/CandidateType.json")).unwrap();
    let root: Json = serde_json::from_slice(&root).unwrap();
    jsonschema::options()
        .with_draft(Draft::Draft4)
        .with_base_uri(BASE)
        .with_retriever(Files(folder.to_owned()))
        .should_validate_formats(true)
        .build(&root)
        .unwrap()
}

/// What the schema says against a document.
fn faults(schema: &Validator, document: &[u8]) -> Vec<String> {
    let document: Json = serde_json::from_slice(document).unwrap();
    schema.iter_errors(&document).map(|error| format!("{}: {error}", error.instance_path)).collect()
}

fn hropen(catalogue: &Catalogue) -> &Mapping {
    catalogue.mapping(&"hropen-json".parse().unwrap(), Kind::TalentProfile).unwrap()
}

#[test]
fn the_schema_refuses_what_is_wrong() {
    let Some(folder) = data() else { return };
    let schema = schema(&folder);
    for document in [
        r#"{"person": {"gender": "Unknown"}}"#,
        r#"{"documentId": {"schemeId": "x"}}"#,
        r#"{"person": {"communication": {"phone": [{"useCode": "mobile"}]}}}"#,
        r#"{"profiles": [{"education": [{"educationDegrees": [{"iscedEducationLevelCode": "9"}]}]}]}"#,
        r#"{"profiles": [{"employment": [{"start": "last year"}]}]}"#,
    ] {
        assert!(!faults(&schema, document.as_bytes()).is_empty(), "{document}");
    }
}

#[test]
fn what_samples_become_is_valid() {
    let Some(folder) = data() else { return };
    let schema = schema(&folder);
    let catalogue = Catalogue::embedded().unwrap();
    let mut count = 0;
    for mapping in catalogue.mappings().filter(|mapping| mapping.kind() == Kind::TalentProfile) {
        for sample in laws::samples(mapping) {
            let Ok(reading) = mapping.read(&sample.input, &ReadOptions::default()) else { continue };
            let masks = [None, Some(Mask::permitting([Category::Employment, Category::Languages, Category::Skills]))];
            for mask in masks {
                let options = WriteOptions { mask: mask.as_ref(), ..WriteOptions::default() };
                let writing = hropen(&catalogue).write(&reading.record, &options).unwrap();
                let found = faults(&schema, &writing.bytes);
                assert!(found.is_empty(), "{}/{}:\n{}", mapping.dialect(), sample.name, found.join("\n"));
                count += 1;
            }
        }
    }
    assert!(count >= 16, "only {count} documents were checked");
}

/// Values that are made by chance are no addresses, and no codes of the lists that the standard closes.
fn is_by_chance(fault: &str) -> bool {
    ["uri", "email", "is not one of", "date-time"].iter().any(|word| fault.contains(word))
}

#[test]
fn records_made_by_chance_have_the_shape_of_the_standard() {
    let Some(folder) = data() else { return };
    let schema = schema(&folder);
    let catalogue = Catalogue::embedded().unwrap();
    let records = generated::records(Kind::TalentProfile, catalogue.library());
    let random = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let mut runner = TestRunner::new_with_rng(Config { failure_persistence: None, ..Config::default() }, random);
    for _ in 0..200 {
        let record = records.new_tree(&mut runner).unwrap().current();
        let writing = hropen(&catalogue).write(&record, &WriteOptions::default()).unwrap();
        let found: Vec<String> = faults(&schema, &writing.bytes);
        let found: Vec<&String> = found.iter().filter(|fault| !is_by_chance(fault)).collect();
        assert!(found.is_empty(), "{found:#?}\n{}", String::from_utf8_lossy(&writing.bytes));
    }
}

/// Candidates of the standard itself are read; what is written of them is valid again.
#[test]
fn the_samples_of_the_standard_are_read() {
    let Some(folder) = data() else { return };
    let schema = schema(&folder);
    let catalogue = Catalogue::embedded().unwrap();
    let dialect = "hropen-json".parse().unwrap();
    let files = fs::read_dir(folder.join("recruiting/json/samples")).unwrap().map(|entry| entry.unwrap().path());
    let is_candidate = |path: &PathBuf| path.file_name().unwrap().to_string_lossy().starts_with("Candidate_");
    let files: Vec<PathBuf> = files.filter(is_candidate).collect();
    assert!(files.len() >= 8, "the reference data holds only {} candidates", files.len());
    for path in files {
        let bytes = fs::read(&path).unwrap();
        let options = (&ReadOptions::default(), &WriteOptions::default());
        let translated = mappings::translate(&catalogue, (&dialect, &dialect), Kind::TalentProfile, &bytes, options);
        match translated {
            Ok(translation) => {
                let found = faults(&schema, &translation.bytes);
                assert!(found.is_empty(), "{}:\n{}", path.display(), found.join("\n"));
            }
            Err(TranslateError::Unreadable(failure)) => panic!("{}: {failure}", path.display()),
            Err(error) => panic!("{}: {error}", path.display()),
        }
    }
}
