//! A partner that takes documents by the plain REST profile, keeps all it was sent, and can be made to fail.
//!
//! Its rules are in [`Rule`]; it reads no dialect. A key that comes again with the same request is answered as the
//! first time and does nothing, as the IETF draft on `Idempotency-Key` asks for.

mod checks;
mod desk;
mod injection;
mod ledger;
mod received;
mod server;
mod well_formed;

use std::{
    io,
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use axum::Router;
use secrecy::SecretString;
use thiserror::Error;
use tokio::sync::{broadcast, watch};

use self::{desk::Desk, ledger::Ledger, server::Server};
use crate::{BaseUrl, BaseUrlError};

pub use self::{
    injection::{Injection, Moment},
    received::{Received, Rule, Verdict, Violation},
};

/// Requests that observers may lag behind before they miss some.
const OBSERVED: usize = 1024;

/// How the partner is set up.
#[derive(Debug, Clone)]
pub struct RestStubSettings {
    /// Where to listen; port 0 takes a free one.
    pub address: SocketAddr,
    /// The bearer token it asks for.
    pub token: Option<SecretString>,
    /// The longest body, in bytes.
    pub body_limit: usize,
    /// How many requests are kept per reference; older ones are forgotten with their keys.
    pub history_limit: usize,
}

impl Default for RestStubSettings {
    /// A free port of this host, no token, bodies up to 1 MiB, and nothing forgotten.
    fn default() -> Self {
        let address = SocketAddr::from(([127, 0, 0, 1], 0));
        Self { address, token: None, body_limit: 1024 * 1024, history_limit: usize::MAX }
    }
}

/// Why the partner cannot open.
#[derive(Debug, Error)]
pub enum RestStubError {
    /// Another process listens there, or the address is not this host's.
    #[error("cannot listen on `{address}`")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system says.
        source: io::Error,
    },
}

/// The partner; it closes when the last handle is dropped.
#[derive(Debug, Clone)]
pub struct RestStub {
    desk: Arc<Desk>,
    server: Arc<Server>,
    base_url: BaseUrl,
}

impl RestStub {
    /// Opens the partner.
    ///
    /// # Errors
    /// [`RestStubError::Listen`].
    pub async fn start(settings: RestStubSettings) -> Result<Self, RestStubError> {
        let RestStubSettings { address, token, body_limit, history_limit } = settings;
        let desk = Arc::new(Desk {
            token,
            body_limit,
            ledger: Mutex::new(Ledger::new(history_limit)),
            injections: Mutex::default(),
            observers: broadcast::channel(OBSERVED).0,
            changes: watch::channel(()).0,
        });
        let router = Router::new().fallback(desk::serve).with_state(Arc::clone(&desk));
        let listen_error = |source| RestStubError::Listen { address, source };
        let server = Server::start(address, router).await.map_err(listen_error)?;
        let base_url = format!("http://{}", server.address()).parse();
        let base_url =
            base_url.map_err(|error: BaseUrlError| listen_error(io::Error::new(io::ErrorKind::InvalidInput, error)))?;
        Ok(Self { desk, server: Arc::new(server), base_url })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.server.address()
    }

    /// What to send to.
    pub fn base_url(&self) -> &BaseUrl {
        &self.base_url
    }

    /// Tells of every request that got past the checks, from now on; who lags behind misses the oldest.
    pub fn observe(&self) -> broadcast::Receiver<Received> {
        self.desk.observers.subscribe()
    }

    /// The references there are requests about.
    pub fn references(&self) -> Vec<String> {
        self.desk.ledger().references()
    }

    /// The requests about a reference that got past the checks, oldest first.
    pub fn history(&self, reference: &str) -> Vec<Received> {
        self.desk.ledger().history(reference)
    }

    /// The breaches of the rules, oldest first; at most 10,000.
    pub fn violations(&self) -> Vec<Violation> {
        self.desk.ledger().violations()
    }

    /// How many breaches there were.
    pub fn violation_count(&self) -> u64 {
        self.desk.ledger().violation_count()
    }

    /// Strikes the next requests that get past the checks, after the faults ordered before.
    pub fn inject(&self, times: usize, injection: &Injection) {
        self.desk.injections().add(times, injection);
    }

    /// Forgets the faults that have not struck yet.
    pub fn clear_injections(&self) {
        self.desk.injections().clear();
    }

    /// Waits until something is true of what was received. The caller sets the time-out.
    pub async fn until(&self, mut is_true: impl FnMut(&Self) -> bool) {
        let mut changes = self.desk.changes.subscribe();
        while !is_true(self) {
            if changes.changed().await.is_err() {
                return;
            }
        }
    }

    /// Closes every connection and waits until nobody listens any more.
    pub async fn stop(&self) {
        self.server.stop().await;
    }
}
