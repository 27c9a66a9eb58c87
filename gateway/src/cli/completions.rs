//! `passerelle completions`: for the shell.

use clap::{Args, CommandFactory};
use clap_complete::Shell;

use super::{Cli, Failure, output::say};

/// Print the completions of a shell, to be put where it looks for them.
#[derive(Debug, Args)]
pub struct Completions {
    /// The shell
    shell: Shell,
}

impl Completions {
    #[expect(clippy::unnecessary_wraps, reason = "every verb returns the same")]
    pub fn run(self) -> Result<(), Failure> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut Cli::command(), "passerelle", &mut script);
        say(String::from_utf8_lossy(&script).trim_end());
        Ok(())
    }
}
