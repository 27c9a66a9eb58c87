//! `passerelle translate`: from one dialect to another, off line.

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, anyhow, bail};
use clap::Args;
use indicatif::ProgressBar;
use mappings::{
    Catalogue, Complements, Defaults, MAX_BYTES, ReadOptions, TranslateError, Translation, WriteOptions, translate,
};
use schemas::{DialectName, Kind};
use serde_json::{Value, json};

use super::{Failure, output::complain};

/// Translate a document from one dialect to another.
///
/// `canonical` is a dialect too. Nothing leaves this machine, and no consent is asked, which is said of documents about
/// people: it works on local files only.
#[derive(Debug, Args)]
pub struct Translate {
    /// The dialect of the input; `passerelle mappings list` shows those there are
    #[arg(long)]
    from: DialectName,
    /// The dialect of the output
    #[arg(long)]
    to: DialectName,
    /// What the document is about
    #[arg(long, default_value = "vacancy")]
    kind: Kind,
    /// Write what became of every source field to this file
    #[arg(long, value_name = "FILE")]
    loss: Option<PathBuf>,
    /// Read and write what the canonical record cannot hold, by dialect, in this file
    #[arg(long, value_name = "FILE")]
    complement: Option<PathBuf>,
    /// A partner file whose `[defaults]` and `[parameters]` hold
    #[arg(long, value_name = "FILE")]
    partner: Option<PathBuf>,
    /// A folder with dialects/, codelists/ and crosswalks/ laid over the ones in the program
    #[arg(long, value_name = "FOLDER")]
    mappings: Option<PathBuf>,
    /// Translate many: each line of IN, or each file of the folder IN; one JSON object a line comes out
    #[arg(long, conflicts_with_all = ["loss", "complement"])]
    each: bool,
    /// Print failures as JSON
    #[arg(long)]
    json: bool,
    /// The input; standard input without it
    #[arg(value_name = "IN")]
    input: Option<PathBuf>,
    /// The output; standard output without it
    #[arg(value_name = "OUT")]
    output: Option<PathBuf>,
}

/// What is said beside a document about a person.
const NO_CONSENT: &str =
    "no consent was decided: the output holds all that the dialect can say of the person, for this machine only";

/// What is loaded once, however many documents there are.
struct Translator {
    catalogue: Catalogue,
    dialects: (DialectName, DialectName),
    kind: Kind,
    defaults: Defaults,
    parameters: mappings::Parameters,
}

impl Translate {
    #[expect(clippy::unused_async, reason = "every verb returns the same")]
    pub async fn run(self) -> Result<(), Failure> {
        let translator = self.translator()?;
        if self.each {
            self.translate_each(&translator)?;
        } else {
            self.translate_one(&translator)?;
        }
        if self.kind.is_personal() {
            complain(&if self.json { json!({"note": NO_CONSENT}).to_string() } else { format!("note: {NO_CONSENT}") });
        }
        Ok(())
    }

    fn translator(&self) -> Result<Translator> {
        let catalogue = self
            .mappings
            .as_deref()
            .map_or_else(Catalogue::embedded, Catalogue::load)
            .map_err(|errors| joined(&errors))?;
        let (defaults, parameters) = match &self.partner {
            Some(path) => partner_settings(path, self.kind)?,
            None => (Defaults::default(), mappings::Parameters::default()),
        };
        Ok(Translator {
            catalogue,
            dialects: (self.from.clone(), self.to.clone()),
            kind: self.kind,
            defaults,
            parameters,
        })
    }

    fn translate_one(&self, translator: &Translator) -> Result<(), Failure> {
        let document = read_all(self.input.as_deref())?;
        let mut complements = match &self.complement {
            Some(path) if path.exists() => {
                let text = fs::read_to_string(path).with_context(|| format!("cannot read `{}`", path.display()))?;
                Complements::from_json(&text).with_context(|| format!("`{}` holds no complements", path.display()))?
            }
            _ => Complements::default(),
        };
        let translation = translator.translate(&document, &complements, self.loss.is_some()).map_err(|error| {
            if self.json { Failure::Machine(described(&error)) } else { Failure::Input(worded(&error)) }
        })?;
        write_all(self.output.as_deref(), &translation.bytes)?;
        if let Some(path) = &self.loss {
            let report = serde_json::to_string_pretty(&translator.report(&translation))
                .context("cannot write the loss report")?;
            write_all(Some(path), format!("{report}\n").as_bytes())?;
        }
        if let Some(path) = &self.complement {
            complements.put(&self.from, translation.complement);
            write_all(Some(path), format!("{}\n", complements.to_json()).as_bytes())?;
        }
        Ok(())
    }

    fn translate_each(&self, translator: &Translator) -> Result<(), Failure> {
        let mut output = open_output(self.output.as_deref())?;
        let mut failed = 0;
        let mut translate_one = |name: Value, document: &[u8]| -> Result<()> {
            let line = match translator.translate(document, &Complements::default(), false) {
                Ok(translation) => json!({
                    "input": name,
                    "document": String::from_utf8_lossy(&translation.bytes),
                    "kept": translation.loss.kept,
                    "entries": translation.loss.entries,
                }),
                Err(error) => {
                    failed += 1;
                    json!({"input": name, "error": described(&error)})
                }
            };
            writeln!(output, "{line}").context("cannot write the output")
        };
        match &self.input {
            Some(folder) if folder.is_dir() => {
                let files = files_of(folder)?;
                let progress = ProgressBar::new(files.len() as u64);
                for path in files {
                    let document = read_all(Some(&path))?;
                    translate_one(json!(path.file_name().unwrap_or_default().to_string_lossy()), &document)?;
                    progress.inc(1);
                }
                progress.finish_and_clear();
            }
            input => {
                let mut input = open_input(input.as_deref())?;
                for number in 1.. {
                    let Some(line) = read_line(&mut input)? else {
                        break;
                    };
                    if !line.iter().all(u8::is_ascii_whitespace) {
                        translate_one(json!(number), &line)?;
                    }
                }
            }
        }
        if failed == 0 { Ok(()) } else { Err(anyhow!("{failed} documents could not be translated").into()) }
    }
}

impl Translator {
    fn translate(&self, document: &[u8], complements: &Complements, full: bool) -> Result<Translation, TranslateError> {
        let read = ReadOptions { defaults: Some(&self.defaults), full };
        let write = WriteOptions {
            parameters: &self.parameters,
            complement: complements.get(&self.dialects.1),
            ..WriteOptions::default()
        };
        translate(&self.catalogue, (&self.dialects.0, &self.dialects.1), self.kind, document, (&read, &write))
    }

    /// What became of every source field, kept ones too.
    fn report(&self, translation: &Translation) -> Value {
        let kept =
            translation.trail.iter().map(|kept| json!({"outcome": "kept", "pointer": kept.pointer, "path": kept.path}));
        let others = translation.loss.entries.iter().map(|entry| json!(entry));
        json!({
            "from": self.dialects.0,
            "to": self.dialects.1,
            "kind": self.kind,
            "kept": translation.loss.kept,
            "fields": kept.chain(others).collect::<Vec<_>>(),
        })
    }
}

/// The defaults and parameters of a partner file, whatever else it says.
fn partner_settings(path: &Path, kind: Kind) -> Result<(Defaults, mappings::Parameters)> {
    let text = fs::read_to_string(path).with_context(|| format!("cannot read `{}`", path.display()))?;
    let defaults = Defaults::from_toml(&path.display().to_string(), &text, kind).map_err(|errors| joined(&errors))?;
    let table: toml::Table = toml::from_str(&text).with_context(|| format!("`{}` is no TOML", path.display()))?;
    let parameters = table.get("parameters").and_then(toml::Value::as_table).cloned().unwrap_or_default();
    let texts = parameters.into_iter().map(|(name, value)| match value {
        toml::Value::String(text) => Ok((name, text)),
        _ => bail!("`{}`: parameter `{name}` is no text", path.display()),
    });
    Ok((defaults, texts.collect::<Result<Vec<_>>>()?.into_iter().collect()))
}

fn joined(errors: &[mappings::MappingError]) -> anyhow::Error {
    let lines: Vec<String> = errors.iter().map(ToString::to_string).collect();
    anyhow!("{}", lines.join("\n"))
}

/// The error for people: a line per fault.
fn worded(error: &TranslateError) -> anyhow::Error {
    match error {
        TranslateError::Unreadable(failure) => {
            let line = |fault: &mappings::Fault| {
                let place = if fault.pointer.is_empty() { "the document" } else { &fault.pointer };
                format!("\n  {place}: {} ({})", fault.problem, fault.code)
            };
            anyhow!("the document cannot be read:{}", failure.faults.iter().map(line).collect::<String>())
        }
        TranslateError::Refused(refusal) => {
            let place = if refusal.path.is_empty() { "the record" } else { &refusal.path };
            anyhow!("the document cannot be written:\n  {place}: {} ({})", refusal.problem, refusal.code)
        }
        TranslateError::UnknownDialect { .. } => anyhow!("{error}"),
    }
}

/// The error for machines.
fn described(error: &TranslateError) -> Value {
    match error {
        TranslateError::Unreadable(failure) => {
            let faults = failure
                .faults
                .iter()
                .map(|fault| json!({"pointer": fault.pointer, "code": fault.code, "problem": fault.problem}));
            json!({"error": "unreadable", "faults": faults.collect::<Vec<_>>()})
        }
        TranslateError::Refused(refusal) => {
            json!({"error": "refused", "code": refusal.code, "path": refusal.path, "problem": refusal.problem})
        }
        TranslateError::UnknownDialect { .. } => json!({"error": "unknown_dialect", "problem": error.to_string()}),
    }
}

fn files_of(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder).with_context(|| format!("cannot read the folder `{}`", folder.display()))?;
    let mut files = entries.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>>>()?;
    files.retain(|path| path.is_file());
    files.sort();
    Ok(files)
}

fn open_input(path: Option<&Path>) -> Result<Box<dyn BufRead>> {
    Ok(match path {
        Some(path) if path != Path::new("-") => {
            Box::new(BufReader::new(fs::File::open(path).with_context(|| format!("cannot read `{}`", path.display()))?))
        }
        _ => Box::new(BufReader::new(std::io::stdin())),
    })
}

/// Longer input is not read to its end: one byte more is enough for the document to be refused as too large.
const MOST_BYTES: u64 = MAX_BYTES as u64 + 1;

fn read_all(path: Option<&Path>) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    open_input(path)?.take(MOST_BYTES).read_to_end(&mut bytes).context("cannot read the input")?;
    Ok(bytes)
}

/// Reads a line, of a longer one only the beginning; the rest of it is passed over.
fn read_line(input: &mut dyn BufRead) -> Result<Option<Vec<u8>>> {
    let mut line = Vec::new();
    let length = input.take(MOST_BYTES).read_until(b'\n', &mut line).context("cannot read the input")?;
    if length > MAX_BYTES && line.last() != Some(&b'\n') {
        input.skip_until(b'\n').context("cannot read the input")?;
    }
    Ok((length > 0).then_some(line))
}

fn open_output(path: Option<&Path>) -> Result<Box<dyn Write>> {
    Ok(match path {
        Some(path) if path != Path::new("-") => {
            Box::new(fs::File::create(path).with_context(|| format!("cannot write `{}`", path.display()))?)
        }
        _ => Box::new(std::io::stdout()),
    })
}

fn write_all(path: Option<&Path>, bytes: &[u8]) -> Result<()> {
    open_output(path)?.write_all(bytes).context("cannot write the output")
}
