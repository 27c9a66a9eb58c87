//! Files that the verbs about consent read.

use std::{
    fs,
    io::Read,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use consent::Grant;
use serde::{Deserialize, de::DeserializeOwned};

/// A file with one grant, or with a list of them.
#[derive(Deserialize)]
#[serde(untagged)]
enum Grants {
    Many(Vec<serde_json::Value>),
    One(serde_json::Value),
}

/// The text of a file; `-` is standard input.
pub fn text_of(path: &Path) -> Result<String> {
    if path == Path::new("-") {
        let mut text = String::new();
        std::io::stdin().read_to_string(&mut text).context("cannot read the input")?;
        return Ok(text);
    }
    fs::read_to_string(path).with_context(|| format!("cannot read `{}`", path.display()))
}

/// A file of JSON as what it is meant to be.
pub fn json_of<T: DeserializeOwned>(path: &Path) -> Result<T> {
    serde_json::from_str(&text_of(path)?).with_context(|| format!("`{}` is wrong", path.display()))
}

/// The grants of files.
pub fn grants_of(paths: &[PathBuf]) -> Result<Vec<Grant>> {
    let mut grants = Vec::new();
    for path in paths {
        let values = match json_of(path)? {
            Grants::Many(values) => values,
            Grants::One(value) => vec![value],
        };
        for (number, value) in values.into_iter().enumerate() {
            let grant = serde_json::from_value(value)
                .with_context(|| format!("grant {} of `{}` is wrong", number + 1, path.display()))?;
            grants.push(grant);
        }
    }
    Ok(grants)
}
