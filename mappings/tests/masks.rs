//! Documents under a mask: what is withheld is not there, stands in the report, and says nothing of the data.

#![expect(clippy::unwrap_used, reason = "the helpers of tests may fail as tests do")]

mod generated;

use std::sync::LazyLock;

use mappings::{
    CANONICAL, CONSENT_MISSING_REQUIRED, Catalogue, Mapping, ReadOptions, TranslateError, Translation, WriteOptions,
    translate,
};
use proptest::{prelude::*, sample::subsequence};
use schemas::{Category, DialectName, Kind, Mask, Outcome, Path, Record, Value};
use serde_json::{Value as Json, json};

const KIND: Kind = Kind::TalentProfile;

/// Everything but what is named.
fn everything_but(withheld: &[Category]) -> Mask {
    Mask::permitting(Category::ALL.iter().copied().filter(|category| !withheld.contains(category)))
}

static CATALOGUE: LazyLock<Catalogue> = LazyLock::new(|| Catalogue::embedded().unwrap());

fn mapping(dialect: &str) -> &'static Mapping {
    CATALOGUE.mapping(&dialect.parse::<DialectName>().unwrap(), KIND).unwrap()
}

/// Every mapping of talent profiles that writes.
fn written() -> impl Iterator<Item = &'static Mapping> {
    let mappings = CATALOGUE.mappings().map(|mapping| &**mapping);
    mappings.filter(|mapping| mapping.kind() == KIND && mapping.directions().writes())
}

fn jobseeker() -> Json {
    json!({
        "chercheur": {"cin": "AB123456", "nom_candidat": "EXEMPLE", "prenom": "Candidat", "n_gsm": "0600000000",
                      "e_mail": "candidat@example.org", "ville_id": 11, "adresse": "4 rue inventée"},
        "langues": [{"competence_linguistique_id": 4, "niveau": "Courant"}]
    })
}

fn translated(document: &Json, to: &str, mask: Option<&Mask>) -> Result<Translation, TranslateError> {
    let dialects = (&"anapec-rest".parse().unwrap(), &to.parse().unwrap());
    let write = WriteOptions { mask, full: true, ..WriteOptions::default() };
    translate(&CATALOGUE, dialects, KIND, document.to_string().as_bytes(), (&ReadOptions::default(), &write))
}

fn text(translation: &Translation) -> String {
    String::from_utf8(translation.bytes.clone()).unwrap()
}

/// What the report says is withheld: pointer, path and code.
fn withheld(translation: &Translation) -> Vec<(Option<&str>, Option<&str>, &str)> {
    let entries = translation.loss.entries.iter().filter(|entry| entry.outcome == Outcome::Withheld);
    entries.map(|entry| (entry.pointer.as_deref(), entry.path.as_deref(), &*entry.code)).collect()
}

#[test]
fn what_is_withheld_is_not_written_and_is_reported() {
    for to in ["hropen-json", CANONICAL] {
        let mask =
            everything_but(&[Category::Contact, Category::Picture]).because(Category::Picture, "before_interview");
        let translation = translated(&jobseeker(), to, Some(&mask)).unwrap();
        let text = text(&translation);
        assert!(text.contains("EXEMPLE") && !text.contains("example.org") && !text.contains("60000000"), "{text}");
        let withheld = withheld(&translation);
        assert!(withheld.contains(&(Some("/chercheur/e_mail"), Some("contacts"), "no_consent")), "{withheld:?}");
        assert!(withheld.contains(&(None, Some("media.picture"), "before_interview")), "{withheld:?}");
        let told: Vec<&str> = translation.withheld.iter().map(|one| one.path.as_str()).collect();
        assert_eq!(told, ["contacts", "media.picture"], "what the receiver may be told");
    }
}

#[test]
fn numbers_of_the_state_stay_where_they_are() {
    for mask in [None, Some(everything_but(&[]))] {
        for to in ["hropen-json", CANONICAL] {
            let translation = translated(&jobseeker(), to, mask.as_ref()).unwrap();
            assert!(!text(&translation).contains("AB123456"), "{to}");
            let entry = (Some("/chercheur/cin"), Some("restricted_ids"), "confined");
            assert!(withheld(&translation).contains(&entry), "{to}: {:?}", withheld(&translation));
        }
        let back = translated(&jobseeker(), "anapec-rest", mask.as_ref()).unwrap();
        assert!(text(&back).contains("AB123456"));
    }
    let line = "[dialect]\nformat = \"json\"\n[fields]\n\"restricted_ids[ma-cin].value\" = \"id\"\n";
    let mistakes = CATALOGUE.compile(&"acme".parse().unwrap(), KIND, line).unwrap_err();
    assert_eq!(
        mistakes[0].to_string(),
        "dialects/acme/talent_profile.toml:4: rule `restricted_ids[ma-cin].value`: `restricted_ids` never leaves \
         anapec-rest, anapec-rest-inscription; remove the line"
    );
    let pushed = br#"{"skills_text": "x", "restricted_ids": [{"scheme": "ma-cin", "value": "AB1"}]}"#;
    let reading = mappings::read_canonical(KIND, pushed, &ReadOptions::default()).unwrap();
    assert_eq!(reading.record.at("restricted_ids"), Ok(&Value::Absent));
    assert_eq!((reading.loss.kept, &*reading.loss.entries[0].code), (1, "confined"));
}

#[test]
fn a_mandatory_field_that_is_withheld_refuses() {
    let full = Record::from_json(KIND, &record()).unwrap();
    let none = Record::from_json(KIND, &json!({"restricted_ids": [{"scheme": "ma-cin", "value": "AB1"}]})).unwrap();
    let inscription = mapping("anapec-rest-inscription");
    assert!(inscription.write(&full, &WriteOptions::default()).is_ok());
    let without_name = inscription.write(&none, &WriteOptions::default()).unwrap_err();
    assert_eq!(without_name.code, "no_family_name");
    for (category, path) in [
        (Category::Identity, "person.names[0].family"),
        (Category::Contact, "contacts[0].value"),
        (Category::BirthDate, "person.birth_date"),
        (Category::Restricted, "restricted_ids[0].value"),
    ] {
        let mask = everything_but(&[category]);
        let options = WriteOptions { mask: Some(&mask), ..WriteOptions::default() };
        let refusal = inscription.write(&full, &options).unwrap_err();
        let place = |path: &str| path.replace("[0]", "[]").replace("[Latn]", "[]").replace("[email]", "[]");
        let found = place(&refusal.path.replace("[ma-cin]", "[]"));
        assert_eq!((refusal.code.as_str(), found), (CONSENT_MISSING_REQUIRED, place(path)), "{category}");
    }
    let nobody = Mask::default();
    let options = WriteOptions { mask: Some(&nobody), ..WriteOptions::default() };
    let (one, other) = (inscription.write(&full, &options), inscription.write(&none, &options));
    assert_eq!(one, other, "whether or not there is a value");
    assert_eq!(one.unwrap_err().code, CONSENT_MISSING_REQUIRED);
}

/// What a first registration must have.
fn record() -> Json {
    json!({
        "restricted_ids": [{"scheme": "ma-cin", "value": "AB123456"}],
        "person": {
            "names": [{"script": "Latn", "given": "Candidat", "family": "EXEMPLE"}],
            "birth_date": "1996-09-18",
            "sex": {"scheme": "iso-5218", "code": "1"},
            "nationalities": [{"scheme": "iso-3166-1", "code": "MA"}],
            "marital_status": {"scheme": "sigec/situation-familiale", "code": "Célibataire"},
            "residence": {
                "town": {"scheme": "anapec/ville", "code": "11"},
                "municipality": {"scheme": "sigec/commune", "code": "7728"},
                "address_line": "4 rue inventée"
            }
        },
        "contacts": [{"type": "email", "value": "candidat@example.org"}, {"type": "mobile", "value": "+212600000000"}],
        "seeking": {"situation": {"scheme": "sigec/situation-emploi", "code": "Sans emploi"}}
    })
}

#[test]
fn nothing_stands_in_for_what_is_withheld() {
    let text = "[dialect]\nformat = \"json\"\n[fields]\n\
                \"reference\" = \"id\"\n\
                \"interests\" = { at = \"hobby\", default = \"none\" }\n\
                \"skills_text\" = { at = \"skills\", default_from = [\"interests\"], default = \"none\" }\n\
                \"seeking.available_from\" = { at = \"from\", default = \"2000-01-01\", required = \"no_day\" }\n";
    let mapping = CATALOGUE.compile(&"acme".parse().unwrap(), KIND, text).unwrap();
    let written = |record: &Json, mask: Option<&Mask>| {
        let record = Record::from_json(KIND, record).unwrap();
        let writing = mapping.write(&record, &WriteOptions { mask, ..WriteOptions::default() });
        writing.map(|writing| serde_json::from_slice::<Json>(&writing.bytes).unwrap()).map_err(|refusal| refusal.code)
    };
    let (said, unsaid) = (json!({"reference": "R", "interests": "Chess"}), json!({"reference": "R"}));
    assert_eq!(written(&said, None), Ok(json!({"id": "R", "hobby": "Chess", "skills": "Chess", "from": "2000-01-01"})));
    let mask = everything_but(&[Category::Restricted, Category::Skills]);
    for record in [&said, &unsaid] {
        assert_eq!(written(record, Some(&mask)), Ok(json!({"id": "R", "from": "2000-01-01"})));
        let mask = everything_but(&[Category::Profile]);
        assert_eq!(written(record, Some(&mask)), Err(CONSENT_MISSING_REQUIRED.to_owned()));
    }
}

#[test]
fn what_was_kept_aside_is_not_written_under_a_mask() {
    let anapec = mapping("anapec-rest");
    let mut document = jobseeker();
    document["photo"] = json!("secret-picture");
    let reading = anapec.read(document.to_string().as_bytes(), &ReadOptions::default()).unwrap();
    let written = |mask: Option<&Mask>| {
        let options = WriteOptions { complement: Some(&reading.complement), mask, ..WriteOptions::default() };
        String::from_utf8(anapec.write(&reading.record, &options).unwrap().bytes).unwrap()
    };
    assert!(written(None).contains("secret-picture"));
    assert!(!written(Some(&everything_but(&[]))).contains("secret-picture"));
}

/// Takes what is not permitted from the other record.
fn mixed(mask: &Mask, one: &Record, other: &Record) -> Record {
    let mut mixed = one.clone();
    for withheld in mask.withheld(one.model()) {
        let path = Path::resolve(one.model(), &withheld.path).unwrap();
        let value = path.get(other.root()).clone();
        *path.slot(mixed.root_mut()) = value;
    }
    mixed
}

#[test]
fn documents_say_nothing_of_what_is_withheld() {
    let records = || generated::records(KIND, CATALOGUE.library());
    let masks = subsequence(Category::ALL.to_vec(), 0..=Category::ALL.len()).prop_map(Mask::permitting);
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig { cases: 150, ..ProptestConfig::default() });
    let result = runner.run(&(masks, records(), records()), |(mask, one, other)| {
        let twin = mixed(&mask, &one, &other);
        for mapping in written() {
            let dialect = mapping.dialect();
            let options = WriteOptions { mask: Some(&mask), ..WriteOptions::default() };
            let (first, second) = (mapping.write(&one, &options), mapping.write(&twin, &options));
            // Confined fields are told of in the report, which stays here, by what the record has of them.
            let told = |writing: &mappings::Writing| {
                let mut entries = writing.loss.entries.clone();
                entries.retain(|entry| entry.code != "confined");
                (writing.bytes.clone(), entries)
            };
            prop_assert_eq!(first.as_ref().map(told), second.as_ref().map(told), "{}", dialect);
        }
        Ok(())
    });
    result.unwrap();
}

fn swede() -> Json {
    json!({
        "externalPersonalDetails": {
            "fornamn": "Exempla", "efternamn": "Påhittad", "epostadress": "exempla@example.org", "hemsida": null,
            "telefonnummerMobil": "0700000010", "land": "SE"
        },
        "jobSeekerProfile": [{"id": 1, "kontaktuppgiftmask": {
            "fornamn": true, "efternamn": true, "epostadress": true, "telefonMobil": true, "hemsidaUrl": true, "land": true
        }}]
    })
}

/// What the mask of `swede` does not name: it stays hidden.
const HIDDEN: [&str; 5] = ["telefonHem", "telefonOvrig", "adress", "postnummer", "postort"];

const MASK: &str = "/jobSeekerProfile/0/kontaktuppgiftmask";

/// The fields of the mask that a document has, with what they say.
fn mask_of(document: &[u8]) -> Vec<(String, bool)> {
    let document: Json = serde_json::from_slice(document).unwrap();
    let mask = document.pointer(MASK).and_then(Json::as_object).unwrap();
    mask.iter().map(|(name, truth)| (name.clone(), truth.as_bool().unwrap())).collect()
}

#[test]
fn what_a_document_hides_is_not_read() {
    let af_connect = mapping("af-connect");
    let mut hidden = swede();
    hidden.pointer_mut(MASK).unwrap()["epostadress"] = json!(false);
    hidden.pointer_mut(MASK).unwrap()["hemsidaUrl"] = json!(false);
    let mut without = hidden.clone();
    without["externalPersonalDetails"].as_object_mut().unwrap().remove("epostadress");
    let read = |document: &Json| af_connect.read(document.to_string().as_bytes(), &ReadOptions::default()).unwrap();
    let (hidden, without, open) = (read(&hidden), read(&without), read(&swede()));
    assert_eq!(hidden.record, without.record, "whether or not the document has a value");
    assert!(open.record.at("contacts[email].value").unwrap().as_text().is_some(), "else there is nothing to hide");
    let text = format!("{:?}{:?}", hidden.record, hidden.complement);
    assert!(!text.contains("exempla@example.org") && text.contains("0700000010"), "{text}");
    for reading in [&hidden, &without] {
        let entries = reading.loss.entries.iter().filter(|entry| entry.code == "hidden");
        let entries: Vec<_> = entries.map(|entry| (entry.outcome, entry.path.as_deref().unwrap())).collect();
        for path in ["contacts[email].value", "links.web[0].url"] {
            assert!(entries.contains(&(Outcome::Withheld, path)), "{path}: {entries:?}");
        }
        assert!(!reading.loss.entries.iter().any(|entry| entry.code == "empty"));
    }
    let written = mappings::write_canonical(&hidden.record);
    assert!(String::from_utf8(written.bytes).unwrap().contains("\"contacts[email].value\""), "the record says so");
}

#[test]
fn the_mask_of_a_document_follows_the_permission() {
    let af_connect = mapping("af-connect");
    let read = |document: &Json| af_connect.read(document.to_string().as_bytes(), &ReadOptions::default()).unwrap();
    let mut poor = swede();
    poor["externalPersonalDetails"] = json!({"fornamn": "Fiktiv"});
    let (rich, poor) = (read(&swede()).record, read(&poor).record);
    let shown = |record: &Record, mask: &Mask| {
        let options = WriteOptions { mask: Some(mask), ..WriteOptions::default() };
        mask_of(&af_connect.write(record, &options).unwrap().bytes)
    };
    for (withheld, names) in [
        (Category::Contact, &["epostadress", "telefonHem", "telefonMobil", "telefonOvrig"][..]),
        (Category::Identity, &["fornamn", "efternamn"]),
        (Category::Restricted, &["adress", "postnummer"]),
        (Category::Profile, &["postort", "land"]),
        (Category::Linkedin, &["hemsidaUrl"]),
    ] {
        let mask = everything_but(&[withheld]);
        let fields = shown(&rich, &mask);
        assert_eq!(fields, shown(&poor, &mask), "whatever the record holds");
        for (name, is_shown) in fields {
            // Who lives with the person is never shown.
            let is_withheld = names.contains(&&*name) || name == "coAdress" || HIDDEN.contains(&&*name);
            assert_eq!(is_shown, !is_withheld, "{withheld}: {name}");
        }
    }
}

#[test]
fn what_one_document_hides_no_other_shows() {
    let mut document = swede();
    document.pointer_mut(MASK).unwrap()["epostadress"] = json!(false);
    let dialects = (&"af-connect".parse().unwrap(), &"af-connect".parse().unwrap());
    let mask = everything_but(&[]);
    let write = WriteOptions { mask: Some(&mask), ..WriteOptions::default() };
    let options = (&ReadOptions::default(), &write);
    let there = translate(&CATALOGUE, dialects, KIND, document.to_string().as_bytes(), options).unwrap();
    assert!(mask_of(&there.bytes).contains(&("epostadress".to_owned(), false)));
    for written in written() {
        let to = (dialects.0, written.dialect());
        let Ok(translation) = translate(&CATALOGUE, to, KIND, document.to_string().as_bytes(), options) else {
            continue;
        };
        assert!(!text(&translation).contains("exempla@example.org"), "{}", written.dialect());
    }
}

#[test]
fn a_line_of_several_values_has_no_mask_of_a_document() {
    let line = "[dialect]\nformat = \"json\"\n[fields]\n\"licences[]\" = { at = \"a[]\", codes = \"eu-driving-licence\", \
                shown_by = \"mask\" }\n";
    let mistakes = CATALOGUE.compile(&"acme".parse().unwrap(), KIND, line).unwrap_err();
    assert!(mistakes[0].to_string().contains("`shown_by` does not fit the line"), "{mistakes:?}");
}
