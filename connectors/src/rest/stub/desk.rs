//! Where requests arrive: counts and reads them, has them checked, takes them, and answers or misbehaves.

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use axum::{
    Json,
    body::Bytes,
    extract::{ConnectInfo, Request, State},
    response::{IntoResponse, Response},
};
use http::{HeaderMap, Method, StatusCode, header};
use secrecy::SecretString;
use serde_json::json;
use tokio::sync::{broadcast, watch};

use super::{
    checks::{self, Asked, Refusal},
    hooks,
    ledger::{Ledger, Reply},
    received::{Finding, Received, Rule, Verdict},
    turns::Turns,
};
use schemas::Kind;

use crate::Notice;
use crate::stub::{Front, Injection, Switch, Unread, misbehave, status, struck, whole};

/// Requests that observers may lag behind before they miss some.
const OBSERVED: usize = 1024;

/// Checks who is asking.
pub(crate) type Authorize = Box<dyn Fn(&HeaderMap) -> Result<(), Refusal> + Send + Sync>;
/// Checks a document by the rules of the partner; what is said about it goes before.
pub(crate) type Inspect = Box<dyn Fn(&About<'_>, &[u8]) -> Vec<Finding> + Send + Sync>;

/// What is said about a document.
pub(crate) struct About<'a> {
    /// Of what kind it is.
    pub(crate) kind: Kind,
    pub(crate) media_type: &'a str,
    pub(crate) notice: Option<&'a Notice>,
}

/// What the handlers share.
pub(crate) struct Desk {
    front: Arc<Front>,
    /// What the paths begin with: empty, or a path without a slash at its end.
    prefix: &'static str,
    authorize: Authorize,
    inspect: Inspect,
    ledger: Mutex<Ledger>,
    observers: broadcast::Sender<Received>,
    changes: watch::Sender<()>,
    turns: Turns,
    /// With what events are signed; without it none are expected.
    hooks: Option<SecretString>,
}

impl Desk {
    pub(crate) fn new(
        front: Arc<Front>,
        prefix: &'static str,
        history_limit: usize,
        authorize: Authorize,
        inspect: Inspect,
    ) -> Self {
        let ledger = Mutex::new(Ledger::new(history_limit));
        let (observers, changes) = (broadcast::channel(OBSERVED).0, watch::channel(()).0);
        Self { front, prefix, authorize, inspect, ledger, observers, changes, turns: Turns::default(), hooks: None }
    }

    /// The same, and it is told of closings by signed events.
    pub(super) fn with_hooks(self, secret: Option<SecretString>) -> Self {
        Self { hooks: secret, ..self }
    }

    pub(super) fn front(&self) -> &Front {
        &self.front
    }

    pub(super) fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn observe(&self) -> broadcast::Receiver<Received> {
        self.observers.subscribe()
    }

    pub(super) fn changes(&self) -> watch::Receiver<()> {
        self.changes.subscribe()
    }

    fn publish(&self, received: Received) {
        // An error says that nobody listens.
        let _ = self.observers.send(received);
        self.changes.send_replace(());
    }

    fn refuse(&self, reference: Option<String>, refusal: &Refusal) -> Response {
        self.ledger().refuse(reference, refusal);
        self.changes.send_replace(());
        let finding =
            Finding { pointer: String::new(), code: refusal.rule.as_str(), detail: refusal.detail.to_owned() };
        problem(refusal.status, &[finding])
    }

    pub(super) fn overlaps(&self) -> Vec<String> {
        self.turns.overlaps()
    }

    async fn handle(&self, asked: Asked, body: Bytes, switch: &Switch) -> Response {
        let turn = self.turns.begin(&asked.reference);
        let (healing, injection) = (self.front.healing(), self.front.next_fault());
        let is_answered = injection.as_ref().is_none_or(Injection::answers);
        let (mut received, response) = match &injection {
            Some(strike) if !strike.takes() => {
                let response = struck(strike);
                (self.ledger().turn_away(asked, body, response.status().as_u16()), response)
            }
            _ => self.take(asked, body),
        };
        if !is_answered {
            self.ledger().mark_unanswered(&mut received);
        }
        self.publish(received);
        let response = misbehave(injection, switch, healing, response).await;
        turn.end();
        response
    }

    fn take(&self, asked: Asked, body: Bytes) -> (Received, Response) {
        let about = asked.media_type.as_deref().map(|media_type| About {
            kind: asked.kind,
            media_type,
            notice: asked.notice.as_ref(),
        });
        let findings = about.map(|about| (self.inspect)(&about, &body));
        let findings = findings.unwrap_or_default();
        if !findings.is_empty() {
            let received = self.ledger().refuse_document(asked, body, &findings);
            let response = problem(received.status, &findings);
            return (received, response);
        }
        let (received, reply) = self.ledger().take(asked, body);
        let response = answer(&received, &reply);
        (received, response)
    }

    async fn serve(&self, switch: &Switch, request: Request) -> Response {
        let (parts, body) = request.into_parts();
        let body = match whole(body, self.front.body_limit()).await {
            Ok(body) => body,
            Err(Unread::TooLong) => {
                let refusal = Refusal { rule: Rule::Size, status: 413, detail: "the body is above the limit" };
                return self.refuse(None, &refusal);
            }
            Err(unread @ Unread::Broken) => return unread.into_response(),
        };
        if let Some(secret) = self.hooks.as_ref().filter(|_| parts.uri.path() == hooks::PATH) {
            return match hooks::read(secret, &parts.method, &parts.headers, &body) {
                Ok(asked) => self.handle(asked, body, switch).await,
                Err(refusal) => self.refuse(None, &refusal),
            };
        }
        if let Err(refusal) = (self.authorize)(&parts.headers) {
            return self.refuse(None, &refusal);
        }
        let Some(path) = parts.uri.path().strip_prefix(self.prefix) else {
            let detail = "the path is not one of this interface";
            return self.refuse(None, &Refusal { rule: Rule::Path, status: 404, detail });
        };
        if parts.method == Method::GET && matches!(path, "" | "/") {
            return self.probed(switch).await;
        }
        match checks::request(&parts.method, path, &parts.headers, &body) {
            Ok(asked) => self.handle(asked, body, switch).await,
            Err(refusal) => self.refuse(checks::path(path).ok().map(|(_, reference)| reference), &refusal),
        }
    }

    /// A test of the connection meets the fault that lasts, but uses up none that was ordered.
    async fn probed(&self, switch: &Switch) -> Response {
        let (healing, fault) = (self.front.healing(), self.front.lasting_fault());
        let response = match &fault {
            Some(fault) if !fault.takes() => struck(fault),
            _ => StatusCode::OK.into_response(),
        };
        misbehave(fault, switch, healing, response).await
    }
}

impl fmt::Debug for Desk {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Desk").field("ledger", &self.ledger).finish_non_exhaustive()
    }
}

/// Handles one request.
pub(crate) async fn serve(
    State(desk): State<Arc<Desk>>,
    ConnectInfo(switch): ConnectInfo<Switch>,
    request: Request,
) -> Response {
    let counted = desk.front.count();
    let mut response = if counted.is_over {
        StatusCode::TOO_MANY_REQUESTS.into_response()
    } else {
        desk.serve(&switch, request).await
    };
    counted.announce(response.headers_mut());
    response
}

fn answer(received: &Received, reply: &Reply) -> Response {
    let status = status(reply.status);
    match (received.verdict, &reply.foreign_reference) {
        (Verdict::Refused, _) => {
            let detail = "the key was used for another request".to_owned();
            problem(reply.status, &[Finding { pointer: String::new(), code: Rule::KeyReused.as_str(), detail }])
        }
        (_, Some(reference)) => (status, Json(json!({ "reference": reference }))).into_response(),
        (_, None) => status.into_response(),
    }
}

/// A refusal as RFC 9457 says it.
fn problem(code: u16, findings: &[Finding]) -> Response {
    let errors: Vec<_> = findings
        .iter()
        .map(|Finding { pointer, code, detail }| json!({ "pointer": pointer_as_fragment(pointer), "code": code, "detail": detail }))
        .collect();
    let first = findings.first().map_or("refused", |finding| finding.code);
    let document = json!({
        "type": format!("https://stub.example/problems/{first}"),
        "title": "Refused",
        "status": code,
        "errors": errors,
    });
    let headers = [(header::CONTENT_TYPE, "application/problem+json")];
    (status(code), headers, Json(document)).into_response()
}

/// RFC 6901 §6; our pointers hold no character that a fragment would encode.
fn pointer_as_fragment(pointer: &str) -> String {
    format!("#{pointer}")
}
