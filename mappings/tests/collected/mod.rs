//! Candidates that were collected from others, where they are at hand. They stay where they are: nothing of them is part
//! of this project.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// Dialect, folder, and how the names of its candidates begin and end.
const CANDIDATES: [(&str, &str, &[&str], &str); 10] = [
    ("json-resume", "ats/jsonresume", &["sample.resume"], ".json"),
    ("hropen-json", "ats/hropen-4.2.1/recruiting/json/samples", &["Candidate_", "candidate_"], ".json"),
    ("hropen-json", "ats/jazzhr", &["hropen-candidate"], ".json"),
    (
        "hrxml-2.5",
        "ats/hrxml-2.5/SEP",
        &["CandidateExample", "ExecutiveSummary", "Resume", "SupportingMaterials"],
        ".xml",
    ),
    ("europass-xml", "ats/europass", &["candidate-"], ".xml"),
    ("eures-candidate-xml", "belgium/eures-samples", &["candidate-"], ".xml"),
    ("greenhouse", "ats/greenhouse/harvest_v1", &["_candidates__"], ".json"),
    ("greenhouse", "ats/greenhouse/ingestion", &["_candidates__"], ".json"),
    ("teamtailor", "ats/teamtailor", &["candidates_"], ".json"),
    ("af-connect", "morocco/pes_cv", &["af_connect_"], ".json"),
];

/// Webhooks of Greenhouse that tell of a candidate.
const EVENTS: [&str; 8] = [
    "_application_events__application_created",
    "_application_events__prospect_created",
    "_candidate_events__candidate_anonymized",
    "_candidate_events__candidate_deleted",
    "_candidate_events__candidate_hired",
    "_candidate_events__candidate_merged",
    "_candidate_events__candidate_prospect_unrejected",
    "_candidate_events__candidate_prospect_updated",
];

/// Where the collection lies; nothing, and a word about it, where this machine does not have it.
pub fn data() -> Option<PathBuf> {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data");
    let data = if data.exists() { data } else { Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data") };
    if !data.exists() {
        println!("skipped: the collected documents (`../shared/data`) are not on this machine");
        return None;
    }
    Some(data)
}

/// Every collected candidate with its dialect. There must be some of every sort.
pub fn candidates() -> Vec<(&'static str, PathBuf)> {
    let Some(data) = data() else { return Vec::new() };
    let mut all = Vec::new();
    for (dialect, folder, beginnings, ending) in CANDIDATES {
        all.extend(files(&data.join(folder), beginnings, ending).into_iter().map(|path| (dialect, path)));
    }
    let events = files(&data.join("ats/greenhouse/webhooks"), &EVENTS, ".json");
    all.extend(events.into_iter().map(|path| ("greenhouse", path)));
    all
}

fn files(folder: &Path, beginnings: &[&str], ending: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("`{}`: {error}", folder.display()));
    let fits = |path: &PathBuf| {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        name.ends_with(ending) && beginnings.iter().any(|beginning| name.starts_with(beginning))
    };
    let mut found: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).filter(fits).collect();
    found.sort();
    assert!(!found.is_empty(), "`{}` holds no candidates", folder.display());
    found
}
