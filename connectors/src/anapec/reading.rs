//! Reads ANAPEC's offers: the whole list each time, and the pages of those that are new or look different.
//!
//! The list tells of no changes, and pages of it move while it is read. A run is complete only if the list had the same
//! length from the first page to the last and at least that many offers were seen: then nothing moved.

use std::time::Duration;

use async_trait::async_trait;
use http::{Method, StatusCode, header};
use jiff::Timestamp;
use reqwest::{Request, Url};
use serde::{Deserialize, Serialize};

use super::list::{Entry, ListPage};
use crate::{
    BaseUrl, ExtraCertificates,
    call::{Answer, CallSettings, Caller, probe_error},
    poller::{Cursor, Fetched, Host, Listed, Page, PollError, Poller, Progress, RunId, Unreadable},
    sender::ProbeError,
};

/// A page of the site has some hundred kilobytes.
const BODY_LIMIT: usize = 8 * 1024 * 1024;
/// No more of an answer that is not understood is kept.
const KEPT: usize = 64 * 1024;

/// How ANAPEC is read.
#[derive(Debug, Clone)]
pub struct AnapecReadingSettings {
    /// The root of the site: `https://www.anapec.org/sigec-app-rv`.
    pub base_url: BaseUrl,
    /// How many offers are fetched for one page of ours.
    pub batch: usize,
    /// How often the page of an offer is fetched again although the list says the same of it.
    pub refresh_every: Duration,
    /// How long connecting may take, name look-up and TLS included.
    pub connect_time_out: Duration,
    /// How long a call may take.
    pub time_out: Duration,
    /// The intermediate certificate that ANAPEC's server does not send, and others.
    pub certificates: ExtraCertificates,
    /// Our clock.
    pub now: fn() -> Timestamp,
}

impl AnapecReadingSettings {
    /// Fifteen offers at a time, each again after a day.
    pub fn new(base_url: BaseUrl) -> Self {
        Self {
            base_url,
            batch: 15,
            refresh_every: Duration::from_hours(24),
            connect_time_out: Duration::from_secs(10),
            time_out: Duration::from_mins(1),
            certificates: ExtraCertificates::default(),
            now: Timestamp::now,
        }
    }
}

/// Reads ANAPEC.
#[derive(Debug)]
pub struct AnapecReading {
    base_url: BaseUrl,
    caller: Caller,
    batch: usize,
    refresh_every: Duration,
    now: fn() -> Timestamp,
}

/// The state that a cursor holds.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
struct State {
    run: Option<Run>,
    /// The offers whose pages are still to be fetched.
    pending: Vec<Pending>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Run {
    id: RunId,
    /// The next page of the list, from 1; `None`: it was read to its end.
    next: Option<u32>,
    /// How long the list is.
    count: Option<u64>,
    /// How many offers were seen.
    seen: u64,
    /// Those of the last page: what moves on comes again.
    last: Vec<String>,
    is_whole: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Pending {
    id: String,
    is_international: bool,
    mark: String,
}

/// What is put into a page.
#[derive(Debug, Default)]
struct Gathered {
    fetched: Vec<Fetched>,
    listed: Vec<Listed>,
    gone: Vec<String>,
    unreadable: Vec<Unreadable>,
}

impl AnapecReading {
    /// Connects to nobody.
    pub fn new(settings: AnapecReadingSettings) -> Self {
        let AnapecReadingSettings { base_url, batch, refresh_every, connect_time_out, time_out, certificates, now } =
            settings;
        let calls = CallSettings { connect_time_out, time_out, body_limit: BODY_LIMIT, certificates, now };
        let caller = Caller::new(&base_url, calls);
        let refresh_every = refresh_every.max(Duration::from_secs(1));
        Self { base_url, caller, batch: batch.max(1), refresh_every, now }
    }

    async fn read_list(
        &self,
        run: &mut Run,
        page: u32,
        host: &dyn Host,
    ) -> Result<(Gathered, Vec<Pending>), PollError> {
        host.turn().await;
        let list = ListPage::read(&self.list(page).await?)?;
        run.advance(page, &list);
        let entries: Vec<Pending> = list.entries.iter().map(|entry| self.pending(entry)).collect();
        let listed: Vec<Listed> = entries.iter().map(Pending::listed).collect();
        let wanted = host.wanted(listed.clone()).await;
        let is_wanted = |entry: &Pending| wanted.iter().any(|wanted| wanted.reference == entry.id);
        let pending = entries.into_iter().filter(is_wanted).collect();
        Ok((Gathered { listed, unreadable: list.unreadable, ..Gathered::default() }, pending))
    }

    async fn list(&self, page: u32) -> Result<Answer, PollError> {
        let page = format!("page:{page}");
        let path = ["chercheurs", "resultat_recherche_json", &page, "tout:all", "language:fr"];
        self.caller.call("list", get(self.base_url.join(&path), "application/json")).await
    }

    /// An entry with a mark that changes when the list says something else, and once in a while, not for all at once.
    fn pending(&self, entry: &Entry) -> Pending {
        let period = self.refresh_every.as_secs();
        let shift = entry.id.parse().unwrap_or(0_u64) % period;
        let now = u64::try_from((self.now)().as_second()).unwrap_or(0);
        let mark = format!("{} {}", entry.hash, (now + shift) / period);
        Pending { id: entry.id.clone(), is_international: entry.is_international, mark }
    }

    async fn read_offers(&self, pending: &mut Vec<Pending>, host: &dyn Host) -> Result<Gathered, PollError> {
        let mut gathered = Gathered::default();
        let batch = self.batch.min(pending.len());
        for offer in &pending[..batch] {
            host.turn().await;
            self.read_offer(offer, &mut gathered).await?;
        }
        pending.drain(..batch);
        Ok(gathered)
    }

    async fn read_offer(&self, offer: &Pending, gathered: &mut Gathered) -> Result<(), PollError> {
        let action = if offer.is_international { "bloc_offre_h_ang" } else { "bloc_offre_home" };
        let url = self.base_url.join(&["fr", "entreprises", action, &offer.id, "resultat_recherche"]);
        let answer = self.caller.call("offer", get(url, "text/html")).await?;
        let reference = offer.id.clone();
        match answer.status {
            status if status.is_success() => {
                let media_type = answer.media_type();
                // Listed again, so that its mark comes with its document.
                gathered.listed.push(offer.listed());
                gathered.fetched.push(Fetched { reference, bytes: answer.body, media_type, modified_at: None });
            }
            StatusCode::NOT_FOUND | StatusCode::GONE => gathered.gone.push(reference),
            _ => gathered.unreadable.push(Unreadable {
                reference: Some(reference),
                call: answer.call,
                pointer: String::new(),
                problem: "ANAPEC neither shows the offer nor says that it is gone",
                bytes: answer.body.slice(..answer.body.len().min(KEPT)),
            }),
        }
        Ok(())
    }
}

impl Pending {
    fn listed(&self) -> Listed {
        Listed { reference: self.id.clone(), mark: Some(self.mark.clone()) }
    }
}

impl Run {
    fn begin() -> Self {
        Self { id: RunId::fresh(), next: Some(1), count: None, seen: 0, last: Vec::new(), is_whole: true }
    }

    /// Takes note of a page of the list.
    fn advance(&mut self, page: u32, list: &ListPage) {
        let has_moved = page > 1 && self.count != list.count;
        self.is_whole &= !has_moved && list.unreadable.is_empty();
        self.count = list.count;
        let new = list.entries.iter().filter(|entry| !self.last.contains(&entry.id)).count();
        self.seen += new as u64;
        self.last = list.entries.iter().map(|entry| entry.id.clone()).collect();
        self.next = list.has_next.then(|| page.saturating_add(1));
    }

    /// Whether everything there is was seen.
    fn is_complete(&self) -> bool {
        self.is_whole && self.count.is_some_and(|count| self.seen >= count)
    }
}

fn get(url: Url, accepted: &'static str) -> Request {
    let mut request = Request::new(Method::GET, url);
    request.headers_mut().insert(header::ACCEPT, header::HeaderValue::from_static(accepted));
    request
}

#[async_trait]
impl Poller for AnapecReading {
    async fn page(&self, cursor: Option<&Cursor>, host: &dyn Host) -> Result<Page, PollError> {
        let State { run, mut pending } = Cursor::read(cursor)?;
        let mut run = run.unwrap_or_else(Run::begin);
        let gathered = match run.next {
            Some(page) if pending.is_empty() => {
                let (gathered, found) = self.read_list(&mut run, page, host).await?;
                pending = found;
                gathered
            }
            _ => self.read_offers(&mut pending, host).await?,
        };
        let progress = match (run.next, pending.is_empty()) {
            (None, true) if run.is_complete() => Progress::Complete,
            (None, true) => Progress::CaughtUp,
            _ => Progress::More,
        };
        let Gathered { fetched, listed, gone, unreadable } = gathered;
        let (id, is_under_way) = (run.id, progress == Progress::More);
        let next = Cursor::of(&State { run: is_under_way.then_some(run), pending });
        Ok(Page { fetched, run: Some(id), listed, gone, unreadable, progress, next, limits: self.caller.limits() })
    }

    async fn probe(&self) -> Result<(), ProbeError> {
        let answer = self.list(1).await.map_err(probe_error)?;
        ListPage::read(&answer).map(drop).map_err(probe_error)
    }
}
