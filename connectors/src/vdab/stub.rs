//! VDAB as a partner meets it: gives tokens, lists and vacancies, and takes HR-XML by **our profile** of its posting.
//!
//! What the reading interface does is what is known of VDAB's ([`super`]); every breach of its rules is refused and
//! noted. It reads no mapping and asks none of our own code whether what it gets is right. The vacancies are invented,
//! the people too.

mod post_rules;
mod reading;
mod register;
mod vacancy;

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use axum::{Router, middleware, routing::post};
use http::HeaderMap;
use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use tokio::time::{self, MissedTickBehavior};
use tokio_util::sync::CancellationToken;

use self::register::Register;
use crate::{
    BaseUrl,
    rest::stub::{About, Desk, Inbox, Refusal, RestStubError, Rule, listen, serve},
    stub::{Client, Front, FrontSettings, Injection, LimitBreach, Quota, Server, Tokens, give_token, is_same, pass},
    vdab::account::API_KEY,
};

pub use self::register::{Registered, VdabRule, VdabViolation};

/// Where tokens are given.
const TOKEN_PATH: &str = "/isam/sps/oauth/oauth20/token";
/// What lies before `/vacatures`.
const READING_PATH: &str = "/services/openservices/vacatures/v4";
/// What lies before `/vacancy/{reference}`: ours.
const POSTING_PATH: &str = "/services/openservices/vacature-posting/v1";
/// No request is longer.
const BODY_LIMIT: usize = 1024 * 1024;

/// How VDAB is set up.
#[derive(Debug, Clone)]
pub struct VdabStubSettings {
    /// Where to listen; port 0 takes a free one.
    pub address: SocketAddr,
    /// The client that may have tokens.
    pub client_id: String,
    /// Its secret.
    pub client_secret: SecretString,
    /// The key of its application.
    pub api_key: SecretString,
    /// How long a token lives.
    pub token_life: Duration,
    /// How many references are given at once.
    pub part_limit: usize,
    /// How many vacancies are given at once. VDAB's number is not published.
    pub batch_limit: usize,
    /// The limits of reading.
    pub reading_quotas: Vec<Quota>,
    /// The limits of posting.
    pub posting_quotas: Vec<Quota>,
    /// How many posted requests are kept per reference.
    pub history_limit: usize,
    /// Its clock.
    pub now: fn() -> Timestamp,
}

impl VdabStubSettings {
    /// A free port of this host, tokens of 900 s, 2,000 references or 100 vacancies at once, no limits of calls.
    pub fn new(client_id: String, client_secret: SecretString, api_key: SecretString) -> Self {
        Self {
            address: SocketAddr::from(([127, 0, 0, 1], 0)),
            client_id,
            client_secret,
            api_key,
            token_life: Duration::from_mins(15),
            part_limit: 2_000,
            batch_limit: 100,
            reading_quotas: Vec::new(),
            posting_quotas: Vec::new(),
            history_limit: usize::MAX,
            now: Timestamp::now,
        }
    }
}

/// A part of VDAB that can fail by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum VdabPart {
    /// The token endpoint.
    Token,
    /// Lists and vacancies.
    Reading,
    /// Taking vacancies.
    Posting,
}

/// The partner; it closes when the last handle is dropped.
#[derive(Debug, Clone)]
pub struct VdabStub {
    tokens: Arc<Tokens>,
    register: Arc<Mutex<Register>>,
    fronts: [Arc<Front>; 3],
    inbox: Inbox,
    now: fn() -> Timestamp,
    server: Arc<Server>,
    base_url: BaseUrl,
}

impl VdabStub {
    /// Opens the partner, without vacancies.
    ///
    /// # Errors
    /// [`RestStubError::Listen`].
    pub async fn start(settings: VdabStubSettings) -> Result<Self, RestStubError> {
        let VdabStubSettings { client_id, client_secret, api_key, now, .. } = settings;
        let client = Client { id: client_id, secret: client_secret, subject: None };
        let tokens = Arc::new(Tokens::new(client, settings.token_life));
        let entrance = Arc::new(Entrance { tokens: Arc::clone(&tokens), api_key });
        let register = Arc::new(Mutex::new(Register::default()));
        let fronts = [Vec::new(), settings.reading_quotas, settings.posting_quotas]
            .map(|quotas| Arc::new(Front::new(&FrontSettings { body_limit: BODY_LIMIT, quotas })));
        let (part_limit, batch_limit) = (settings.part_limit, settings.batch_limit);
        let desk =
            reading::Desk { entrance: entrance.clone(), register: register.clone(), part_limit, batch_limit, now };
        let posting = posting_desk(&entrance, &fronts[2], settings.history_limit);
        let through = |part: usize| middleware::from_fn_with_state(Arc::clone(&fronts[part]), pass);
        let given = Router::new().route(TOKEN_PATH, post(give_token)).with_state(Arc::clone(&tokens));
        let router = given
            .layer(through(0))
            .merge(Router::new().nest(READING_PATH, reading::router(desk)).layer(through(1)))
            .fallback_service(Router::new().fallback(serve).with_state(Arc::clone(&posting)));
        let (server, base_url) = listen(settings.address, None, None, router).await?;
        let inbox = Inbox::new(posting);
        Ok(Self { tokens, register, fronts, inbox, now, server: Arc::new(server), base_url })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.server.address()
    }

    /// Where tokens are given.
    pub fn token_url(&self) -> BaseUrl {
        self.url(TOKEN_PATH)
    }

    /// What to read from.
    pub fn reading_url(&self) -> BaseUrl {
        self.url(READING_PATH)
    }

    /// What to post to.
    pub fn posting_url(&self) -> BaseUrl {
        self.url(POSTING_PATH)
    }

    fn url(&self, path: &str) -> BaseUrl {
        let segments: Vec<&str> = path.split('/').skip(1).collect();
        self.base_url.below(&segments)
    }

    /// What was posted to it.
    pub fn inbox(&self) -> &Inbox {
        &self.inbox
    }

    /// Publishes an invented vacancy; gives its reference.
    pub fn publish(&self, at: Timestamp) -> String {
        self.register().publish(at)
    }

    /// Changes a vacancy, and publishes it if it was withdrawn. False if there is none.
    pub fn change(&self, reference: &str, at: Timestamp) -> bool {
        self.register().change(reference, at)
    }

    /// Withdraws a vacancy: `bulk` tells of it. False if there is none.
    pub fn withdraw(&self, reference: &str, at: Timestamp) -> bool {
        self.register().withdraw(reference, at)
    }

    /// Loses a vacancy: nothing tells of it, it is just not there any more. False if there is none.
    pub fn lose(&self, reference: &str) -> bool {
        self.register().lose(reference)
    }

    /// Lists an entry that VDAB's clients have seen, or one that makes no sense, with the changes at a time.
    pub fn list_oddity(&self, entry: serde_json::Value, at: Timestamp) {
        self.register().list_oddity(entry, at);
    }

    /// The vacancies that there are, by reference.
    pub fn vacancies(&self) -> Vec<Registered> {
        self.register().registered()
    }

    /// Changes its vacancies at a steady pace until it is told to stop: publishes up to so many, changes, withdraws.
    pub async fn steady(&self, interval: Duration, most: usize, stop: &CancellationToken) {
        let mut clock = time::interval(interval.max(Duration::from_millis(1)));
        clock.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while stop.run_until_cancelled(clock.tick()).await.is_some() {
            self.register().happen((self.now)(), most);
        }
    }

    /// Ends every token that was given.
    pub fn expire_tokens(&self) {
        self.tokens.expire();
    }

    /// How many tokens were given.
    pub fn tokens_given(&self) -> u64 {
        self.tokens.given()
    }

    /// The breaches of the rules of reading, oldest first; at most 10,000.
    pub fn violations(&self) -> Vec<VdabViolation> {
        self.register().violations()
    }

    /// How many requests a part got, those above a limit included.
    pub fn requests(&self, part: VdabPart) -> u64 {
        self.front(part).requests()
    }

    /// The requests to a part that exceeded a limit, oldest first; at most 10,000.
    pub fn limit_breaches(&self, part: VdabPart) -> Vec<LimitBreach> {
        self.front(part).limit_breaches()
    }

    /// Strikes the next requests to a part, after the faults ordered before.
    pub fn inject(&self, part: VdabPart, times: usize, injection: &Injection) {
        self.front(part).inject(times, injection);
    }

    /// Strikes every request from now on, whatever part it is for, until it is healed.
    pub fn fail_now(&self, injection: &Injection) {
        self.fronts.iter().for_each(|front| front.fail_now(injection.clone()));
    }

    /// Forgets the fault that lasts and those that have not struck yet.
    pub fn heal(&self) {
        self.fronts.iter().for_each(|front| front.heal());
    }

    /// Closes every connection and waits until nobody listens any more.
    pub async fn stop(&self) {
        self.server.stop().await;
    }

    fn front(&self, part: VdabPart) -> &Front {
        &self.fronts[part as usize]
    }

    fn register(&self) -> MutexGuard<'_, Register> {
        self.register.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Lets in who shows a token that is good and the API key.
#[derive(Debug)]
struct Entrance {
    tokens: Arc<Tokens>,
    api_key: SecretString,
}

impl Entrance {
    fn check(&self, headers: &HeaderMap) -> Result<(), &'static str> {
        let key = headers.get(API_KEY).map(http::HeaderValue::as_bytes).unwrap_or_default();
        if !is_same(key, self.api_key.expose_secret()) {
            return Err("the API key is not the one of the application");
        }
        self.tokens.check(headers)
    }
}

/// Takes vacancies as the REST profile does, for those who are let in.
fn posting_desk(entrance: &Arc<Entrance>, front: &Arc<Front>, history_limit: usize) -> Arc<Desk> {
    let entrance = Arc::clone(entrance);
    let authorize = Box::new(move |headers: &_| {
        entrance.check(headers).map_err(|detail| Refusal { rule: Rule::Token, status: 401, detail })
    });
    let inspect = Box::new(|_: &About<'_>, document: &[u8]| post_rules::inspect(document));
    Arc::new(Desk::new(Arc::clone(front), POSTING_PATH, history_limit, authorize, inspect))
}
