//! `passerelle consent import` and `export`: grants in the forms of others.

use std::path::PathBuf;

use anyhow::Context;
use clap::Args;
use consent::{Format, Grant, Template, export, import};
use serde_json::Value;

use super::{
    super::{Failure, output::say},
    files::json_of,
};

/// Read a grant in the form of others, and write it in ours
#[derive(Debug, Args)]
pub struct Import {
    /// The form: `27560`, `kantara` or `fhir`
    #[arg(long)]
    format: Format,
    /// A grant of ours from which comes what the form does not say: notice, parties, places, rights
    #[arg(long, value_name = "FILE")]
    template: PathBuf,
    /// The document; `-` is standard input
    #[arg(value_name = "FILE")]
    document: PathBuf,
}

/// Read a grant of ours, and write it in the form of others
#[derive(Debug, Args)]
pub struct Export {
    /// The form: `27560` or `kantara`
    #[arg(long)]
    format: Format,
    /// The file with the grant; `-` is standard input
    #[arg(value_name = "GRANT")]
    grant: PathBuf,
}

impl Import {
    pub fn run(self) -> Result<(), Failure> {
        let template: Template = json_of(&self.template)?;
        let document: Value = json_of(&self.document)?;
        let grant = import(self.format, &document, &template)
            .with_context(|| format!("`{}` cannot be read", self.document.display()))?;
        print(&grant)
    }
}

impl Export {
    pub fn run(self) -> Result<(), Failure> {
        let grant: Grant = json_of(&self.grant)?;
        let document =
            export(self.format, &grant).with_context(|| format!("`{}` cannot be written", self.grant.display()))?;
        print(&document)
    }
}

fn print(value: &impl serde::Serialize) -> Result<(), Failure> {
    say(&serde_json::to_string_pretty(value).context("cannot write the result")?);
    Ok(())
}
