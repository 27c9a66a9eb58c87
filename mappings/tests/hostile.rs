//! Documents that were made to break readers: each is a fault with a pointer, in every dialect, and none takes long.
//! What memory they take is measured in `memory.rs`.

#![expect(clippy::unwrap_used, reason = "the helpers of tests may fail as tests do")]

mod readme;

use mappings::{Catalogue, Format, Mapping, ReadFailure, ReadOptions, Reading, read_canonical};
use schemas::{DialectName, Kind};

const DEEP: usize = 10_000;

/// A document, the code of its first fault, and its pointer; one that ends with `/` is how it begins.
type Row<'d> = (&'d [u8], &'d str, &'d str);

/// The dialects of the program and those that the README shows.
fn catalogue() -> Catalogue {
    Catalogue::load(readme::folder("", str::to_owned).path()).unwrap()
}

fn mapping<'c>(catalogue: &'c Catalogue, dialect: &str) -> &'c Mapping {
    catalogue.mapping(&dialect.parse::<DialectName>().unwrap(), Kind::Vacancy).unwrap()
}

/// The dialects of a format; there are some.
fn dialects(catalogue: &Catalogue, format: Format, least: usize) -> Vec<&Mapping> {
    let found: Vec<&Mapping> =
        catalogue.mappings().map(AsRef::as_ref).filter(|mapping: &&Mapping| mapping.format() == format).collect();
    assert!(found.len() >= least, "{format:?} has {} dialects only", found.len());
    found
}

fn check(name: &str, read: impl Fn(&[u8]) -> Result<Reading, ReadFailure>, rows: &[Row<'_>]) {
    for (document, code, pointer) in rows {
        let shown = String::from_utf8_lossy(&document[..document.len().min(120)]);
        let failure = read(document).expect_err(&format!("{name}: {shown}"));
        let fault = &failure.faults[0];
        assert!(!fault.problem.is_empty(), "{name}: {shown}");
        assert_eq!(fault.code, *code, "{name}: {shown} at `{}`: {}", fault.pointer, fault.problem);
        let is_there = fault.pointer == *pointer || (pointer.ends_with('/') && fault.pointer.starts_with(pointer));
        assert!(is_there, "{name}: {shown} at `{}`", fault.pointer);
    }
}

#[test]
fn hostile_json_is_a_fault_with_a_pointer_in_every_dialect() {
    let lists = "[".repeat(DEEP);
    let objects = format!("{{\"payload\":{}", "{\"a\":".repeat(DEEP));
    let utf16: Vec<u8> = "{\"action\":\"x\"}".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let many = format!("{{\"x\": [{}0]}}", "0,".repeat(1 << 18));
    let names: Vec<String> = (0..1 << 18).map(|number| format!("\"{number}\":0,")).collect();
    let names = names.concat();
    let names = format!("{{\"x\": {{{names}\"last\":0}}}}");
    let huge = [b"{\"x\": \"", " ".repeat(mappings::MAX_BYTES).as_bytes(), b"\"}"].concat();
    let rows: [Row<'_>; 21] = [
        (lists.as_bytes(), "too_deep", "/0/"),
        (objects.as_bytes(), "too_deep", "/payload/"),
        (br#"{"payload": {"title": "\ud800"}}"#, "lone_surrogate", "/payload/title"),
        (br#"{"payload": {"title": "\ud83d\u0041"}}"#, "lone_surrogate", "/payload/title"),
        (br#"{"payload": {"title": "\udc00"}}"#, "lone_surrogate", "/payload/title"),
        (br#"{"payload": {"id": 1, "id": 2}}"#, "duplicate_name", "/payload/id"),
        (br#"{"x": 1, "y": {"z": 1, "\u007a": 2}}"#, "duplicate_name", "/y/z"),
        (br#"{"x": 1, "y": [{"a/b": 1, "a/b": 2}]}"#, "duplicate_name", "/y/0/a~1b"),
        (b"{\"payload\": {\"title\": \"a\0b\"}}", "no_json", "/payload/title"),
        (b"{\"payload\": \0 {\"title\": \"ab\"}}", "no_json", "/payload"),
        (br#"{"payload": {"title": "cut o"#, "no_json", "/payload/title"),
        (br#"{"payload": {"id": 1"#, "no_json", "/payload"),
        (br#"{"payload": [{"id": 1}, {"id": nul"#, "no_json", "/payload/1/id"),
        (b"{\"payload\": {\"title\": \"caf\xE9\"}}", "charset", ""),
        (b"{\"payload\": {\"title\": \"\xC0\x80\"}}", "charset", ""),
        (&utf16, "no_json", ""),
        (b"{} {}", "no_json", ""),
        (br#"{"payload": {"id": 1e999}}"#, "no_json", "/payload/id"),
        (br#"{"payload": {"id": NaN}}"#, "no_json", "/payload/id"),
        (many.as_bytes(), "too_many_values", "/x"),
        (names.as_bytes(), "too_many_values", "/x/"),
    ];
    let catalogue = catalogue();
    let readers = dialects(&catalogue, Format::Json, 4);
    for mapping in readers {
        check(mapping.dialect().as_str(), |bytes| mapping.read(bytes, &ReadOptions::default()), &rows);
        let rows: [Row<'_>; 2] = [(b"", "no_json", ""), (&huge, "too_large", "")];
        check(mapping.dialect().as_str(), |bytes| mapping.read(bytes, &ReadOptions::default()), &rows);
    }
    let canonical = |bytes: &[u8]| read_canonical(Kind::Vacancy, bytes, &ReadOptions::default());
    check("canonical", canonical, &rows);
    let own: [Row<'_>; 4] = [
        (b"", "no_json", ""),
        (&huge, "too_large", ""),
        (b"[]", "no_canonical_record", ""),
        (br#"{"openings": 1e3}"#, "no_canonical_record", "/openings"),
    ];
    check("canonical", canonical, &own);
    // The list of a site of pages is JSON too.
    let listed = mapping(&catalogue, "anapec-offer");
    check("anapec-offer", |bytes| listed.read(bytes, &ReadOptions::default()), &rows);
}

#[test]
fn hostile_xml_is_a_fault_with_a_pointer_in_every_dialect() {
    let laughs = "<!DOCTYPE a [<!ENTITY a \"ha\"><!ENTITY b \"&a;&a;&a;\">]><Opening>&b;</Opening>";
    let outside = "<!DOCTYPE a SYSTEM \"file:///etc/passwd\"><Opening/>";
    let parameter = "<!DOCTYPE a [<!ENTITY % p SYSTEM \"http://127.0.0.1:1/\">%p;]><Opening/>";
    let deep = format!("<Opening>{}", "<a>".repeat(DEEP));
    let attributes: Vec<String> = (0..300).map(|number| format!(" a{number}=''")).collect();
    let attributes = attributes.concat();
    let attributes = format!("<Opening><b{attributes}/></Opening>");
    let namespace = format!("<Opening><b xmlns='{}'/></Opening>", "n".repeat(257));
    let many = format!("<Opening>{}</Opening>", "<a/>".repeat(1 << 18));
    let huge = [b"<Opening>", " ".repeat(mappings::MAX_BYTES).as_bytes(), b"</Opening>"].concat();
    let rows: [Row<'_>; 27] = [
        (b"", "no_xml", ""),
        (laughs.as_bytes(), "document_type", ""),
        (outside.as_bytes(), "document_type", ""),
        (parameter.as_bytes(), "document_type", ""),
        (deep.as_bytes(), "too_deep", "/Opening/a/"),
        (attributes.as_bytes(), "too_many_attributes", "/Opening/b"),
        (namespace.as_bytes(), "namespace_too_long", "/Opening"),
        (many.as_bytes(), "too_many_values", "/Opening"),
        (&huge, "too_large", ""),
        (b"<Opening><a>&nbsp;</a></Opening>", "unknown_entity", "/Opening/a"),
        (b"<Opening><a>&#0;</a></Opening>", "no_xml", "/Opening/a"),
        (b"<Opening><a>&#xD800;</a></Opening>", "no_xml", "/Opening/a"),
        (b"<Opening><a b='&#xD800;'/></Opening>", "no_xml", "/Opening/a"),
        (b"<Opening><a b='&x;'/></Opening>", "no_xml", "/Opening/a"),
        (b"<Opening><a b='1' b='2'/></Opening>", "no_xml", "/Opening/a"),
        (b"<Opening><x:a/></Opening>", "unknown_prefix", "/Opening"),
        (b"<Opening><a></b></Opening>", "no_xml", "/Opening/a"),
        (b"<Opening><a><![CDATA[cut", "no_xml", "/Opening/a"),
        (b"<Opening><a b='cut", "no_xml", "/Opening"),
        (b"<Opening><a>", "no_xml", "/Opening/a"),
        (b"<Opening/><Opening/>", "no_xml", ""),
        (b"<Opening>caf\xE9</Opening>", "charset", ""),
        (b"<?xml version='1.0' encoding='UTF-16'?><Opening>\xE9</Opening>", "charset", ""),
        (b"<?xml version='1.0' encoding='x-none'?><Opening/>", "charset", ""),
        (b"\xFE\xFF<Opening/>", "no_xml", ""),
        (b"{\"payload\": {}}", "no_xml", ""),
        (b"<other/>", "other_root", ""),
    ];
    let catalogue = catalogue();
    for mapping in dialects(&catalogue, Format::Xml, 4) {
        check(mapping.dialect().as_str(), |bytes| mapping.read(bytes, &ReadOptions::default()), &rows);
    }
}

#[test]
fn hostile_labels_are_a_fault_with_a_pointer_in_every_dialect() {
    let long = format!("Notice no : {}", "x".repeat(1 << 20));
    let huge = " : \n".repeat(2 << 20);
    let page = format!("<html>{}", "<div>".repeat(DEEP));
    let utf16: Vec<u8> = "Notice no : 1".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let documents: [(&[u8], Option<&str>); 12] = [
        (b"", None),
        (b": : :\n\n:\n\0", None),
        (b"Post\nPost\nPost : \nNotice no :", None),
        (b"\xEF\xBB\xBF : ", None),
        (&utf16, None),
        (page.as_bytes(), None),
        (b"<script>Notice no : 1", None),
        (b"<!DOCTYPE a [<!ENTITY b \"ha\">]><p>&b;</p>", None),
        (b"Notice no : caf\xE9", Some("charset")),
        (b"<p>\xE9</p>", Some("charset")),
        (b"<meta charset=utf-8><p>\xE9</p>", Some("charset")),
        (huge.as_bytes(), Some("too_large")),
    ];
    let catalogue = catalogue();
    let nothing = [("notice-text", "no_reference", "/Notice no"), ("anapec-offer", "unknown_shape", "")];
    let mappings = dialects(&catalogue, Format::Labels, 2);
    assert_eq!(mappings.len(), nothing.len(), "another dialect of labels belongs into the table");
    for (dialect, code, pointer) in nothing {
        let mapping = mapping(&catalogue, dialect);
        let rows = documents.map(|(document, other)| match other {
            Some(code) => (document, code, ""),
            None => (document, code, pointer),
        });
        check(dialect, |bytes| mapping.read(bytes, &ReadOptions::default()), &rows);
    }
    let reading = mapping(&catalogue, "notice-text").read(long.as_bytes(), &ReadOptions::default()).unwrap();
    assert_eq!(reading.record.text("reference").map(str::len), Some(1 << 20));
}

#[test]
fn characters_that_xml_forbids_are_taken_out_and_reported() {
    let catalogue = catalogue();
    let rows: [(&str, &[u8]); 4] = [
        ("harbour-json", br#"{"job": {"ref": "1", "title": "a\u0000b\ufffe"}}"#),
        (
            "guild-xml",
            b"<Vacancy xmlns='urn:guild:vacancy:3' xmlns:t='urn:guild:text' number='1'>\
              <Text t:lang='en'><t:Title>a\0b\xEF\xBF\xBE</t:Title></Text></Vacancy>",
        ),
        ("notice-text", b"Notice no : 1\nPost\nTitle : a\0b\xEF\xBF\xBE"),
        ("canonical", br#"{"reference": "1", "profiles": [{"language": "en", "title": "a\u0000b\ufffe"}]}"#),
    ];
    for (dialect, document) in rows {
        let reading = match dialect {
            "canonical" => read_canonical(Kind::Vacancy, document, &ReadOptions::default()),
            _ => mapping(&catalogue, dialect).read(document, &ReadOptions::default()),
        };
        let Reading { record, loss, .. } = reading.unwrap();
        assert_eq!(record.text("profiles[en].title"), Some("ab"), "{dialect}");
        assert!(loss.entries.iter().any(|entry| entry.code == "illegal_characters"), "{dialect}: {loss:?}");
    }
}

#[test]
fn a_million_faults_are_a_hundred() {
    let document = format!("{{\"profiles\": [{}1]}}", "1,".repeat(200_000));
    let failure = read_canonical(Kind::Vacancy, document.as_bytes(), &ReadOptions::default()).unwrap_err();
    assert_eq!(failure.faults.len(), 100);
}
