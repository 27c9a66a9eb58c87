//! `passerelle translate` and `mappings` as their users run them: every pair of dialects, on every sample and on
//! every matching document that was collected.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says where")]

use std::{
    fs,
    io::{ErrorKind, Write},
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    thread,
};

use serde_json::Value;

/// Every dialect that is written.
const WRITABLE: [&str; 8] = [
    "actiris-hrxml",
    "anapec-offer",
    "canonical",
    "eures-xml",
    "greenhouse",
    "vdab-hrxml",
    "vdab-json",
    "vdab-json-v2",
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn passerelle(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_passerelle")).args(arguments).output().unwrap()
}

fn complaint(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// The documents of a folder with these beginnings and endings; there must be some.
fn documents(folder: &Path, beginnings: &[&str], ending: &str) -> Vec<PathBuf> {
    let fits = |path: &PathBuf| {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        name.ends_with(ending)
            && (beginnings.is_empty() || beginnings.iter().any(|beginning| name.starts_with(beginning)))
    };
    let mut found: Vec<PathBuf> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).filter(fits).collect();
    found.sort();
    assert!(!found.is_empty(), "`{}` holds nothing to translate", folder.display());
    found
}

/// Translates a document with all that is told of it. It must come out, or be refused for a reason that has a code.
fn translate_alone(from: &str, to: &str, document: &Path) {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_string_lossy().into_owned();
    let (loss, complement, out) = (path("loss.json"), path("complement.json"), path("out"));
    let input = document.to_string_lossy().into_owned();
    let mut arguments = vec!["translate", "--json", "--from", from, "--to", to, "--kind", "vacancy"];
    arguments.extend(["--loss", &loss, "--complement", &complement]);
    let partner = defaults_of(document).map(|path| path.to_string_lossy().into_owned());
    if let Some(partner) = &partner {
        arguments.extend(["--partner", partner]);
    }
    arguments.extend([input.as_str(), &out]);
    let output = passerelle(&arguments);
    if !output.status.success() {
        let error: Value = serde_json::from_str(&complaint(&output))
            .unwrap_or_else(|_| panic!("{input} to {to}: {}", complaint(&output)));
        assert!(output.status.code() == Some(1) && has_reason(&error), "{input} to {to}: {error}");
        return;
    }
    assert!(!fs::read(&out).unwrap().is_empty(), "{input} to {to}");
    let report: Value = serde_json::from_slice(&fs::read(&loss).unwrap()).unwrap();
    assert!(report["fields"].as_array().is_some_and(|fields| !fields.is_empty()), "{input} to {to} reports no field");
    let complements: Value = serde_json::from_slice(&fs::read(&complement).unwrap()).unwrap();
    assert!(complements.get(from).is_some(), "{input} to {to} keeps no complement");
}

/// The partner file of a sample that has one.
fn defaults_of(document: &Path) -> Option<PathBuf> {
    let stem = document.file_stem()?.to_string_lossy().into_owned();
    let path = document.with_file_name(format!("{}.defaults.toml", stem.strip_suffix(".in")?));
    path.exists().then_some(path)
}

/// Whether a failure says which dialect's rule it broke, or what is wrong where.
fn has_reason(error: &Value) -> bool {
    error["code"].is_string() || error["faults"].as_array().is_some_and(|faults| !faults.is_empty())
}

/// Translates the documents of a folder to every dialect, and gives how many came out.
fn translate_folder_everywhere(from: &str, folder: &Path) -> usize {
    let count = fs::read_dir(folder).unwrap().count();
    let mut written = 0;
    for to in WRITABLE {
        let output = passerelle(&["translate", "--each", "--from", from, "--to", to, &folder.to_string_lossy()]);
        let told = String::from_utf8_lossy(&output.stdout).into_owned();
        let lines: Vec<Value> = told.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(lines.len(), count, "{from} to {to}: {}", complaint(&output));
        for line in lines {
            let is_written = line["document"].as_str().is_some_and(|document| !document.is_empty());
            let is_told =
                line["kept"].as_u64() > Some(0) || line["entries"].as_array().is_some_and(|all| !all.is_empty());
            assert!((is_written && is_told) || has_reason(&line["error"]), "{from} to {to}: {line}");
            written += usize::from(is_written);
        }
    }
    written
}

/// Translates the samples of dialects, each with the ending of its documents, to every dialect.
fn translate_samples_everywhere(of: &[(&str, &str)]) {
    for (dialect, ending) in of {
        let samples = root().join(format!("mappings/dialects/{dialect}/samples"));
        let folder = tempfile::tempdir().unwrap();
        for document in documents(&samples, &[], ending) {
            if defaults_of(&document).is_some() {
                for to in WRITABLE {
                    translate_alone(dialect, to, &document);
                }
            } else {
                translate_alone(dialect, "canonical", &document);
                fs::copy(&document, folder.path().join(document.file_name().unwrap())).unwrap();
            }
        }
        assert!(translate_folder_everywhere(dialect, folder.path()) >= WRITABLE.len(), "{dialect} {ending}");
    }
}

#[test]
fn every_sample_in_xml_goes_to_every_dialect() {
    translate_samples_everywhere(&[("actiris-hrxml", ".in.xml"), ("eures-xml", ".in.xml"), ("vdab-hrxml", ".in.xml")]);
}

#[test]
fn every_sample_in_json_goes_to_every_dialect() {
    translate_samples_everywhere(&[
        ("greenhouse", ".in.json"),
        ("vdab-json", ".in.json"),
        ("vdab-json-v2", ".in.json"),
    ]);
}

#[test]
fn every_sample_of_a_page_goes_to_every_dialect() {
    let dialect = "anapec-offer";
    translate_samples_everywhere(&[(dialect, ".in.html"), (dialect, ".in.json"), (dialect, ".in.txt")]);
}

#[test]
fn every_record_that_a_sample_is_read_as_goes_to_every_dialect() {
    let folder = tempfile::tempdir().unwrap();
    for dialect in WRITABLE.into_iter().filter(|dialect| *dialect != "canonical") {
        let samples = root().join(format!("mappings/dialects/{dialect}/samples"));
        for record in documents(&samples, &[], ".canonical.json") {
            let name = format!("{dialect}-{}", record.file_name().unwrap().to_string_lossy());
            fs::copy(&record, folder.path().join(name)).unwrap();
        }
    }
    assert!(translate_folder_everywhere("canonical", folder.path()) > fs::read_dir(folder.path()).unwrap().count());
}

#[test]
fn every_collected_document_goes_to_every_dialect() {
    let data = root().join("../shared/data");
    if !data.exists() {
        println!("skipped: there is no `{}` on this machine", data.display());
        return;
    }
    let collected = [
        ("eures-xml", "belgium/eures-samples", vec!["position-opening"], ".xml"),
        (
            "greenhouse",
            "ats/greenhouse/webhooks",
            vec![
                "_job_events__job_created",
                "_job_events__job_approved",
                "_job_events__job_deleted",
                "_job_events__job_post",
            ],
            ".json",
        ),
        ("greenhouse", "ats/greenhouse/job_board", vec!["_jobs__"], ".json"),
    ];
    for (dialect, folder, beginnings, ending) in collected {
        let copies = tempfile::tempdir().unwrap();
        for document in documents(&data.join(folder), &beginnings, ending) {
            fs::copy(&document, copies.path().join(document.file_name().unwrap())).unwrap();
        }
        translate_folder_everywhere(dialect, copies.path());
    }
}

#[test]
fn a_sample_comes_out_as_its_neighbours_say() {
    let output = passerelle(&["mappings", "test"]);
    assert!(output.status.success(), "{}", complaint(&output));
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    for dialect in WRITABLE.into_iter().filter(|dialect| *dialect != "canonical") {
        assert!(told.contains(dialect), "{told}");
    }
}

#[test]
fn a_profile_is_translated_and_no_consent_was_decided() {
    let sample = root().join("mappings/dialects/anapec-rest/samples/001-inscription.in.json");
    let sample = sample.to_str().unwrap();
    let marker = "AIT EXEMPLE";
    for to in ["hropen-json", "canonical", "json-resume", "hrxml-2.5", "europass-xml", "teamtailor"] {
        let arguments = ["translate", "--from", "anapec-rest", "--to", to, "--kind", "talent_profile", sample];
        let output = passerelle(&arguments);
        let told = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "{}", complaint(&output));
        assert!(complaint(&output).contains("no consent was decided"), "{}", complaint(&output));
        assert!(told.contains(marker), "{told}");
        // The number of the identity card never leaves the dialect, and the password is not even kept aside.
        assert!(!told.to_uppercase().contains("BX900001") && !told.contains("not-a-secret"), "{told}");
    }
    let vacancy = root().join("mappings/dialects/vdab-json/samples/003-minimal.in.json");
    let output = passerelle(&["translate", "--from", "vdab-json", "--to", "canonical", vacancy.to_str().unwrap()]);
    assert!(output.status.success() && complaint(&output).is_empty(), "{}", complaint(&output));
}

#[test]
fn many_documents_are_translated_line_by_line() {
    let folder = tempfile::tempdir().unwrap();
    let input = folder.path().join("many.ndjson");
    let good = r#"{"reference":"R1","status":"published","profiles":[{"language":"nl","title":"Lasser"}]}"#;
    fs::write(&input, format!("{good}\n\n{{\"titel\":1}}\n{good}\n")).unwrap();
    let output =
        passerelle(&["translate", "--each", "--from", "canonical", "--to", "vdab-json", input.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(1), "one of three cannot be read");
    let lines: Vec<Value> =
        String::from_utf8_lossy(&output.stdout).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 3, "a good document is not taken along by a bad one");
    assert!(lines[0]["document"].is_string() && lines[2]["document"].is_string());
    assert_eq!(
        (lines[1]["input"].as_u64(), lines[1]["error"]["faults"][0]["pointer"].as_str()),
        (Some(3), Some("/titel"))
    );
}

/// What a process may take that is given a document of 1 GiB, its own mappings and threads included.
const MOST_KIB: u32 = 384 << 10;

/// What `translate` says of 1 GiB of zeros, with no more memory than that. Where it stops reading, the pipe ends.
fn told_of_a_huge_document(from: &str, further: &[&str]) -> Output {
    let mut bounded = Command::new("bash");
    bounded.args(["-c", &format!("ulimit -d {MOST_KIB}; exec \"$@\""), "bash"]);
    bounded.arg(env!("CARGO_BIN_EXE_passerelle"));
    bounded.args(["translate", "--json", "--from", from, "--to", "canonical"]).args(further);
    bounded.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut process = bounded.spawn().unwrap();
    let mut input = process.stdin.take().unwrap();
    let feeder = thread::spawn(move || {
        let zeros = vec![0; 1 << 20];
        (0..1 << 10).try_for_each(|_| input.write_all(&zeros))
    });
    let output = process.wait_with_output().unwrap();
    let fed = feeder.join().unwrap();
    assert!(fed.is_ok() || fed.is_err_and(|error| error.kind() == ErrorKind::BrokenPipe));
    output
}

fn is_refused_as_too_large(from: &str, output: &Output, told: &str, pointer: &str) {
    let error: Value =
        serde_json::from_str(told).unwrap_or_else(|_| panic!("{from}: {}: {told}{}", output.status, complaint(output)));
    let error = error.pointer(pointer).unwrap();
    assert_eq!(output.status.code(), Some(1), "{from}: {error}");
    assert_eq!(error["faults"][0]["code"], "too_large", "{from}: {error}");
    assert_eq!(error["faults"][0]["pointer"], "", "{from}: {error}");
}

#[test]
fn huge_documents_are_refused_in_bounded_memory() {
    for from in WRITABLE {
        let output = told_of_a_huge_document(from, &[]);
        is_refused_as_too_large(from, &output, &complaint(&output), "");
    }
}

#[test]
fn a_huge_line_is_refused_in_bounded_memory() {
    let output = told_of_a_huge_document("vdab-json", &["--each"]);
    is_refused_as_too_large("vdab-json", &output, &String::from_utf8_lossy(&output.stdout), "/error");
}

#[test]
fn exit_codes_say_whose_fault_it_is() {
    let nowhere = ["keys", "list", "--url", "http://127.0.0.1:1", "--token", "x"];
    let moroccan = root().join("mappings/dialects/anapec-offer/samples/012-our-text.canonical.json");
    let moroccan = moroccan.to_str().unwrap();
    let table: [(&[&str], i32, &str); 7] = [
        (&["translate", "--from", "canonical", "--to", "eures-xml", moroccan], 1, "(no_country)"),
        (&["translate", "--from", "klingon", "--to", "canonical", "/dev/null"], 1, "klingon"),
        (&["translate", "--from", "vdab-json", "--to", "eures-xml", "/no/such/file"], 1, "/no/such/file"),
        (&["translate"], 2, "--from"),
        (&["serve", "--config", "/no/such/file"], 1, "/no/such/file"),
        (&nowhere, 3, "cannot reach"),
        (&["mappings", "show", "klingon"], 1, "passerelle mappings list"),
    ];
    for (arguments, code, expected) in table {
        let output = passerelle(arguments);
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {}", complaint(&output));
        assert!(complaint(&output).contains(expected), "{arguments:?}: {}", complaint(&output));
    }
}

#[test]
fn the_shipped_example_passes_the_check() {
    let config = root().join("docker/example/passerelle.toml");
    let output = passerelle(&["check", "--deny-warnings", "--config", config.to_str().unwrap()]);
    assert!(output.status.success(), "{}", complaint(&output));
}

#[test]
fn the_demo_ends_by_itself_and_cleanly() {
    let output = passerelle(&["demo", "--seconds", "3", "--rate", "5"]);
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{told}\n{}", complaint(&output));
    assert!(told.contains("EURES pulls") && told.contains("agency gets") && told.contains("parked     0"), "{told}");
}

#[test]
fn what_belongs_beside_samples_is_written_for_review() {
    let dialect = Path::new("dialects/vdab-json/samples");
    let ours = root().join("mappings").join(dialect);
    let folder = tempfile::tempdir().unwrap();
    let samples = folder.path().join(dialect);
    fs::create_dir_all(&samples).unwrap();
    for file in ["003-minimal.in.json", "010-no-reference.in.json"] {
        fs::copy(ours.join(file), samples.join(file)).unwrap();
    }
    let mappings = folder.path().to_string_lossy().into_owned();
    assert_eq!(passerelle(&["mappings", "test", "--write"]).status.code(), Some(2), "without a folder");
    let output = passerelle(&["mappings", "test", "--write", "--mappings", &mappings, "vdab-json"]);
    assert!(output.status.success(), "{}", complaint(&output));
    for file in ["003-minimal.canonical.json", "003-minimal.loss.json", "010-no-reference.fault.json"] {
        assert_eq!(fs::read(samples.join(file)).unwrap(), fs::read(ours.join(file)).unwrap(), "{file}");
    }
    assert_eq!(fs::read_dir(&samples).unwrap().count(), 7, "only the samples of the folder");
    let output = passerelle(&["mappings", "test", "--write", "--mappings", &mappings, "eures-xml"]);
    assert_eq!(output.status.code(), Some(1), "no samples of that dialect");
}
