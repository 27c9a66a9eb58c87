//! What verbs print, and how they fail.

use std::{io::Write, process::ExitCode};

use serde_json::json;

/// Why a verb failed.
#[derive(Debug)]
pub enum Failure {
    /// The input or the check failed: exit code 1.
    Input(anyhow::Error),
    /// The same, for machines: an object on standard error.
    Machine(serde_json::Value),
    /// What it needs could not be reached: exit code 3.
    Unreachable(anyhow::Error),
}

impl Failure {
    /// Prints the reason and gives the exit code.
    pub fn report(&self) -> ExitCode {
        match self {
            Self::Input(error) => {
                complain(&format!("error: {error:#}"));
                ExitCode::from(1)
            }
            Self::Machine(object) => {
                complain(&object.to_string());
                ExitCode::from(1)
            }
            Self::Unreachable(error) => {
                complain(&format!("error: {error:#}"));
                ExitCode::from(3)
            }
        }
    }

    /// The failure as the caller asked for it.
    pub fn input(error: anyhow::Error, as_json: bool) -> Self {
        if as_json { Self::Machine(json!({"error": format!("{error:#}")})) } else { Self::Input(error) }
    }
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        Self::Input(error)
    }
}

/// Prints a line on standard output; a reader that went away ends nothing.
pub fn say(line: &str) {
    let _ = writeln!(std::io::stdout().lock(), "{line}");
}

/// Prints a line on standard error.
pub fn complain(line: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{line}");
}
