//! HR-XML 2.5 as we write it, checked by others: by xmllint against the schema, and by rules of this test's own.
//!
//! The schema may not be part of this project: it is looked for in `../shared/data/ats/hrxml-2.5`. xmllint comes with
//! Debian's package `libxml2-utils`; in CI, which installs it, it must be there.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says where")]

#[path = "../mappings/tests/generated/mod.rs"]
mod generated;
mod support;

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use connectors::{
    ExtraCertificates, Outcome, Parcel, Repeats, Sender,
    vdab::{
        VdabAccount, VdabPosting, VdabPostingSettings,
        stub::{VdabStub, VdabStubSettings},
    },
};
use mappings::{Catalogue, WriteOptions};
use proptest::{
    strategy::{Strategy, ValueTree},
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};
use quick_xml::{Reader, events::Event};
use schemas::{DialectName, DispatchId, EntityKey, Kind, Operation};
use serde_json::Value;

use self::support::{PATIENCE, wanted_tool};

/// What the schema imports for `xml:lang`, and the folder that holds the schema does not have.
const XML_LANG: &str = r#"<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema"
  targetNamespace="http://www.w3.org/XML/1998/namespace"><xs:attribute name="lang" type="xs:language"/></xs:schema>"#;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Every sample of a vacancy in every dialect, with the dialect.
fn samples() -> Vec<(String, PathBuf)> {
    let mut samples = Vec::new();
    let dialects = fs::read_dir(root().join("mappings/dialects")).unwrap().map(|entry| entry.unwrap());
    for dialect in dialects.filter(|dialect| dialect.path().join("vacancy.toml").exists()) {
        let name = dialect.file_name().to_string_lossy().into_owned();
        for entry in fs::read_dir(dialect.path().join("samples")).unwrap() {
            let path = entry.unwrap().path();
            if path.file_name().unwrap().to_string_lossy().contains(".in.") {
                samples.push((name.clone(), path));
            }
        }
    }
    samples.sort();
    samples
}

/// The partner file of a sample that has one.
fn defaults_of(sample: &Path) -> Option<PathBuf> {
    let stem = sample.file_stem().unwrap().to_string_lossy().replace(".in", "");
    Some(sample.with_file_name(format!("{stem}.defaults.toml"))).filter(|path| path.exists())
}

/// Translates a document into a place, by a partner file if there is one; gives the place, or nothing if it is refused.
fn translated_alone(from: &str, sample: &Path, to: &str, out: PathBuf) -> Option<PathBuf> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_passerelle"));
    command.args(["translate", "--json", "--from", from, "--to", to, "--kind", "vacancy"]);
    if let Some(partner) = defaults_of(sample) {
        command.arg("--partner").arg(partner);
    }
    let output = command.args([sample, &out]).output().unwrap();
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() || output.status.code() == Some(1), "{} to {to}: {complaint}", sample.display());
    output.status.success().then_some(out)
}

/// Translates the samples in a folder; gives the documents of those that are not refused.
fn translated_together(from: &str, samples: &Path, to: &str, folder: &Path) -> Vec<PathBuf> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_passerelle"));
    let output = command.args(["translate", "--each", "--from", from, "--to", to]).arg(samples).output().unwrap();
    let told = String::from_utf8_lossy(&output.stdout);
    let lines: Vec<Value> = told.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), fs::read_dir(samples).unwrap().count(), "{}", String::from_utf8_lossy(&output.stderr));
    let documents = lines.iter().filter_map(|line| line["document"].as_str()).enumerate();
    let written = documents.map(|(number, document)| {
        let path = folder.join(format!("{from}-{number}-as-{to}.xml"));
        fs::write(&path, document).unwrap();
        path
    });
    written.collect()
}

/// Every sample of every dialect in ours, as far as it is not refused.
fn translated(to: &str, folder: &Path) -> Vec<PathBuf> {
    let samples = samples();
    let (mut written, mut together) = (Vec::new(), BTreeSet::new());
    for (number, (from, sample)) in samples.iter().enumerate() {
        if defaults_of(sample).is_some() {
            let out = folder.join(format!("{from}-alone-{number}-as-{to}.xml"));
            written.extend(translated_alone(from, sample, to, out));
        } else {
            let copies = folder.join(format!("samples-{from}"));
            fs::create_dir_all(&copies).unwrap();
            fs::copy(sample, copies.join(sample.file_name().unwrap())).unwrap();
            together.insert((from, copies));
        }
    }
    for (from, copies) in together {
        written.extend(translated_together(from, &copies, to, folder));
    }
    assert!(written.len() * 2 > samples.len(), "only {} of {} samples became {to}", written.len(), samples.len());
    written
}

/// Records made by chance in our dialects.
fn generated(to: &str, folder: &Path) -> Vec<PathBuf> {
    const RECORDS: usize = 200;
    let catalogue = Catalogue::embedded().unwrap();
    let mapping = catalogue.mapping(&to.parse::<DialectName>().unwrap(), Kind::Vacancy).unwrap();
    let strategy = generated::records(Kind::Vacancy, catalogue.library());
    let config = Config { failure_persistence: None, ..Config::default() };
    let mut runner = TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha));
    let mut written = Vec::new();
    for number in 0..RECORDS {
        let record = strategy.new_tree(&mut runner).unwrap().current();
        if let Ok(writing) = mapping.write(&record, &WriteOptions::default()) {
            let path = folder.join(format!("generated-{number}-as-{to}.xml"));
            fs::write(&path, writing.bytes).unwrap();
            written.push(path);
        }
    }
    assert!(written.len() * 2 > RECORDS, "only {} of {RECORDS} records became {to}", written.len());
    written
}

/// The schema beside what it imports; nothing where this machine does not have it.
fn schema(folder: &Path) -> Option<PathBuf> {
    let collected = root().join("../shared");
    if !collected.exists() {
        println!("skipped: `{}`, which holds the schema of HR-XML 2.5, is not on this machine", collected.display());
        return None;
    }
    let source = collected.join("data/ats/hrxml-2.5");
    let copied = folder.join("schema/hrxml-2.5");
    for part in ["CPO", "CPO/US", "SEP", "SEP/DE", "SEP/US"] {
        fs::create_dir_all(copied.join(part)).unwrap();
        let files = fs::read_dir(source.join(part));
        let files = files.unwrap_or_else(|error| panic!("`{}/{part}` cannot be read: {error}", source.display()));
        let schemas =
            files.map(|entry| entry.unwrap().path()).filter(|path| path.extension().is_some_and(|e| e == "xsd"));
        for path in schemas {
            // A copy of the text: the collection is read-only, and what is removed with the folder must not be.
            fs::write(copied.join(part).join(path.file_name().unwrap()), fs::read(&path).unwrap()).unwrap();
        }
    }
    fs::create_dir_all(folder.join("schema/W3C")).unwrap();
    fs::write(folder.join("schema/W3C/xml.xsd"), XML_LANG).unwrap();
    let schema = copied.join("SEP/PositionOpening.xsd");
    assert!(schema.exists(), "`{}` holds no SEP/PositionOpening.xsd", source.display());
    Some(schema)
}

/// xmllint, where it is installed.
fn xmllint() -> Option<&'static str> {
    let found = Command::new("xmllint").arg("--version").output().is_ok_and(|output| output.status.success());
    wanted_tool("xmllint", "install Debian's `libxml2-utils`, or `libxml2` elsewhere", found.then_some("xmllint"))
}

/// What xmllint says against documents; nothing if they are valid.
fn complaints(schema: &Path, documents: &[PathBuf]) -> String {
    let mut command = Command::new("xmllint");
    let output = command.args(["--nonet", "--noout", "--schema"]).arg(schema).args(documents).output().unwrap();
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    let complaints: Vec<&str> = told.lines().filter(|line| !line.ends_with(" validates")).collect();
    assert_eq!(output.status.success(), complaints.is_empty(), "{told}");
    complaints.join("\n")
}

fn assert_written_documents_are_valid(to: &str) {
    let folder = tempfile::tempdir().unwrap();
    let Some(schema) = schema(folder.path()).filter(|_| xmllint().is_some()) else {
        return;
    };
    let documents = [translated(to, folder.path()), generated(to, folder.path())].concat();
    assert_eq!(complaints(&schema, &documents), "", "{to}");
}

#[test]
fn what_is_written_for_actiris_is_valid() {
    assert_written_documents_are_valid("actiris-hrxml");
}

#[test]
fn what_is_written_for_vdab_is_valid() {
    assert_written_documents_are_valid("vdab-hrxml");
}

#[test]
fn the_check_finds_what_is_wrong() {
    let folder = tempfile::tempdir().unwrap();
    let Some(schema) = schema(folder.path()).filter(|_| xmllint().is_some()) else {
        return;
    };
    let record = "<PositionRecordInfo><Id><IdValue>1</IdValue></Id></PositionRecordInfo>";
    let profile = "<PositionProfile xml:lang=\"nl\"><PositionDateInfo/></PositionProfile>";
    for (inside, complaint) in [
        (format!("{record}{profile}"), ""),
        (format!("{profile}{record}"), "not expected"),
        (format!("{record}<PositionProfile xml:lang=\"nl\"/>"), "PositionDateInfo"),
        (format!("{record}{profile}<NumberToFill>some</NumberToFill>"), "xs:integer"),
        (format!("{record}{profile}<UserArea><Own xmlns=\"urn:example\"/></UserArea>"), "strict"),
    ] {
        let path = folder.path().join("document.xml");
        let document = format!("<PositionOpening xmlns=\"http://ns.hr-xml.org/2007-04-15\">{inside}</PositionOpening>");
        fs::write(&path, document).unwrap();
        let told = complaints(&schema, &[path]);
        assert!(told.contains(complaint) && told.is_empty() == complaint.is_empty(), "{inside}: {told}");
    }
}

/// The texts of a document, each with the name of its element.
fn texts(document: &[u8]) -> Vec<(String, String)> {
    let mut reader = Reader::from_reader(document);
    let (mut open, mut texts) = (Vec::<(String, String)>::new(), Vec::new());
    let mut buffer = Vec::new();
    loop {
        let mut add = |text: &str| open.last_mut().map_or((), |(_, all)| all.push_str(text));
        match reader.read_event_into(&mut buffer).unwrap() {
            Event::Start(start) => open.push((start.name().as_ref().to_owned(), String::new())),
            Event::End(_) => texts.extend(open.pop()),
            Event::Text(text) => add(&text),
            Event::CData(text) => add(&text),
            Event::GeneralRef(reference) => add(match &*reference {
                "amp" => "&",
                "lt" => "<",
                "gt" => ">",
                other => panic!("`&{other};` is not written"),
            }),
            Event::Eof => return texts,
            _ => {}
        }
        buffer.clear();
    }
}

/// What is wrong with the texts of a document that is posted to VDAB: at most 4,000 characters, 4,000 bytes, no links.
fn breaches(document: &[u8]) -> Vec<String> {
    const MOST: usize = 4_000;
    let addresses = ["InternetWebAddress", "InternetEmailAddress"];
    let mut breaches = Vec::new();
    for (element, text) in texts(document) {
        if text.chars().count() > MOST || text.len() > MOST {
            breaches.push(format!("{element}: {} characters, {} bytes", text.chars().count(), text.len()));
        }
        let lower = text.to_lowercase();
        let has_link = ["http://", "https://", "ftp://", "mailto:", "href=", "www."].iter().any(|mark| {
            // `awww.` is a sigh.
            lower.match_indices(mark).any(|(at, _)| !lower[..at].ends_with(char::is_alphanumeric))
        });
        let has_link = has_link || lower.split_whitespace().any(is_link_without_scheme);
        if has_link && !addresses.contains(&element.as_str()) {
            breaches.push(format!("{element}: a link"));
        }
    }
    breaches
}

/// A host of a few well-known domains, with a path or behind two slashes.
fn is_link_without_scheme(word: &str) -> bool {
    let word = word.trim_start_matches(|sign: char| !sign.is_alphanumeric() && sign != '/');
    let (host, has_path) = match word.strip_prefix("//") {
        Some(rest) => (rest.split('/').next().unwrap_or(rest), true),
        None => word.split_once('/').map_or((word, false), |(host, _)| (host, true)),
    };
    has_path && !host.contains('@') && [".be", ".co", ".com", ".example", ".ly"].iter().any(|end| host.ends_with(end))
}

#[test]
fn what_is_posted_to_vdab_keeps_its_limits() {
    let folder = tempfile::tempdir().unwrap();
    let to = "vdab-hrxml";
    let mut documents = [translated(to, folder.path()), generated(to, folder.path())].concat();
    for (number, (title, description)) in [
        ("Zie https://example.org/jobs".to_owned(), "<p>é</p>".repeat(1_000)),
        ("€".repeat(4_001), format!("<p>{}</p>", "lang woord ".repeat(600))),
        ("Lasser".to_owned(), format!("<a href=\"https://example.org/\">{}</a>", "x".repeat(5_000))),
        ("Lasser".to_owned(), "<p>www.example.org</p>".to_owned()),
        (
            "Kok bouw.be/jobs".to_owned(),
            "<p>zie bit.ly/xyz, t.co/abc of //evil.be/x (b.v. Node.js/React 24/7)</p>".to_owned(),
        ),
    ]
    .into_iter()
    .enumerate()
    {
        let vacancy = serde_json::json!({
            "reference": "R1",
            "status": "published",
            "profiles": [{"language": "nl", "title": title, "description": description, "benefits": description}],
        });
        let path = folder.path().join(format!("long-{number}.json"));
        fs::write(&path, vacancy.to_string()).unwrap();
        documents.push(translated_alone("canonical", &path, to, path.with_extension("xml")).unwrap());
    }
    for path in &documents {
        let found = breaches(&fs::read(path).unwrap());
        assert!(found.is_empty(), "{}: {found:?}", path.display());
    }
    assert_eq!(refused_by_the_stub(&documents), [""; 0]);
}

/// What VDAB's stub says against documents that are posted to it.
#[tokio::main(flavor = "current_thread")]
async fn refused_by_the_stub(documents: &[PathBuf]) -> Vec<String> {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let settings = VdabStubSettings::new("client".to_owned(), "s3cret".into(), "key".into());
    let stub = VdabStub::start(settings).await.unwrap();
    let posting = VdabPosting::new(VdabPostingSettings {
        base_url: stub.posting_url(),
        account: VdabAccount::new(stub.token_url(), "client".to_owned(), "s3cret".into(), "key".into()),
        repeats: Repeats::ByKey,
        connect_time_out: PATIENCE,
        token_time_out: PATIENCE,
        certificates: ExtraCertificates::default(),
    });
    let (posting, mut refused) = (posting.unwrap(), Vec::new());
    for path in documents {
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        let parcel = Parcel {
            dispatch: DispatchId::from(uuid::Uuid::nil()),
            idempotency_key: name.clone(),
            reference: EntityKey::of_vacancy(&"acme".parse().unwrap(), &name),
            operation: Operation::Upsert,
            kind: Kind::Vacancy,
            media_type: "application/xml".to_owned(),
            body: fs::read(path).unwrap(),
            time_out: PATIENCE,
            closing: None,
            notice: None,
        };
        let outcome = posting.send(parcel).await.outcome;
        if !matches!(outcome, Outcome::Delivered { .. }) {
            refused.push(format!("{name}: {outcome:?}"));
        }
    }
    refused
}

#[test]
fn the_rules_find_what_is_against_them() {
    let own = fs::read(root().join("mappings/dialects/vdab-hrxml/samples/004-long-texts-and-links.in.xml")).unwrap();
    let found = breaches(&own);
    for breach in ["Description: a link", "PositionTitle: a link", "Value: a link"] {
        assert!(found.contains(&breach.to_owned()), "{breach}: {found:?}");
    }
    assert_eq!(found.iter().filter(|breach| breach.ends_with("bytes")).count(), 2, "{found:?}");
    for text in ["awww. mooi &amp; lang", "Node.js/React, TCP/IP, 24/7, a@bouw.be, bouw.be"] {
        assert!(breaches(format!("<A><Value>{text}</Value></A>").as_bytes()).is_empty(), "{text}");
    }
    for text in ["zie bit.ly/xyz", "Kok (bouw.be/jobs)", "//evil.be"] {
        assert_eq!(breaches(format!("<A><Value>{text}</Value></A>").as_bytes()), ["Value: a link"], "{text}");
    }
}
