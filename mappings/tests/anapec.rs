//! ANAPEC: what is read of the collected pages and lists, what is written, and how the code lists lead on.

#![expect(clippy::unwrap_used, reason = "the helpers of tests may fail as tests do")]

use std::{collections::BTreeMap, fs, path::Path, sync::Arc};

use mappings::{Catalogue, Mapping, ReadOptions, Reading, WriteOptions, codes::Grade};
use schemas::{Kind, Outcome, Record};
use serde_json::Value as Json;

fn mapping(catalogue: &Catalogue) -> &Arc<Mapping> {
    catalogue.mapping(&"anapec-offer".parse().unwrap(), Kind::Vacancy).unwrap()
}

/// A collected file; nothing where the collection is not at hand.
fn collected(file: &str) -> Option<Vec<u8>> {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data");
    if !data.exists() {
        eprintln!("skipped: no reference data at `{}`", data.display());
        return None;
    }
    let bytes = fs::read(data.join("morocco/anapec").join(file)).unwrap();
    assert!(!bytes.is_empty(), "`{file}` is empty");
    Some(bytes)
}

fn read(mapping: &Mapping, document: &[u8]) -> Reading {
    mapping.read(document, &ReadOptions::default()).unwrap_or_else(|failure| panic!("{failure}"))
}

fn text_at<'r>(record: &'r Record, path: &str) -> Option<&'r str> {
    record.at(path).ok().and_then(|value| value.as_text())
}

/// The page of an offer with some labels, each value on a line of its own.
fn page(labels: &[(&str, &str)]) -> String {
    let escaped = |text: &str| text.replace('&', "&amp;").replace('<', "&lt;");
    let line = |(label, value): &(&str, &str)| format!("<div>{}</div><div>{}</div>", escaped(label), escaped(value));
    let lines: Vec<String> = labels.iter().map(line).collect();
    format!("<html><body><div class=\"bloc-affiche-offre\">{}</div></body></html>", lines.concat())
}

#[test]
fn the_collected_details_are_read() {
    let Some(cases) = collected("anapec_detail_cases.json") else {
        return;
    };
    let cases: Vec<BTreeMap<String, String>> = serde_json::from_slice(&cases).unwrap();
    assert!(cases.len() >= 10, "only {} cases", cases.len());
    let catalogue = Catalogue::embedded().unwrap();
    let mapping = mapping(&catalogue);
    for case in &cases {
        let said = |key: &str| case.get(key).map(String::as_str);
        let [reference, heading] = ["ref", "heading"].map(|key| said(key).unwrap());
        let mut labels = vec![("Référence de l’offre:", reference), ("Date :", said("date").unwrap())];
        labels.extend(said("agence").map(|agency| ("Agence :", agency)));
        labels.push((heading, ""));
        for (label, key) in [
            ("Secteur d’activité :", "secteur"),
            ("Type de contrat :", "type_contrat"),
            ("Lieu de travail :", "lieu"),
            ("Salaire mensuel :", "salaire_mensuel"),
            ("Caractéristiques du poste :", "caracteristiques_du_poste"),
            ("Formation :", "formation"),
        ] {
            labels.extend(said(key).map(|value| (label, value)));
        }
        if let Some(employer) = said("employer_line") {
            labels.insert(0, (employer, ""));
        }
        let reading = read(mapping, page(&labels).as_bytes());
        let record = &reading.record;
        let (count, title) = heading.trim_start_matches('(').split_once(") ").unwrap();
        assert!(reference.ends_with(text_at(record, "reference").unwrap()), "{reference}");
        assert_eq!(text_at(record, "alternate_references[anapec].value"), Some(reference));
        assert_eq!(text_at(record, "profiles[fr].title"), Some(title), "{reference}");
        assert_eq!(record.at("openings").ok(), Some(&schemas::Value::Integer(count.parse().unwrap())), "{reference}");
        assert_eq!(text_at(record, "locations[0].city"), said("lieu"), "{reference}");
        assert_eq!(text_at(record, "locations[0].country"), Some("MA"), "{reference}: {}", said("lieu").unwrap());
        assert!(text_at(record, "locations[0].subdivision").is_some_and(|code| code.starts_with("MA-")), "{reference}");
        assert_eq!(text_at(record, "published_at").map(str::len), Some("2026-08-13".len()));
        // Nothing of what the offer says is lost but the name of the adviser.
        let dropped = reading.loss.entries.iter().filter(|entry| entry.outcome == Outcome::Dropped);
        let dropped: Vec<&str> = dropped.map(|entry| &*entry.code).collect();
        assert_eq!(dropped, vec!["personal"; usize::from(case.contains_key("agence"))], "{reference}");
        assert!(reading.complement.is_empty(), "{reference}: {:?}", reading.complement);
        let unknown = reading.loss.entries.iter().any(|entry| entry.code == "unknown_code");
        assert!(!unknown, "{reference}: {:?}", reading.loss.entries);
    }
}

#[test]
fn the_collected_list_is_repaired() {
    let (Some(rows), Some(clean)) =
        (collected("anapec_listing_rows_mojibake.json"), collected("anapec_listing_clean.json"))
    else {
        return;
    };
    let rows: Vec<Vec<String>> = serde_json::from_slice(&rows).unwrap();
    let clean: Json = serde_json::from_slice(&clean).unwrap();
    let clean = clean["Offre"].as_array().unwrap();
    let catalogue = Catalogue::embedded().unwrap();
    let mapping = mapping(&catalogue);
    let mut repaired = 0;
    for row in rows.iter().filter(|row| row.len() == 7) {
        let same = clean.iter().find(|offer| offer["ref_offre"] == row[1].as_str()).unwrap();
        let spoilt = serde_json::json!({"id": same["id"], "ref_offre": row[1], "date_offre": row[2], "intitule_poste": row[3],
            "nombre_postes": row[4], "entreprise": row[5], "lieu_travail": row[6]});
        let reading = read(mapping, spoilt.to_string().as_bytes());
        assert_eq!(text_at(&reading.record, "profiles[fr].title"), same["intitule_poste"].as_str().map(str::trim));
        let was_spoilt = !row[3].is_ascii();
        let is_told =
            reading.loss.entries.iter().any(|entry| entry.outcome == Outcome::Repaired && entry.code == "mojibake");
        assert_eq!(is_told, was_spoilt, "{}", row[1]);
        repaired += u32::from(was_spoilt);
    }
    assert!(repaired >= 3, "only {repaired} titles were spoilt");
    let list = serde_json::to_vec(&serde_json::json!({"Offre": clean, "paginate": {"count": clean.len()}})).unwrap();
    let parts = mapping.split(&list).unwrap();
    assert_eq!(parts.len(), clean.len());
    for (part, offer) in parts.iter().zip(clean) {
        let reading = read(mapping, part);
        assert_eq!(text_at(&reading.record, "reference"), offer["id"].as_str());
        assert!(!reading.loss.entries.iter().any(|entry| entry.outcome == Outcome::Repaired), "{offer}");
        let place = offer["lieu_travail"].as_str().unwrap().trim();
        assert_eq!(text_at(&reading.record, "locations[0].subdivision").is_some(), !place.is_empty(), "{place}");
    }
}

#[test]
fn the_collected_list_page_is_no_offer() {
    let Some(page) = collected("anapec_listing_page.mojibake.html") else {
        return;
    };
    let catalogue = Catalogue::embedded().unwrap();
    let failure = mapping(&catalogue).read(&page, &ReadOptions::default()).unwrap_err();
    assert_eq!(failure.faults[0].code, "unknown_shape");
}

#[test]
fn every_collected_town_and_sector_is_known() {
    for (file, list, columns) in [
        ("sigec_ville.csv", "anapec/ville", (0, 1)),
        ("sigec_secteur_activite.csv", "anapec/secteur-activite", (0, 1)),
        ("ville_to_hcp_province.csv", "anapec/ville", (0, 1)),
    ] {
        let Some(bytes) = collected(file) else {
            return;
        };
        let catalogue = Catalogue::embedded().unwrap();
        let known = catalogue.library().list(list).unwrap();
        let mut count = 0;
        for row in csv::Reader::from_reader(bytes.as_slice()).records() {
            let row = row.unwrap();
            let code = row[columns.0].trim();
            assert!(known.knows(code), "{list} has no {code} {}", &row[columns.1]);
            count += 1;
        }
        assert!(count > 50, "{file} has {count} rows");
    }
}

#[test]
fn the_collected_provinces_agree_with_the_crosswalk() {
    let (Some(join), Some(regions)) = (collected("ville_to_hcp_province.csv"), collected("region_map.csv")) else {
        return;
    };
    let catalogue = Catalogue::embedded().unwrap();
    let mut walks = catalogue.library().crosswalks();
    let walk = walks.find(|walk| (&*walk.subject, &*walk.object) == ("anapec/ville", "iso-3166-2-ma")).unwrap();
    let mut by_province: BTreeMap<String, String> = BTreeMap::new();
    for row in csv::Reader::from_reader(join.as_slice()).records() {
        let row = row.unwrap();
        let link = walk.forward(row[0].trim());
        assert_eq!(link.is_some(), !row[2].is_empty(), "{}", &row[1]);
        let Some(link) = link else {
            continue;
        };
        // Towns of one province lead to one subdivision, and only they do.
        let first = by_province.entry(row[2].to_owned()).or_insert_with(|| link.code.to_string()).clone();
        assert_eq!(first, *link.code, "{}", &row[1]);
    }
    let mut codes: Vec<&String> = by_province.values().collect();
    codes.sort();
    codes.dedup();
    assert_eq!(codes.len(), by_province.len());
    let list = catalogue.library().list("iso-3166-2-ma").unwrap();
    for row in csv::Reader::from_reader(regions.as_slice()).records() {
        let row = row.unwrap();
        assert!(row[2].is_empty() || list.knows(&row[2]), "{}", &row[2]);
    }
}

#[test]
fn salaries_are_amounts_where_they_are_amounts() {
    let catalogue = Catalogue::embedded().unwrap();
    let mapping = mapping(&catalogue);
    for (salary, [minimum, maximum, reference, currency, text]) in [
        ("2000 DHS", [None, None, Some("2000"), Some("MAD"), None]),
        ("5000dhs", [None, None, Some("5000"), Some("MAD"), None]),
        ("3700dh+primes", [None, None, Some("3700"), Some("MAD"), Some("+primes")]),
        ("12 344,50 MAD", [None, None, Some("12344.5"), Some("MAD"), None]),
        ("12.344 DHS net", [None, None, Some("12344"), Some("MAD"), Some("net")]),
        ("7 000 - 19 000 DHS", [Some("7000"), Some("19000"), None, Some("MAD"), None]),
        ("3750 DHS Formation : Technicien", [None, None, Some("3750"), Some("MAD"), Some("Formation : Technicien")]),
        ("3000 à 4000 DHS", [Some("3000"), Some("4000"), None, Some("MAD"), None]),
        ("3 000 DHS à 4 000,50 dhs net", [Some("3000"), Some("4000.5"), None, Some("MAD"), Some("net")]),
        ("Entre 3000 et 4000 DH", [Some("3000"), Some("4000"), None, Some("MAD"), None]),
        ("3000–4000 MAD", [Some("3000"), Some("4000"), None, Some("MAD"), None]),
        ("3000 à discuter", [None, None, None, None, Some("3000 à discuter")]),
        ("4500.50 DHS", [None, None, None, None, Some("4500.50 DHS")]),
        ("11-13K DHS", [None, None, None, None, Some("11-13K DHS")]),
        ("2000 EUR", [None, None, None, None, Some("2000 EUR")]),
        ("Négociable", [None, None, None, None, Some("Négociable")]),
    ] {
        let labels = [("Référence de l'offre", "AG0107261140001"), ("Salaire mensuel :", salary)];
        let reading = read(mapping, page(&labels).as_bytes());
        let at = |field: &str| text_at(&reading.record, &format!("pay[0].{field}"));
        let found = [at("minimum"), at("maximum"), at("reference"), at("currency"), at("text")];
        assert_eq!(found, [minimum, maximum, reference, currency, text], "{salary}");
    }
}

#[test]
fn another_currency_or_interval_is_not_written_as_dirhams_a_month() {
    let catalogue = Catalogue::embedded().unwrap();
    let mapping = mapping(&catalogue);
    for (pay, is_written, code) in [
        (r#"{"reference": "3000", "currency": "MAD"}"#, true, None),
        (r#"{"reference": "3000", "currency": "EUR"}"#, false, Some("pattern_mismatch")),
        (r#"{"reference": "3000"}"#, false, Some("pattern_mismatch")),
        (
            r#"{"reference": "30", "currency": "MAD", "interval": {"scheme": "eures/pay-interval", "code": "Hour"}}"#,
            false,
            Some("not_assumed"),
        ),
        (
            r#"{"reference": "3000", "currency": "MAD", "interval": {"scheme": "eures/pay-interval", "code": "Month"}}"#,
            true,
            None,
        ),
    ] {
        let json = format!(r#"{{"reference": "R-1", "status": "published", "pay": [{pay}]}}"#);
        let record = mappings::read_canonical(Kind::Vacancy, json.as_bytes(), &ReadOptions::default()).unwrap().record;
        let writing = mapping.write(&record, &WriteOptions::default()).unwrap();
        let text = String::from_utf8(writing.bytes).unwrap();
        assert_eq!(text.contains("DHS"), is_written, "{pay}: {text}");
        let codes: Vec<&str> = writing.loss.entries.iter().map(|entry| &*entry.code).collect();
        assert!(code.is_none_or(|code| codes.contains(&code)), "{pay}: {codes:?}");
    }
}

#[test]
fn references_are_those_of_sigec() {
    let catalogue = Catalogue::embedded().unwrap();
    let mapping = mapping(&catalogue);
    for (reference, id) in [
        ("BE1308261158866", "1158866"),
        ("Ag0307261139671", "1139671"),
        ("0604261104765", "1104765"),
        ("H.0308261153583", "1153583"),
        ("AI130710162080", "162080"),
        ("AN21040880586", "80586"),
        ("INTCar07/26-1139554", "1139554"),
        ("REQ-50", "REQ-50"),
    ] {
        let reading = read(mapping, page(&[("Référence de l’offre :", reference)]).as_bytes());
        assert_eq!(text_at(&reading.record, "reference"), Some(id));
        assert_eq!(text_at(&reading.record, "alternate_references[anapec].value"), Some(reference));
    }
    // A reference of another partner that happens to look like one of SIGEC stays what it is.
    let json = br#"{"reference": "62345678901", "status": "published"}"#;
    let record = mappings::read_canonical(Kind::Vacancy, json, &ReadOptions::default()).unwrap().record;
    let written = mapping.write(&record, &WriteOptions::default()).unwrap().bytes;
    assert_eq!(text_at(&read(mapping, &written).record, "reference"), Some("62345678901"));
}

#[test]
fn the_name_of_an_adviser_is_kept_nowhere() {
    let catalogue = Catalogue::embedded().unwrap();
    let mapping = mapping(&catalogue);
    let labels = [("Référence de l'offre", "AG0107261140001"), ("Agence :", "AGADIR / EXEMPLE")];
    let reading = read(mapping, page(&labels).as_bytes());
    let writing = mapping
        .write(&reading.record, &WriteOptions { complement: Some(&reading.complement), ..WriteOptions::default() })
        .unwrap();
    let everything = [
        serde_json::to_string(&reading.record).unwrap(),
        serde_json::to_string(&reading.complement).unwrap(),
        format!("{:?}", reading.loss),
        String::from_utf8(writing.bytes).unwrap(),
    ];
    assert!(everything.iter().all(|text| !text.contains("EXEMPLE")), "{everything:?}");
    assert_eq!(text_at(&reading.record, "agency.name"), Some("AGADIR"));
}

#[test]
fn crosswalks_of_anapec_lead_on_and_back() {
    let catalogue = Catalogue::embedded().unwrap();
    let walk = |subject: &str, object: &str| {
        let mut walks = catalogue.library().crosswalks();
        walks.find(|walk| (&*walk.subject, &*walk.object) == (subject, object)).unwrap()
    };
    for (subject, object, code, target, grade) in [
        ("anapec/type-contrat", "eures/position-offering", "CDI", "DirectHire", Grade::Close),
        ("anapec/type-contrat", "eures/position-offering", "CI", "Internship", Grade::TargetIsBroader),
        ("anapec/formation", "isced-2011", "Ingénieur", "7", Grade::Close),
        ("anapec/experience", "passerelle/minimum-years", "(3 ans - 5 ans)", "3", Grade::Close),
        ("anapec/niveau-langue", "cefr", "Courant", "C1", Grade::Close),
        ("anapec/secteur-activite", "nace-2", "112", "62", Grade::Close),
        ("anapec/secteur-activite", "nace-2", "130", "85", Grade::Exact),
        ("anapec/ville", "iso-3166-2-ma", "11", "MA-CAS", Grade::TargetIsBroader),
        ("anapec/ville", "iso-3166-2-ma", "1001", "MA-SIL", Grade::Close),
        ("anapec/ville", "iso-3166-1", "11", "MA", Grade::TargetIsBroader),
        ("anapec/permis", "eu-driving-licence", "EC", "CE", Grade::Close),
        ("anapec/rem", "isco-08", "41228", "4222", Grade::TargetIsBroader),
    ] {
        let link = walk(subject, object).forward(code).unwrap();
        assert_eq!((&*link.code, link.grade), (target, grade), "{subject} {code}");
    }
    for (subject, object, code, source) in [
        ("anapec/type-contrat", "eures/position-offering", "Seasonal", "CDD"),
        ("anapec/type-contrat", "eures/position-offering", "Internship", "CI"),
        ("anapec/formation", "isced-2011", "5", "Technicien spécialisé"),
        ("anapec/experience", "passerelle/minimum-years", "4", "(3 ans - 5 ans)"),
        ("anapec/niveau-langue", "cefr", "A2", "Moyen"),
        ("anapec/ville", "iso-3166-2-ma", "MA-MAR", "351"),
    ] {
        assert_eq!(&*walk(subject, object).backward(code).unwrap().code, source, "{object} {code}");
    }
    for (subject, object, code) in [
        ("anapec/ville", "iso-3166-2-ma", "1003"),
        ("anapec/ville", "iso-3166-1", "999"),
        ("anapec/formation", "isced-2011", "Sans Diplome"),
        ("anapec/secteur-activite", "nace-2", "0"),
    ] {
        assert_eq!(walk(subject, object).forward(code), None, "{subject} {code}");
    }
    assert_eq!(walk("anapec/ville", "iso-3166-1").backward("MA"), None);
}

#[test]
fn every_code_of_the_lists_has_a_row_in_their_crosswalks() {
    let catalogue = Catalogue::embedded().unwrap();
    for (subject, object) in [
        ("anapec/type-contrat", "eures-position-offering"),
        ("anapec/formation", "isced-2011"),
        ("anapec/experience", "passerelle-minimum-years"),
        ("anapec/niveau-langue", "cefr"),
        ("anapec/secteur-activite", "nace-2"),
        ("anapec/ville", "iso-3166-2-ma"),
        ("anapec/ville", "iso-3166-1"),
        ("anapec/permis", "eu-driving-licence"),
        ("anapec/rem", "isco-08"),
    ] {
        let file = format!("{}--{object}.sssom.tsv", subject.replace('/', "-"));
        let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("crosswalks").join(file)).unwrap();
        let rows = text.lines().filter(|line| !line.starts_with('#'));
        let subjects: Vec<&str> = rows.filter_map(|line| Some(line.split('\t').next()?.split_once(':')?.1)).collect();
        for code in catalogue.library().list(subject).unwrap().codes() {
            assert!(subjects.contains(&&**code), "{subject} {code} has no row");
        }
    }
}
