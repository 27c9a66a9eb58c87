//! What the dialects of jobseekers promise beyond their samples: keys, telephones, what is absent and what is empty, scripts.

#![expect(clippy::unwrap_used, reason = "the helpers of tests may fail as tests do")]

use std::{fs, path::Path, sync::LazyLock};

use mappings::{Catalogue, Mapping, ReadOptions, WriteOptions, translate};
use schemas::{DialectName, Kind, Record};
use serde_json::{Value as Json, json};

const KIND: Kind = Kind::TalentProfile;

static CATALOGUE: LazyLock<Catalogue> = LazyLock::new(|| Catalogue::embedded().unwrap());

fn mapping(dialect: &str) -> &'static Mapping {
    CATALOGUE.mapping(&dialect.parse::<DialectName>().unwrap(), KIND).unwrap()
}

fn read(document: &Json) -> Record {
    let bytes = document.to_string();
    mapping("anapec-rest").read(bytes.as_bytes(), &ReadOptions::default()).unwrap().record
}

fn write(record: &Record) -> Json {
    let writing = mapping("anapec-rest").write(record, &WriteOptions::default()).unwrap();
    serde_json::from_slice(&writing.bytes).unwrap()
}

fn across(document: &Json, from: &str, to: &str) -> Json {
    let dialects = (&from.parse().unwrap(), &to.parse().unwrap());
    let options = (&ReadOptions::default(), &WriteOptions::default());
    serde_json::from_slice(
        &translate(&CATALOGUE, dialects, KIND, document.to_string().as_bytes(), options).unwrap().bytes,
    )
    .unwrap()
}

#[test]
fn telephone_numbers_are_international_inside_and_national_outside() {
    for (said, canonical, written) in [
        ("0612345678", "+212612345678", "0612345678"),
        ("+212612345678", "+212612345678", "0612345678"),
        ("00212512345678", "+212512345678", "0512345678"),
        // What is no number of the plan is carried as it is.
        ("0454545454", "0454545454", "0454545454"),
        ("06 12 34 56 78", "06 12 34 56 78", "06 12 34 56 78"),
        ("+32470000000", "+32470000000", "+32470000000"),
        ("061234567", "061234567", "061234567"),
    ] {
        let record = read(&json!({"chercheur": {"cin": "A1234", "n_gsm": said}}));
        assert_eq!(record.text("contacts[mobile].value"), Some(canonical), "{said}");
        assert_eq!(write(&record)["chercheur"]["n_gsm"], written, "{said}");
    }
}

#[test]
fn the_key_is_upper_case_whatever_was_typed() {
    let record = read(&json!({"chercheur": {"cin": " jb12345 "}}));
    assert_eq!(record.text("restricted_ids[ma-cin].value"), Some("JB12345"));
    assert_eq!(write(&record)["chercheur"]["cin"], "JB12345");
}

#[test]
fn what_is_absent_is_left_out_and_what_is_empty_is_written_empty() {
    let relations = ["mobilites", "diplomes", "experiences", "bureautiques", "permis", "langues", "emplois_metiers"];
    for relation in relations {
        let mut document = json!({"chercheur": {"cin": "A1234"}});
        document[relation] = json!([]);
        let written = write(&read(&document));
        for other in relations {
            let expected = (other == relation).then(|| json!([]));
            assert_eq!(written.get(other), expected.as_ref(), "{relation} is empty, {other}");
        }
    }
    let record = read(&json!({"chercheur": {"cin": "A1234", "adresse": "", "tel": null}}));
    assert_eq!(record.text("person.residence.address_line"), Some(""), "emptied");
    assert!(record.at("contacts").unwrap().is_absent(), "a null says nothing");
    assert_eq!(write(&record)["chercheur"], json!({"cin": "A1234", "adresse": ""}));
}

#[test]
fn an_update_keeps_what_it_leaves_out_and_empties_what_is_empty() {
    let before = read(&json!({
        "chercheur": {"cin": "A1234", "adresse": "4 rue inventée", "n_gsm": "0612345678", "tel": "0512345678", "ville_id": 11},
        "langues": [{"competence_linguistique_id": 1, "niveau": "Courant"}],
        "permis": [3],
        "experiences": [{"employeur": "Société Inventée"}]
    }));
    let mut now = read(&json!({
        "chercheur": {"cin": "A1234", "adresse": "", "n_gsm": "0700000000"},
        "langues": [{"competence_linguistique_id": 4}],
        "permis": []
    }));
    mapping("anapec-rest").carry_over(None, &before, &mut now);
    assert_eq!(
        write(&now),
        json!({
            "chercheur": {"cin": "A1234", "adresse": "", "ville_id": 11, "n_gsm": "0700000000", "tel": "0512345678"},
            "experiences": [{"employeur": "Société Inventée"}],
            "permis": [],
            "langues": [{"competence_linguistique_id": 4}]
        })
    );
}

#[test]
fn names_are_carried_letter_by_letter_in_every_script() {
    for (given, family) in [
        ("El Mehdi", "AÏT BEN HADDOU"),
        ("Moulay Ahmed", "OULD SIDI"),
        ("فاطمة الزهراء", "آيت المثال"),
        ("\u{2d30}\u{2d4e}\u{2d30}\u{2d63}\u{2d49}\u{2d56}", "\u{2d30}\u{2d62}\u{2d5c}"),
    ] {
        let document = json!({
            "chercheur": {"cin": "A1234", "nom_candidat": family, "prenom": given},
            "experiences": [{"intitule_poste": given, "commentaire": family}]
        });
        let record = read(&document);
        assert_eq!(write(&record), document, "there and back");
        let candidate = across(&document, "anapec-rest", "hropen-json");
        assert_eq!(candidate["person"]["name"]["given"], given);
        assert_eq!(candidate["profiles"][0]["employment"][0]["descriptions"][0], family);
    }
    let candidate = json!({"person": {
        "name": {"given": "Lina", "family": "Voorbeeld", "formattedName": "Lina Voorbeeld"},
        "alternateNames": [
            {"script": "Arab", "given": "لينة", "family": "المثال"},
            {"script": "Tfng", "given": "\u{2d4d}\u{2d49}\u{2d4f}\u{2d30}"}
        ]
    }});
    assert_eq!(across(&candidate, "hropen-json", "hropen-json"), candidate);
    let canonical = across(&candidate, "hropen-json", "canonical");
    assert_eq!(across(&canonical, "canonical", "hropen-json"), candidate);
}

#[test]
fn a_town_says_where_it_lies_and_what_it_is_called() {
    let record = read(&json!({"chercheur": {"cin": "A1234", "ville_id": 11}}));
    for (path, text) in [
        ("person.residence.city", "CASA-AIN CHOCK"),
        ("person.residence.country", "MA"),
        ("person.residence.town.code", "11"),
    ] {
        assert_eq!(record.text(path), Some(text), "{path}");
    }
    let record = read(&json!({"chercheur": {"cin": "A1234", "ville_id": 987_654}}));
    assert_eq!(record.text("person.residence.town.code"), Some("987654"), "carried as it is");
    assert_eq!(record.text("person.residence.city"), None, "and nothing follows from it");
}

/// The collected example of the service, where it is at hand.
#[test]
fn the_example_of_the_service_is_read_and_written() {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data");
    if !data.exists() {
        eprintln!("skipped: no reference data at `{}`", data.display());
        return;
    }
    let bytes = fs::read(data.join("morocco/anapec/sigec_inscription_request.example.json")).unwrap();
    let inscription = mapping("anapec-rest-inscription");
    let reading = inscription.read(&bytes, &ReadOptions::default()).unwrap();
    assert!(reading.loss.kept > 50, "{:?}", reading.loss);
    let options = WriteOptions { complement: Some(&reading.complement), ..WriteOptions::default() };
    let written: Json = serde_json::from_slice(&inscription.write(&reading.record, &options).unwrap().bytes).unwrap();
    let mut expected: Json = serde_json::from_slice(&bytes).unwrap();
    let chercheur = expected["chercheur"].as_object_mut().unwrap();
    // The service sets the dates itself, and a password is never carried.
    for name in ["password", "date_inscription", "date_derniere_actualisation"] {
        chercheur.remove(name);
    }
    assert_eq!(written, expected);
}
