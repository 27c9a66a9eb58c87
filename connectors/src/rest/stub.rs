//! A partner that takes documents by the plain REST profile, keeps all it was sent, and can be made to fail.
//!
//! Its rules are in [`Rule`]; it reads no dialect. A key that comes again with the same request is answered as the
//! first time and does nothing, as the IETF draft on `Idempotency-Key` asks for.

mod checks;
mod desk;
mod hooks;
mod inbox;
mod ledger;
mod received;
mod turns;
mod well_formed;

use std::{io, net::SocketAddr, ops::Deref, sync::Arc};

use axum::Router;
use secrecy::SecretString;
use thiserror::Error;

use crate::{
    BaseUrl, BaseUrlError,
    stub::{Front, FrontSettings, Quota, Server, TlsIdentity},
};

pub(crate) use self::{
    checks::{Refusal, token as check_token},
    desk::{About, Desk, Inspect, serve},
    received::Finding,
};
pub use self::{
    inbox::Inbox,
    received::{Received, Rule, Verdict, Violation},
};
pub use crate::stub::{Injection, Moment};

/// How the partner is set up.
#[derive(Debug, Clone)]
pub struct RestStubSettings {
    /// Where to listen; port 0 takes a free one.
    pub address: SocketAddr,
    /// The bearer token it asks for.
    pub token: Option<SecretString>,
    /// With what events of closings are signed that arrive at `/hooks`; none are expected without it.
    pub hook_secret: Option<SecretString>,
    /// The longest body, in bytes.
    pub body_limit: usize,
    /// How many requests are kept per reference; older ones are forgotten with their keys.
    pub history_limit: usize,
    /// Its limits; above one of them a request is answered with 429 and noted.
    pub quotas: Vec<Quota>,
}

impl Default for RestStubSettings {
    /// A free port of this host, no token, no events, bodies up to 1 MiB, nothing forgotten, and no limits.
    fn default() -> Self {
        let address = SocketAddr::from(([127, 0, 0, 1], 0));
        let (token, hook_secret) = (None, None);
        Self { address, token, hook_secret, body_limit: 1024 * 1024, history_limit: usize::MAX, quotas: Vec::new() }
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

/// The partner; it closes when the last handle is dropped. What it was sent is in its [`Inbox`].
#[derive(Debug, Clone)]
pub struct RestStub {
    inbox: Inbox,
    server: Arc<Server>,
    base_url: BaseUrl,
}

impl RestStub {
    /// Opens the partner.
    ///
    /// # Errors
    /// [`RestStubError::Listen`].
    pub async fn start(settings: RestStubSettings) -> Result<Self, RestStubError> {
        Self::start_with(settings, Box::new(|_, _| Vec::new())).await
    }

    /// Opens a partner that checks documents by rules of its own.
    pub(crate) async fn start_with(settings: RestStubSettings, inspect: Inspect) -> Result<Self, RestStubError> {
        let RestStubSettings { address, token, hook_secret, body_limit, history_limit, quotas } = settings;
        let front = Arc::new(Front::new(&FrontSettings { body_limit, quotas }));
        let authorize = Box::new(move |headers: &_| checks::token(token.as_ref(), headers));
        let desk = Desk::new(front, "", history_limit, authorize, inspect).with_hooks(hook_secret);
        let desk = Arc::new(desk);
        let router = Router::new().fallback(serve).with_state(Arc::clone(&desk));
        let (server, base_url) = listen(address, None, None, router).await?;
        Ok(Self { inbox: Inbox::new(desk), server: Arc::new(server), base_url })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.server.address()
    }

    /// What to send to.
    pub fn base_url(&self) -> &BaseUrl {
        &self.base_url
    }

    /// Closes every connection and waits until nobody listens any more.
    pub async fn stop(&self) {
        self.server.stop().await;
    }
}

impl Deref for RestStub {
    type Target = Inbox;

    fn deref(&self) -> &Inbox {
        &self.inbox
    }
}

/// Opens a server and says where it is, by a name if it has one.
pub(crate) async fn listen(
    address: SocketAddr,
    host: Option<&str>,
    tls: Option<TlsIdentity>,
    router: Router,
) -> Result<(Server, BaseUrl), RestStubError> {
    let scheme = if tls.is_some() { "https" } else { "http" };
    let listen_error = |source| RestStubError::Listen { address, source };
    let server = Server::start(address, tls, router).await.map_err(listen_error)?;
    let (ip, port) = (server.address().ip(), server.address().port());
    let base_url = match host {
        Some(host) => format!("{scheme}://{host}:{port}").parse(),
        None => format!("{scheme}://{}", SocketAddr::new(ip, port)).parse(),
    };
    let base_url =
        base_url.map_err(|error: BaseUrlError| listen_error(io::Error::new(io::ErrorKind::InvalidInput, error)))?;
    Ok((server, base_url))
}
