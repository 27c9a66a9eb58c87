//! Formats that are added from a folder, without Rust: the files that `mappings/README.md` shows are taken from it and run.

#![expect(clippy::unwrap_used, reason = "the helpers of tests may fail as tests do")]

mod readme;

use std::{collections::BTreeSet, path::Path};

use mappings::{Catalogue, Mapping, ReadOptions, WriteOptions, laws, translate};
use readme::README;
use regex::Regex;
use schemas::{DialectName, Kind, LossReport};

const DIALECTS: [&str; 3] = ["harbour-json", "guild-xml", "notice-text"];
const HARBOUR: &str = "dialects/harbour-json/vacancy.toml";

fn catalogue() -> Catalogue {
    Catalogue::load(readme::folder("", str::to_owned).path()).unwrap()
}

fn mapping<'c>(catalogue: &'c Catalogue, dialect: &str) -> &'c Mapping {
    catalogue.mapping(&dialect.parse::<DialectName>().unwrap(), Kind::Vacancy).unwrap()
}

#[test]
fn the_formats_of_the_readme_are_what_it_says() {
    let catalogue = catalogue();
    for dialect in DIALECTS {
        let mapping = mapping(&catalogue, dialect);
        let samples = laws::samples(mapping);
        assert_eq!(samples.len(), 1, "{dialect}");
        assert!(samples[0].files.keys().any(|file| file.starts_with("out.")), "{dialect} is not written");
        let broken = laws::check_sample(&catalogue, mapping, &samples[0]);
        let broken: Vec<String> = broken.iter().map(ToString::to_string).collect();
        assert!(broken.is_empty(), "{}", broken.join("\n"));
    }
}

#[test]
fn a_folder_is_laid_over_the_mappings_of_the_program() {
    let catalogue = catalogue();
    let embedded = Catalogue::embedded().unwrap();
    assert_eq!(catalogue.mappings().count(), embedded.mappings().count() + DIALECTS.len() + 1);
    assert_ne!(catalogue.codes_hash(), embedded.codes_hash());
}

#[test]
fn a_mapping_like_another_says_only_what_is_different() {
    let catalogue = catalogue();
    let (ghent, harbour) = (mapping(&catalogue, "harbour-ghent"), mapping(&catalogue, "harbour-json"));
    let document = br#"{"job": {"ref": "1", "state": "open", "places": 3, "weekly_hours": 38}}"#;
    let reading = ghent.read(document, &ReadOptions::default()).unwrap();
    let record = serde_json::to_value(&reading.record).unwrap();
    assert_eq!((&record["openings"], &record["status"]), (&3.into(), &"published".into()));
    assert_eq!(record["schedule"]["hours_per_week"], "38");
    let written = ghent.write(&reading.record, &WriteOptions::default()).unwrap();
    let written: serde_json::Value = serde_json::from_slice(&written.bytes).unwrap();
    assert_eq!(written, serde_json::from_slice::<serde_json::Value>(document).unwrap());
    assert_ne!(ghent.hash(), harbour.hash());
    assert_eq!((ghent.version(), ghent.title().contains("Ghent")), (harbour.version(), true));
}

#[test]
fn an_added_format_is_translated_into_every_other() {
    let catalogue = catalogue();
    let sample = |dialect: &str| laws::samples(mapping(&catalogue, dialect)).remove(0).input;
    for (from, to, text) in [
        ("harbour-json", "guild-xml", "<t:Title>Crane operator</t:Title>"),
        ("harbour-json", "guild-xml", "<Place country=\"BE\">Zeebrugge</Place>"),
        ("harbour-json", "vdab-json", "\"gemeente\":\"Zeebrugge\""),
        ("harbour-json", "notice-text", "Licences : CE\n"),
        ("guild-xml", "harbour-json", "\"title\":\"Tanner\""),
        ("guild-xml", "notice-text", "Place : 30000 F\u{e8}s\n"),
        ("notice-text", "harbour-json", "\"start\":\"as soon as possible\""),
        ("notice-text", "canonical", "\"starts_text\": \"as soon as possible\""),
    ] {
        let dialects = (&from.parse().unwrap(), &to.parse().unwrap());
        let options = (&ReadOptions::default(), &WriteOptions::default());
        let translation = translate(&catalogue, dialects, Kind::Vacancy, &sample(from), options).unwrap();
        let document = String::from_utf8(translation.bytes).unwrap();
        assert!(document.contains(text), "{from} to {to}: no {text} in {document}");
    }
}

#[test]
fn what_a_format_demands_is_named_with_its_place() {
    let catalogue = catalogue();
    for (dialect, document, code, pointer) in [
        ("harbour-json", r#"{"job": {"title": "x"}}"#, "no_reference", "/job/ref"),
        ("harbour-json", r#"{"jobs": []}"#, "no_record", "/job"),
        ("guild-xml", "<Vacancy xmlns='urn:guild:vacancy:3'/>", "no_reference", "/Vacancy/@number"),
        ("guild-xml", "<Vacancy number='1'/>", "other_root", ""),
        ("notice-text", "Post\nTitle : x", "no_reference", "/Notice no"),
    ] {
        let failure = mapping(&catalogue, dialect).read(document.as_bytes(), &ReadOptions::default()).unwrap_err();
        let fault = &failure.faults[0];
        assert_eq!((fault.code.as_str(), fault.pointer.as_str()), (code, pointer), "{document}");
    }
}

/// The names that the engine knows somewhere, as it lists them for a name that it does not know.
fn known_names(from: &str, to: &str) -> BTreeSet<String> {
    let folder = readme::folder(HARBOUR, |text| text.replacen(from, to, 1));
    let errors = Catalogue::load(folder.path()).err().unwrap_or_default();
    let remedy = errors.iter().find_map(|error| error.remedy.strip_prefix("use one of ")).expect("a list of names");
    remedy.split(", ").map(str::to_owned).collect()
}

/// The names in the first column of the tables of a section of the README.
fn names_in_tables(section: &str) -> BTreeSet<String> {
    let (_, rest) = README.split_once(section).unwrap();
    let end = rest.find("\n## ").unwrap_or(rest.len());
    let name = Regex::new(r"`\[?([a-z_]+)\]?(?: =[^`]*)?`").unwrap();
    let rows = rest[..end].lines().filter(|line| line.starts_with("| `"));
    let cells = rows.filter_map(|row| row.split(" | ").next());
    cells.flat_map(|cell| name.captures_iter(cell).map(|found| found[1].to_owned())).collect()
}

#[test]
fn the_readme_leaves_no_option_out_and_invents_none() {
    let nonsense = "qqqqqqqqqqqqqqqqqqqqqqqqqqqq";
    let options = known_names("must =", &format!("{nonsense} = \"x\", must ="));
    assert_eq!(names_in_tables("\n## Rule options"), options);
    let dialect = known_names("root =", &format!("{nonsense} = 1\nroot ="));
    assert!(dialect.contains("close_when") && options.contains("required_item"));
    let tables = names_in_tables("\n## Tables of a mapping file");
    let missing: Vec<&String> = dialect.iter().filter(|name| !tables.contains(*name)).collect();
    assert!(missing.is_empty(), "{missing:?}");
    for name in known_names("[assume]", &format!("[{nonsense}]\n[assume]")) {
        assert!(README.contains(&format!("[{name}")), "the table `{name}`");
    }
    let shape =
        known_names("[assume]", &format!("[[shape]]\nname = \"one\"\n{nonsense} = 1\n[shape.fields]\n[assume]"));
    let (_, section) = README.split_once("\n## Shapes").unwrap();
    for name in shape {
        assert!(
            section.contains(&format!("`{name}`"))
                || section.contains(&format!("`[shape.{name}]`"))
                || section.contains(&format!("`{name} =")),
            "{name}"
        );
    }
}

fn codes_of(loss: &LossReport) -> Vec<String> {
    loss.entries.iter().map(|entry| entry.code.to_string()).collect()
}

#[test]
fn every_loss_code_that_occurs_is_explained() {
    let catalogue = Catalogue::embedded().unwrap();
    let mut codes = BTreeSet::new();
    for mapping in catalogue.mappings() {
        for sample in laws::samples(mapping) {
            match mapping.read(&sample.input, &ReadOptions::default()) {
                Err(failure) => codes.extend(failure.faults.into_iter().map(|fault| fault.code)),
                Ok(reading) => {
                    codes.extend(codes_of(&reading.loss));
                    for target in catalogue.mappings() {
                        match target.write(&reading.record, &WriteOptions::default()) {
                            Ok(writing) => codes.extend(codes_of(&writing.loss)),
                            Err(refusal) => drop(codes.insert(refusal.code)),
                        }
                    }
                }
            }
        }
    }
    assert!(codes.len() > 30, "{codes:?}");
    let is_own = |code: &str| catalogue.mappings().any(|mapping| mapping.text().contains(&format!("\"{code}\"")));
    let unexplained: Vec<&String> =
        codes.iter().filter(|code| !README.contains(&format!("`{code}`")) && !is_own(code)).collect();
    assert!(unexplained.is_empty(), "{unexplained:?}");
}

#[test]
fn the_links_of_the_readme_lead_somewhere() {
    let link = Regex::new(r"\]\(([^)#]+)\)").unwrap();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    for found in link.captures_iter(README).filter(|found| !found[1].starts_with("https:")) {
        assert!(folder.join(&found[1]).exists(), "{}", &found[1]);
    }
}
