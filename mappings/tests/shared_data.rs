//! The collected documents of others, where they are at hand: each is read, and written in every dialect.

#![expect(clippy::unwrap_used, reason = "the helpers of tests may fail as tests do")]

use std::{
    fs,
    path::{Path, PathBuf},
};

use mappings::{CANONICAL, Catalogue, ReadOptions, TranslateError, WriteOptions, translate};
use schemas::{DialectName, Kind};

/// Why a document may not be written: it says too little for the partner.
const REFUSALS: [&str; 6] =
    ["no_country", "no_french_or_dutch", "no_occupation", "no_reference", "no_status", "no_title"];

/// Greenhouse's own examples that are no vacancy of ours, with the fault that says so.
const UNREADABLE: [(&str, &str); 6] = [
    ("_job_events__job_deleted__02.json", "no_job_post"),
    ("_job_events__job_stage_deleted__08.json", "unknown_shape"),
    // The example has one name twice.
    ("_job_posts__get_list_job_posts_for_job__04.json", "duplicate_name"),
    // A job of Harvest does not name its post; that is added by whoever reads it.
    ("_jobs__get_list_jobs__02.json", "no_job_post"),
    ("_jobs__get_retrieve_job__03.json", "no_job_post"),
    ("_jobs__the_job_object__01.json", "no_job_post"),
];

#[test]
fn greenhouse_webhooks_are_translated() {
    translate_all("greenhouse", "ats/greenhouse/webhooks", "_job_events_");
}

#[test]
fn greenhouse_job_boards_are_translated() {
    translate_all("greenhouse", "ats/greenhouse/job_board", "_jobs__");
}

#[test]
fn harvest_job_posts_are_translated() {
    translate_all("greenhouse", "ats/greenhouse/harvest_v1", "_job_posts__");
}

#[test]
fn harvest_jobs_wait_for_their_post() {
    translate_all("greenhouse", "ats/greenhouse/harvest_v1", "_jobs__");
}

#[test]
fn eures_documents_are_translated() {
    translate_all("eures-xml", "belgium/eures-samples", "position-opening");
}

fn translate_all(from: &str, folder: &str, prefix: &str) {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data");
    if !data.exists() {
        eprintln!("skipped: no reference data at `{}`", data.display());
        return;
    }
    let documents = documents(&data.join(folder), prefix);
    assert!(!documents.is_empty(), "the reference data holds no `{folder}/{prefix}*`");
    let catalogue = Catalogue::embedded().unwrap();
    let from: DialectName = from.parse().unwrap();
    let targets = catalogue.mappings().filter(|mapping| mapping.kind() == Kind::Vacancy);
    let targets = targets.filter(|mapping| mapping.directions().writes()).map(|mapping| mapping.dialect());
    let targets: Vec<DialectName> = targets.cloned().chain([CANONICAL.parse().unwrap()]).collect();
    for path in documents {
        for to in &targets {
            translate_one(&catalogue, &from, to, &path);
        }
    }
}

fn translate_one(catalogue: &Catalogue, from: &DialectName, to: &DialectName, path: &Path) {
    let bytes = fs::read(path).unwrap();
    let options = (&ReadOptions::default(), &WriteOptions::default());
    let expected = UNREADABLE.iter().find(|(file, _)| path.ends_with(file)).map(|(_, code)| *code);
    match (translate(catalogue, (from, to), Kind::Vacancy, &bytes, options), expected) {
        (Ok(translation), None) => {
            assert!(!translation.bytes.is_empty() && translation.loss.kept > 0, "{}", path.display());
        }
        (Err(TranslateError::Refused(refusal)), None) => {
            assert!(
                to.as_str() != CANONICAL && REFUSALS.contains(&refusal.code.as_str()),
                "{} to {to}: {refusal}",
                path.display()
            );
        }
        (Err(TranslateError::Unreadable(failure)), Some(code)) => {
            assert_eq!(failure.faults[0].code, code, "{}", path.display());
        }
        (other, _) => panic!("{} to {to}: {other:?}", path.display()),
    }
}

fn documents(folder: &Path, prefix: &str) -> Vec<PathBuf> {
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<PathBuf> =
        files.filter(|path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(prefix))).collect();
    files.sort();
    files
}
