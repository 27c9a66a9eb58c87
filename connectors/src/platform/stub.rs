//! A matching platform as we meet it: pulls its feed of talent profiles, shows what it was given, deletes what has gone,
//! checks every page by rules of its own, and tells what employers make of the profiles.
//!
//! The rules are those of the feed as it is described to partners, and what was agreed about persons: what is said to be
//! withheld is not there, what was removed is not shown again as it was, and nothing is kept that a cache could give away.

mod events;
mod page;

use std::{collections::BTreeMap, time::Duration};

use http::{HeaderValue, header};
use reqwest::{RequestBuilder, Response};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use thiserror::Error;

pub use self::events::{Answer, PlatformEvent};
use self::page::Page;
use crate::{
    BaseUrl, Notice,
    employer::stub::inspect_candidate,
    foreign_text,
    http_client::{self, HttpClient, Reuse},
    rest::stub::Finding,
};

const CONNECT_TIME_OUT: Duration = Duration::from_secs(5);
/// The largest page.
const PAGE_LIMIT: usize = 64 * 1024 * 1024;
/// Pages of one pull: a feed that has always one more page is none.
const MOST_PAGES: usize = 10_000;
/// What a profile has beside the members of HR Open.
const MORE_MEMBERS: [&str; 1] = ["introductions"];

/// What is pulled.
#[derive(Debug, Clone)]
pub struct PlatformSettings {
    /// The feed: `{host}/v1/{partner}/feed/talent_profile`. Events go to `{host}/v1/{partner}/placement_status`.
    pub feed: BaseUrl,
    /// The platform's key.
    pub key: SecretString,
    /// Items of a page.
    pub limit: u16,
    /// How long one page may take.
    pub time_out: Duration,
}

/// A profile that the platform shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Profile {
    /// The document.
    pub document: Value,
    /// What was told beside it.
    pub notice: Notice,
    /// Since when it stands in the feed.
    pub created: String,
    /// When it last changed there.
    pub modified: String,
}

/// A profile that the platform has deleted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Removed {
    /// Why, as a code.
    pub reason: Option<String>,
    /// When it went.
    pub closed: String,
}

/// A breach of a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// The profile; none if it is about the page.
    pub reference: Option<String>,
    /// Where, as a JSON pointer into the document or the page.
    pub pointer: String,
    /// Which rule.
    pub code: &'static str,
    /// What is wrong: never a value.
    pub detail: String,
}

impl Violation {
    fn of(reference: Option<&String>, finding: Finding) -> Self {
        let Finding { pointer, code, detail } = finding;
        Self { reference: reference.cloned(), pointer, code, detail }
    }
}

/// Why a pull failed. What was pulled until then is kept, and the next pull goes on there.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum PullError {
    /// The key cannot be a header.
    #[error("the key holds a character that no header can carry")]
    Key,
    /// No connection, or none that lasted until the answer.
    #[error("cannot pull: {detail}")]
    Call {
        /// Why, without address.
        detail: String,
    },
    /// Not 200.
    #[error("the feed answers {status}")]
    Status {
        /// The status.
        status: u16,
    },
    /// No JSON, broken off, or too large.
    #[error("the feed answers with something that cannot be read")]
    Answer,
    /// There is always one more page.
    #[error("the feed has no end")]
    Endless,
}

/// The platform.
#[derive(Debug)]
pub struct PlatformStub {
    settings: PlatformSettings,
    client: HttpClient,
    cursor: Option<String>,
    shown: BTreeMap<String, Profile>,
    removed: BTreeMap<String, Removed>,
    violations: Vec<Violation>,
    pages: usize,
}

impl PlatformStub {
    /// A platform that has pulled nothing yet.
    pub fn new(settings: PlatformSettings) -> Self {
        let client = HttpClient::new(&settings.feed, CONNECT_TIME_OUT.min(settings.time_out), Reuse::WhileFresh);
        let (shown, removed) = (BTreeMap::new(), BTreeMap::new());
        Self { settings, client, cursor: None, shown, removed, violations: Vec::new(), pages: 0 }
    }

    /// Pulls page by page until there is no more.
    ///
    /// # Errors
    /// Any [`PullError`].
    pub async fn pull(&mut self) -> Result<(), PullError> {
        for _ in 0..MOST_PAGES {
            if !self.pull_page().await? {
                return Ok(());
            }
        }
        Err(PullError::Endless)
    }

    /// Pulls one page, and returns whether more stands there already.
    ///
    /// # Errors
    /// Any [`PullError`].
    pub async fn pull_page(&mut self) -> Result<bool, PullError> {
        let response = self.call().await?;
        let says = |name| response.headers().get(name).and_then(|value: &HeaderValue| value.to_str().ok());
        let keeping = says(header::CACHE_CONTROL).map(str::to_owned);
        let link = says(header::LINK).map(str::to_owned);
        let body = http_client::body_up_to(PAGE_LIMIT, response).await.map_err(|_| PullError::Answer)?;
        let value: Value = serde_json::from_slice(&body).map_err(|_| PullError::Answer)?;
        let (page, findings) = Page::read(&value, usize::from(self.settings.limit));
        self.violations.extend(findings.into_iter().map(|finding| Violation::of(None, finding)));
        if keeping.as_deref() != Some("no-store") {
            self.violate(None, "kept", "no cache may keep what is about persons");
        }
        if link != page.next.as_ref().map(|next| format!("<{next}>; rel=\"next\"")) {
            self.violate(None, "link", "the header and the page tell of different next pages");
        }
        let is_empty = page.items.is_empty() && page.closed.is_empty();
        let is_moved = page.cursor.is_some() && page.cursor != self.cursor;
        if page.cursor.is_none() || !(is_moved || is_empty) {
            self.violate(None, "cursor", "a page with something on it has a cursor of its own");
        }
        for (reference, profile) in page.items {
            self.show(reference, profile);
        }
        for (reference, removed) in page.closed {
            self.remove(reference, removed);
        }
        // Only now: whoever breaks off before asks for the page again.
        self.cursor = page.cursor.or(self.cursor.take());
        self.pages += 1;
        Ok(page.next.is_some())
    }

    /// What it shows, by reference.
    pub fn shown(&self) -> &BTreeMap<String, Profile> {
        &self.shown
    }

    /// What it has deleted and does not show again, by reference.
    pub fn removed(&self) -> &BTreeMap<String, Removed> {
        &self.removed
    }

    /// The rules that were broken.
    pub fn violations(&self) -> &[Violation] {
        &self.violations
    }

    /// How many pages were pulled.
    pub fn pages(&self) -> usize {
        self.pages
    }

    /// Forgets its cursor and everything that it shows, as after a loss.
    pub fn forget(&mut self) {
        (self.cursor, self.shown, self.removed) = (None, BTreeMap::new(), BTreeMap::new());
    }

    fn show(&mut self, reference: String, profile: Profile) {
        for finding in inspect_candidate(&profile.document, Some(&profile.notice), &MORE_MEMBERS) {
            self.violations.push(Violation::of(Some(&reference), finding));
        }
        if profile.document["documentId"]["value"] != reference.as_str() {
            self.violate(Some(&reference), "document_id", "the document is about another person than the item");
        }
        let is_back = self.removed.get(&reference).is_some_and(|removed| profile.created <= removed.closed);
        if is_back {
            self.violate(Some(&reference), "back_after_removal", "what was removed is shown again, and is not new");
        }
        let is_older = self.shown.get(&reference).is_some_and(|held| profile.modified < held.modified);
        if is_older {
            self.violate(Some(&reference), "older", "what is shown already is newer");
        }
        self.removed.remove(&reference);
        self.shown.insert(reference, profile);
    }

    fn remove(&mut self, reference: String, removed: Removed) {
        let is_older = self.shown.get(&reference).is_some_and(|held| removed.closed <= held.modified);
        if is_older {
            self.violate(Some(&reference), "older", "what is shown is newer than its removal");
        }
        if removed.reason.is_none() {
            self.violate(Some(&reference), "no_reason", "a removal says why");
        }
        self.shown.remove(&reference);
        self.removed.insert(reference, removed);
    }

    fn violate(&mut self, reference: Option<&String>, code: &'static str, detail: &str) {
        let finding = Finding { pointer: String::new(), code, detail: detail.to_owned() };
        self.violations.push(Violation::of(reference, finding));
    }

    async fn call(&self) -> Result<Response, PullError> {
        let client = self.client.get().await.map_err(|detail| PullError::Call { detail })?;
        let mut url = self.settings.feed.join(&[]);
        url.query_pairs_mut().append_pair("limit", &self.settings.limit.to_string());
        if let Some(cursor) = &self.cursor {
            url.query_pairs_mut().append_pair("cursor", cursor);
        }
        let response = self.send(client.get(url)).await?;
        match response.status().as_u16() {
            200 => Ok(response),
            status => Err(PullError::Status { status }),
        }
    }

    /// Sends a request with the platform's key.
    async fn send(&self, request: RequestBuilder) -> Result<Response, PullError> {
        let text = format!("Bearer {}", self.settings.key.expose_secret());
        let mut authorization = HeaderValue::from_str(&text).map_err(|_| PullError::Key)?;
        authorization.set_sensitive(true);
        let sent = request.header(header::AUTHORIZATION, authorization).timeout(self.settings.time_out).send().await;
        sent.map_err(|error| PullError::Call { detail: foreign_text::chain(&error.without_url()) })
    }
}
