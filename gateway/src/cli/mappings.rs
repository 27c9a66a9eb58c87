//! `passerelle mappings`: what can be translated, how completely, and whether the laws hold.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::{Context, Result, anyhow, ensure};
use clap::Subcommand;
use mappings::{Catalogue, Directions, Evidence, Mapping, coverage, coverage_table, laws};
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
        /// Print the table of `docs/formats.md`
        #[arg(long, conflicts_with_all = ["coverage", "json"])]
        table: bool,
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
    /// Check the samples and the laws, or write what belongs beside the samples
    ///
    /// Every sample (`samples/NNN-name.in.*`) is read and written again, and compared with the files beside it: the
    /// canonical record, the losses, the document that comes out. The laws are checked too: every field is kept or
    /// reported, nothing is lost on the way there and back, and what was written once is written the same again.
    ///
    /// With `--write` those files are written instead, as the mappings are now. That makes the samples say what the
    /// mapping does, right or wrong: read every changed file before you keep it. `samples/NNN-name.defaults.toml`
    /// stays yours, and so does the sample itself. An empty file `NNN-name.to-DIALECT.json` (or `.xml`, `.txt`) asks
    /// for what the sample becomes in that dialect.
    Test {
        /// Of this dialect only
        dialect: Option<DialectName>,
        /// Write the files beside the samples of FOLDER; those of the program itself are left alone
        #[arg(long, requires = "mappings")]
        write: bool,
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
            Self::List { table: true, source, .. } => say(coverage_table(&source.load()?).trim_end()),
            Self::List { coverage, json, source, .. } => list(&source.load()?, coverage, json),
            Self::Show { file, dialect, kind, source } => show(&source.load()?, &dialect, kind, file)?,
            Self::Test { dialect, write, source } => {
                let catalogue = source.load()?;
                match source.mappings.filter(|_| write) {
                    Some(folder) => write_samples(&catalogue, dialect.as_ref(), &folder)?,
                    None => test(&catalogue, dialect.as_ref())?,
                }
            }
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

/// The mappings of one dialect, or all.
fn chosen<'c>(catalogue: &'c Catalogue, only: Option<&DialectName>) -> Result<Vec<&'c Arc<Mapping>>> {
    let chosen: Vec<_> =
        catalogue.mappings().filter(|mapping| only.is_none_or(|only| mapping.dialect() == only)).collect();
    ensure!(!chosen.is_empty(), "there is no such mapping; `passerelle mappings list` shows those there are");
    Ok(chosen)
}

/// Writes what belongs beside the samples that stand in a folder: those of a kind in its own folder, where it has one.
fn write_samples(catalogue: &Catalogue, only: Option<&DialectName>, folder: &Path) -> Result<()> {
    let mut has_found = false;
    for mapping in chosen(catalogue, only)? {
        let all = folder.join("dialects").join(mapping.dialect().as_str()).join("samples");
        let own = all.join(mapping.kind().as_str());
        let samples = if own.is_dir() { own } else { all };
        if !samples.is_dir() {
            continue;
        }
        has_found = true;
        let files = laws::written_samples(catalogue, mapping).map_err(|problem| anyhow!(problem))?;
        let names = sample_names(&samples)?;
        let (mut changed, mut same) = (Vec::new(), 0);
        for file in files.iter().filter(|file| file.file.split_once('.').is_some_and(|(name, _)| names.contains(name)))
        {
            let path = samples.join(&file.file);
            if fs::read(&path).is_ok_and(|found| found == file.bytes) {
                same += 1;
                continue;
            }
            fs::write(&path, &file.bytes).with_context(|| format!("cannot write `{}`", path.display()))?;
            changed.push(path);
        }
        say(&format!("{:16} {:10} {} written, {same} as they were", mapping.dialect(), mapping.kind(), changed.len()));
        for path in changed {
            say(&format!("  {}", path.display()));
        }
    }
    ensure!(
        has_found,
        "`{}` has no folder `dialects/<dialect>/samples` of that dialect; put a sample there first",
        folder.display()
    );
    say("Read every file that was written before you keep it: it says what the mapping does, right or wrong.");
    Ok(())
}

/// The names of the samples of a folder; of a dialect of the program it may hold only some.
fn sample_names(folder: &Path) -> Result<BTreeSet<String>> {
    let entries = fs::read_dir(folder).with_context(|| format!("cannot read `{}`", folder.display()))?;
    let files = entries.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()));
    let files = files.collect::<Result<Vec<String>>>()?;
    Ok(files.iter().filter_map(|file| Some(file.split_once(".in.")?.0.to_owned())).collect())
}

fn test(catalogue: &Catalogue, only: Option<&DialectName>) -> Result<()> {
    let mut broken = Vec::new();
    for mapping in chosen(catalogue, only)? {
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
