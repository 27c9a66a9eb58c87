//! A token endpoint (RFC 6749 §4.4), and the check of what it gave.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use axum::{
    Json,
    extract::{Request, State},
    response::{IntoResponse, Response},
};
use base64::{Engine, prelude::BASE64_STANDARD};
use http::{HeaderMap, StatusCode, header};
use rand::RngExt;
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;
use subtle::ConstantTimeEq;
use tokio::time::Instant;

use super::front::whole;

/// A form is short.
const FORM_LIMIT: usize = 16 * 1024;

/// The one client there is.
#[derive(Debug)]
pub(crate) struct Client {
    pub(crate) id: String,
    pub(crate) secret: SecretString,
    /// For whom it acts: the parameter `sub`, if the partner asks for it.
    pub(crate) subject: Option<String>,
}

/// The tokens that were given.
#[derive(Debug)]
pub(crate) struct Tokens {
    client: Client,
    life: Duration,
    given: Mutex<Given>,
}

#[derive(Debug, Default)]
struct Given {
    count: u64,
    ends: HashMap<String, Instant>,
}

impl Tokens {
    pub(crate) fn new(client: Client, life: Duration) -> Self {
        Self { client, life, given: Mutex::default() }
    }

    pub(crate) fn expire(&self) {
        self.given_now().ends.clear();
    }

    pub(crate) fn given(&self) -> u64 {
        self.given_now().count
    }

    /// Whether a request shows a token that is good; what is wrong otherwise.
    pub(crate) fn check(&self, headers: &HeaderMap) -> Result<(), &'static str> {
        let shown = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        let token = shown.and_then(|value| value.strip_prefix("Bearer ")).unwrap_or_default();
        let ends = self.given_now().ends.get(token).copied();
        match ends {
            Some(ends) if Instant::now() < ends => Ok(()),
            Some(_) => Err("the token has ended"),
            None => Err("the token was not given"),
        }
    }

    fn grant(&self) -> String {
        let token = format!("{:032x}", rand::rng().random::<u128>());
        let now = Instant::now();
        let mut given = self.given_now();
        given.count += 1;
        given.ends.retain(|_, ends| now < *ends);
        given.ends.insert(token.clone(), now + self.life);
        token
    }

    fn given_now(&self) -> MutexGuard<'_, Given> {
        self.given.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// RFC 6749 §2.3.1: in the header or in the form, not in both.
    fn is_client(&self, headers: &HeaderMap, form: &HashMap<String, String>) -> bool {
        let in_header = headers.get(header::AUTHORIZATION).and_then(|value| basic(value.to_str().ok()?));
        let in_form = form.get("client_id").cloned().zip(form.get("client_secret").cloned());
        let ((Some((id, secret)), None) | (None, Some((id, secret)))) = (in_header, in_form) else { return false };
        let is_subject = self.client.subject.is_none() || self.client.subject.as_ref() == form.get("sub");
        is_subject && id == self.client.id && is_same(secret.as_bytes(), self.client.secret.expose_secret())
    }
}

fn basic(value: &str) -> Option<(String, String)> {
    let decoded = BASE64_STANDARD.decode(value.strip_prefix("Basic ")?).ok()?;
    let (id, secret) = std::str::from_utf8(&decoded).ok()?.split_once(':')?;
    Some((id.to_owned(), secret.to_owned()))
}

/// In constant time.
pub(crate) fn is_same(given: &[u8], expected: &str) -> bool {
    given.ct_eq(expected.as_bytes()).into()
}

/// `POST` of a form.
pub(crate) async fn give(State(tokens): State<Arc<Tokens>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let media_type = parts.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if !media_type.starts_with("application/x-www-form-urlencoded") {
        return refusal(StatusCode::BAD_REQUEST, "invalid_request");
    }
    let Ok(body) = whole(body, FORM_LIMIT).await else { return refusal(StatusCode::BAD_REQUEST, "invalid_request") };
    let form: HashMap<String, String> = reqwest::Url::parse(&format!("form:?{}", String::from_utf8_lossy(&body)))
        .map(|url| url.query_pairs().into_owned().collect())
        .unwrap_or_default();
    if form.get("grant_type").is_none_or(|kind| kind != "client_credentials") {
        return refusal(StatusCode::BAD_REQUEST, "unsupported_grant_type");
    }
    if !tokens.is_client(&parts.headers, &form) {
        return refusal(StatusCode::UNAUTHORIZED, "invalid_client");
    }
    let granted = json!({
        "access_token": tokens.grant(),
        "token_type": "bearer",
        "expires_in": tokens.life.as_secs(),
        "scope": form.get("scope").map_or("", String::as_str),
    });
    ([(header::CACHE_CONTROL, "no-store")], Json(granted)).into_response()
}

fn refusal(status: StatusCode, error: &str) -> Response {
    (status, Json(json!({ "error": error }))).into_response()
}
