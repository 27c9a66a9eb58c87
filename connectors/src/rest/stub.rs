//! A partner that takes documents by the plain REST profile, keeps all it was sent, and can be made to fail.
//!
//! Its rules are in [`Rule`]; it reads no dialect. A key that comes again with the same request is answered as the
//! first time and does nothing, as the IETF draft on `Idempotency-Key` asks for.

mod checks;
mod injection;
mod ledger;
mod server;
mod well_formed;

use std::{
    io,
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use axum::{
    Json, Router,
    body::{Body, Bytes},
    extract::{ConnectInfo, Request, State},
    response::{IntoResponse, Response},
};
use futures::StreamExt;
use http::{HeaderValue, Method, StatusCode, header};
use secrecy::SecretString;
use serde_json::json;
use thiserror::Error;
use tokio::{
    sync::{broadcast, watch},
    time,
};

use self::{
    checks::{Asked, Refusal},
    injection::Injections,
    ledger::{Ledger, Reply},
    server::{Server, Switch},
};
use crate::{BaseUrl, BaseUrlError};

pub use self::{
    injection::{Injection, Moment},
    ledger::{Received, Rule, Verdict, Violation},
};

/// A request that is not complete after this long is given up.
const READ_TIME_OUT: Duration = Duration::from_secs(30);
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

/// The partner; it closes when it is dropped.
#[derive(Debug)]
pub struct RestStub {
    desk: Arc<Desk>,
    server: Server,
    base_url: BaseUrl,
}

/// What the handlers share.
#[derive(Debug)]
struct Desk {
    token: Option<SecretString>,
    body_limit: usize,
    ledger: Mutex<Ledger>,
    injections: Mutex<Injections>,
    observers: broadcast::Sender<Received>,
    changes: watch::Sender<()>,
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
        let router = Router::new().fallback(serve).with_state(Arc::clone(&desk));
        let listen_error = |source| RestStubError::Listen { address, source };
        let server = Server::start(address, router).await.map_err(listen_error)?;
        let base_url = format!("http://{}", server.address()).parse();
        let base_url =
            base_url.map_err(|error: BaseUrlError| listen_error(io::Error::new(io::ErrorKind::InvalidInput, error)))?;
        Ok(Self { desk, server, base_url })
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
    pub async fn stop(self) {
        self.server.stop().await;
    }
}

impl Desk {
    fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn injections(&self) -> MutexGuard<'_, Injections> {
        self.injections.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn publish(&self, received: Received) {
        // An error says that nobody listens.
        let _ = self.observers.send(received);
        self.changes.send_replace(());
    }

    fn refuse(&self, reference: Option<String>, refusal: &Refusal) -> Response {
        self.ledger().refuse(reference, refusal);
        self.changes.send_replace(());
        problem(refusal.status, refusal.rule, refusal.detail)
    }

    async fn handle(&self, asked: Asked, body: Bytes, switch: &Switch) -> Response {
        let injection = self.injections().next();
        let is_answered = injection.as_ref().is_none_or(Injection::answers);
        let (mut received, mut response) = match &injection {
            Some(strike) if !strike.takes() => {
                let response = struck(strike);
                (self.ledger().turn_away(asked, body, response.status().as_u16()), response)
            }
            _ => {
                let (received, reply) = self.ledger().take(asked, body);
                let response = answer(&received, &reply);
                (received, response)
            }
        };
        if !is_answered {
            self.ledger().mark_unanswered(&mut received);
        }
        self.publish(received);
        match injection {
            Some(Injection::Hang(_)) => response = std::future::pending().await,
            Some(Injection::Slow(delay)) => time::sleep(delay).await,
            Some(Injection::Reset(_)) => switch.reset(),
            Some(Injection::Garbage(_)) => switch.babble(),
            Some(Injection::Status { .. }) | None => {}
        }
        response
    }
}

async fn serve(State(desk): State<Arc<Desk>>, ConnectInfo(switch): ConnectInfo<Switch>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = match time::timeout(READ_TIME_OUT, whole(body, desk.body_limit)).await {
        Ok(Ok(body)) => body,
        Ok(Err(Unread::TooLong)) => {
            let refusal = Refusal { rule: Rule::Size, status: 413, detail: "the body is above the limit" };
            return desk.refuse(None, &refusal);
        }
        Ok(Err(Unread::Broken)) | Err(_) => return StatusCode::REQUEST_TIMEOUT.into_response(),
    };
    if let Err(refusal) = checks::token(desk.token.as_ref(), &parts.headers) {
        return desk.refuse(None, &refusal);
    }
    if parts.method == Method::GET && parts.uri.path() == "/" {
        return StatusCode::OK.into_response();
    }
    match checks::request(&parts.method, parts.uri.path(), &parts.headers, &body) {
        Ok(asked) => desk.handle(asked, body, &switch).await,
        Err(refusal) => {
            let reference = checks::path(parts.uri.path()).ok().map(|(_, reference)| reference);
            desk.refuse(reference, &refusal)
        }
    }
}

/// Why there is no body.
enum Unread {
    TooLong,
    /// The sender left in the middle: no breach, nothing to answer.
    Broken,
}

async fn whole(body: Body, limit: usize) -> Result<Bytes, Unread> {
    let mut bytes = Vec::new();
    let mut chunks = body.into_data_stream();
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk.map_err(|_| Unread::Broken)?;
        if bytes.len() + chunk.len() > limit {
            return Err(Unread::TooLong);
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes.into())
}

fn answer(received: &Received, reply: &Reply) -> Response {
    let status = status(reply.status);
    match (received.verdict, &reply.foreign_reference) {
        (Verdict::Refused, _) => problem(reply.status, Rule::KeyReused, "the key was used for another request"),
        (_, Some(reference)) => (status, Json(json!({ "reference": reference }))).into_response(),
        (_, None) => status.into_response(),
    }
}

/// What is answered instead of what should be.
fn struck(injection: &Injection) -> Response {
    let Injection::Status { status: code, retry_after } = injection else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let mut response = status(*code).into_response();
    if let Some(value) = retry_after.as_deref().and_then(|text| HeaderValue::from_str(text).ok()) {
        response.headers_mut().insert(header::RETRY_AFTER, value);
    }
    response
}

/// A refusal as RFC 9457 says it.
fn problem(code: u16, rule: Rule, detail: &str) -> Response {
    let document = json!({
        "type": format!("https://stub.example/problems/{rule}"),
        "title": "Refused",
        "status": code,
        "errors": [{ "pointer": "#", "code": rule.as_str(), "detail": detail }],
    });
    let headers = [(header::CONTENT_TYPE, "application/problem+json")];
    (status(code), headers, Json(document)).into_response()
}

fn status(code: u16) -> StatusCode {
    StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}
