//! Where requests arrive: reads them, has them checked, takes them, and answers or misbehaves.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use axum::{
    Json,
    body::{Body, Bytes},
    extract::{ConnectInfo, Request, State},
    response::{IntoResponse, Response},
};
use futures::StreamExt;
use http::{HeaderValue, Method, StatusCode, header};
use secrecy::SecretString;
use serde_json::json;
use tokio::{
    sync::{broadcast, watch},
    time,
};

use super::{
    checks::{self, Asked, Refusal},
    injection::{Injection, Injections},
    ledger::{Ledger, Reply},
    received::{Received, Rule, Verdict},
    server::Switch,
};

/// A request that is not complete after this long is given up.
const READ_TIME_OUT: Duration = Duration::from_secs(30);

/// What the handlers share.
#[derive(Debug)]
pub(super) struct Desk {
    pub(super) token: Option<SecretString>,
    pub(super) body_limit: usize,
    pub(super) ledger: Mutex<Ledger>,
    pub(super) injections: Mutex<Injections>,
    pub(super) observers: broadcast::Sender<Received>,
    pub(super) changes: watch::Sender<()>,
}

impl Desk {
    pub(super) fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn injections(&self) -> MutexGuard<'_, Injections> {
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

/// Handles one request.
pub(super) async fn serve(
    State(desk): State<Arc<Desk>>,
    ConnectInfo(switch): ConnectInfo<Switch>,
    request: Request,
) -> Response {
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
