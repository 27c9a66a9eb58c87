//! Tests of the Avro codec.

use std::{fs, path::Path};

use serde_json::json;

use super::*;
use crate::{Envelope, Hash, path::Path as FieldPath};

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
        *FieldPath::resolve(record.model(), path).unwrap().slot(record.root_mut()) = value;
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
    for subject in Subject::ALL {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("avro");
        let current = fs::read_to_string(folder.join(format!("{subject}.avsc"))).unwrap();
        let versions = published_versions(subject.as_str());
        assert_eq!(versions.last().copied(), Some(&*current), "publish {subject}.avsc under published/{subject}/");
        let files = fs::read_dir(folder.join("published").join(subject.as_str())).unwrap().count();
        assert_eq!(versions.len(), files, "list every file of published/{subject}/ in `published_versions`");
        for (number, one) in versions.iter().enumerate() {
            for (other_number, other) in versions.iter().enumerate() {
                check_full(one, other).unwrap_or_else(|error| {
                    panic!("{subject} {} and {} are not compatible: {error}", number + 1, other_number + 1)
                });
            }
        }
    }
}

/// What was published stands in logs: a version is never changed, only followed by another.
#[test]
fn published_versions_are_as_they_were() {
    let published = [
        (Subject::Envelope, "59a48a37b9bf26e5e89f5c7eb970253e1c32035dd558d9b46139f4de02e63d4a"),
        (Subject::Content, "0274a89654289c9523a94f71385b16d27f490479def88a00ebcdb0d3970d35a4"),
        (Subject::Vacancy, "9377f35b33be9079f96bac6f5ba06135b67edd0d8027b0003f0f4ff26e61e597"),
        (Subject::PlacementStatus, "1576f17cab214eed24f00b62c1ffd7f30b4896b37be0ceb62fe32713bc20c89f"),
        (Subject::TalentProfile, "28e91be3dd7c1c625c9071440ccaa1efe9a77c6fc58d9194408933d14ff48510"),
    ];
    for subject in Subject::ALL {
        let expected = published.iter().filter(|(of, _)| *of == subject).map(|(_, hash)| *hash);
        let found = published_versions(subject.as_str()).iter().map(|text| Hash::of(text.as_bytes()).to_string());
        assert_eq!(found.collect::<Vec<_>>(), expected.collect::<Vec<_>>(), "{subject}: add a version, never edit one");
    }
}

/// A version of a schema with one change.
fn changed(subject: Subject, change: impl FnOnce(&mut serde_json::Value)) -> String {
    let mut json = serde_json::from_str(subject.newest()).unwrap();
    change(&mut json);
    json.to_string()
}

fn field<'a>(json: &'a mut serde_json::Value, name: &str) -> &'a mut serde_json::Value {
    json["fields"].as_array_mut().unwrap().iter_mut().find(|field| field["name"] == name).unwrap()
}

fn without(json: &mut serde_json::Value, name: &str) {
    json["fields"].as_array_mut().unwrap().retain(|field| field["name"] != name);
}

fn with(json: &mut serde_json::Value, field: serde_json::Value) {
    json["fields"].as_array_mut().unwrap().insert(0, field);
}

#[test]
fn a_change_that_either_side_cannot_read_is_found() {
    let envelope = |change: fn(&mut serde_json::Value)| changed(Subject::Envelope, change);
    let refused = [
        ("a new field without a default", envelope(|json| with(json, json!({"name": "new", "type": "string"})))),
        ("another type", envelope(|json| field(json, "message_id")["type"] = json!("long"))),
        (
            "a wider type, which the old side cannot read",
            envelope(|json| {
                field(json, "origin")["type"]["fields"][6]["type"] = json!("double");
            }),
        ),
        (
            "a new type in a union",
            envelope(|json| field(json, "recipient")["type"] = json!(["null", "string", "long"])),
        ),
        (
            "a type of a union that is gone",
            envelope(|json| {
                field(json, "body")["type"].as_array_mut().unwrap().remove(2);
            }),
        ),
        ("null where there was none", envelope(|json| field(json, "entity_key")["type"] = json!(["null", "string"]))),
        (
            "an enum that loses its default and a symbol",
            envelope(|json| {
                let lane = &mut field(json, "lane")["type"];
                lane.as_object_mut().unwrap().remove("default");
                lane["symbols"].as_array_mut().unwrap().pop();
            }),
        ),
        ("another name", envelope(|json| json["name"] = json!("Letter"))),
    ];
    for (what, text) in refused {
        assert!(check_full(&text, Subject::Envelope.newest()).is_err(), "{what}");
        assert!(check_full(Subject::Envelope.newest(), &text).is_err(), "{what}");
        assert!(matches!(learn(&text), Err(CodecError::Schema(_))), "{what}");
    }
}

#[test]
fn what_a_newer_program_wrote_is_read_once_its_schema_is_learned() {
    let newer = changed(Subject::Vacancy, |json| {
        with(json, json!({"name": "mood", "type": ["null", "string"], "default": null}));
        without(json, "openings");
        let symbols = &mut field(json, "status")["type"][1]["symbols"];
        symbols.as_array_mut().unwrap().push(json!("rumoured"));
    });
    let schema = apache_avro::Schema::parse_str(&newer).unwrap();
    let theirs = apache_avro::writer::datum::GenericDatumWriter::builder(&schema).build().unwrap();
    let read_by_ours = |bytes: &[u8]| Record::from_avro(Kind::Vacancy, bytes);

    let ours = apache_avro::Schema::parse_str(Subject::Vacancy.newest()).unwrap();
    let reader = apache_avro::reader::datum::GenericDatumReader::builder(&ours).reader_schema(&schema).build().unwrap();
    let mut value = reader.read_value(&mut &sample().to_avro().unwrap()[10..]).unwrap();
    let apache_avro::types::Value::Record(fields) = &mut value else { panic!("a record") };
    fields[0].1 = apache_avro::types::Value::Union(1, Box::new("gloomy".into()));
    let datum = theirs.write_value_to_vec(value).unwrap();
    let bytes = [&[0xC3, 0x01][..], &schema.fingerprint::<apache_avro::rabin::Rabin>().bytes, &datum].concat();

    assert!(matches!(read_by_ours(&bytes), Err(CodecError::UnknownSchema { .. })));
    assert_eq!(learn(&newer).unwrap().subject, Subject::Vacancy);
    let read = read_by_ours(&bytes).unwrap();
    let mut expected = sample();
    *FieldPath::resolve(expected.model(), "openings").unwrap().slot(expected.root_mut()) = Value::Absent;
    assert_eq!(read, expected);
    for length in 10..bytes.len() {
        assert!(read_by_ours(&bytes[..length]).is_err(), "cut at {length}");
    }
    assert!(read_by_ours(&[bytes, vec![0]].concat()).is_err());
}

#[test]
fn a_bare_envelope_of_another_version_is_resolved() {
    let newer = changed(Subject::Envelope, |json| {
        with(json, json!({"name": "weight", "type": "long", "default": 0}));
        field(json, "lane")["type"]["symbols"].as_array_mut().unwrap().push(json!("express"));
        without(json, "hops");
    });
    let fingerprint = learn(&newer).unwrap().fingerprint;
    assert_eq!(learn(&newer).unwrap().fingerprint, fingerprint, "a second time changes nothing");
    let schema = apache_avro::Schema::parse_str(&newer).unwrap();
    let ours = apache_avro::Schema::parse_str(Subject::Envelope.newest()).unwrap();
    let envelope = crate::envelope::sample();
    let mut datum = Vec::new();
    envelope.write_datum(&mut datum).unwrap();
    assert_eq!(Envelope::from_datum(Subject::Envelope.newest_fingerprint(), &datum).unwrap(), envelope);

    let reader = apache_avro::reader::datum::GenericDatumReader::builder(&ours).reader_schema(&schema).build().unwrap();
    let mut value = reader.read_value(&mut &*datum).unwrap();
    let apache_avro::types::Value::Record(fields) = &mut value else { panic!("a record") };
    let lane = fields.iter_mut().find(|(name, _)| name == "lane").unwrap();
    lane.1 = apache_avro::types::Value::Enum(5, "express".to_owned());
    let theirs = apache_avro::writer::datum::GenericDatumWriter::builder(&schema).build().unwrap();
    let datum = theirs.write_value_to_vec(value).unwrap();
    let mut expected = envelope;
    expected.header.hops = Vec::new();
    expected.header.lane = None;
    assert_eq!(Envelope::from_datum(fingerprint, &datum).unwrap(), expected);
    assert!(Envelope::from_datum(fingerprint, &datum[..datum.len() - 1]).is_err());
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
    for subject in Subject::ALL {
        let text = published_versions(subject.as_str()).last().unwrap();
        check(&serde_json::from_str(text).unwrap(), subject.as_str());
    }
}
