//! One call of a source that is read: bounded in time and size, its failures sorted by what helps.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use http::{HeaderMap, StatusCode, header};
use jiff::{SignedDuration, Timestamp};
use reqwest::{Client, Request, Response};
use serde::Deserialize;

use crate::{
    BaseUrl, ExtraCertificates, foreign_text,
    http_client::{self, HttpClient, Reuse, Unread},
    limit::{self, Limit},
    poller::PollError,
    rest::{described, pause},
    retry_after::http_date,
    sender::ProbeError,
};

/// Makes calls to one host.
#[derive(Debug)]
pub(crate) struct Caller {
    client: HttpClient,
    time_out: Duration,
    body_limit: usize,
    now: fn() -> Timestamp,
    heard: Mutex<Heard>,
}

/// What the source last said beside its answers.
#[derive(Debug, Default)]
struct Heard {
    limits: Vec<Limit>,
    /// How far its clock is ahead of ours, at most.
    ahead: SignedDuration,
}

/// How a source is called.
#[derive(Debug, Clone)]
pub(crate) struct CallSettings {
    pub(crate) connect_time_out: Duration,
    pub(crate) time_out: Duration,
    pub(crate) body_limit: usize,
    pub(crate) certificates: ExtraCertificates,
    pub(crate) now: fn() -> Timestamp,
}

/// An answer that is no failure: 2xx, or a 3xx or 4xx that says something about what was asked for.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) call: &'static str,
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Caller {
    pub(crate) fn new(base_url: &BaseUrl, settings: CallSettings) -> Self {
        let CallSettings { connect_time_out, time_out, body_limit, certificates, now } = settings;
        let client = HttpClient::new(base_url, connect_time_out, Reuse::WhileFresh).with_certificates(certificates);
        Self { client, time_out, body_limit, now, heard: Mutex::default() }
    }

    /// The limits that the source last announced.
    pub(crate) fn limits(&self) -> Vec<Limit> {
        self.heard().limits.clone()
    }

    /// Now, by the clock of the source as far as it is known; not earlier.
    pub(crate) fn source_now(&self) -> Timestamp {
        let ahead = self.heard().ahead;
        let now = (self.now)();
        now.checked_add(ahead).unwrap_or(now)
    }

    /// The client that requests are made with.
    pub(crate) async fn client(&self) -> Result<&Client, PollError> {
        self.client.get().await.map_err(PollError::Client)
    }

    /// Sends the request and reads the whole answer.
    pub(crate) async fn call(&self, call: &'static str, mut request: Request) -> Result<Answer, PollError> {
        *request.timeout_mut() = Some(self.time_out);
        let client = self.client().await?;
        let unreachable = |error| PollError::Unreachable { call, detail: described(error) };
        let asked_at = (self.now)();
        let response = client.execute(request).await.map_err(unreachable)?;
        let (status, headers) = (response.status(), response.headers().clone());
        self.listen(asked_at, &headers);
        self.refuse(call, status, &headers)?;
        let body = self.body(call, response).await?;
        Ok(Answer { call, status, headers, body })
    }

    async fn body(&self, call: &'static str, response: Response) -> Result<Bytes, PollError> {
        http_client::body_up_to(self.body_limit, response).await.map_err(|unread| match unread {
            Unread::TooLong => protocol(call, "", format!("the answer is longer than {} bytes", self.body_limit)),
            Unread::BrokenOff(error) => PollError::Unreachable { call, detail: described(error) },
        })
    }

    fn refuse(&self, call: &'static str, status: StatusCode, headers: &HeaderMap) -> Result<(), PollError> {
        let after = pause(status, headers, (self.now)());
        let code = status.as_u16();
        match code {
            401 | 403 | 407 => Err(PollError::Unauthorised { call, status: code }),
            408 | 425 | 429 => Err(PollError::Limited { call, status: code, after }),
            503 if after.is_some() => Err(PollError::Limited { call, status: code, after }),
            500..=599 => Err(PollError::Failing { call, status: code, after }),
            200..=499 => Ok(()),
            _ => Err(protocol(call, "", format!("HTTP {code} is no answer"))),
        }
    }

    fn listen(&self, asked_at: Timestamp, headers: &HeaderMap) {
        let limits = limit::announced(headers, (self.now)());
        let mut heard = self.heard();
        if !limits.is_empty() {
            heard.limits = limits;
        }
        if let Some(date) = headers.get(header::DATE).and_then(|value| http_date(value.to_str().ok()?)) {
            // A `Date` has whole seconds: it may have been almost one later, and no later when we asked.
            heard.ahead = date.duration_since(asked_at) + SignedDuration::from_secs(1);
        }
    }

    fn heard(&self) -> MutexGuard<'_, Heard> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Answer {
    /// When the source answered, by its own clock.
    pub(crate) fn date(&self) -> Option<Timestamp> {
        self.headers.get(header::DATE).and_then(|value| http_date(value.to_str().ok()?))
    }

    /// The body as JSON; only where the answer is a success.
    pub(crate) fn json<'a, T: Deserialize<'a>>(&'a self) -> Result<T, PollError> {
        self.success()?;
        serde_json::from_slice(&self.body).map_err(|error| {
            let place = format!("line {}, column {}", error.line(), error.column());
            let what = if error.is_data() { "it has another shape than agreed" } else { "it is no JSON" };
            protocol(self.call, "", format!("{what} ({place})"))
        })
    }

    /// That the answer is a success; what the source says of a failure is not repeated.
    pub(crate) fn success(&self) -> Result<(), PollError> {
        if self.status.is_success() {
            return Ok(());
        }
        let advice = if self.status.is_redirection() { ", elsewhere: correct the base URL" } else { "" };
        Err(protocol(self.call, "", format!("it answers {}{advice}", self.status.as_u16())))
    }

    /// The answer as it came, for a header.
    pub(crate) fn media_type(&self) -> String {
        let stated = self.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        foreign_text::one_line(stated.unwrap_or("application/octet-stream"))
    }
}

/// A breach of what was agreed.
pub(crate) fn protocol(call: &'static str, pointer: &str, problem: impl Into<String>) -> PollError {
    PollError::Protocol { call, pointer: pointer.to_owned(), problem: problem.into() }
}

/// The same failure for whoever only tests the connection.
pub(crate) fn probe_error(error: PollError) -> ProbeError {
    match error {
        PollError::Client(detail) => ProbeError::Client(detail),
        PollError::Unauthorised { status, .. } => ProbeError::Refused(status),
        PollError::Limited { status, .. } | PollError::Failing { status, .. } => ProbeError::Failing(status),
        PollError::Unreachable { detail, .. } => ProbeError::Unreachable(detail),
        other @ (PollError::Protocol { .. } | PollError::Cursor) => ProbeError::Protocol(foreign_text::chain(&other)),
    }
}
