//! Code lists that a document names itself, what a dialect says of coded fields, and what stands in for a value or
//! limits it.

#![expect(clippy::unwrap_used, reason = "the helpers of tests may fail as tests do")]

use std::fs;

use mappings::{Catalogue, Mapping, ReadOptions, WriteOptions};
use schemas::{DialectName, Kind, Record};
use serde_json::{Value as Json, json};

const MAPPING: &str = r#"
[dialect]
format = "xml"
root = "Job"
empty = "omit"

[namespaces]
xml = "http://www.w3.org/XML/1998/namespace"

[fields]
"reference"    = "Id"
"profiles[]"   = { each = "Text" }
"profiles[].language" = "Text/@xml:lang"
"profiles[].title" = "Text/Title"
"published_at" = { at = "From", date = ["%Y-%m-%d"] }
"valid_until"  = { at = "Until", date = ["%Y-%m-%d"], within_days = 90, of = ["published_at", "valid_from"] }
"openings"     = { at = "Openings", default = "1" }
"occupations[]" = { each = "Occupation", code = "./Code", label = "./Words", scheme = "./List", codes = ["isco-08", "rome-3"] }
"categories[]" = { each = "Category", code = "./Code", label = "./Words", scheme = "./List", codes = "vdab/jobdomein", others = "keep" }
"schedule.type" = { at = "Schedule", code = "./Code", codes = "eures/position-schedule" }
"pay[]"        = { each = "Pay" }
"pay[].minimum" = "./@least"

[constants]
"Dates" = ""

[assume]
"pay[].type" = "BasePay"
"#;

fn with_mapping(check: impl FnOnce(&Mapping)) {
    let folder = tempfile::tempdir().unwrap();
    let dialect = folder.path().join("dialects/named-lists");
    fs::create_dir_all(&dialect).unwrap();
    fs::write(dialect.join("vacancy.toml"), MAPPING).unwrap();
    let catalogue = Catalogue::load(folder.path()).unwrap();
    check(catalogue.mapping(&"named-lists".parse::<DialectName>().unwrap(), Kind::Vacancy).unwrap());
}

/// Reads a document; gives the record, the losses, and the document that it becomes again.
fn read(mapping: &Mapping, inside: &str) -> (Json, Vec<String>, String) {
    let document = format!("<Job><Id>1</Id>{inside}</Job>");
    let reading = mapping.read(document.as_bytes(), &ReadOptions::default()).unwrap();
    let losses = reading.loss.entries.iter().map(|loss| loss.code.to_string()).collect();
    let options = WriteOptions { complement: Some(&reading.complement), ..WriteOptions::default() };
    let again = String::from_utf8(mapping.write(&reading.record, &options).unwrap().bytes).unwrap();
    (serde_json::to_value(&reading.record).unwrap(), losses, again)
}

/// Writes a vacancy with a field; gives the document and the losses.
fn write(mapping: &Mapping, field: &str, value: Json) -> (String, Vec<String>) {
    let mut json = json!({"reference": "1"});
    json[field] = value;
    let record = Record::from_json(Kind::Vacancy, &json).unwrap();
    let writing = mapping.write(&record, &WriteOptions::default()).unwrap();
    let losses = writing.loss.entries.iter();
    let losses = losses.map(|loss| format!("{} {}", loss.code, loss.path.as_deref().unwrap_or_default()));
    (String::from_utf8(writing.bytes).unwrap(), losses.collect())
}

#[test]
fn the_list_that_a_document_names_counts() {
    with_mapping(|mapping| {
        for (list, code, found) in [
            ("isco-08", "2413", json!({"scheme": "isco-08", "code": "2413"})),
            ("rome-3", "M1201", json!({"scheme": "isco-08", "source_scheme": "rome-3", "source_code": "M1201"})),
            ("styrk", "2413", json!({"scheme": "styrk", "code": "2413"})),
        ] {
            let item = format!("<Occupation><List>{list}</List><Code>{code}</Code></Occupation>");
            let (record, losses, again) = read(mapping, &item);
            for (key, value) in found.as_object().unwrap() {
                assert_eq!(&record["occupations"][0][key], value, "{list} {key}: {record}");
            }
            assert!(losses.is_empty(), "{list}: {losses:?}");
            assert_eq!(again.contains(&item), list != "styrk", "{list}: {again}");
        }
    });
}

#[test]
fn codes_of_other_lists_are_carried_where_the_line_keeps_them() {
    with_mapping(|mapping| {
        let value = json!([{"scheme": "acme/department", "code": "7", "label": "Sales"}]);
        let (document, losses) = write(mapping, "categories", value.clone());
        assert!(document.contains("<List>acme/department</List>"), "{document}");
        assert!(losses.iter().all(|loss| !loss.contains("categories")), "{losses:?}");
        let (document, losses) = write(mapping, "occupations", value);
        assert!(!document.contains("Occupation"), "{document}");
        assert!(losses.contains(&"no_code_in_target occupations[0]".to_owned()), "{losses:?}");
    });
}

#[test]
fn words_without_a_place_make_no_empty_element() {
    with_mapping(|mapping| {
        let (document, losses) =
            write(mapping, "schedule", json!({"type": {"scheme": "eures/position-schedule", "label": "Soms"}}));
        assert!(!document.contains("Schedule"), "{document}");
        assert!(losses.contains(&"no_code_in_target schedule.type".to_owned()), "{losses:?}");
    });
}

#[test]
fn an_item_of_another_code_than_the_assumed_is_left_out() {
    with_mapping(|mapping| {
        let pay = |code: &str| json!([{"minimum": "100", "type": {"scheme": "eures/pay-type", "code": code}}]);
        let (document, losses) = write(mapping, "pay", pay("Bonus"));
        assert!(!document.contains("Pay"), "{document}");
        assert!(losses.contains(&"not_assumed pay[0].minimum".to_owned()), "{losses:?}");
        let (document, losses) = write(mapping, "pay", pay("BasePay"));
        assert!(document.contains("<Pay least=\"100\"/>"), "{document}");
        assert!(losses.iter().all(|loss| !loss.contains("pay")), "{losses:?}");
        let (record, losses, _) = read(mapping, "<Pay least=\"100\"/>");
        assert_eq!(record["pay"][0]["type"]["code"], "BasePay");
        assert_eq!(losses, ["not_said"]);
    });
}

#[test]
fn an_empty_constant_is_an_element_with_room_in_it() {
    with_mapping(|mapping| {
        let (document, _) = write(mapping, "status", json!("published"));
        assert!(document.contains("<Dates/>"), "{document}");
        let (_, _, again) = read(mapping, "<Dates><Start>2026-11-22</Start></Dates>");
        assert!(again.contains("<Dates><Start>2026-11-22</Start></Dates>"), "{again}");
    });
}

#[test]
fn what_could_not_be_read_comes_back_in_place_of_the_default() {
    with_mapping(|mapping| {
        let (record, losses, again) = read(mapping, "<Openings>many</Openings>");
        assert_eq!((&record["openings"], losses.as_slice()), (&Json::Null, &["no_number".to_owned()][..]));
        assert!(again.contains("<Openings>many</Openings>") && !again.contains("<Openings>1<"), "{again}");
    });
}

#[test]
fn a_period_ends_when_the_partner_ends_it() {
    with_mapping(|mapping| {
        for (field, start, until, written, loss) in [
            ("published_at", "2026-11-01", "2027-01-30", Some("2027-01-30"), None),
            ("published_at", "2026-11-01", "2027-01-31", Some("2027-01-30"), Some("shortened")),
            ("valid_from", "2026-11-01", "2027-06", None, Some("partial_date")),
            ("valid_from", "2026-11-01", "2027-05-01T12:00:00Z", Some("2027-01-30"), Some("shortened")),
            ("published_at", "2026-11-01", "2026-10-31", None, Some("out_of_range")),
            ("published_at", "2026", "2029-01-01", Some("2029-01-01"), None),
            ("created_at", "2026-11-01", "2029-01-01", Some("2029-01-01"), None),
        ] {
            let json = json!({"reference": "1", "valid_until": until, field: start});
            let record = Record::from_json(Kind::Vacancy, &json).unwrap();
            let writing = mapping.write(&record, &WriteOptions::default()).unwrap();
            let document = String::from_utf8(writing.bytes).unwrap();
            let found = document.split_once("<Until>").map(|(_, rest)| rest.split_once('<').unwrap().0);
            assert_eq!(found, written, "{json}");
            let code = writing.loss.entries.iter().find(|loss| loss.path.as_deref() == Some("valid_until"));
            assert_eq!(code.map(|loss| &*loss.code), loss, "{json}");
        }
    });
}

#[test]
fn the_prefix_of_xml_itself_is_not_declared() {
    with_mapping(|mapping| {
        let (document, _) = write(mapping, "profiles", json!([{"language": "fr", "title": "Soudeur"}]));
        assert!(document.contains("<Job><"), "{document}");
        assert!(document.contains("<Text xml:lang=\"fr\"><Title>Soudeur</Title></Text>"), "{document}");
        let (record, losses, _) = read(mapping, "<Text xml:lang=\"fr-BE\"><Title>Soudeur</Title></Text>");
        assert_eq!(record["profiles"][0]["language"], "fr");
        assert_eq!(losses, ["region_of_language"]);
    });
}
