//! Statuses that were collected from others, where they are at hand. They stay where they are: nothing of them is part of
//! this project.

use std::path::{Path, PathBuf};

/// Dialect, document, and what it may say has happened: `-` is nothing that could be told without asking the customer.
const STATUSES: [(&str, &str, &[&str]); 21] = [
    ("hropen-json", "ats/hropen-4.2.1/recruiting/json/samples/Candidate_UC1_ats_to_hris.json", &["-"]),
    ("hropen-json", "ats/jazzhr/hropen-candidate-webhook.json", &["-"]),
    ("jazzhr", "ats/jazzhr/hropen-candidate-webhook.json", &["-"]),
    ("greenhouse", "ats/greenhouse/harvest_v1/_applications__get_retrieve_application__03.json", &["-"]),
    ("greenhouse", "ats/greenhouse/harvest_v1/_applications__the_application_object__01.json", &["rejected"]),
    ("greenhouse", "ats/greenhouse/webhooks/_application_events__application_created__01.json", &["applied"]),
    (
        "greenhouse",
        "ats/greenhouse/webhooks/_application_events__application_deleted__02.json",
        &["closed_unspecified"],
    ),
    ("greenhouse", "ats/greenhouse/webhooks/_application_events__offer_created__04.json", &["offer_accepted"]),
    ("greenhouse", "ats/greenhouse/webhooks/_application_events__offer_approved__05.json", &["offer_accepted"]),
    ("greenhouse", "ats/greenhouse/webhooks/_application_events__offer_updated__06.json", &["-"]),
    ("greenhouse", "ats/greenhouse/webhooks/_application_events__offer_deleted__07.json", &["offer_rescinded"]),
    ("greenhouse", "ats/greenhouse/webhooks/_application_events__prospect_created__08.json", &["sourced"]),
    ("greenhouse", "ats/greenhouse/webhooks/_candidate_events__candidate_hired__02.json", &["offer_accepted"]),
    ("greenhouse", "ats/greenhouse/webhooks/_candidate_events__candidate_prospect_unrejected__07.json", &["-"]),
    ("teamtailor", "ats/teamtailor/job_applications_index__job_application_object__01.json", &["-"]),
    ("teamtailor", "ats/teamtailor/job_applications_read__show_a_job_application__02.json", &["-"]),
    ("smartrecruiters", "ats/smartrecruiters/webhook-application.created.body.json", &["-"]),
    ("recruitee", "ats/recruitee/webhook-candidate_moved-shape-DERIVED.json", &["-"]),
    ("lever", "ats/lever/webhook-candidateStageChange.json", &["-"]),
    ("lever", "ats/lever/webhook-test-candidateHired.json", &["offer_accepted"]),
    ("jazzhr", "ats/hropen-4.2.1/recruiting/json/samples/Candidate_UC1_ats_to_hris.json", &["-"]),
];

/// Where the collection lies; nothing, and a word about it, where this machine does not have it.
pub fn data() -> Option<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let found = ["../../shared/data", "../shared/data"].iter().map(|data| root.join(data)).find(|data| data.exists());
    if found.is_none() {
        println!("skipped: the collected documents (`../shared/data`) are not on this machine");
    }
    found
}

/// Every collected status with its dialect and what it may say. Where the collection is, each must be there.
pub fn statuses() -> Vec<(&'static str, PathBuf, &'static [&'static str])> {
    let Some(data) = data() else { return Vec::new() };
    let all = STATUSES.map(|(dialect, path, states)| (dialect, data.join(path), states));
    for (_, path, _) in &all {
        assert!(path.metadata().is_ok_and(|file| file.len() > 0), "`{}` is missing or empty", path.display());
    }
    all.into()
}
