//! What is fuzzed: one function for each reader. None may panic, hang or take much memory, whatever the bytes.
//!
//! The fuzz targets call them with bytes of their own finding, `tests/fuzz.rs` with those that were found before.

use std::sync::LazyLock;

use mappings::{
    Catalogue, Defaults, Format, Mapping, ReadOptions, WriteOptions,
    codes::{CodeList, Crosswalk},
    read_canonical, write_canonical,
};
use schemas::{Kind, Record};

/// The mappings of the program.
pub static CATALOGUE: LazyLock<Catalogue> =
    LazyLock::new(|| Catalogue::embedded().expect("the mappings of the program have no mistake"));

/// A reader and its name.
pub type Reader = (&'static str, fn(&[u8]));

/// Every reader; each has a target of its name.
pub const READERS: [Reader; 8] = [
    ("canonical", canonical),
    ("code_list", code_list),
    ("crosswalk", crosswalk),
    ("json", json),
    ("labels", labels),
    ("mapping", mapping),
    ("partner", partner),
    ("xml", xml),
];

/// JSON documents, in every dialect that reads some.
pub fn json(bytes: &[u8]) {
    read_in(bytes, &[Format::Json]);
}

/// XML documents, in every dialect of XML.
pub fn xml(bytes: &[u8]) {
    read_in(bytes, &[Format::Xml]);
}

/// Labels and values: texts, pages and lists.
pub fn labels(bytes: &[u8]) {
    read_in(bytes, &[Format::Labels]);
}

fn read_in(bytes: &[u8], formats: &[Format]) {
    for mapping in CATALOGUE.mappings().filter(|mapping| formats.contains(&mapping.format())) {
        read(mapping, bytes);
    }
}

/// Reads a document; every fault says what and where. What was read is written, and that is read again.
fn read(mapping: &Mapping, bytes: &[u8]) {
    drop(mapping.split(bytes));
    let reading = match mapping.read(bytes, &ReadOptions { defaults: None, full: true }) {
        Ok(reading) => reading,
        Err(failure) => {
            assert!(!failure.faults.is_empty());
            assert!(failure.faults.iter().all(|fault| !fault.code.is_empty() && !fault.problem.is_empty()));
            return;
        }
    };
    let options = WriteOptions { complement: Some(&reading.complement), ..WriteOptions::default() };
    if let Ok(writing) = mapping.write(&reading.record, &options) {
        let again = mapping.read(&writing.bytes, &ReadOptions::default());
        assert!(again.is_ok(), "{} does not read its own document: {again:?}", mapping.dialect());
    }
}

/// Canonical records, and what every dialect writes of them.
pub fn canonical(bytes: &[u8]) {
    let Ok(reading) = read_canonical(Kind::Vacancy, bytes, &ReadOptions::default()) else {
        return;
    };
    let again = read_canonical(Kind::Vacancy, &write_canonical(&reading.record).bytes, &ReadOptions::default());
    assert_eq!(again.expect("its own document is read").record, reading.record);
    for mapping in CATALOGUE.mappings() {
        if let Ok(writing) = mapping.write(&reading.record, &WriteOptions::default()) {
            let again = mapping.read(&writing.bytes, &ReadOptions::default());
            assert!(again.is_ok(), "{} does not read its own document: {again:?}", mapping.dialect());
        }
    }
}

/// Code lists; every mistake is told with its file.
pub fn code_list(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    match CodeList::parse("fuzz", "fuzz.tsv", text) {
        Ok(list) => assert!(list.codes().all(|code| list.knows(code))),
        Err(mistakes) => assert!(!mistakes.is_empty() && mistakes.iter().all(|mistake| mistake.file == "fuzz.tsv")),
    }
}

/// Crosswalks; every mistake is told with its file.
pub fn crosswalk(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    if let Err(mistakes) = Crosswalk::parse("fuzz.sssom.tsv", text) {
        assert!(!mistakes.is_empty() && mistakes.iter().all(|mistake| mistake.file == "fuzz.sssom.tsv"));
    }
}

/// Mapping files; what compiles reads and writes.
pub fn mapping(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    let name = "fuzz".parse().expect("a name");
    let mapping = match CATALOGUE.compile(&name, Kind::Vacancy, text) {
        Ok(mapping) => mapping,
        Err(mistakes) => {
            assert!(!mistakes.is_empty() && mistakes.iter().all(|mistake| !mistake.problem.is_empty()));
            return;
        }
    };
    let document: &[u8] = match mapping.format() {
        Format::Json => br#"{"a": [{"b": "1"}], "job": {"ref": 7}}"#,
        Format::Xml => b"<a b='1'><c>2</c></a>",
        Format::Labels => b"A : 1\nB\nC : 2",
    };
    drop(mapping.read(document, &ReadOptions::default()));
    drop(mapping.write(&Record::new(Kind::Vacancy), &WriteOptions::default()));
}

/// A document that says little, so that much is filled in.
const LITTLE: &[u8] = br#"{"action": "job_post_updated", "payload": {"id": 1, "title": "x", "location": "Gent"}}"#;

/// The defaults of partner files.
pub fn partner(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    if let Ok(defaults) = Defaults::from_toml("fuzz.toml", text, Kind::Vacancy) {
        let greenhouse = CATALOGUE.mapping(&"greenhouse".parse().expect("a name"), Kind::Vacancy);
        let options = ReadOptions { defaults: Some(&defaults), full: false };
        assert!(greenhouse.expect("the dialect is there").read(LITTLE, &options).is_ok());
    }
}
