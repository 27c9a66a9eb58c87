//! Tests of the Avro codec.

use apache_avro::schema_compatibility::SchemaCompatibility;

use super::*;
use crate::path::Path;

fn sample() -> Record {
    let mut record = Record::new(Kind::Vacancy);
    for (path, value) in [
        ("reference", Value::text("R/1")),
        ("status", Value::Symbol(2)),
        ("openings", Value::Integer(3)),
        ("profiles[nl].title", Value::text("Lasser")),
        ("profiles[fr].description", Value::text("")),
        ("contract.immediate_start", Value::Boolean(true)),
        ("contract.type.obtained", Value::Symbol(3)),
        ("locations[0].city", Value::text("Gent")),
        ("source.duplicates", Value::List(vec![])),
    ] {
        *Path::resolve(record.model(), path).unwrap().slot(record.root_mut()) = value;
    }
    record
}

#[test]
fn a_record_is_read_as_it_was_written() {
    let bytes = sample().to_avro().unwrap();
    assert_eq!(Record::from_avro(Kind::Vacancy, &bytes).unwrap(), sample());
}

#[test]
fn a_cut_or_padded_record_is_an_error() {
    let bytes = sample().to_avro().unwrap();
    for length in 0..bytes.len() {
        assert!(Record::from_avro(Kind::Vacancy, &bytes[..length]).is_err(), "cut at {length}");
    }
    let padded = [bytes, vec![0]].concat();
    assert!(matches!(Record::from_avro(Kind::Vacancy, &padded), Err(CodecError::Damaged(_))));
}

#[test]
fn the_schema_of_a_newer_program_is_named() {
    let mut bytes = sample().to_avro().unwrap();
    bytes[4] ^= 0xFF;
    let error = Record::from_avro(Kind::Vacancy, &bytes).unwrap_err().to_string();
    assert!(error.contains("upgrade before you read"), "{error}");
}

#[test]
fn every_version_reads_every_other() {
    for (subject, current) in [
        ("vacancy", include_str!("../../avro/vacancy.avsc")),
        ("envelope", include_str!("../../avro/envelope.avsc")),
        ("content", include_str!("../../avro/content.avsc")),
    ] {
        let versions = published_versions(subject);
        assert_eq!(versions.last().copied(), Some(current), "publish {subject}.avsc under avro/published/{subject}/");
        for one in versions {
            for other in versions {
                SchemaCompatibility::mutual_read(parse(one), parse(other))
                    .unwrap_or_else(|error| panic!("{subject}: {error}"));
            }
        }
    }
}

#[test]
fn every_field_has_a_default_and_every_enum_a_default_symbol() {
    fn check(json: &serde_json::Value, at: &str) {
        for field in json["fields"].as_array().into_iter().flatten() {
            let name = format!("{at}.{}", field["name"].as_str().unwrap());
            assert!(field.get("default").is_some(), "{name} has no default");
            check(&field["type"], &name);
        }
        if json["type"] == "enum" {
            assert!(json["default"].is_string(), "{at} has no default symbol");
        }
        for inner in json.as_array().into_iter().flatten() {
            check(inner, at);
        }
        for inner in [&json["items"], &json["type"]] {
            if inner.is_object() || inner.is_array() {
                check(inner, at);
            }
        }
    }
    for subject in ["vacancy", "envelope", "content"] {
        let text = published_versions(subject).last().unwrap();
        check(&serde_json::from_str(text).unwrap(), subject);
    }
}
