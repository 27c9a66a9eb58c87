//! Samples: an invented document, the record it becomes, its losses, and what it becomes again.

use std::collections::BTreeMap;

use schemas::{DialectName, Record};
use serde_json::{Value as Json, json};

use crate::{
    Catalogue, Defaults, Mapping, ReadOptions, Reading, Refusal, WriteOptions,
    laws::{
        Broken,
        document::{differences, leaves_of},
        round_trip::check_document,
    },
};

/// A sample with the files beside it.
#[derive(Debug)]
pub struct Sample {
    /// `NNN-name`.
    pub name: String,
    /// The invented document.
    pub input: Vec<u8>,
    /// The files beside it, by what follows the name: `canonical.json`, `loss.json`, `out.json`, `fault.json`, …
    pub files: BTreeMap<String, Vec<u8>>,
}

/// A file that belongs beside a sample.
#[derive(Debug)]
pub struct Written {
    /// The name of the file.
    pub file: String,
    /// What belongs in it.
    pub bytes: Vec<u8>,
}

/// The samples of a mapping, by name.
pub fn samples(mapping: &Mapping) -> Vec<Sample> {
    let mut samples: BTreeMap<String, Sample> = BTreeMap::new();
    for (file, bytes) in &mapping.samples {
        let Some((name, rest)) = file.split_once('.') else {
            continue;
        };
        let sample = samples.entry(name.to_owned()).or_insert_with(|| Sample {
            name: name.to_owned(),
            input: Vec::new(),
            files: BTreeMap::new(),
        });
        if rest.starts_with("in.") {
            sample.input.clone_from(bytes);
        } else {
            sample.files.insert(rest.to_owned(), bytes.clone());
        }
    }
    samples.into_values().collect()
}

/// Checks a sample: the pair is the specification, and the laws hold for it.
pub fn check_sample(catalogue: &Catalogue, mapping: &Mapping, sample: &Sample) -> Vec<Broken> {
    let subject = format!("{}/{}", mapping.dialect(), sample.name);
    let mut broken = Vec::new();
    let mut report = |law, problem: String| broken.push(Broken { subject: subject.clone(), law, problem });
    if sample.input.is_empty() {
        report("input", "there is no `.in.` file: add the document".to_owned());
        return broken;
    }
    let expected = expected_files(catalogue, mapping, sample);
    match expected {
        Err(problem) => report("defaults", problem),
        Ok(files) => {
            for written in &files {
                let rest = written.file.split_once('.').map_or("", |(_, rest)| rest);
                match sample.files.get(rest) {
                    None => report("files", format!("`{}` is missing", written.file)),
                    Some(found) => {
                        let differ = differ(mapping, catalogue, rest, found, &written.bytes);
                        for problem in differ {
                            report(law_of(rest), problem);
                        }
                    }
                }
            }
            for rest in sample.files.keys().filter(|rest| !rest.starts_with("defaults.")) {
                if !files.iter().any(|written| written.file == format!("{}.{rest}", sample.name)) {
                    report("files", format!("`{}.{rest}` is not what becomes of the sample", sample.name));
                }
            }
            let defaults = defaults_of(mapping, sample).unwrap_or_default();
            let options = ReadOptions { defaults: defaults.as_ref(), full: false };
            for (law, problem) in check_document(catalogue, mapping, &sample.input, &options) {
                report(law, problem);
            }
        }
    }
    broken
}

fn law_of(rest: &str) -> &'static str {
    match rest {
        "canonical.json" => "read",
        "loss.json" => "loss",
        "fault.json" => "fault",
        "refusal.json" => "refusal",
        _ => "write",
    }
}

/// The files that belong beside every sample of a mapping, as the mapping is now; for review, never blindly.
///
/// # Errors
/// If the defaults of a sample are wrong.
pub fn written_samples(catalogue: &Catalogue, mapping: &Mapping) -> Result<Vec<Written>, String> {
    let mut all = Vec::new();
    for sample in samples(mapping) {
        all.extend(expected_files(catalogue, mapping, &sample)?);
    }
    Ok(all)
}

fn defaults_of(mapping: &Mapping, sample: &Sample) -> Result<Option<Defaults>, String> {
    let Some(bytes) = sample.files.get("defaults.toml") else {
        return Ok(None);
    };
    let text = String::from_utf8_lossy(bytes);
    let file = format!("{}.defaults.toml", sample.name);
    Defaults::from_toml(&file, &text, mapping.kind()).map(Some).map_err(|errors| format!("{errors:?}"))
}

fn expected_files(catalogue: &Catalogue, mapping: &Mapping, sample: &Sample) -> Result<Vec<Written>, String> {
    let defaults = defaults_of(mapping, sample)?;
    let options = ReadOptions { defaults: defaults.as_ref(), full: false };
    let file = |rest: &str, bytes: Vec<u8>| Written { file: format!("{}.{rest}", sample.name), bytes };
    let reading = match mapping.read(&sample.input, &options) {
        Ok(reading) => reading,
        Err(failure) => {
            let faults = failure.faults.iter().map(|fault| json!({"pointer": fault.pointer, "code": fault.code}));
            return Ok(vec![file("fault.json", pretty(&Json::Array(faults.collect())))]);
        }
    };
    let mut files = vec![
        file("canonical.json", pretty(&to_json(&reading.record))),
        file("loss.json", pretty(&loss_json(&reading))),
    ];
    if mapping.directions().writes() && is_first_shape(mapping, &reading) {
        let write = WriteOptions { complement: Some(&reading.complement), ..WriteOptions::default() };
        match mapping.write(&reading.record, &write) {
            Ok(writing) => files.push(file(&format!("out.{}", extension(mapping)), writing.bytes)),
            Err(refusal) => files.push(file("refusal.json", pretty(&refusal_json(&refusal)))),
        }
    }
    for target in sample.files.keys().filter_map(|rest| rest.strip_prefix("to-")?.split_once('.')) {
        files.extend(translated(catalogue, mapping, sample, &reading, target.0)?);
    }
    Ok(files)
}

fn translated(
    catalogue: &Catalogue,
    mapping: &Mapping,
    sample: &Sample,
    reading: &Reading,
    target: &str,
) -> Result<Vec<Written>, String> {
    let dialect: DialectName = target.parse().map_err(|error: schemas::IdentifierError| error.to_string())?;
    let target =
        catalogue.mapping(&dialect, mapping.kind()).ok_or_else(|| format!("there is no dialect `{dialect}`"))?;
    let (rest, bytes) = match target.write(&reading.record, &WriteOptions::default()) {
        Ok(writing) => (format!("to-{dialect}.{}", extension(target)), writing.bytes),
        Err(refusal) => (format!("to-{dialect}.refusal.json"), pretty(&refusal_json(&refusal))),
    };
    Ok(vec![Written { file: format!("{}.{rest}", sample.name), bytes }])
}

fn is_first_shape(mapping: &Mapping, reading: &Reading) -> bool {
    reading.shape.as_deref() == mapping.program.shapes[0].name.as_deref()
}

fn extension(mapping: &Mapping) -> &'static str {
    match mapping.format() {
        crate::Format::Json => "json",
        crate::Format::Xml => "xml",
        crate::Format::Labels => "txt",
    }
}

fn to_json(record: &Record) -> Json {
    serde_json::to_value(record).expect("records are JSON")
}

fn loss_json(reading: &Reading) -> Json {
    let entries = reading.loss.entries.iter().map(|entry| {
        let mut json = json!({"outcome": entry.outcome, "code": entry.code});
        for (name, text) in [("pointer", &entry.pointer), ("path", &entry.path)] {
            if let Some(text) = text {
                json[name] = Json::from(text.as_str());
            }
        }
        json
    });
    let mut json = json!({"kept": reading.loss.kept, "entries": entries.collect::<Vec<_>>()});
    json["operation"] = Json::from(reading.operation.as_str());
    if let Some(shape) = &reading.shape {
        json["shape"] = Json::from(shape.as_str());
    }
    json
}

fn refusal_json(refusal: &Refusal) -> Json {
    json!({"code": refusal.code, "path": refusal.path})
}

fn pretty(json: &Json) -> Vec<u8> {
    let mut bytes = serde_json::to_vec_pretty(json).expect("JSON is JSON");
    bytes.push(b'\n');
    bytes
}

/// How a file differs from what belongs in it.
fn differ(mapping: &Mapping, catalogue: &Catalogue, rest: &str, found: &[u8], wanted: &[u8]) -> Vec<String> {
    let is_document = rest.starts_with("out.") || (rest.starts_with("to-") && !rest.ends_with("refusal.json"));
    if !is_document {
        let parse = |bytes: &[u8]| serde_json::from_slice::<Json>(bytes).map_err(|error| error.to_string());
        return match (parse(found), parse(wanted)) {
            (Ok(mut found), Ok(mut wanted)) => {
                found.sort_all_objects();
                wanted.sort_all_objects();
                json_differences(&found, &wanted, "")
            }
            (Err(problem), _) | (_, Err(problem)) => vec![problem],
        };
    }
    let target = rest.strip_prefix("to-").and_then(|rest| rest.split_once('.')).and_then(|(name, _)| name.parse().ok());
    let target =
        target.and_then(|dialect| catalogue.mapping(&dialect, mapping.kind())).map_or(mapping, |target| target);
    let leaves = |bytes: &[u8]| leaves_of(bytes, &target.program.syntax, &target.program.names);
    match (leaves(found), leaves(wanted)) {
        (Ok(found), Ok(wanted)) => differences(&wanted, &found),
        (Err(failure), _) | (_, Err(failure)) => vec![failure.to_string()],
    }
}

fn json_differences(found: &Json, wanted: &Json, at: &str) -> Vec<String> {
    match (found, wanted) {
        (Json::Object(one), Json::Object(other)) => {
            let names = one.keys().chain(other.keys().filter(|name| !one.contains_key(*name)));
            let null = Json::Null;
            let pair =
                |name: &String| (one.get(name).unwrap_or(&null).clone(), other.get(name).unwrap_or(&null).clone());
            names
                .flat_map(|name| {
                    let (one, other) = pair(name);
                    json_differences(&one, &other, &format!("{at}/{name}"))
                })
                .collect()
        }
        (Json::Array(one), Json::Array(other)) if one.len() == other.len() => {
            let pairs = one.iter().zip(other).enumerate();
            pairs.flat_map(|(index, (one, other))| json_differences(one, other, &format!("{at}/{index}"))).collect()
        }
        _ if found == wanted => Vec::new(),
        _ => vec![format!("`{at}` is {wanted}, the file says {found}")],
    }
}
