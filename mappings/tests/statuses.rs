//! Statuses of placements in the words of others: each a vocabulary on the one machine, and nothing is guessed.

#![expect(clippy::unwrap_used, reason = "the helpers of tests may fail as tests do")]

mod said;

use std::fs;

use mappings::{Catalogue, Defaults, ReadOptions, Reading, WriteOptions, codes::Grade, laws};
use said::{KIND, REFUSALS, dialects, happened, losses, mapping, record, states};
use serde_json::{Value as Json, json};

/// Where the codes of all lists of statuses lead.
const MACHINE: &str = "passerelle/placement";

/// The lists of which a code may say that somebody has started to work: our own words, said by whoever knows it.
const SAY_STARTED: [(&str, &str); 2] = [("anapec/etape", "Démarré"), ("hrxml/staffing-action", "x:started")];

/// What a vendor may call hired.
const HIRED: [(&str, &str); 10] = [
    ("greenhouse/application-status", "hired"),
    ("hrxml/assignment-status", "active"),
    ("hrxml/human-resource-status", "accepted"),
    ("jazzhr/category", "Hired"),
    ("lever/event", "candidateHired"),
    ("odoo/application-status", "hired"),
    ("seek/candidate-process-status", "Successful"),
    ("smartrecruiters/status", "HIRE"),
    ("smartrecruiters/status", "HIRED"),
    ("teamtailor/stage-type", "Hired"),
];

fn read(catalogue: &Catalogue, dialect: &str, document: &Json) -> Reading {
    mapping(catalogue, dialect).read(document.to_string().as_bytes(), &ReadOptions::default()).unwrap()
}

#[test]
fn the_words_of_the_machine_are_a_list() {
    let catalogue = Catalogue::embedded().unwrap();
    let list = catalogue.library().list(MACHINE).unwrap();
    let codes: Vec<&str> = list.codes().map(|code| &**code).collect();
    assert_eq!(codes, states());
}

#[test]
fn what_is_called_hired_has_not_started() {
    let catalogue = Catalogue::embedded().unwrap();
    let mut seen = 0;
    for walk in catalogue.library().crosswalks().filter(|walk| *walk.object == *MACHINE) {
        for code in catalogue.library().list(&walk.subject).unwrap().codes() {
            let Some(link) = walk.forward(code) else { continue };
            seen += 1;
            let says_started = &*link.code == "started";
            assert_eq!(says_started, SAY_STARTED.contains(&(&*walk.subject, code)), "{} {code}", walk.subject);
            let is_of_ours = code.starts_with("x:");
            if HIRED.contains(&(&*walk.subject, code)) || (code.to_lowercase().contains("hire") && !is_of_ours) {
                let is_shortlist = code.contains("Shortlist");
                let is_not_hired = code.as_ref() == "Not Hired";
                let expected = match (is_shortlist, is_not_hired) {
                    (true, _) => "preselected",
                    (_, true) => "closed_unspecified",
                    _ => "offer_accepted",
                };
                assert_eq!(&*link.code, expected, "{} {code}", walk.subject);
            }
        }
    }
    for (list, code) in HIRED {
        let walk = catalogue.library().crosswalks().find(|walk| (&*walk.subject, &*walk.object) == (list, MACHINE));
        let link = walk.unwrap().forward(code).unwrap();
        assert_eq!((&*link.code, link.grade), ("offer_accepted", Grade::Close), "{list} {code}");
    }
    assert!(seen > 80, "{seen} codes lead to the machine");
}

#[test]
fn no_sample_but_that_of_an_adviser_says_started() {
    let catalogue = Catalogue::embedded().unwrap();
    let mut count = 0;
    for dialect in dialects(&catalogue) {
        let mapping = mapping(&catalogue, dialect.as_str());
        for sample in laws::samples(mapping) {
            let Ok(reading) = mapping.read(&sample.input, &ReadOptions::default()) else { continue };
            count += 1;
            assert_ne!(happened(&reading.record).as_deref(), Some("started"), "{dialect}/{}", sample.name);
        }
    }
    assert!(count > 80, "{count} samples were read");
}

#[test]
fn every_state_is_said_or_refused_or_lost_with_a_word() {
    let catalogue = Catalogue::embedded().unwrap();
    for dialect in dialects(&catalogue) {
        let mapping = mapping(&catalogue, dialect.as_str());
        let mut said = 0;
        for state in states() {
            let record = record(&json!({
                "reference": "E-1", "profile": "3f0c1b52-8a0e-4d2c-9a51-0b1e2c3d4e5f", "candidate": "970001",
                "effective_at": "2026-09-01T08:00:00Z", "happened": state,
            }));
            match mapping.write(&record, &WriteOptions::default()) {
                Err(refusal) => assert!(
                    REFUSALS.contains(&refusal.code.as_str()) && refusal.path == "happened",
                    "{dialect} {state}: {refusal}"
                ),
                Ok(writing) => {
                    said += 1;
                    let back = mapping.read(&writing.bytes, &ReadOptions::default()).unwrap();
                    let is_same = happened(&back.record).as_deref() == Some(state);
                    let is_told = !losses(&writing.loss, "happened").is_empty();
                    assert!(is_same || is_told, "{dialect} {state}: {:?}, and nothing is told", happened(&back.record));
                }
            }
        }
        // A dialect that says nothing would pass; what Recruitee says are stages of its customers.
        assert!(said > 1 || dialect.as_str() == "recruitee", "{dialect} says {said} states");
        assert!(
            said < states().len() || ["hropen-json", "hrxml-2.5", "placement-event"].contains(&dialect.as_str()),
            "{dialect} says everything"
        );
    }
}

#[test]
fn a_status_that_contradicts_what_happened_is_refused() {
    let catalogue = Catalogue::embedded().unwrap();
    for (dialect, scheme, code, state) in [
        ("smartrecruiters", "smartrecruiters/status", "REJECTED", "offer_made"),
        ("permit-notice", "be/permit-status", "granted", "permit_refused"),
        ("anapec-insertion", "anapec/etat-contrat", "Projet", "contract_signed"),
        ("seek", "seek/candidate-process-status", "ReferenceCheck", "interviewed"),
    ] {
        let said = |state: &str| {
            record(&json!({
                "reference": "E-1", "candidate": "C-1", "effective_at": "2026-09-01", "happened": state,
                "source_status": {"scheme": scheme, "code": code},
            }))
        };
        let refusal = mapping(&catalogue, dialect).write(&said(state), &WriteOptions::default()).unwrap_err();
        assert_eq!(refusal.path, "happened", "{dialect}: {refusal}");
    }
}

#[test]
fn the_status_of_another_party_does_not_pass_for_ones_own() {
    let catalogue = Catalogue::embedded().unwrap();
    let record = record(&json!({
        "candidate": "C-1", "effective_at": "2026-09-01", "happened": "offer_made",
        "source_status": {"scheme": "greenhouse/stage", "code": "2944102", "label": "REJECTED"},
    }));
    let writing = mapping(&catalogue, "smartrecruiters").write(&record, &WriteOptions::default()).unwrap();
    let document: Json = serde_json::from_slice(&writing.bytes).unwrap();
    assert_eq!(document["status"], "OFFER");
    assert_eq!(losses(&writing.loss, "source_status"), ["no_code_in_target", "derived"]);
}

#[test]
fn words_of_permits_mean_the_same_in_three_languages() {
    let catalogue = Catalogue::embedded().unwrap();
    for (english, dutch, french, state, annex) in [
        ("application", "aanvraag", "demande", "permit_requested", None),
        (
            "request for additional info",
            "Informatie bijgevraagd door regio",
            "demande d'informations complémentaires",
            "permit_info_requested",
            None,
        ),
        ("admissibility", "Ontvankelijk", "recevable", "permit_admissible", None),
        ("inadmissible", "Onontvankelijk", "irrecevable", "permit_inadmissible", None),
        (
            "positive decision on work",
            "Positieve beslissing werk",
            "décision positive travail",
            "work_authorised",
            None,
        ),
        ("negative decision on work", "negatieve beslissing werk", "décision négative travail", "work_refused", None),
        (
            "single permit granted",
            "gecombineerde vergunning toegekend",
            "permis unique accordé",
            "permit_granted",
            None,
        ),
        ("annex 46", "Bijlage 46", "Annexe 46", "permit_granted", Some("46")),
        ("annex 47", "Bijlage 47", "Annexe 47", "permit_granted", Some("47")),
        ("single permit refused", "gecombineerde vergunning geweigerd", "permis unique refusé", "permit_refused", None),
        ("appeal lodged", "beroep ingesteld", "recours introduit", "permit_appealed", None),
        ("visa D requested", "visum D aangevraagd", "visa D demandé", "visa_requested", None),
        ("visa D issued", "visum D afgegeven", "visa D délivré", "visa_issued", None),
        ("visa D refused", "visum D geweigerd", "visa D refusé", "visa_refused", None),
        ("no visa required", "geen visum nodig", "visa non requis", "visa_not_required", None),
        ("registered at the town hall", "ingeschreven bij de gemeente", "inscrit à la commune", "registered", None),
        ("annex 49", "Bijlage 49", "Annexe 49", "registered", Some("49")),
    ] {
        for words in [english, dutch, french] {
            for words in [words.to_owned(), words.to_uppercase()] {
                let notice = json!({"notice": {"id": "N-1", "status": words, "date": "2026-09-01"}});
                let read = serde_json::to_value(&read(&catalogue, "permit-notice", &notice).record).unwrap();
                assert_eq!(read["happened"], state, "{words}");
                assert_eq!(read["permit"]["annex"].as_str(), annex, "{words}");
                let kept = &read["source_status"];
                let is_code = kept["source_label"].is_null() && kept["code"] == english;
                assert!(kept["source_label"] == words || is_code, "the authority's words are kept: {kept}");
            }
        }
    }
    for words in
        ["eindbeslissing gecombineerde vergunning", "beslissing luik verblijf DVZ", "final decision single permit"]
    {
        let notice = json!({"notice": {"id": "N-1", "status": words, "date": "2026-09-01"}}).to_string();
        let failure = mapping(&catalogue, "permit-notice").read(notice.as_bytes(), &ReadOptions::default());
        assert_eq!(failure.unwrap_err().faults[0].code, "no_event_type", "{words}");
    }
}

#[test]
fn what_does_not_say_who_refused_whom_is_closed_and_told() {
    let catalogue = Catalogue::embedded().unwrap();
    let rejected = |reason: Json| {
        json!({"action": "reject_candidate", "payload": {"application": {
            "candidate": {"id": 1}, "rejected_at": "2026-09-01T08:00:00Z", "rejection_reason": reason,
        }}})
    };
    let kind = |name: &str| json!({"id": 1, "name": "x", "type": {"id": 1, "name": name}});
    for (document, state, is_told) in [
        (rejected(kind("We rejected them")), "rejected", false),
        (rejected(kind("They rejected us")), "withdrawn", false),
        (rejected(kind("None specified")), "closed_unspecified", true),
        (rejected(Json::Null), "closed_unspecified", true),
    ] {
        let reading = read(&catalogue, "greenhouse", &document);
        assert_eq!(happened(&reading.record).as_deref(), Some(state), "{document}");
        assert_eq!(!losses(&reading.loss, "happened").is_empty(), is_told, "{document}");
    }
}

#[test]
fn why_somebody_was_refused_stands_in_the_reason_alone() {
    let catalogue = Catalogue::embedded().unwrap();
    let mut seen = 0;
    for dialect in dialects(&catalogue) {
        let mapping = mapping(&catalogue, dialect.as_str());
        for sample in laws::samples(mapping) {
            if !String::from_utf8_lossy(&sample.input).contains("Invented reason") {
                continue;
            }
            let reading = mapping.read(&sample.input, &ReadOptions::default()).unwrap();
            let mut said = serde_json::to_value(&reading.record).unwrap();
            seen += usize::from(said["reason_text"] == "Invented reason");
            said["reason_text"] = Json::Null;
            assert!(!said.to_string().contains("Invented reason"), "{dialect}/{}: {said}", sample.name);
        }
    }
    assert!(seen > 5, "{seen} reasons were read");
}

/// A folder that maps stages of customers.
fn stages(maps: &[(&str, &str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("crosswalks")).unwrap();
    for (list, code, state) in maps {
        let name = format!("crosswalks/{}--passerelle-placement.sssom.tsv", list.replace('/', "-"));
        let text = format!(
            "#subject_source: {list}\n#object_source: {MACHINE}\nsubject_id\tpredicate_id\tobject_id\n\
             stage:{code}\tskos:exactMatch\tpasserelle:{state}\n"
        );
        fs::write(folder.path().join(name), text).unwrap();
    }
    folder
}

#[test]
fn a_customer_says_which_stage_is_which_state() {
    let folder = stages(&[
        ("greenhouse/stage", "2944102", "interviewed"),
        ("recruitee/stage", "Interview", "interview_scheduled"),
        ("recruitee/disqualify-reason", "Invented%20reason", "withdrawn"),
        ("lever/stage", "7c2690d8-6308-4ed9-ae2a-000000000001", "presented"),
        ("lever/archive-reason", "63dd55b2-a99f-4e7b-985f-000000000003", "rejected"),
        ("odoo/stage", "3", "interviewed"),
        ("odoo/refuse-reason", "4", "withdrawn"),
        ("teamtailor/stage", "22506", "interviewed"),
        ("jazzhr/stage", "Phone%20screen", "preselected"),
    ]);
    let ours = Catalogue::embedded().unwrap();
    let theirs = Catalogue::load(folder.path()).unwrap();
    for (dialect, sample, before, after, is_back) in [
        ("greenhouse", "010-stage-change", None, "interviewed", false),
        ("greenhouse", "014-unrejected", None, "interviewed", true),
        ("greenhouse", "016-unhired", None, "interviewed", true),
        ("recruitee", "001-stage-changed", None, "interview_scheduled", false),
        ("recruitee", "002-disqualified", Some("closed_unspecified"), "withdrawn", false),
        ("recruitee", "003-requalified", None, "interview_scheduled", true),
        ("lever", "003-stage-change", None, "presented", false),
        ("lever", "004-archived", Some("closed_unspecified"), "rejected", false),
        ("odoo", "002-ongoing-at-stage", None, "interviewed", false),
        ("odoo", "003-refused", Some("closed_unspecified"), "withdrawn", false),
        ("teamtailor", "002-in-process", None, "interviewed", false),
        ("jazzhr", "002-active", None, "preselected", false),
    ] {
        let samples = laws::samples(mapping(&ours, dialect));
        let input = &samples.iter().find(|known| known.name == sample).unwrap().input;
        let read = |catalogue| mapping(catalogue, dialect).read(input, &ReadOptions::default()).unwrap();
        let (plain, mapped) = (read(&ours), read(&theirs));
        assert_eq!(happened(&plain.record).as_deref(), before, "{dialect}/{sample}");
        assert!(!losses(&plain.loss, "happened").is_empty(), "{dialect}/{sample}: nothing is told");
        assert_eq!(happened(&mapped.record).as_deref(), Some(after), "{dialect}/{sample}");
        let mapped = serde_json::to_value(&mapped.record).unwrap();
        assert_eq!(mapped["is_back"] == true, is_back, "{dialect}/{sample}");
        assert!(mapped["source_status"]["code"].is_string(), "{dialect}/{sample}: the stage is kept");
    }
}

#[test]
fn a_stage_that_a_customer_has_mapped_is_written() {
    let folder = stages(&[("recruitee/stage", "Interview", "interview_scheduled")]);
    let catalogue = Catalogue::load(folder.path()).unwrap();
    let mapping = mapping(&catalogue, "recruitee");
    let said = |state: &str| record(&json!({"candidate": "4712", "happened": state}));
    let writing = mapping.write(&said("interview_scheduled"), &WriteOptions::default()).unwrap();
    let document: Json = serde_json::from_slice(&writing.bytes).unwrap();
    assert_eq!(document["payload"]["details"]["to_stage"]["name"], "Interview");
    assert_eq!(mapping.write(&said("offer_made"), &WriteOptions::default()).unwrap_err().code, "no_status");
    assert_eq!(laws::check_record(&catalogue, mapping, &said("interview_scheduled")).len(), 0);
}

#[test]
fn a_partner_file_says_which_stage_is_which_state() {
    let catalogue = Catalogue::embedded().unwrap();
    let text = "[[defaults_when]]\nwhen = { source_status = \"2944102\" }\nset = { happened = \"interviewed\" }\n";
    let defaults = Defaults::from_toml("partners/acme.toml", text, KIND).unwrap();
    let mapping = mapping(&catalogue, "greenhouse");
    let samples = laws::samples(mapping);
    let options = ReadOptions { defaults: Some(&defaults), ..ReadOptions::default() };
    for (sample, state) in [("010-stage-change", Some("interviewed")), ("015-hired", Some("offer_accepted"))] {
        let input = &samples.iter().find(|known| known.name == sample).unwrap().input;
        let reading = mapping.read(input, &options).unwrap();
        assert_eq!(happened(&reading.record).as_deref(), state, "{sample}");
    }
}
