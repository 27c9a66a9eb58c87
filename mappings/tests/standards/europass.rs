//! Europass: its XSD is not public. The elements that the description of the schema (ECV 3.0.0) lists, and those of a CV that
//! Europass gave out, are those that a document may have.

use std::{collections::BTreeSet, fs, path::Path};

use quick_xml::{Reader, events::Event};

/// What the mapping infers: `CourseCertifications` is known, its items stood in no document that was at hand.
const INFERRED: [&str; 1] = ["CourseCertification"];

/// The names of elements that are known.
pub struct Elements(BTreeSet<String>);

impl Elements {
    pub fn load(data: &Path) -> Self {
        let path = data.join("belgium/europass_candidate_elements.tsv");
        let table = fs::read_to_string(&path).unwrap_or_else(|error| panic!("`{}`: {error}", path.display()));
        let listed = table.lines().skip(1).filter_map(|line| line.split('\t').nth(2)).map(str::to_owned);
        let given_out = fs::read(data.join("ats/europass/candidate-europass-REDACTED.xml")).unwrap();
        let names: BTreeSet<String> = listed.chain(elements(&given_out)).chain(INFERRED.map(str::to_owned)).collect();
        assert!(names.len() > 100, "`{}` lists {} elements", path.display(), names.len());
        Self(names)
    }

    /// The elements of a document that nobody knows.
    pub fn faults(&self, document: &[u8]) -> Vec<String> {
        let unknown = elements(document).into_iter().filter(|name| !self.0.contains(name));
        unknown.map(|name| format!("`{name}` is no element of Europass")).collect()
    }
}

fn elements(document: &[u8]) -> BTreeSet<String> {
    let mut reader = Reader::from_reader(document);
    let (mut names, mut buffer) = (BTreeSet::new(), Vec::new());
    loop {
        match reader.read_event_into(&mut buffer).unwrap() {
            Event::Start(start) | Event::Empty(start) => {
                names.insert(start.name().as_ref().rsplit(':').next().unwrap().to_owned());
            }
            Event::Eof => return names,
            _ => {}
        }
        buffer.clear();
    }
}
