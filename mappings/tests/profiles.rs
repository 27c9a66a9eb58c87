//! Every candidate that was collected, and every sample, in every dialect of talent profiles that is written; what comes
//! out keeps the schemas and rules of others.

#![expect(clippy::unwrap_used, reason = "the helpers of tests may fail as tests do")]

mod collected;
mod generated;
mod standards;

use std::{collections::BTreeMap, fs, path::Path};

use jsonschema::Validator;
use mappings::{CANONICAL, CONSENT_MISSING_REQUIRED, Catalogue, ReadOptions, Reading, WriteOptions, laws};
use proptest::{
    strategy::{Strategy, ValueTree},
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};
use schemas::{Category, DialectName, Kind, Mask, Path as SchemaPath, Record, Value};

use self::standards::{europass::Elements, hrxml::Checker};

const KIND: Kind = Kind::TalentProfile;

/// Why a profile may not be written: it says too little for the partner, and the partner which.
const REFUSALS: [(&str, &str); 7] = [
    ("anapec-rest", "no_cin"),
    ("eures-candidate-xml", "no_reference"),
    ("eures-candidate-xml", "no_name"),
    ("greenhouse", "no_name"),
    ("hrxml-2.5-humanresource", "no_reference"),
    ("lever", "no_name"),
    ("recruitee", "no_name"),
];

/// Collected documents that tell of no candidate, with the fault that says so.
const UNREADABLE: [(&str, &str); 3] = [
    ("_candidates__post_candidates__04.json", "unknown_shape"),
    ("_candidates__retrieve_candidates__01.json", "unknown_shape"),
    // A part of a resume.
    ("ExecutiveSummaryExample.xml", "other_root"),
];

/// The dialects whose documents others have rules for.
const CHECKED: [&str; 9] = [
    "actiris-profile",
    "eures-candidate-xml",
    "europass-xml",
    "hropen-json",
    "hrxml-2.5",
    "hrxml-2.5-humanresource",
    "json-resume",
    "matching-platform",
    "vdab-profile",
];

/// The schemas and rules of others, where they are at hand.
struct Standards {
    hropen: Option<Validator>,
    json_resume: Option<Validator>,
    europass: Option<Elements>,
    hrxml: Option<Checker>,
    human_resource: Option<Checker>,
    /// How many documents of each dialect were checked.
    checked: BTreeMap<String, usize>,
}

impl Standards {
    fn load() -> Self {
        let data = collected::data();
        let load = |make: fn(&Path) -> Validator| data.as_deref().map(make);
        let hrxml = |schema| data.as_deref().and_then(|data| Checker::new(data, schema));
        Self {
            hropen: load(standards::hropen),
            json_resume: load(standards::json_resume),
            europass: data.as_deref().map(Elements::load),
            hrxml: hrxml("SEP/Candidate.xsd"),
            human_resource: hrxml("SIDES/HumanResource.xsd"),
            checked: BTreeMap::new(),
        }
    }

    /// What they say against a document in a dialect; HR-XML is gathered, and checked in the end.
    fn faults(&mut self, name: &str, dialect: &DialectName, document: &[u8]) -> Vec<String> {
        let gather = |checker: &mut Option<Checker>| {
            checker.as_mut().map(|checker| {
                checker.add(name, document);
                Vec::new()
            })
        };
        let schema = |schema: &Option<Validator>| schema.as_ref().map(|schema| standards::faults(schema, document));
        let faults = match dialect.as_str() {
            "eures-candidate-xml" => Some(standards::eures::breaches(document)),
            "europass-xml" => self.europass.as_ref().map(|elements| elements.faults(document)),
            "hrxml-2.5" => gather(&mut self.hrxml),
            "hrxml-2.5-humanresource" => gather(&mut self.human_resource),
            "hropen-json" | "vdab-profile" | "actiris-profile" | "matching-platform" => schema(&self.hropen),
            "json-resume" => schema(&self.json_resume),
            _ => None,
        };
        if faults.is_some() {
            *self.checked.entry(dialect.to_string()).or_default() += 1;
        }
        faults.unwrap_or_default()
    }

    /// Has checked what was gathered; says how much was.
    fn finish(&self) {
        let checkers = self.hrxml.iter().chain(&self.human_resource);
        checkers.for_each(|hrxml| assert_eq!(hrxml.complaints(), ""));
        println!("checked by the rules of others: {:?}", self.checked);
    }

    /// Whether the rules of all of [`CHECKED`] are at hand.
    fn is_complete(&self) -> bool {
        self.hropen.is_some() && self.hrxml.is_some()
    }
}

fn targets(catalogue: &Catalogue) -> Vec<DialectName> {
    let mappings = catalogue.mappings().filter(|mapping| mapping.kind() == KIND && mapping.directions().writes());
    mappings.map(|mapping| mapping.dialect().clone()).collect()
}

/// How many whole documents were written, and how many times a record was refused because it says too little.
#[derive(Default)]
struct Count {
    written: usize,
    refused: Vec<String>,
}

/// A profile as it leaves the gateway: under a reference.
fn named(reading: &Reading) -> Record {
    let mut record = reading.record.clone();
    let slot = SchemaPath::resolve(record.model(), "reference").unwrap();
    *slot.slot(record.root_mut()) = Value::text("P-1");
    record
}

/// Writes a profile in every dialect, as a whole and under a mask, and has each document checked.
fn write_everywhere(catalogue: &Catalogue, standards: &mut Standards, record: &Record, from: &str) -> Count {
    let canonical = mappings::write_canonical(record);
    assert!(!canonical.bytes.is_empty(), "{from} to {CANONICAL}");
    let mask = Mask::permitting([Category::Employment, Category::Languages, Category::Skills]);
    let mut count = Count::default();
    for to in targets(catalogue) {
        let mapping = catalogue.mapping(&to, KIND).unwrap();
        for mask in [None, Some(&mask)] {
            match mapping.write(record, &WriteOptions { mask, ..WriteOptions::default() }) {
                Ok(writing) => {
                    assert!(!writing.bytes.is_empty(), "{from} to {to}");
                    let mut faults = standards.faults(from, &to, &writing.bytes);
                    // Addresses are passed on as they came: some have no scheme, some are the word `string`.
                    faults
                        .retain(|fault| !fault.contains("is not a \"uri\"") && !fault.contains("\"string\" is not a"));
                    let text = String::from_utf8_lossy(&writing.bytes);
                    assert!(faults.is_empty(), "{from} to {to}: {faults:#?}\n{text}");
                    count.written += usize::from(mask.is_none());
                }
                Err(refusal) if mask.is_some() && refusal.code == CONSENT_MISSING_REQUIRED => {}
                Err(refusal) => {
                    let is_known = REFUSALS.contains(&(to.as_str(), refusal.code.as_str()));
                    // A first registration asks for nearly everything.
                    let is_known = is_known || to.as_str() == "anapec-rest-inscription";
                    assert!(is_known, "{from} to {to}: {refusal}");
                    if mask.is_none() {
                        count.refused.push(format!("{to}: {}", refusal.code));
                    }
                }
            }
        }
    }
    assert_eq!(count.written + count.refused.len(), targets(catalogue).len(), "{from}");
    count
}

#[test]
fn every_collected_candidate_goes_to_every_dialect() {
    let catalogue = Catalogue::embedded().unwrap();
    let mut standards = Standards::load();
    let (mut all, mut files) = (Count::default(), BTreeMap::<&str, usize>::new());
    for (from, path) in collected::candidates() {
        let name = path.display().to_string();
        let expected = UNREADABLE.iter().find(|(file, _)| path.ends_with(file)).map(|(_, code)| *code);
        let mapping = catalogue.mapping(&from.parse().unwrap(), KIND).unwrap();
        match (mapping.read(&fs::read(&path).unwrap(), &ReadOptions::default()), expected) {
            (Ok(reading), None) => {
                assert!(reading.loss.kept > 0 || !reading.loss.entries.is_empty(), "{name}");
                let count = write_everywhere(&catalogue, &mut standards, &named(&reading), &name);
                // Only what wants an identity card, or a name that the document does not have, may refuse.
                let has_name = ["given", "full"].iter().any(|part| {
                    reading.record.text(&format!("person.names[Latn].{part}")).is_some_and(|text| !text.is_empty())
                });
                let is_known =
                    |refusal: &&String| refusal.ends_with("no_cin") || (!has_name && refusal.ends_with("no_name"));
                assert!(count.refused.iter().all(|refusal| is_known(&refusal)), "{name}: {:?}", count.refused);
                all.written += count.written;
                all.refused.extend(count.refused);
                *files.entry(from).or_default() += 1;
            }
            (Err(failure), Some(code)) => assert_eq!(failure.faults[0].code, code, "{name}"),
            (other, _) => panic!("{name}: {:?}", other.map(|reading| reading.loss)),
        }
    }
    println!(
        "{files:?} to {} dialects: {} written, {} refused",
        targets(&catalogue).len(),
        all.written,
        all.refused.len()
    );
    println!(
        "{:?}",
        all.refused.iter().fold(BTreeMap::<&str, usize>::new(), |mut counts, refusal| {
            *counts.entry(refusal).or_default() += 1;
            counts
        })
    );
    if standards.is_complete() {
        for dialect in CHECKED {
            assert!(standards.checked.contains_key(dialect), "nothing in `{dialect}` was checked");
        }
    }
    standards.finish();
}

#[test]
fn every_sample_goes_to_every_dialect() {
    let catalogue = Catalogue::embedded().unwrap();
    let mut standards = Standards::load();
    let mut written = 0;
    for mapping in catalogue.mappings().filter(|mapping| mapping.kind() == KIND) {
        for sample in laws::samples(mapping) {
            let Ok(reading) = mapping.read(&sample.input, &ReadOptions::default()) else { continue };
            let name = format!("{}/{}", mapping.dialect(), sample.name);
            written += write_everywhere(&catalogue, &mut standards, &reading.record, &name).written;
        }
    }
    assert!(written >= 150, "only {written} documents were written");
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
        for to in ["eures-candidate-xml", "hropen-json", "hrxml-2.5", "hrxml-2.5-humanresource", "json-resume"]
            .map(|to| to.parse().unwrap())
        {
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

#[test]
fn the_schemas_of_hr_xml_find_what_is_wrong() {
    let Some(data) = collected::data() else { return };
    let namespace = "xmlns=\"http://ns.hr-xml.org/2007-04-15\"";
    for (schema, wrong) in [
        ("SEP/Candidate.xsd", format!("<Candidate {namespace}><Resume/><CandidateProfile/></Candidate>")),
        ("SEP/Candidate.xsd", format!("<Candidate {namespace}><Hobby/></Candidate>")),
        ("SIDES/HumanResource.xsd", format!("<HumanResource {namespace}><Profile/></HumanResource>")),
    ] {
        let Some(mut checker) = Checker::new(&data, schema) else { return };
        checker.add("wrong", wrong.as_bytes());
        assert!(checker.complaints().contains("wrong:1"), "{wrong}: {}", checker.complaints());
    }
}

#[test]
fn an_element_that_europass_does_not_have_is_found() {
    let Some(data) = collected::data() else { return };
    let elements = Elements::load(&data);
    let document = |inside: &str| format!("<Candidate xmlns=\"http://www.europass.eu/1.0\">{inside}</Candidate>");
    assert!(elements.faults(document("<CandidateProfile/>").as_bytes()).is_empty());
    assert_eq!(elements.faults(document("<Hobby/>").as_bytes()), ["`Hobby` is no element of Europass"]);
}
