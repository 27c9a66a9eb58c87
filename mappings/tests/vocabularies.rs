//! The code lists and crosswalks that are part of the program.

#![expect(clippy::unwrap_used, reason = "the helpers of tests may fail as tests do")]

use std::{fs, path::Path};

use mappings::{
    Catalogue,
    codes::{Crosswalk, Grade},
};

fn crosswalk<'c>(catalogue: &'c Catalogue, subject: &str, object: &str) -> &'c Crosswalk {
    let mut walks = catalogue.library().crosswalks();
    walks.find(|walk| (&*walk.subject, &*walk.object) == (subject, object)).unwrap()
}

#[test]
fn broader_and_narrower_are_seen_from_the_subject() {
    let catalogue = Catalogue::embedded().unwrap();
    for (subject, object, code, target, grade) in [
        ("vdab/arbeidscontract", "eures/position-offering", "V", "Temporary", Grade::TargetIsBroader),
        ("vdab/arbeidscontract", "eures/position-offering", "G", "DirectHire", Grade::Close),
        ("vdab/taalscore", "cefr", "15", "C1", Grade::TargetIsNarrower),
        ("vdab/rijbewijs", "eu-driving-licence", "D_VAK", "D", Grade::TargetIsBroader),
        ("vdab/ervaring", "passerelle/minimum-years", "3", "2", Grade::Exact),
        ("rome-3", "isco-08", "M1201", "2413", Grade::TargetIsBroader),
        ("iso-3166-1", "eures/member-countries", "GR", "EL", Grade::Exact),
        ("nace-2", "eures/nace", "33.17", "C33.1.7", Grade::Exact),
    ] {
        let link = crosswalk(&catalogue, subject, object).forward(code).unwrap();
        assert_eq!((&*link.code, link.grade), (target, grade), "{subject} {code}");
    }
}

#[test]
fn the_way_back_takes_the_declared_default() {
    let catalogue = Catalogue::embedded().unwrap();
    for (subject, object, code, source, grade) in [
        ("vdab/arbeidscontract", "eures/position-offering", "DirectHire", "G", Grade::Close),
        ("vdab/arbeidscontract", "eures/position-offering", "Temporary", "T", Grade::Close),
        ("vdab/arbeidscontract", "eures/position-offering", "Seasonal", "T", Grade::TargetIsBroader),
        ("vdab/taalscore", "cefr", "C2", "15", Grade::TargetIsBroader),
        ("vdab/ervaring", "passerelle/minimum-years", "4", "3", Grade::TargetIsBroader),
        ("vdab/vacature-status", "passerelle/vacancy-status", "draft", "NIET_GEPUBLICEERD", Grade::TargetIsBroader),
    ] {
        let link = crosswalk(&catalogue, subject, object).backward(code).unwrap();
        assert_eq!((&*link.code, link.grade), (source, grade), "{object} {code}");
    }
    // A flexi-job is a term of Belgian law: nothing leads back to it, nor from an occupation group to one of many.
    assert_eq!(crosswalk(&catalogue, "vdab/arbeidscontract", "eures/position-offering").backward("OnCall"), None);
    assert_eq!(crosswalk(&catalogue, "rome-3", "isco-08").backward("2413"), None);
}

#[test]
fn what_has_no_term_leads_nowhere() {
    let catalogue = Catalogue::embedded().unwrap();
    for (subject, object, codes) in [
        ("iso-3166-1", "eures/member-countries", &["MA", "US"][..]),
        ("nuts-2024", "nuts-2013", &["BE224", "BE225", "BE328", "BE329", "BE32A"]),
        ("vdab/diploma", "isced-2011", &["A"]),
        ("vdab/taalscore", "cefr", &["10"]),
        ("vdab/ervaring", "passerelle/minimum-years", &["0"]),
        ("vdab/rijbewijs", "eu-driving-licence", &["0"]),
        ("vdab/arbeidscontract", "eures/position-offering", &["IN", "TW"]),
    ] {
        for code in codes {
            assert_eq!(crosswalk(&catalogue, subject, object).forward(code), None, "{subject} {code}");
        }
    }
    assert!(crosswalk(&catalogue, "nuts-2024", "nuts-2013").forward("BE234").is_some());
}

#[test]
fn every_code_of_a_crosswalk_that_maps_measures_was_reviewed() {
    let catalogue = Catalogue::embedded().unwrap();
    for (subject, object) in [
        ("vdab/arbeidscontract", "eures/position-offering"),
        ("vdab/diploma", "isced-2011"),
        ("vdab/taalscore", "cefr"),
        ("vdab/ervaring", "passerelle/minimum-years"),
        ("vdab/rijbewijs", "eu-driving-licence"),
        ("iso-3166-1", "eures/member-countries"),
        ("nace-2", "eures/nace"),
    ] {
        let file = format!("{}--{}.sssom.tsv", subject.replace('/', "-"), object.replace('/', "-"));
        let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("crosswalks").join(file)).unwrap();
        let rows = text.lines().filter_map(|line| line.split('\t').next()?.split_once(':'));
        let subjects: Vec<&str> = rows.map(|(_, code)| code).collect();
        for code in catalogue.library().list(subject).unwrap().codes() {
            assert!(subjects.contains(&&**code), "{subject} {code} has no row");
        }
    }
}

#[test]
fn crosswalks_say_where_they_come_from() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("crosswalks");
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let text = fs::read_to_string(&path).unwrap();
        for key in [
            "mapping_set_id",
            "mapping_set_version",
            "license",
            "subject_source_version",
            "object_source_version",
            "curie_map",
        ] {
            assert!(
                text.contains(&format!("\n#{key}:")) || text.starts_with(&format!("#{key}:")),
                "{path:?} says no {key}"
            );
        }
        for line in text.lines().filter(|line| !line.starts_with('#')).skip(1) {
            let cells: Vec<&str> = line.split('\t').collect();
            let is_confident = cells[6].parse().is_ok_and(|confidence: f32| (0.0..=1.0).contains(&confidence));
            assert!(cells[5].starts_with("semapv:"), "{path:?}: {line}");
            assert!(is_confident || cells[3] == "sssom:NoTermFound", "{path:?}: {line}");
        }
    }
}

#[test]
fn the_vocabularies_stay_small() {
    fn size_bytes(folder: &Path) -> u64 {
        let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
        entries
            .map(
                |entry| if entry.path().is_dir() { size_bytes(&entry.path()) } else { entry.metadata().unwrap().len() },
            )
            .sum()
    }
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let size = size_bytes(&folder.join("codelists")) + size_bytes(&folder.join("crosswalks"));
    assert!(size < 1_500_000, "{size} bytes");
}
