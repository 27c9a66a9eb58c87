//! The calls of VDAB's reading interface.

use async_trait::async_trait;
use http::header;
use jiff::{Timestamp, civil::Date};
use reqwest::{Client, RequestBuilder};
use serde::{Deserialize, Serialize};
use serde_json::{json, value::RawValue};

use super::{
    account::Credentials,
    list::{self, Slice},
};
use crate::{
    BaseUrl,
    call::{Answer, Caller, probe_error, protocol},
    limit::Limit,
    poller::{Fetched, Host, Listed, PollError, Unreadable},
    rest::described,
    sender::ProbeError,
};

/// What VDAB says of vacancies that are gone for good.
const GONE: [&str; 2] = ["is geen bestaande vacature", "Invalid string syntax"];
/// No more of an answer that is not understood is kept.
const KEPT: usize = 64 * 1024;

/// A list of references.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum List {
    /// `initial`: what is published on a day.
    Published {
        /// The day, in Flanders.
        on: Date,
    },
    /// `bulk`: what was made, changed or removed in a window of at most five days.
    Changes {
        /// Its beginning.
        from: Timestamp,
        /// Its end.
        to: Timestamp,
    },
}

/// VDAB's interface.
#[derive(Debug)]
pub(super) struct Api {
    base_url: BaseUrl,
    credentials: Credentials,
    caller: Caller,
}

/// What came of asking for documents.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) fetched: Vec<Fetched>,
    pub(super) gone: Vec<String>,
    pub(super) unreadable: Vec<Unreadable>,
}

impl Api {
    pub(super) fn new(base_url: BaseUrl, credentials: Credentials, caller: Caller) -> Self {
        Self { base_url, credentials, caller }
    }

    pub(super) fn limits(&self) -> Vec<Limit> {
        self.caller.limits()
    }

    /// Now, by VDAB's clock as far as it is known.
    pub(super) fn now(&self) -> Timestamp {
        self.caller.source_now()
    }

    /// A part of a list.
    pub(super) async fn list(
        &self,
        list: &List,
        offset: usize,
        length: usize,
        host: &dyn Host,
    ) -> Result<Slice, PollError> {
        let (call, parameters) = match list {
            List::Published { on } => ("initial", vec![("datum", on.to_string())]),
            List::Changes { from, to } => ("bulk", vec![("van", instant(*from)), ("tot", instant(*to))]),
        };
        let mut url = self.base_url.join(&["vacatures", call]);
        url.query_pairs_mut()
            .extend_pairs(parameters)
            .append_pair("vanaf", &offset.to_string())
            .append_pair("aantal", &length.to_string());
        Slice::read(&self.call(call, host, |client| client.get(url.clone())).await?)
    }

    /// The documents of many vacancies: together, and one by one what did not come with the others.
    pub(super) async fn documents(&self, references: &[String], host: &dyn Host) -> Result<Found, PollError> {
        let mut found = Found::default();
        let mut missing = references.to_vec();
        if references.len() > 1 {
            self.together(&mut missing, &mut found, host).await?;
        }
        for reference in missing {
            self.one(reference, &mut found, host).await?;
        }
        Ok(found)
    }

    /// `POST vacatures`. That many can be asked for by their references is known, the body is **our profile**.
    async fn together(&self, missing: &mut Vec<String>, found: &mut Found, host: &dyn Host) -> Result<(), PollError> {
        let url = self.base_url.join(&["vacatures"]);
        let body = json!({ "interneReferenties": &*missing });
        let answer = self.call("vacatures", host, |client| client.post(url.clone()).json(&body)).await?;
        if answer.status.is_client_error() {
            // One reference that VDAB cannot take may spoil the whole: they are asked for one by one.
            return Ok(());
        }
        for (index, raw) in documents(&answer)?.into_iter().enumerate() {
            let reference = list::reference(raw.get());
            let place = reference.and_then(|reference| missing.iter().position(|asked| *asked == reference));
            let bytes = answer.body.slice_ref(raw.get().as_bytes());
            let Some(place) = place else {
                found.unreadable.push(Unreadable {
                    reference: None,
                    call: answer.call,
                    pointer: format!("/resultaten/{index}"),
                    problem: "nobody asked for the vacancy, or it has no reference",
                    bytes,
                });
                continue;
            };
            let media_type = "application/json".to_owned();
            found.fetched.push(Fetched { reference: missing.remove(place), bytes, media_type, modified_at: None });
        }
        Ok(())
    }

    /// `GET vacatures/{interneReferentie}`.
    async fn one(&self, reference: String, found: &mut Found, host: &dyn Host) -> Result<(), PollError> {
        let url = self.base_url.join(&["vacatures", &reference]);
        let answer = self.call("vacature", host, |client| client.get(url.clone())).await?;
        if answer.status.is_success() {
            let media_type = answer.media_type();
            found.fetched.push(Fetched { reference, bytes: answer.body, media_type, modified_at: None });
        } else if is_gone(&answer) {
            found.gone.push(reference);
        } else {
            found.unreadable.push(Unreadable {
                reference: Some(reference),
                call: answer.call,
                pointer: String::new(),
                problem: "VDAB neither gives the vacancy nor says that it is gone",
                bytes: answer.body.slice(..answer.body.len().min(KEPT)),
            });
        }
        Ok(())
    }

    /// Asks for one entry of today's list.
    pub(super) async fn probe(&self, today: Date) -> Result<(), ProbeError> {
        let answer = self.list(&List::Published { on: today }, 0, 1, &Nobody).await;
        answer.map(drop).map_err(probe_error)
    }

    /// One call; with another token if the one we have is refused.
    async fn call(
        &self,
        call: &'static str,
        host: &dyn Host,
        request: impl Fn(&Client) -> RequestBuilder + Send + Sync,
    ) -> Result<Answer, PollError> {
        let mut refused = None;
        for _ in 0..2 {
            let (headers, token) = self.credentials.headers().await?;
            let builder = request(self.caller.client().await?);
            let request = builder.headers(headers).header(header::ACCEPT, "application/json").build();
            let request = request.map_err(|error| PollError::Client(described(error)))?;
            host.turn().await;
            match self.caller.call(call, request).await {
                Err(error @ PollError::Unauthorised { status: 401, .. }) => {
                    self.credentials.forget(&token);
                    refused = Some(error);
                }
                other => return other,
            }
        }
        Err(refused.unwrap_or(PollError::Unauthorised { call, status: 401 }))
    }
}

/// Whoever only tests the connection waits for nobody.
struct Nobody;

#[async_trait]
impl Host for Nobody {
    async fn turn(&self) {}

    async fn wanted(&self, listed: Vec<Listed>) -> Vec<Listed> {
        listed
    }
}

/// The vacancies of an answer: in the envelope of lists, or bare.
fn documents(answer: &Answer) -> Result<Vec<&RawValue>, PollError> {
    let in_envelope: Result<list::Envelope<'_>, _> = serde_json::from_slice(&answer.body);
    if let Ok(envelope) = in_envelope {
        return Ok(envelope.resultaten);
    }
    serde_json::from_slice(&answer.body).map_err(|_| protocol(answer.call, "", "it is no list of vacancies"))
}

fn is_gone(answer: &Answer) -> bool {
    let says = String::from_utf8_lossy(&answer.body);
    matches!(answer.status.as_u16(), 404 | 410) || GONE.iter().any(|text| says.contains(text))
}

/// As VDAB's clients write it: `2026-02-13T12:00:00.000Z`.
fn instant(at: Timestamp) -> String {
    format!("{at:.3}")
}
