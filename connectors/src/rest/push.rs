//! Sends documents to a partner that speaks the plain REST profile.

use std::time::Duration;

use async_trait::async_trait;
use http::{HeaderMap, HeaderValue, Method, header};
use reqwest::{Client, Request, Url};
use schemas::Operation;
use secrecy::{ExposeSecret, SecretString};
use thiserror::Error;

use super::answer::{self, Question};
use crate::{
    BaseUrl, foreign_text,
    http_client::{HttpClient, Reuse},
    outcome::{Fault, Outcome, code},
    sender::{Parcel, ProbeError, Repeats, Sender},
};

/// A probe takes no longer than this.
const PROBE_TIME_OUT: Duration = Duration::from_secs(10);

/// How to reach a partner.
#[derive(Debug, Clone)]
pub struct RestSettings {
    /// What lies before `/{kind}/{reference}`.
    pub base_url: BaseUrl,
    /// The bearer token.
    pub token: Option<SecretString>,
    /// Whether an unanswered send may be repeated.
    pub repeats: Repeats,
    /// How long connecting may take, name look-up and TLS included.
    pub connect_time_out: Duration,
}

/// Why a partner cannot be sent to with these settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum RestSettingsError {
    /// A token with a line break or the like; often the end of a file read as it is.
    #[error("the token holds a character that no header can carry")]
    Token,
}

/// Sends documents by `PUT`, `POST` and `DELETE`.
#[derive(Debug)]
pub struct RestPush {
    settings: RestSettings,
    client: HttpClient,
}

impl RestPush {
    /// Checks the settings; connects to nobody.
    ///
    /// # Errors
    /// [`RestSettingsError::Token`].
    pub fn new(settings: RestSettings) -> Result<Self, RestSettingsError> {
        authorization(settings.token.as_ref())?;
        let reuse = if settings.repeats == Repeats::Never { Reuse::Never } else { Reuse::WhileFresh };
        let client = HttpClient::new(&settings.base_url, settings.connect_time_out, reuse);
        Ok(Self { settings, client })
    }

    fn request(&self, parcel: Parcel) -> Result<Request, Fault> {
        let url = self.settings.base_url.join(&[parcel.kind.as_str(), &parcel.reference.to_string()]);
        let mut request = self.bare_request(method(parcel.operation), url)?;
        let key = quoted(&parcel.idempotency_key).ok_or_else(|| unusable("idempotency_key"))?;
        request.headers_mut().insert("idempotency-key", key);
        if parcel.operation != Operation::Close {
            let media_type = HeaderValue::from_str(&parcel.media_type).map_err(|_| unusable("media_type"))?;
            request.headers_mut().insert(header::CONTENT_TYPE, media_type);
            *request.body_mut() = Some(parcel.body.into());
        }
        *request.timeout_mut() = Some(parcel.time_out);
        Ok(request)
    }

    fn bare_request(&self, method: Method, url: Url) -> Result<Request, Fault> {
        let mut request = Request::new(method, url);
        let headers: &mut HeaderMap = request.headers_mut();
        headers.insert(header::ACCEPT, HeaderValue::from_static("application/json, application/problem+json"));
        if let Some(value) = authorization(self.settings.token.as_ref()).map_err(|_| unusable("token"))? {
            headers.insert(header::AUTHORIZATION, value);
        }
        Ok(request)
    }

    async fn exchange(&self, client: &Client, request: Request, question: Question) -> Outcome {
        match client.execute(request).await {
            Ok(response) => answer::outcome(response, question).await,
            Err(error) => failure(error),
        }
    }
}

#[async_trait]
impl Sender for RestPush {
    async fn send(&self, parcel: Parcel) -> Outcome {
        let question = Question { operation: parcel.operation, kind: parcel.kind, repeats: self.settings.repeats };
        let client = match self.client.get().await {
            Ok(client) => client,
            Err(detail) => return Outcome::Retry { code: code::CLIENT, detail, after: None },
        };
        match self.request(parcel) {
            Ok(request) => self.exchange(client, request, question).await,
            Err(fault) => Outcome::Rejected { faults: vec![fault] },
        }
    }

    async fn probe(&self) -> Result<(), ProbeError> {
        let client = self.client.get().await.map_err(ProbeError::Client)?;
        let mut request = self
            .bare_request(Method::GET, self.settings.base_url.join(&[""]))
            .map_err(|fault| ProbeError::Client(fault.problem))?;
        *request.timeout_mut() = Some(PROBE_TIME_OUT);
        let answer = client.execute(request).await;
        let status = answer.map_err(|error| ProbeError::Unreachable(described(error)))?.status();
        match status.as_u16() {
            401 | 403 | 407 => Err(ProbeError::Refused(status.as_u16())),
            300..=399 => Err(ProbeError::Redirected(status.as_u16())),
            500.. => Err(ProbeError::Failing(status.as_u16())),
            _ => Ok(()),
        }
    }

    fn repeats(&self) -> Repeats {
        self.settings.repeats
    }
}

fn method(operation: Operation) -> Method {
    match operation {
        Operation::Upsert => Method::PUT,
        Operation::Event => Method::POST,
        Operation::Close => Method::DELETE,
    }
}

/// The only place where the token is exposed.
fn authorization(token: Option<&SecretString>) -> Result<Option<HeaderValue>, RestSettingsError> {
    let Some(token) = token else { return Ok(None) };
    let mut value =
        HeaderValue::from_str(&format!("Bearer {}", token.expose_secret())).map_err(|_| RestSettingsError::Token)?;
    value.set_sensitive(true);
    Ok(Some(value))
}

/// A structured-field string (RFC 9651 §3.3.3), if the text can be one.
fn quoted(text: &str) -> Option<HeaderValue> {
    if text.is_empty() || !text.bytes().all(|byte| (0x20..0x7f).contains(&byte)) {
        return None;
    }
    let escaped = text.replace('\\', r"\\").replace('"', r#"\""#);
    HeaderValue::from_str(&format!("\"{escaped}\"")).ok()
}

/// The request cannot be made, now or later: a person has to look at it.
fn unusable(what: &str) -> Fault {
    Fault { pointer: None, code: "request".to_owned(), problem: format!("the {what} cannot be a header") }
}

/// Sorts an exchange that ended before the head of an answer was read.
///
/// Only what failed while connecting surely never left us. hyper also hands back requests that it had not
/// begun to write, but says so in words only; they count as ambiguous.
fn failure(error: reqwest::Error) -> Outcome {
    let never_left = error.is_connect() || error.is_builder();
    let timed_out = error.is_timeout();
    let detail = described(error);
    match (never_left, timed_out) {
        (true, _) => Outcome::Retry { code: code::UNREACHABLE, detail, after: None },
        (false, true) => Outcome::Ambiguous { code: code::TIME_OUT, detail },
        (false, false) => Outcome::Ambiguous { code: code::NO_ANSWER, detail },
    }
}

/// The error with its causes, without the address.
fn described(error: reqwest::Error) -> String {
    foreign_text::chain(&error.without_url())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_a_quoted_string() {
        assert_eq!(quoted("a1-b2").unwrap(), "\"a1-b2\"");
        assert_eq!(quoted(r#"a"b\c"#).unwrap(), r#""a\"b\\c""#);
        assert_eq!(quoted("é"), None);
        assert_eq!(quoted("a\nb"), None);
        assert_eq!(quoted(""), None);
    }

    #[test]
    fn a_token_never_shows() {
        let value = authorization(Some(&SecretString::from("s3cret"))).unwrap().unwrap();
        assert!(!format!("{value:?}").contains("s3cret"));
        assert_eq!(authorization(Some(&SecretString::from("s3cret\n"))).unwrap_err(), RestSettingsError::Token);
    }
}
