//! The command line: one file a verb. A stable contract (design §7).
//!
//! Exit codes: 0 done, 1 the input or the check failed, 2 usage, 3 could not reach what it needs.

mod bench;
mod check;
mod client;
mod completions;
mod consent;
mod demo;
mod identity;
mod keys;
mod mappings;
mod r#move;
mod output;
mod parked;
mod partner;
mod replay;
mod report;
mod serve;
mod store;
mod stub;
mod subject;
mod tap;
mod trace;
mod translate;
mod vault;

use std::{process::ExitCode, time::Duration};

use clap::{Parser, Subcommand};

pub use self::output::Failure;

/// The gateway between employment services.
///
/// Takes vacancies in one partner's own format and delivers them to every partner entitled to them, in theirs.
/// It never loses what it accepted, and always says what a translation could not carry.
#[derive(Debug, Parser)]
#[command(name = "passerelle", version, propagate_version = true, after_help = "Start with `passerelle demo`.")]
pub struct Cli {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Run the daemon
    Serve(serve::Serve),
    /// Run everything with stub partners and invented traffic
    Demo(demo::Demo),
    /// Check configuration, partners, mappings and code lists
    Check(check::Check),
    /// Translate a document from one dialect to another
    Translate(translate::Translate),
    /// List, show and test the mappings
    #[command(subcommand)]
    Mappings(mappings::Mappings),
    /// Make, list and revoke API keys
    #[command(subcommand)]
    Keys(keys::Keys),
    /// Keep what persons allowed, and decide by it
    #[command(subcommand)]
    Consent(consent::Consent),
    /// Tell what happened to a message
    Trace(trace::Trace),
    /// Show what happens, as it happens
    Tap(tap::Tap),
    /// Dispatch again what was dispatched before
    Replay(replay::Replay),
    /// Report on many persons at once, in counts that tell of nobody
    #[command(subcommand)]
    Report(report::Report),
    /// List, show, release and drop what waits for a person
    #[command(subcommand)]
    Parked(parked::Parked),
    /// Do something with a partner
    #[command(subcommand)]
    Partner(partner::Partner),
    /// Find persons, and destroy their keys
    #[command(subcommand)]
    Subject(subject::Subject),
    /// Make key-encryption keys, and wrap the keys of persons anew
    #[command(subcommand)]
    Vault(vault::Vault),
    /// Look at the store, or migrate it
    #[command(subcommand)]
    Store(store::Store),
    /// Move an embedded installation to Kafka and PostgreSQL
    Move(r#move::Move),
    /// Play a partner, for tests and rehearsals
    #[command(subcommand)]
    Stub(stub::Stub),
    /// Measure speed, side by side with a floor
    #[command(subcommand)]
    Bench(bench::Bench),
    /// Print the completions of a shell
    Completions(completions::Completions),
}

/// How long threads that block get at the end.
const SHUTDOWN: Duration = Duration::from_secs(1);

/// Runs the command line.
pub fn run() -> ExitCode {
    let cli = Cli::parse();
    // The HTTP clients share one set of algorithms, chosen here rather than by a feature somewhere below.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return Failure::Input(error.into()).report(),
    };
    let outcome = runtime.block_on(async {
        match cli.verb {
            Verb::Serve(verb) => verb.run().await,
            Verb::Demo(verb) => Box::pin(verb.run()).await,
            Verb::Check(verb) => verb.run().await,
            Verb::Translate(verb) => verb.run().await,
            Verb::Mappings(verb) => verb.run().await,
            Verb::Keys(verb) => verb.run().await,
            Verb::Consent(verb) => verb.run().await,
            Verb::Trace(verb) => verb.run().await,
            Verb::Tap(verb) => verb.run().await,
            Verb::Replay(verb) => verb.run().await,
            Verb::Report(verb) => verb.run().await,
            Verb::Parked(verb) => verb.run().await,
            Verb::Partner(verb) => verb.run().await,
            Verb::Subject(verb) => verb.run().await,
            Verb::Vault(verb) => verb.run().await,
            Verb::Move(verb) => verb.run().await,
            Verb::Store(verb) => verb.run().await,
            Verb::Stub(verb) => verb.run().await,
            Verb::Bench(verb) => verb.run().await,
            Verb::Completions(verb) => verb.run(),
        }
    });
    // What still blocks a thread, such as a look-up of a name, must not keep the process.
    runtime.shutdown_timeout(SHUTDOWN);
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }
}
