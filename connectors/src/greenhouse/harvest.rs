//! Reads the job posts of an account by the Harvest API (v3), behind its webhooks: what a lost webhook did not tell.
//!
//! Pages follow the header `Link`; a cursor is the only parameter of its request. Cursors go by id, downwards, so that
//! nothing is skipped when posts come and go meanwhile. Sources: <https://harvestdocs.greenhouse.io/docs/pagination>,
//! `/docs/authentication`.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use http::{HeaderValue, Method, header};
use jiff::Timestamp;
use reqwest::{Request, Url};
use schemas::Hash;
use serde::{Deserialize, Serialize};
use serde_json::{Number, value::RawValue};

use super::link;
use crate::{
    BaseUrl, ExtraCertificates,
    call::{Answer, CallSettings, Caller, probe_error, protocol},
    oauth::{OAuthSettings, Token, TokenSource},
    poller::{Cursor, Fetched, Host, Listed, Page, PollError, Poller, Progress, RunId, Unreadable},
    rest::bearer,
    sender::ProbeError,
};

/// The vendor gives no more posts at once.
const LONGEST_PAGE: usize = 500;
/// Five hundred long posts are far from it.
const BODY_LIMIT: usize = 32 * 1024 * 1024;
/// The vendor's cursors are some hundred bytes long.
const LONGEST_CURSOR: usize = 8 * 1024;
/// The name of the call in errors.
const CALL: &str = "job_posts";

/// How an account is read.
#[derive(Debug, Clone)]
pub struct HarvestSettings {
    /// `https://harvest.greenhouse.io/v3`.
    pub base_url: BaseUrl,
    /// The client, by HTTP Basic at `https://auth.greenhouse.io/token`; its subject is a user of the account.
    pub oauth: OAuthSettings,
    /// How many posts are asked for at once, at most 500.
    pub page_length: usize,
    /// How long connecting may take, name look-up and TLS included.
    pub connect_time_out: Duration,
    /// How long a call may take.
    pub time_out: Duration,
    /// Certificates to check the servers with, besides those of the host.
    pub certificates: ExtraCertificates,
}

impl HarvestSettings {
    /// A hundred posts at a time.
    pub fn new(base_url: BaseUrl, oauth: OAuthSettings) -> Self {
        Self {
            base_url,
            oauth,
            page_length: 100,
            connect_time_out: Duration::from_secs(5),
            time_out: Duration::from_mins(1),
            certificates: ExtraCertificates::default(),
        }
    }
}

/// Reads an account.
#[derive(Debug)]
pub struct HarvestReading {
    base_url: BaseUrl,
    tokens: TokenSource,
    caller: Caller,
    page_length: usize,
}

/// The state that a cursor holds: the run that is under way.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
struct State {
    run: Option<Run>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Run {
    id: RunId,
    /// The vendor's cursor; none: the first page.
    next: Option<String>,
    is_whole: bool,
}

/// What is needed of a post.
#[derive(Deserialize)]
struct Post {
    id: Number,
    #[serde(default)]
    updated_at: Option<String>,
}

impl HarvestReading {
    /// Connects to nobody.
    pub fn new(settings: HarvestSettings) -> Self {
        let HarvestSettings { base_url, oauth, page_length, connect_time_out, time_out, certificates } = settings;
        let now = Timestamp::now;
        let calls = CallSettings { connect_time_out, time_out, body_limit: BODY_LIMIT, certificates, now };
        let tokens = TokenSource::new(oauth, calls.clone());
        let caller = Caller::new(&base_url, calls);
        Self { base_url, tokens, caller, page_length: page_length.clamp(1, LONGEST_PAGE) }
    }

    /// A page of posts; with another token if the one we have is refused.
    async fn posts(
        &self,
        cursor: Option<&str>,
        page_length: usize,
        host: Option<&dyn Host>,
    ) -> Result<Answer, PollError> {
        let mut url = self.base_url.join(&["job_posts"]);
        match cursor {
            Some(cursor) => url.query_pairs_mut().append_pair("cursor", cursor),
            None => url.query_pairs_mut().append_pair("per_page", &page_length.to_string()),
        };
        let first = self.try_posts(&url, host).await?;
        match first {
            (Err(PollError::Unauthorised { status: 401, .. }), token) => {
                self.tokens.forget(&token);
                self.try_posts(&url, host).await?.0
            }
            (other, _) => other,
        }
    }

    async fn try_posts(
        &self,
        url: &Url,
        host: Option<&dyn Host>,
    ) -> Result<(Result<Answer, PollError>, Arc<Token>), PollError> {
        let token = self.tokens.token().await?;
        let mut request = Request::new(Method::GET, url.clone());
        let shown =
            bearer(&token.secret).ok_or_else(|| protocol("token", "/access_token", "no header can carry it"))?;
        request.headers_mut().insert(header::AUTHORIZATION, shown);
        request.headers_mut().insert(header::ACCEPT, HeaderValue::from_static("application/json"));
        if let Some(host) = host {
            host.turn().await;
        }
        Ok((self.caller.call(CALL, request).await, token))
    }
}

impl Run {
    fn begin() -> Self {
        Self { id: RunId::fresh(), next: None, is_whole: true }
    }
}

/// What a page of posts holds.
#[derive(Debug, Default)]
struct Posts {
    listed: Vec<Listed>,
    documents: Vec<Fetched>,
    unreadable: Vec<Unreadable>,
}

impl Posts {
    fn read(answer: &Answer) -> Result<Self, PollError> {
        let raws: Vec<&RawValue> = answer.json()?;
        let mut posts = Self::default();
        for (index, raw) in raws.into_iter().enumerate() {
            let bytes = answer.body.slice_ref(raw.get().as_bytes());
            let Ok(Post { id, updated_at }) = serde_json::from_str(raw.get()) else {
                posts.unreadable.push(unreadable(index, &bytes));
                continue;
            };
            let (reference, mark) = (id.to_string(), Hash::of(&bytes).to_string());
            let modified_at = updated_at.and_then(|text| text.parse().ok());
            posts.listed.push(Listed { reference: reference.clone(), mark: Some(mark) });
            posts.documents.push(Fetched { reference, bytes, media_type: "application/json".to_owned(), modified_at });
        }
        Ok(posts)
    }
}

fn unreadable(index: usize, bytes: &Bytes) -> Unreadable {
    Unreadable {
        reference: None,
        call: CALL,
        pointer: format!("/{index}"),
        problem: "the post has no id",
        bytes: Bytes::copy_from_slice(bytes),
    }
}

/// The cursor of the next page. Of the address nothing else is believed: the token goes to nobody else.
fn next_cursor(answer: &Answer) -> Result<Option<String>, PollError> {
    let Some(target) = link::next(&answer.headers) else { return Ok(None) };
    let cursor = Url::parse(&target).ok().and_then(|url| {
        let (_, cursor) = url.query_pairs().find(|(name, _)| name == "cursor")?;
        (1..=LONGEST_CURSOR).contains(&cursor.len()).then(|| cursor.into_owned())
    });
    cursor.map(Some).ok_or_else(|| protocol(CALL, "", "the header `Link` has no cursor for the next page"))
}

#[async_trait]
impl Poller for HarvestReading {
    async fn page(&self, cursor: Option<&Cursor>, host: &dyn Host) -> Result<Page, PollError> {
        let State { run } = Cursor::read(cursor)?;
        let mut run = run.unwrap_or_else(Run::begin);
        let mut answer = self.posts(run.next.as_deref(), self.page_length, Some(host)).await?;
        if answer.status.is_client_error() && run.next.is_some() {
            // The vendor's cursor has ended, or it knows it no more.
            run = Run::begin();
            answer = self.posts(None, self.page_length, Some(host)).await?;
        }
        let Posts { listed, documents, unreadable } = Posts::read(&answer)?;
        run.is_whole &= unreadable.is_empty();
        run.next = next_cursor(&answer)?;
        let progress = match run.next {
            Some(_) => Progress::More,
            None if run.is_whole => Progress::Complete,
            None => Progress::CaughtUp,
        };
        let wanted = host.wanted(listed.clone()).await;
        let is_wanted = |post: &Fetched| wanted.iter().any(|wanted| wanted.reference == post.reference);
        let fetched = documents.into_iter().filter(is_wanted).collect();
        let id = run.id;
        let next = Cursor::of(&State { run: (progress == Progress::More).then_some(run) });
        Ok(Page {
            fetched,
            run: Some(id),
            listed,
            gone: Vec::new(),
            unreadable,
            progress,
            next,
            limits: self.caller.limits(),
        })
    }

    async fn probe(&self) -> Result<(), ProbeError> {
        let answer = self.posts(None, 1, None).await.map_err(probe_error)?;
        Posts::read(&answer).map(drop).map_err(probe_error)
    }
}
