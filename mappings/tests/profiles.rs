//! Every candidate that was collected, and every sample, in every dialect of talent profiles that is written; what comes
//! out keeps the schemas and rules of others.

#![expect(clippy::unwrap_used, reason = "the helpers of tests may fail as tests do")]

mod collected;
mod generated;
mod standards;

use std::{fs, path::Path};

use jsonschema::Validator;
use mappings::{CANONICAL, CONSENT_MISSING_REQUIRED, Catalogue, ReadOptions, Reading, WriteOptions, laws};
use proptest::{
    strategy::{Strategy, ValueTree},
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};
use schemas::{Category, DialectName, Kind, Mask};

use self::standards::hrxml::Checker;

const KIND: Kind = Kind::TalentProfile;

/// Why a profile may not be written: it says too little for the partner, and the partner which.
const REFUSALS: [(&str, &str); 6] = [
    ("anapec-rest", "no_cin"),
    ("eures-candidate-xml", "no_reference"),
    ("eures-candidate-xml", "no_name"),
    ("greenhouse", "no_name"),
    ("lever", "no_name"),
    ("recruitee", "no_name"),
];

/// Collected documents that tell of no candidate, with the fault that says so.
const UNREADABLE: [(&str, &str); 2] = [
    ("_candidates__post_candidates__04.json", "unknown_shape"),
    ("_candidates__retrieve_candidates__01.json", "unknown_shape"),
];

/// The schemas of others, where they are at hand.
struct Standards {
    hropen: Option<Validator>,
    json_resume: Option<Validator>,
    hrxml: Option<Checker>,
}

impl Standards {
    fn load() -> Self {
        let data = collected::data();
        let load = |make: fn(&Path) -> Validator| data.as_deref().map(make);
        let hrxml = data.as_deref().and_then(Checker::new);
        Self { hropen: load(standards::hropen), json_resume: load(standards::json_resume), hrxml }
    }

    /// What they say against a document in a dialect; HR-XML is gathered, and checked in the end.
    fn faults(&mut self, name: &str, dialect: &DialectName, document: &[u8]) -> Vec<String> {
        let schema = match dialect.as_str() {
            "eures-candidate-xml" => return standards::eures::breaches(document),
            "hrxml-2.5" => {
                self.hrxml.iter_mut().for_each(|hrxml| hrxml.add(name, document));
                return Vec::new();
            }
            "hropen-json" | "vdab-profile" | "actiris-profile" | "matching-platform" => &self.hropen,
            "json-resume" => &self.json_resume,
            _ => &None,
        };
        schema.as_ref().map(|schema| standards::faults(schema, document)).unwrap_or_default()
    }

    /// Has checked what was gathered.
    fn finish(&self) {
        self.hrxml.iter().for_each(|hrxml| assert_eq!(hrxml.complaints(), ""));
    }
}

fn targets(catalogue: &Catalogue) -> Vec<DialectName> {
    let mappings = catalogue.mappings().filter(|mapping| mapping.kind() == KIND && mapping.directions().writes());
    mappings.map(|mapping| mapping.dialect().clone()).collect()
}

/// Writes a profile in every dialect, as a whole and under a mask, and has each document checked; gives how many
/// whole ones there were.
fn write_everywhere(catalogue: &Catalogue, standards: &mut Standards, reading: &Reading, from: &str) -> usize {
    let canonical = mappings::write_canonical(&reading.record);
    assert!(!canonical.bytes.is_empty(), "{from} to {CANONICAL}");
    let mask = Mask::permitting([Category::Employment, Category::Languages, Category::Skills]);
    let mut written = 0;
    for to in targets(catalogue) {
        let mapping = catalogue.mapping(&to, KIND).unwrap();
        for mask in [None, Some(&mask)] {
            match mapping.write(&reading.record, &WriteOptions { mask, ..WriteOptions::default() }) {
                Ok(writing) => {
                    assert!(!writing.bytes.is_empty(), "{from} to {to}");
                    let mut faults = standards.faults(from, &to, &writing.bytes);
                    // Addresses are passed on as they came: some have no scheme, some are the word `string`.
                    faults
                        .retain(|fault| !fault.contains("is not a \"uri\"") && !fault.contains("\"string\" is not a"));
                    let text = String::from_utf8_lossy(&writing.bytes);
                    assert!(faults.is_empty(), "{from} to {to}: {faults:#?}\n{text}");
                    written += usize::from(mask.is_none());
                }
                Err(refusal) if mask.is_some() && refusal.code == CONSENT_MISSING_REQUIRED => {}
                Err(refusal) => {
                    let is_known = REFUSALS.contains(&(to.as_str(), refusal.code.as_str()));
                    // A first registration asks for nearly everything.
                    let is_known = is_known || to.as_str() == "anapec-rest-inscription";
                    assert!(is_known, "{from} to {to}: {refusal}");
                }
            }
        }
    }
    written
}

#[test]
fn every_collected_candidate_goes_to_every_dialect() {
    let catalogue = Catalogue::embedded().unwrap();
    let mut standards = Standards::load();
    for (from, path) in collected::candidates() {
        let name = path.display().to_string();
        let expected = UNREADABLE.iter().find(|(file, _)| path.ends_with(file)).map(|(_, code)| *code);
        let mapping = catalogue.mapping(&from.parse().unwrap(), KIND).unwrap();
        match (mapping.read(&fs::read(&path).unwrap(), &ReadOptions::default()), expected) {
            (Ok(reading), None) => {
                assert!(reading.loss.kept > 0 || !reading.loss.entries.is_empty(), "{name}");
                let written = write_everywhere(&catalogue, &mut standards, &reading, &name);
                assert!(written + 6 >= targets(&catalogue).len(), "{name}: {written}");
            }
            (Err(failure), Some(code)) => assert_eq!(failure.faults[0].code, code, "{name}"),
            (other, _) => panic!("{name}: {:?}", other.map(|reading| reading.loss)),
        }
    }
    standards.finish();
}

#[test]
fn every_sample_goes_to_every_dialect() {
    let catalogue = Catalogue::embedded().unwrap();
    let mut standards = Standards::load();
    let mut count = 0;
    for mapping in catalogue.mappings().filter(|mapping| mapping.kind() == KIND) {
        for sample in laws::samples(mapping) {
            let Ok(reading) = mapping.read(&sample.input, &ReadOptions::default()) else { continue };
            let name = format!("{}/{}", mapping.dialect(), sample.name);
            count += write_everywhere(&catalogue, &mut standards, &reading, &name);
        }
    }
    assert!(count >= 150, "only {count} documents were checked");
    standards.finish();
}

/// Values that are made by chance are no addresses, and no codes of the lists that a standard closes.
fn is_by_chance(fault: &str) -> bool {
    ["uri", "email", "is not one of", "date-time"].iter().any(|word| fault.contains(word))
}

#[test]
fn records_made_by_chance_keep_the_rules() {
    let catalogue = Catalogue::embedded().unwrap();
    let mut standards = Standards::load();
    let records = generated::records(KIND, catalogue.library());
    let random = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let mut runner = TestRunner::new_with_rng(Config { failure_persistence: None, ..Config::default() }, random);
    for _ in 0..150 {
        let record = records.new_tree(&mut runner).unwrap().current();
        for to in ["eures-candidate-xml", "hropen-json", "hrxml-2.5", "json-resume"].map(|to| to.parse().unwrap()) {
            let Ok(writing) = catalogue.mapping(&to, KIND).unwrap().write(&record, &WriteOptions::default()) else {
                continue;
            };
            let mut faults = standards.faults("chance", &to, &writing.bytes);
            faults.retain(|fault| !is_by_chance(fault));
            assert!(faults.is_empty(), "{to}: {faults:#?}\n{}", String::from_utf8_lossy(&writing.bytes));
        }
    }
    standards.finish();
}

#[test]
fn the_rules_find_what_is_wrong() {
    let wrong = br#"<Candidate xmlns="http://www.hr-xml.org/3" majorVersionID="3"><CandidatePerson><PersonName/>
        <Communication><ChannelCode>Pigeon</ChannelCode><URI>x</URI></Communication><BirthDate>last year</BirthDate>
        </CandidatePerson><CandidateProfile><PersonQualifications><PersonCompetency><CompetencyID>dut</CompetencyID>
        <TaxonomyID>language</TaxonomyID><CompetencyDimension><CompetencyDimensionTypeCode>x</CompetencyDimensionTypeCode>
        </CompetencyDimension></PersonCompetency></PersonQualifications></CandidateProfile></Candidate>"#;
    let found = standards::eures::breaches(wrong).join("\n");
    for breach in [
        "56, 57",
        "no DocumentID",
        "no GivenName",
        "Pigeon",
        "BR-CV-31",
        "BR-COM-05",
        "BR-COM-14",
        "`dut`",
        "BR-COM-49",
        "BR-COM-55",
        "no Score",
    ] {
        assert!(found.contains(breach), "{breach}: {found}");
    }
}

#[test]
fn the_schemas_find_what_is_wrong() {
    let Standards { json_resume: Some(json_resume), hropen: Some(hropen), .. } = Standards::load() else { return };
    for (schema, document) in [
        (&json_resume, r#"{"basics": {"email": "nobody"}}"#),
        (&json_resume, r#"{"work": [{"startDate": "spring"}]}"#),
        (&hropen, r#"{"person": {"gender": "Unknown"}}"#),
        (&hropen, r#"{"documentId": {"schemeId": "x"}}"#),
        (&hropen, r#"{"person": {"communication": {"phone": [{"useCode": "mobile"}]}}}"#),
        (&hropen, r#"{"profiles": [{"education": [{"educationDegrees": [{"iscedEducationLevelCode": "9"}]}]}]}"#),
        (&hropen, r#"{"profiles": [{"employment": [{"start": "last year"}]}]}"#),
    ] {
        assert!(!standards::faults(schema, document.as_bytes()).is_empty(), "{document}");
    }
}
