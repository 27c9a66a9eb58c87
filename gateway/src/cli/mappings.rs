//! `passerelle mappings`: what can be translated, how completely, and whether the laws hold.

use std::path::PathBuf;

use anyhow::{Context, Result, anyhow};
use clap::Subcommand;
use mappings::{Catalogue, Directions, Evidence, Mapping, coverage, laws};
use schemas::{DialectName, Kind};
use serde_json::json;

use super::{Failure, output::say};

/// List, show and test the mappings.
#[derive(Debug, Subcommand)]
pub enum Mappings {
    /// List every dialect and kind
    List {
        /// Say how many canonical fields are read and written, and whether the format is the partner's own
        #[arg(long)]
        coverage: bool,
        /// Print JSON
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        source: Source,
    },
    /// Show one mapping, field by field
    Show {
        /// Print the mapping file itself
        #[arg(long)]
        file: bool,
        /// The dialect
        dialect: DialectName,
        /// The kind
        #[arg(default_value = "vacancy")]
        kind: Kind,
        #[command(flatten)]
        source: Source,
    },
    /// Check the samples and the laws
    Test {
        /// Of this dialect only
        dialect: Option<DialectName>,
        #[command(flatten)]
        source: Source,
    },
}

/// Where mappings come from.
#[derive(Debug, clap::Args)]
pub struct Source {
    /// A folder with dialects/, codelists/ and crosswalks/ laid over the ones in the program
    #[arg(long, value_name = "FOLDER")]
    mappings: Option<PathBuf>,
}

impl Source {
    fn load(&self) -> Result<Catalogue> {
        self.mappings.as_deref().map_or_else(Catalogue::embedded, Catalogue::load).map_err(|errors| {
            let lines: Vec<String> = errors.iter().map(ToString::to_string).collect();
            anyhow!("{} mistakes:\n{}", errors.len(), lines.join("\n"))
        })
    }
}

impl Mappings {
    #[expect(clippy::unused_async, reason = "every verb returns the same")]
    pub async fn run(self) -> Result<(), Failure> {
        match self {
            Self::List { coverage, json, source } => list(&source.load()?, coverage, json),
            Self::Show { file, dialect, kind, source } => show(&source.load()?, &dialect, kind, file)?,
            Self::Test { dialect, source } => test(&source.load()?, dialect.as_ref())?,
        }
        Ok(())
    }
}

fn list(catalogue: &Catalogue, with_coverage: bool, as_json: bool) {
    for mapping in catalogue.mappings() {
        let fields = coverage(mapping);
        let (read, written) = (
            fields.iter().filter(|field| field.is_read).count(),
            fields.iter().filter(|field| field.is_written).count(),
        );
        if as_json {
            let line = json!({
                "dialect": mapping.dialect(), "kind": mapping.kind(), "title": mapping.title(), "version": mapping.version(),
                "directions": directions(mapping), "evidence": evidence(mapping), "fields": fields.len(), "read": read, "written": written,
            });
            say(&line.to_string());
            continue;
        }
        let mut line =
            format!("{:16} {:10} {:6} {}", mapping.dialect(), mapping.kind(), directions(mapping), mapping.title());
        if with_coverage {
            line.push_str(&format!(
                "\n{:16} of {} canonical fields reads {read}, writes {written}; format: {}\n{:16} facts: {}",
                "",
                fields.len(),
                evidence(mapping),
                "",
                mapping.source()
            ));
        }
        say(&line);
    }
}

fn show(catalogue: &Catalogue, dialect: &DialectName, kind: Kind, print_file: bool) -> Result<()> {
    let mapping = catalogue.mapping(dialect, kind).with_context(|| {
        format!("there is no mapping of `{dialect}` for `{kind}`; `passerelle mappings list` shows those there are")
    })?;
    if print_file {
        say(mapping.text().trim_end());
        return Ok(());
    }
    say(&format!("{} {} {}: {}", mapping.dialect(), mapping.version(), mapping.kind(), mapping.title()));
    say(&format!("format {}, {}, facts: {}", mapping.media_type(), evidence(mapping), mapping.source()));
    say(&format!("hash {}", mapping.hash()));
    for field in coverage(mapping) {
        let ways = match (field.is_read, field.is_written) {
            (true, true) => "reads, writes",
            (true, false) => "reads",
            (false, true) => "writes",
            (false, false) => "-",
        };
        say(&format!("  {:48} {ways}", field.path));
    }
    Ok(())
}

fn test(catalogue: &Catalogue, only: Option<&DialectName>) -> Result<()> {
    let chosen: Vec<_> =
        catalogue.mappings().filter(|mapping| only.is_none_or(|only| mapping.dialect() == only)).collect();
    if chosen.is_empty() {
        return Err(anyhow!("there is no such mapping; `passerelle mappings list` shows those there are"));
    }
    let mut broken = Vec::new();
    for mapping in chosen {
        let samples = laws::samples(mapping);
        if samples.is_empty() {
            broken.push(format!(
                "{} {}: there is no sample; put one under samples/",
                mapping.dialect(),
                mapping.kind()
            ));
        }
        let before = broken.len();
        for sample in &samples {
            broken.extend(
                laws::check_sample(catalogue, mapping, sample).iter().map(|law| format!("{} {law}", mapping.dialect())),
            );
        }
        say(&format!(
            "{:16} {:10} {} samples, {} broken",
            mapping.dialect(),
            mapping.kind(),
            samples.len(),
            broken.len() - before
        ));
    }
    if broken.is_empty() { Ok(()) } else { Err(anyhow!("{} broken:\n{}", broken.len(), broken.join("\n"))) }
}

fn directions(mapping: &Mapping) -> &'static str {
    match mapping.directions() {
        Directions::Both => "both",
        Directions::Read => "reads",
        Directions::Write => "writes",
    }
}

fn evidence(mapping: &Mapping) -> &'static str {
    match mapping.evidence() {
        Evidence::Published => "published by the partner",
        Evidence::Observed => "seen in use, no public specification",
        Evidence::Ours => "our own profile, not the partner's",
    }
}
