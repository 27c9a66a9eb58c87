//! ANAPEC as a partner meets it: a list of offers in JSON, a page for each, and a desk that takes vacancies.
//!
//! The list and the addresses are as public readers of the site describe them; the mark-up of the pages is invented
//! around the labels that they quote, and the desk is **our profile** ([`crate::rest`]). It may speak TLS with whatever
//! certificates it is given, so that the chain can be as incomplete as ANAPEC's. Offers and people are invented.

mod offer;
mod push_rules;
mod site;

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use axum::{Router, middleware};
use jiff::Timestamp;
use secrecy::SecretString;
use tokio::time::{self, MissedTickBehavior};
use tokio_util::sync::CancellationToken;

use self::site::Site;
use crate::{
    BaseUrl,
    rest::stub::{About, Desk, Inbox, RestStubError, check_token, listen, serve},
    stub::{Front, FrontSettings, Injection, LimitBreach, Quota, Server, TlsIdentity, pass},
};

pub use self::site::Shown;

/// The root of the site.
const SITE_PATH: &str = "/sigec-app-rv";
/// Where vacancies are taken: ours.
const DESK_PATH: &str = "/depot/v1";
/// No request is longer.
const BODY_LIMIT: usize = 1024 * 1024;

/// How ANAPEC is set up.
#[derive(Debug, Clone)]
pub struct AnapecStubSettings {
    /// Where to listen; port 0 takes a free one.
    pub address: SocketAddr,
    /// The certificates that it sends; none: it speaks plain HTTP.
    pub tls: Option<TlsIdentity>,
    /// The name in its address, as its certificate has it; else the number of the host.
    pub host: Option<String>,
    /// How many offers a page of the list has.
    pub page_length: usize,
    /// The bearer token that it asks of those who bring vacancies.
    pub token: Option<SecretString>,
    /// The limits of the site.
    pub site_quotas: Vec<Quota>,
    /// The limits of the desk.
    pub desk_quotas: Vec<Quota>,
    /// How many requests at the desk are kept per reference.
    pub history_limit: usize,
}

impl Default for AnapecStubSettings {
    /// A free port of this host, fifteen offers a page, no TLS, no token, no limits.
    fn default() -> Self {
        Self {
            address: SocketAddr::from(([127, 0, 0, 1], 0)),
            tls: None,
            host: None,
            page_length: 15,
            token: None,
            site_quotas: Vec::new(),
            desk_quotas: Vec::new(),
            history_limit: usize::MAX,
        }
    }
}

/// The partner; it closes when the last handle is dropped.
#[derive(Debug, Clone)]
pub struct AnapecStub {
    site: Arc<Mutex<Site>>,
    site_front: Arc<Front>,
    desk_front: Arc<Front>,
    inbox: Inbox,
    server: Arc<Server>,
    base_url: BaseUrl,
}

impl AnapecStub {
    /// Opens the partner, without offers.
    ///
    /// # Errors
    /// [`RestStubError`].
    pub async fn start(settings: AnapecStubSettings) -> Result<Self, RestStubError> {
        let AnapecStubSettings { address, tls, host, page_length, token, history_limit, .. } = settings;
        let front = |quotas| Arc::new(Front::new(&FrontSettings { body_limit: BODY_LIMIT, quotas }));
        let (site_front, desk_front) = (front(settings.site_quotas), front(settings.desk_quotas));
        let site = Arc::new(Mutex::new(Site::new(page_length)));
        let authorize = Box::new(move |headers: &_| check_token(token.as_ref(), headers));
        let inspect = Box::new(|about: &About<'_>, document: &[u8]| push_rules::inspect(about.media_type, document));
        let desk = Arc::new(Desk::new(Arc::clone(&desk_front), DESK_PATH, history_limit, authorize, inspect));
        let router = Router::new()
            .nest(SITE_PATH, site::router(Arc::clone(&site)))
            .layer(middleware::from_fn_with_state(Arc::clone(&site_front), pass))
            .fallback_service(Router::new().fallback(serve).with_state(Arc::clone(&desk)));
        let (server, base_url) = listen(address, host.as_deref(), tls, router).await?;
        Ok(Self { site, site_front, desk_front, inbox: Inbox::new(desk), server: Arc::new(server), base_url })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.server.address()
    }

    /// The site to read.
    pub fn site_url(&self) -> BaseUrl {
        self.base_url.below(&[&SITE_PATH[1..]])
    }

    /// What to send vacancies to.
    pub fn desk_url(&self) -> BaseUrl {
        let segments: Vec<&str> = DESK_PATH[1..].split('/').collect();
        self.base_url.below(&segments)
    }

    /// What was brought to the desk.
    pub fn inbox(&self) -> &Inbox {
        &self.inbox
    }

    /// Shows an invented offer, every tenth an international one; gives its number.
    pub fn publish(&self, at: Timestamp) -> String {
        self.site().publish(at)
    }

    /// Changes the page of an offer and what the list says of it. False if there is none.
    pub fn change(&self, id: &str) -> bool {
        self.site().change(id)
    }

    /// Changes the page of an offer; the list says the same. False if there is none.
    pub fn change_page(&self, id: &str) -> bool {
        self.site().change_page(id)
    }

    /// Takes an offer off the site. False if there is none.
    pub fn withdraw(&self, id: &str) -> bool {
        self.site().withdraw(id)
    }

    /// Lists something that is no offer, at the end.
    pub fn list_oddity(&self, entry: serde_json::Value) {
        self.site().list_oddity(entry);
    }

    /// The offers that are shown, newest first.
    pub fn offers(&self) -> Vec<Shown> {
        self.site().shown()
    }

    /// Changes its offers at a steady pace until it is told to stop: shows up to so many, changes, withdraws.
    pub async fn steady(&self, interval: Duration, most: usize, stop: &CancellationToken) {
        let mut clock = time::interval(interval.max(Duration::from_millis(1)));
        clock.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while stop.run_until_cancelled(clock.tick()).await.is_some() {
            self.site().happen(Timestamp::now(), most);
        }
    }

    /// How many requests the site got, those above a limit included.
    pub fn requests(&self) -> u64 {
        self.site_front.requests()
    }

    /// The requests to the site that exceeded a limit, oldest first; at most 10,000. Those at the desk: see the inbox.
    pub fn limit_breaches(&self) -> Vec<LimitBreach> {
        self.site_front.limit_breaches()
    }

    /// Strikes the next requests to the site, after the faults ordered before. For the desk: see the inbox.
    pub fn inject(&self, times: usize, injection: &Injection) {
        self.site_front.inject(times, injection);
    }

    /// Strikes every request from now on, to the site and at the desk, until it is healed.
    pub fn fail_now(&self, injection: &Injection) {
        self.site_front.fail_now(injection.clone());
        self.desk_front.fail_now(injection.clone());
    }

    /// Forgets the fault that lasts and those that have not struck yet.
    pub fn heal(&self) {
        self.site_front.heal();
        self.desk_front.heal();
    }

    /// Closes every connection and waits until nobody listens any more.
    pub async fn stop(&self) {
        self.server.stop().await;
    }

    fn site(&self) -> MutexGuard<'_, Site> {
        self.site.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
