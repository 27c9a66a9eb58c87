//! `passerelle stub`: play a partner, for tests and rehearsals.
//!
//! The stubs check what they receive by rules of their own, read from the partners' papers.

mod pullers;
mod services;

use std::{net::SocketAddr, time::Duration};

use anyhow::Context;
use clap::Subcommand;
use connectors::{
    BaseUrl,
    eures::stub::Subject,
    greenhouse::stub::{GreenhouseSettings, GreenhouseStub, Pace},
    rest::stub::{RestStub, RestStubSettings},
};
use secrecy::SecretString;
use tokio::sync::broadcast::{Receiver, error::RecvError};
use tokio_util::sync::CancellationToken;

use super::{Failure, output::say};

/// Play a partner, for tests and rehearsals, until Ctrl-C.
#[derive(Debug, Subcommand)]
pub enum Stub {
    /// A Greenhouse that posts signed webhooks of invented vacancies
    Greenhouse {
        /// Where to: the gateway's /v1/PARTNER/webhook
        #[arg(long)]
        url: BaseUrl,
        /// The secret that signs
        #[arg(long, env = "PASSERELLE_STUB_SECRET", hide_env_values = true)]
        secret: SecretString,
        /// Events per second
        #[arg(long, default_value_t = 1)]
        rate: u32,
        /// The same seed gives the same vacancies
        #[arg(long, default_value_t = 1)]
        seed: u64,
    },
    /// A receiver of our plain REST push
    Rest {
        /// Where to listen
        #[arg(long, default_value = "127.0.0.1:8090")]
        listen: SocketAddr,
        /// The bearer token to ask for
        #[arg(long, env = "PASSERELLE_STUB_TOKEN", hide_env_values = true)]
        token: Option<SecretString>,
        /// The secret with which events are signed that tell `/hooks` of closings
        #[arg(long, env = "PASSERELLE_STUB_HOOK_SECRET", hide_env_values = true)]
        hook_secret: Option<SecretString>,
    },
    /// A VDAB that is read (OAuth2 client `passerelle`, API key) and posted to, the latter by our profile
    Vdab {
        /// Where to listen
        #[arg(long, default_value = "127.0.0.1:8091")]
        listen: SocketAddr,
        /// The secret of the client
        #[arg(long, env = "PASSERELLE_STUB_SECRET", hide_env_values = true)]
        secret: SecretString,
        /// The API key
        #[arg(long, env = "PASSERELLE_STUB_API_KEY", hide_env_values = true)]
        api_key: SecretString,
        /// Seconds between changes of its vacancies
        #[arg(long, default_value_t = 1)]
        every: u64,
    },
    /// An Actiris that takes HR-XML by our profile
    Actiris {
        /// Where to listen
        #[arg(long, default_value = "127.0.0.1:8092")]
        listen: SocketAddr,
        /// The bearer token to ask for
        #[arg(long, env = "PASSERELLE_STUB_TOKEN", hide_env_values = true)]
        token: Option<SecretString>,
    },
    /// An employer that takes talent profiles as HR Open candidates
    Employer {
        /// Where to listen
        #[arg(long, default_value = "127.0.0.1:8094")]
        listen: SocketAddr,
        /// The bearer token to ask for
        #[arg(long, env = "PASSERELLE_STUB_TOKEN", hide_env_values = true)]
        token: Option<SecretString>,
    },
    /// An ANAPEC whose site is read, and that takes vacancies by our profile
    Anapec {
        /// Where to listen
        #[arg(long, default_value = "127.0.0.1:8093")]
        listen: SocketAddr,
        /// The bearer token to ask for
        #[arg(long, env = "PASSERELLE_STUB_TOKEN", hide_env_values = true)]
        token: Option<SecretString>,
        /// Seconds between changes of its offers
        #[arg(long, default_value_t = 1)]
        every: u64,
    },
    /// A EURES that pulls the feed and checks it by the EC's rules
    Eures {
        /// Where from: the gateway's /input/api/jv/v0.1, or /input/api/cv/v1.0 for CVs
        #[arg(long)]
        url: BaseUrl,
        /// Pull CVs
        #[arg(long)]
        cvs: bool,
        /// The bearer token
        #[arg(long, env = "PASSERELLE_STUB_TOKEN", hide_env_values = true)]
        token: Option<SecretString>,
        /// Seconds between pulls
        #[arg(long, default_value_t = 10)]
        period: u64,
    },
    /// A matching platform that pulls talent profiles and deletes what has gone
    Platform {
        /// Where from: the gateway's /v1/PARTNER/feed/talent_profile
        #[arg(long)]
        url: BaseUrl,
        /// The partner's key
        #[arg(long, env = "PASSERELLE_STUB_TOKEN", hide_env_values = true)]
        key: SecretString,
        /// Seconds between pulls
        #[arg(long, default_value_t = 10)]
        period: u64,
    },
}

/// What a long-running stub remembers of each entity.
const HISTORY: usize = 100;

impl Stub {
    pub async fn run(self) -> Result<(), Failure> {
        let stop = CancellationToken::new();
        let interrupted = async {
            let _ = tokio::signal::ctrl_c().await;
            stop.cancel();
        };
        let played = async {
            match self {
                Self::Greenhouse { url, secret, rate, seed } => greenhouse(url, secret, rate, seed, &stop).await,
                Self::Rest { listen, token, hook_secret } => rest(listen, (token, hook_secret), &stop).await?,
                Self::Vdab { listen, secret, api_key, every } => {
                    services::vdab(listen, (secret, api_key), Duration::from_secs(every), &stop).await?;
                }
                Self::Actiris { listen, token } => services::actiris(listen, token, &stop).await?,
                Self::Employer { listen, token } => services::employer(listen, token, &stop).await?,
                Self::Anapec { listen, token, every } => {
                    services::anapec(listen, token, Duration::from_secs(every), &stop).await?;
                }
                Self::Eures { url, cvs, token, period } => {
                    let subject = if cvs { Subject::Cvs } else { Subject::Vacancies };
                    pullers::eures(url, subject, token, (Duration::from_secs(period), &stop)).await;
                }
                Self::Platform { url, key, period } => {
                    pullers::platform(url, key, (Duration::from_secs(period), &stop)).await;
                }
            }
            Ok(())
        };
        tokio::select! {
            outcome = played => outcome,
            () = async { interrupted.await; std::future::pending().await } => Ok(()),
        }
    }
}

async fn greenhouse(url: BaseUrl, secret: SecretString, rate: u32, seed: u64, stop: &CancellationToken) {
    let stub = GreenhouseStub::new(GreenhouseSettings {
        history_limit: HISTORY,
        ..GreenhouseSettings::new(url, secret, seed)
    });
    let seen = stub.observe();
    let pace = Pace::per_second(rate);
    tokio::join!(
        stub.steady(&pace, stop),
        each(seen, stop, |posted| {
            say(&format!("post {} {} attempt {}: {:?}", posted.post, posted.title, posted.attempt, posted.answer));
        })
    );
}

async fn rest(
    listen: SocketAddr,
    (token, hook_secret): (Option<SecretString>, Option<SecretString>),
    stop: &CancellationToken,
) -> Result<(), Failure> {
    let settings =
        RestStubSettings { address: listen, token, hook_secret, history_limit: HISTORY, ..RestStubSettings::default() };
    let stub = RestStub::start(settings).await.context("cannot play the receiver")?;
    say(&format!("listening on {}", stub.base_url()));
    each(stub.observe(), stop, |received| {
        say(&format!("{} {} {:?} -> {}", received.operation, received.reference, received.verdict, received.status));
    })
    .await;
    for violation in stub.violations() {
        say(&format!("violation of {:?}: {}", violation.rule, violation.detail));
    }
    Ok(())
}

/// Calls back for each thing seen, until asked to stop.
async fn each<T: Clone>(mut seen: Receiver<T>, stop: &CancellationToken, tell: impl Fn(T)) {
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            next = seen.recv() => match next {
                Ok(next) => tell(next),
                Err(RecvError::Lagged(missed)) => say(&format!("({missed} more)")),
                Err(RecvError::Closed) => return,
            }
        }
    }
}
