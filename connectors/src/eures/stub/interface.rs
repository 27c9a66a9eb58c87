//! Calls the Input API of a national service.

use std::time::Duration;

use http::{HeaderValue, Method, header};
use reqwest::{Request, Response};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use thiserror::Error;

use crate::{
    BaseUrl, foreign_text,
    http_client::{self, HttpClient, Reuse},
};

const CONNECT_TIME_OUT: Duration = Duration::from_secs(5);
/// The largest answer: `getAll` of a few hundred thousand vacancies.
const ANSWER_LIMIT: usize = 64 * 1024 * 1024;

/// Why a pull failed. The feed may be right all the same: try again.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum PullError {
    /// The token cannot be a header.
    #[error("the token holds a character that no header can carry")]
    Token,
    /// No connection, or none that lasted until the answer.
    #[error("cannot call `{call}`: {detail}")]
    Call {
        /// The call.
        call: &'static str,
        /// Why, without address.
        detail: String,
    },
    /// Not 200.
    #[error("`{call}` answers {status}")]
    Status {
        /// The call.
        call: &'static str,
        /// The status.
        status: u16,
    },
    /// Not of the media type of the call, broken off, or above 64 MiB.
    #[error("`{call}` answers with something that cannot be read")]
    Answer {
        /// The call.
        call: &'static str,
    },
}

/// The calls.
#[derive(Debug)]
pub(super) struct Interface {
    base_url: BaseUrl,
    token: Option<SecretString>,
    time_out: Duration,
    client: HttpClient,
}

impl Interface {
    pub(super) fn new(base_url: BaseUrl, token: Option<SecretString>, time_out: Duration) -> Self {
        let client = HttpClient::new(&base_url, CONNECT_TIME_OUT.min(time_out), Reuse::WhileFresh);
        Self { base_url, token, time_out, client }
    }

    /// `GET ping`, which answers with some text.
    pub(super) async fn ping(&self) -> Result<(), PullError> {
        let response = self.call("ping", Method::GET, &["ping"], None).await?;
        let is_text = is_media_type(&response, "text/plain");
        let body = http_client::body_up_to(ANSWER_LIMIT, response).await.unwrap_or_default();
        if is_text && !body.trim_ascii().is_empty() { Ok(()) } else { Err(PullError::Answer { call: "ping" }) }
    }

    /// `GET getAll`.
    pub(super) async fn get_all(&self) -> Result<Value, PullError> {
        self.json("getAll", Method::GET, &["getAll"], None).await
    }

    /// `GET getChanges/{ms}`.
    pub(super) async fn get_changes(&self, since: i64) -> Result<Value, PullError> {
        self.json("getChanges", Method::GET, &["getChanges", &since.to_string()], None).await
    }

    /// `POST getDetails` with an array of references.
    pub(super) async fn get_details(&self, references: &[&str]) -> Result<Value, PullError> {
        let body = Value::from(references.to_vec()).to_string();
        self.json("getDetails", Method::POST, &["getDetails"], Some(body)).await
    }

    async fn json(
        &self,
        call: &'static str,
        method: Method,
        path: &[&str],
        body: Option<String>,
    ) -> Result<Value, PullError> {
        let response = self.call(call, method, path, body).await?;
        let is_json = is_media_type(&response, "application/json");
        let body = http_client::body_up_to(ANSWER_LIMIT, response).await.ok().filter(|_| is_json);
        serde_json::from_slice(&body.unwrap_or_default()).map_err(|_| PullError::Answer { call })
    }

    async fn call(
        &self,
        call: &'static str,
        method: Method,
        path: &[&str],
        body: Option<String>,
    ) -> Result<Response, PullError> {
        let client = self.client.get().await.map_err(|detail| PullError::Call { call, detail })?;
        let mut request = Request::new(method, self.base_url.join(path));
        if let Some(authorization) = self.authorization()? {
            request.headers_mut().insert(header::AUTHORIZATION, authorization);
        }
        if let Some(body) = body {
            request.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
            *request.body_mut() = Some(body.into());
        }
        *request.timeout_mut() = Some(self.time_out);
        let answer = client.execute(request).await;
        let response =
            answer.map_err(|error| PullError::Call { call, detail: foreign_text::chain(&error.without_url()) })?;
        match response.status().as_u16() {
            200 => Ok(response),
            status => Err(PullError::Status { call, status }),
        }
    }

    /// The only place where the token is exposed.
    fn authorization(&self) -> Result<Option<HeaderValue>, PullError> {
        let Some(token) = &self.token else { return Ok(None) };
        let text = format!("Bearer {}", token.expose_secret());
        let mut value = HeaderValue::from_str(&text).map_err(|_| PullError::Token)?;
        value.set_sensitive(true);
        Ok(Some(value))
    }
}

fn is_media_type(response: &Response, expected: &str) -> bool {
    let value = response.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    value.and_then(|value| value.split(';').next()).is_some_and(|essence| essence.trim() == expected)
}
