//! Actiris as a partner meets it: takes HR-XML by **our profile**, and checks it by rules of its own.

mod rules;

use std::{net::SocketAddr, ops::Deref, sync::Arc};

use axum::Router;
use secrecy::SecretString;

use crate::{
    BaseUrl,
    rest::stub::{About, Desk, Inbox, RestStubError, check_token, listen, serve},
    stub::{Front, FrontSettings, Quota, Server},
};

/// How Actiris is set up.
#[derive(Debug, Clone)]
pub struct ActirisStubSettings {
    /// Where to listen; port 0 takes a free one.
    pub address: SocketAddr,
    /// The bearer token it asks for.
    pub token: Option<SecretString>,
    /// The longest body, in bytes.
    pub body_limit: usize,
    /// How many requests are kept per reference.
    pub history_limit: usize,
    /// Its limits; above one of them a request is answered with 429 and noted.
    pub quotas: Vec<Quota>,
}

impl Default for ActirisStubSettings {
    /// A free port of this host, no token, bodies up to 1 MiB, nothing forgotten, and no limits.
    fn default() -> Self {
        Self {
            address: SocketAddr::from(([127, 0, 0, 1], 0)),
            token: None,
            body_limit: 1024 * 1024,
            history_limit: usize::MAX,
            quotas: Vec::new(),
        }
    }
}

/// The partner; it closes when the last handle is dropped. What it was sent is in its [`Inbox`].
#[derive(Debug, Clone)]
pub struct ActirisStub {
    inbox: Inbox,
    server: Arc<Server>,
    base_url: BaseUrl,
}

impl ActirisStub {
    /// Opens the partner.
    ///
    /// # Errors
    /// [`RestStubError`].
    pub async fn start(settings: ActirisStubSettings) -> Result<Self, RestStubError> {
        let ActirisStubSettings { address, token, body_limit, history_limit, quotas } = settings;
        let front = Arc::new(Front::new(&FrontSettings { body_limit, quotas }));
        let authorize = Box::new(move |headers: &_| check_token(token.as_ref(), headers));
        let inspect = Box::new(|_: &About<'_>, document: &[u8]| rules::inspect(document));
        let desk = Arc::new(Desk::new(front, "", history_limit, authorize, inspect));
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

impl Deref for ActirisStub {
    type Target = Inbox;

    fn deref(&self) -> &Inbox {
        &self.inbox
    }
}
