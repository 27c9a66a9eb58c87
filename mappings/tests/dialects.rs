//! What the dialects that are part of the program promise, beyond their samples.

#![expect(clippy::unwrap_used, reason = "the helpers of tests may fail as tests do")]

use std::{fs, path::Path};

use mappings::{Catalogue, Mapping, ReadOptions, WriteOptions, coverage_table};
use schemas::{DialectName, Kind, Operation, Record};
use serde_json::{Value as Json, json};

fn mapping<'c>(catalogue: &'c Catalogue, dialect: &str) -> &'c Mapping {
    catalogue.mapping(&dialect.parse::<DialectName>().unwrap(), Kind::Vacancy).unwrap()
}

/// A vacancy that EURES takes, with changes.
fn vacancy(changes: &Json) -> Record {
    let mut json = json!({
        "reference": "R-1", "status": "published", "openings": 1,
        "profiles": [{"language": "nl", "title": "Lasser", "description": "<p>Je last.</p>"}],
        "employer": {"name": "Havenbouw De Kade"},
        "occupations": [{"scheme": "isco-08", "code": "7212"}],
        "locations": [{"country": "BE", "city": "Gent"}],
    });
    for (field, value) in changes.as_object().unwrap() {
        json[field] = value.clone();
    }
    Record::from_json(Kind::Vacancy, &json).unwrap()
}

/// What is written for EURES, or the code of the refusal, with the loss codes.
fn to_eures(changes: &Json) -> (Result<String, String>, Vec<String>) {
    let catalogue = Catalogue::embedded().unwrap();
    match mapping(&catalogue, "eures-xml").write(&vacancy(changes), &WriteOptions::default()) {
        Ok(writing) => {
            let losses = writing.loss.entries.iter();
            let losses = losses.map(|loss| format!("{} {}", loss.code, loss.path.as_deref().unwrap_or_default()));
            (Ok(String::from_utf8(writing.bytes).unwrap()), losses.collect())
        }
        Err(refusal) => (Err(refusal.code), Vec::new()),
    }
}

#[test]
fn eures_refuses_what_it_would_reject() {
    for (changes, code) in [
        (json!({"locations": [{"country": "MA", "city": "Tanger"}]}), "no_country"),
        (json!({"locations": [{"city": "Gent"}]}), "no_country"),
        (json!({"locations": null}), "no_country"),
        (json!({"occupations": null}), "no_occupation"),
        (json!({"occupations": [{"scheme": "vdab/jobdomein", "code": "JOBCAT01"}]}), "no_occupation"),
        (json!({"profiles": [{"language": "nl"}]}), "no_title"),
        (json!({"status": null}), "no_status"),
        (json!({"reference": null}), "no_reference"),
    ] {
        assert_eq!(to_eures(&changes).0, Err(code.to_owned()), "{changes}");
    }
}

#[test]
fn eures_is_sent_only_codes_of_its_lists() {
    let morocco = json!([{"country": "MA", "city": "Tanger"}, {"country": "BE", "city": "Gent"}]);
    let nuts = |code: &str, version: &str| json!([{"country": "BE", "nuts": {"scheme": "nuts", "scheme_version": version, "code": code}}]);
    let pay = |currency: &str| json!([{"minimum": "2500", "currency": currency}]);
    for (changes, is_in, text, loss) in [
        (json!({"locations": morocco}), false, "Tanger", Some("not_a_member_country locations[0].country")),
        (json!({"locations": nuts("BE234", "2024")}), true, ">BE234<", None),
        (
            json!({"locations": nuts("BE224", "2024")}),
            false,
            "CountrySubDivisionCode",
            Some("no_code_in_target locations[0].nuts"),
        ),
        (
            json!({"locations": nuts("FR301", "2013")}),
            false,
            "CountrySubDivisionCode",
            Some("not_in_country locations[0].nuts"),
        ),
        (json!({"locations": [{"country": "GR"}]}), true, "<CountryCode>EL</CountryCode>", None),
        (json!({"pay": pay("EUR")}), true, "<RemunerationMinimumAmount currencyID=\"EUR\">2500<", None),
        (json!({"pay": pay("MAD")}), false, "Remuneration", Some("no_currency_of_the_list pay[0].minimum")),
        (json!({"contract": {"starts_text": "meteen"}}), false, "meteen", Some("not_a_date contract.starts_text")),
        (json!({"valid_from": "2026-11-22T08:30:00.5Z"}), true, "validFrom=\"2026-11-22T08:30:00\"", None),
        (json!({"contract": {"ends_on": "2027-06"}}), true, "<DateText>2027-06</DateText>", None),
    ] {
        let (document, losses) = to_eures(&changes);
        assert_eq!(document.unwrap().contains(text), is_in, "{changes}: {text}");
        if let Some(loss) = loss {
            assert!(losses.iter().any(|found| found == loss), "{changes}: {losses:?}");
        }
    }
}

#[test]
fn a_code_of_another_list_does_not_pass_for_one_of_ours() {
    let catalogue = Catalogue::embedded().unwrap();
    let document = |attributes: &str| {
        format!(
            "<PositionOpening xmlns='http://www.hr-xml.org/3'><DocumentID>1</DocumentID><PositionProfile languageCode='en'>\
             <PositionTitle>x</PositionTitle><JobCategoryCode{attributes}>7212</JobCategoryCode>\
             </PositionProfile></PositionOpening>"
        )
    };
    for (attributes, scheme, version, loss) in [
        ("", "isco-08", Some("2008"), None),
        (" listName='ISCO2008'", "isco-08", Some("2008"), None),
        (" listName='STYRK' listVersionID='98'", "STYRK", Some("98"), Some("unknown_list")),
        (" listName='STYRK'", "STYRK", None, Some("unknown_list")),
    ] {
        let document = document(attributes);
        let reading = mapping(&catalogue, "eures-xml").read(document.as_bytes(), &ReadOptions::default()).unwrap();
        let record = serde_json::to_value(&reading.record).unwrap();
        let occupation = &record["occupations"][0];
        assert_eq!((occupation["scheme"].as_str(), occupation["code"].as_str()), (Some(scheme), Some("7212")));
        assert_eq!(occupation.get("scheme_version").and_then(Json::as_str), version, "{attributes}");
        let losses: Vec<&str> = reading.loss.entries.iter().map(|loss| &*loss.code).collect();
        assert_eq!(losses, Vec::from_iter(loss), "{attributes}");
    }
}

#[test]
fn a_draft_is_unpublished_for_vdab_and_that_is_said() {
    let catalogue = Catalogue::embedded().unwrap();
    for (status, letters, loss) in [
        ("published", "GEPUBLICEERD", None),
        ("unpublished", "NIET_GEPUBLICEERD", None),
        ("draft", "NIET_GEPUBLICEERD", Some("target_is_broader status")),
        ("closed", "AFGESLOTEN", None),
    ] {
        let record = Record::from_json(Kind::Vacancy, &json!({"reference": "R-1", "status": status})).unwrap();
        let writing = mapping(&catalogue, "vdab-json").write(&record, &WriteOptions::default()).unwrap();
        let document: Json = serde_json::from_slice(&writing.bytes).unwrap();
        assert_eq!(document["status"], letters);
        let losses = writing.loss.entries.iter();
        let losses: Vec<String> =
            losses.map(|loss| format!("{} {}", loss.code, loss.path.as_deref().unwrap_or_default())).collect();
        assert_eq!(losses, Vec::from_iter(loss), "{status}");
    }
}

#[test]
fn compulsory_elements_get_defaults_that_are_reported() {
    let (document, losses) = to_eures(&json!({"openings": null, "employer": null}));
    let document = document.unwrap();
    for text in [
        "<Instructions>Apply to the employer.</Instructions>",
        "<OrganizationName>Employer not named</OrganizationName>",
        "<PositionOpenQuantity>1</PositionOpenQuantity>",
        "<ImmediateStartIndicator>false</ImmediateStartIndicator>",
        "<PositionScheduleTypeCode>Any</PositionScheduleTypeCode>",
    ] {
        assert!(document.contains(text), "{text}");
    }
    for path in ["profiles[0].how_to_apply", "employer.name", "openings", "contract.immediate_start", "schedule.type"] {
        assert!(losses.contains(&format!("default {path}")), "{path}: {losses:?}");
    }
}

/// Reads a Greenhouse document.
fn greenhouse(document: &Json) -> Result<(Record, Operation, String), String> {
    let catalogue = Catalogue::embedded().unwrap();
    let reading = mapping(&catalogue, "greenhouse").read(document.to_string().as_bytes(), &ReadOptions::default());
    match reading {
        Ok(reading) => Ok((reading.record, reading.operation, reading.complement.to_json())),
        Err(failure) => Err(format!("{} {}", failure.faults[0].code, failure.faults[0].pointer)),
    }
}

fn job(changes: &Json) -> Json {
    let mut job = json!({
        "id": 7, "name": "Internal name", "job_post_id": 70, "status": "open", "notes": "Keep quiet", "confidential": false,
        "created_by_id": 9001, "hiring_team": {"recruiters": [{"user_id": 9002, "employee_id": "abc-9003"}]},
    });
    for (field, value) in changes.as_object().unwrap() {
        job[field] = value.clone();
    }
    json!({"action": "job_updated", "payload": {"job": job}})
}

#[test]
fn a_greenhouse_job_speaks_of_its_post() {
    let (record, operation, _) = greenhouse(&job(&json!({}))).unwrap();
    let record = serde_json::to_value(&record).unwrap();
    assert_eq!((record["reference"].as_str(), operation), (Some("70"), Operation::Upsert));
    assert_eq!(record.get("status"), None, "an open job says nothing about publication");
    let (record, operation, _) =
        greenhouse(&job(&json!({"status": "closed", "closed_at": "2026-11-30T16:45:00Z"}))).unwrap();
    assert_eq!(operation, Operation::Close);
    assert_eq!(serde_json::to_value(&record).unwrap()["closed_at"], "2026-11-30T16:45:00Z");
    let fault = greenhouse(&job(&json!({"job_post_id": null}))).unwrap_err();
    assert_eq!(fault, "no_job_post /payload/job/job_post_id");
}

#[test]
fn who_hires_and_what_is_internal_is_kept_nowhere() {
    let (record, _, complement) = greenhouse(&job(&json!({}))).unwrap();
    let post = json!({"action": "job_post_updated", "payload": {
        "id": 70, "title": "Lasser", "content": "<p>Je last.</p>", "live": true, "internal_content": "Keep quiet",
        "questions": [{"label": "Keep quiet?", "values": []}],
    }});
    let (post, _, post_complement) = greenhouse(&post).unwrap();
    let harvest = include_str!("../dialects/greenhouse/samples/018-harvest-v1-job.in.json");
    let (_, _, harvest) = greenhouse(&serde_json::from_str(harvest).unwrap()).unwrap();
    assert!(harvest.contains("Oostende") && !harvest.contains("Verzonnen"), "{harvest}");
    let texts = [
        complement,
        post_complement,
        harvest,
        serde_json::to_string(&record).unwrap(),
        serde_json::to_string(&post).unwrap(),
    ];
    for text in texts {
        for secret in ["9001", "9002", "9003", "Keep quiet"] {
            assert!(!text.contains(secret), "{secret} in {text}");
        }
    }
}

#[test]
fn what_a_job_does_not_speak_of_stays() {
    let catalogue = Catalogue::embedded().unwrap();
    let mapping = mapping(&catalogue, "greenhouse");
    let read = |document: &Json| mapping.read(document.to_string().as_bytes(), &ReadOptions::default()).unwrap();
    let post = json!({"action": "job_post_updated", "payload": {
        "id": 70, "title": "Lasser", "location": "Gent", "content": "<p>Je last.</p>", "live": true, "external": true,
    }});
    let post = read(&post);
    let mut job = read(&job(&json!({"offices": [{"id": 1, "name": "Haven"}], "openings": [{"id": 1}, {"id": 2}]})));
    mapping.carry_over(job.shape.as_deref(), &post.record, &mut job.record);
    let record = serde_json::to_value(&job.record).unwrap();
    assert_eq!(record["status"], "published");
    assert_eq!(record["openings"], 2);
    assert_eq!(record["profiles"][0]["title"], "Lasser");
    assert_eq!(record["locations"][0]["text"], "Gent");
    assert_eq!(record["locations"][0]["region"]["label"], "Haven");
}

#[test]
fn every_field_of_a_vdab_vacancy_has_a_place() {
    let catalogue = Catalogue::embedded().unwrap();
    let document = include_bytes!("../dialects/vdab-json/samples/011-every-field.in.json");
    let reading = mapping(&catalogue, "vdab-json").read(document, &ReadOptions::default()).unwrap();
    let losses: Vec<&str> = reading.loss.entries.iter().filter_map(|loss| loss.path.as_deref()).collect();
    assert_eq!(losses, ["profiles[0].language", "pay[0].currency"]);
    assert!(reading.complement.is_empty());
}

#[test]
fn a_wage_in_another_currency_is_not_written_as_euros() {
    let catalogue = Catalogue::embedded().unwrap();
    for (currency, is_written) in [("EUR", true), ("USD", false)] {
        let record = vacancy(&json!({"pay": [{"minimum": "2500", "currency": currency}]}));
        let writing = mapping(&catalogue, "vdab-json").write(&record, &WriteOptions::default()).unwrap();
        let document = String::from_utf8(writing.bytes).unwrap();
        assert_eq!(document.contains("minimumBrutoLoon"), is_written, "{currency}: {document}");
        let is_reported = writing.loss.entries.iter().any(|loss| loss.code == "not_assumed");
        assert_eq!(is_reported, !is_written, "{currency}");
    }
}

#[test]
fn the_page_of_formats_says_what_the_mappings_do() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/formats.md");
    let page = fs::read_to_string(&path).unwrap();
    let (_, rest) = page.split_once("<!-- table -->\n").unwrap();
    let (table, _) = rest.split_once("<!-- end -->").unwrap();
    let wanted = coverage_table(&Catalogue::embedded().unwrap());
    assert!(table == wanted, "`docs/formats.md` must have the table of `passerelle mappings list --table`:\n{wanted}");
    for line in wanted.lines().filter(|line| line.contains("**ours**")) {
        assert!(line.to_lowercase().contains("our"), "the title says whose format it is: {line}");
    }
}
