//! Reads an account: all candidates, page by page, or one.
//!
//! Where a list holds only a part of a candidate, the rest is fetched for those that are wanted. If that breaks off, what
//! was fetched is handed over and the page is asked for again from there: a limit that is smaller than a page costs time
//! and nothing else.

use std::time::Duration;

use async_trait::async_trait;
use http::{HeaderValue, Method, header};
use jiff::Timestamp;
use reqwest::{Request, Url};
use tokio::sync::Semaphore;

use super::{
    account::CandidateAccount,
    list::{CANDIDATE, CandidateList, Entry, LIST, Order, is_id, refused_page, unreadable_candidate},
    run::{Run, State},
    vendor::Vendor,
};
use crate::{
    BaseUrl, ExtraCertificates,
    call::{Answer, CallSettings, Caller, probe_error, protocol},
    poller::{Cursor, Fetched, Host, Listed, Page, PollError, Poller, Progress, Unreadable},
    sender::ProbeError,
};

/// A hundred candidates with long letters are far from it.
const BODY_LIMIT: usize = 32 * 1024 * 1024;

/// How an account is read.
#[derive(Debug, Clone)]
pub struct CandidateReadingSettings {
    /// Which vendor, and who we are to it.
    pub account: CandidateAccount,
    /// What lies before the paths of the vendor's documents, as [`CandidateAccount`] names it.
    pub base_url: BaseUrl,
    /// How many candidates are asked for at once; no more than the vendor gives.
    pub page_length: usize,
    /// How long connecting may take, name look-up and TLS included.
    pub connect_time_out: Duration,
    /// How long a call may take.
    pub time_out: Duration,
    /// Certificates to check the server with, besides those of the host.
    pub certificates: ExtraCertificates,
}

impl CandidateReadingSettings {
    /// Thirty candidates at a time, which every vendor gives.
    pub fn new(account: CandidateAccount, base_url: BaseUrl) -> Self {
        Self {
            account,
            base_url,
            page_length: 30,
            connect_time_out: Duration::from_secs(5),
            time_out: Duration::from_mins(1),
            certificates: ExtraCertificates::default(),
        }
    }
}

/// Reads the candidates of an account.
#[derive(Debug)]
pub struct CandidateReading {
    vendor: Box<dyn Vendor>,
    base_url: BaseUrl,
    caller: Caller,
    page_length: usize,
    /// One list at a time: SmartRecruiters allows no more.
    lists: Semaphore,
}

/// What is put into a page.
#[derive(Debug, Default)]
struct Gathered {
    fetched: Vec<Fetched>,
    listed: Vec<Listed>,
    gone: Vec<String>,
    unreadable: Vec<Unreadable>,
    /// How many entries are done, if not all.
    broke_off_at: Option<usize>,
}

impl CandidateReading {
    /// Connects to nobody.
    pub fn new(settings: CandidateReadingSettings) -> Self {
        let CandidateReadingSettings { account, base_url, page_length, connect_time_out, time_out, certificates } =
            settings;
        let now = Timestamp::now;
        let calls = CallSettings { connect_time_out, time_out, body_limit: BODY_LIMIT, certificates, now };
        let caller = Caller::new(&base_url, calls);
        let vendor = account.vendor();
        let lengths = vendor.page_lengths();
        let page_length = page_length.clamp(*lengths.start(), *lengths.end());
        Self { vendor, base_url, caller, page_length, lists: Semaphore::new(1) }
    }

    /// One candidate as the vendor has it now; none if it knows nobody by that id any more.
    ///
    /// The id is the one that the vendor's events name; for Lever that is the opportunity, while the reference is the
    /// contact behind it.
    ///
    /// # Errors
    /// Any [`PollError`]; a page of the list is not needed and no cursor changes.
    pub async fn candidate(&self, id: &str, host: &dyn Host) -> Result<Option<Fetched>, PollError> {
        if !is_id(id) {
            return Err(protocol(CANDIDATE, "", "the id is empty, too long, or nothing that a path can hold"));
        }
        let Some(mut entry) = self.details(id, host).await? else { return Ok(None) };
        let document = entry.document.take();
        Ok(document.map(|document| entry.fetched(document)))
    }

    async fn details(&self, id: &str, host: &dyn Host) -> Result<Option<Entry>, PollError> {
        let answer = self.get(CANDIDATE, self.vendor.candidate_url(&self.base_url, id), Some(host)).await?;
        if matches!(answer.status.as_u16(), 404 | 410) {
            return Ok(None);
        }
        let entry = self.vendor.read_candidate(&answer)?;
        match entry {
            Some(entry) if entry.id != id => Err(protocol(CANDIDATE, "", "it is another candidate than asked for")),
            entry => Ok(entry),
        }
    }

    /// The page where the run is; the run may begin anew.
    async fn list(
        &self,
        run: &mut Run,
        length: usize,
        host: Option<&dyn Host>,
    ) -> Result<Result<CandidateList, Unreadable>, PollError> {
        let _one_at_a_time = self.lists.acquire().await.expect("nobody closes it");
        let mut answer = self.get(LIST, self.list_url(run, length), host).await?;
        if answer.status.is_client_error() && run.place.is_some() {
            if run.is_second_try {
                return Ok(Err(refused_page(&answer)));
            }
            // The vendor's cursor has ended, or it knows it no more.
            *run = Run::begin_again();
            answer = self.get(LIST, self.list_url(run, length), host).await?;
        }
        self.vendor.read_list(&answer, run.place.as_deref()).map(Ok)
    }

    /// Whether a page that is cut by number begins right after the page before, still.
    async fn joins(&self, run: &Run, list: &CandidateList, host: &dyn Host) -> Result<bool, PollError> {
        let place = run.place.as_deref().filter(|_| list.order == Order::Numbered);
        let before = place.and_then(|place| self.vendor.place_before(place, self.page_length));
        let Some(before) = before else { return Ok(false) };
        let _one_at_a_time = self.lists.acquire().await.expect("nobody closes it");
        let url = self.vendor.list_url(&self.base_url, 1, Some(&before));
        let answer = self.get(LIST, url, Some(host)).await?;
        Ok(run.ends_as_before(&self.vendor.read_list(&answer, Some(&before))?))
    }

    /// Ends a run that cannot go on, without a word on who is gone: the next one begins anew, after a while.
    fn given_up(&self, run: &Run, refused: Unreadable) -> Page {
        Page {
            fetched: Vec::new(),
            run: Some(run.id),
            listed: Vec::new(),
            gone: Vec::new(),
            unreadable: vec![refused],
            progress: Progress::CaughtUp,
            next: Cursor::of(&State::default()),
            limits: self.caller.limits(),
        }
    }

    fn list_url(&self, run: &Run, length: usize) -> Url {
        self.vendor.list_url(&self.base_url, length, run.place.as_deref())
    }

    async fn get(&self, call: &'static str, url: Url, host: Option<&dyn Host>) -> Result<Answer, PollError> {
        let mut request = Request::new(Method::GET, url);
        request.headers_mut().insert(header::ACCEPT, HeaderValue::from_static("application/json"));
        let unfit = |_| protocol(call, "", "no header can carry the credentials: look for a line break in the secret");
        self.vendor.authorise(request.headers_mut()).map_err(unfit)?;
        if let Some(host) = host {
            host.turn().await;
        }
        self.caller.call(call, request).await
    }

    /// Sorts the entries that are not done yet, and fetches what is wanted of them.
    async fn gather(&self, entries: &[Entry], host: &dyn Host) -> Result<Gathered, PollError> {
        let wanted = host.wanted(entries.iter().map(Entry::listed).collect()).await;
        let mut gathered = Gathered::default();
        for (index, entry) in entries.iter().enumerate() {
            if gathered.broke_off_at.is_some() || !wanted.contains(&entry.listed()) {
                gathered.listed.push(entry.listed());
                continue;
            }
            let found = match &entry.document {
                Some(document) => Ok(Some(document.clone())),
                None => self.details(&entry.id, host).await.map(|details| details.and_then(|entry| entry.document)),
            };
            match found {
                Ok(Some(document)) => {
                    gathered.listed.push(entry.listed());
                    gathered.fetched.push(entry.clone().fetched(document));
                }
                Ok(None) => gathered.gone.push(entry.reference.clone()),
                Err(PollError::Protocol { .. }) => {
                    gathered.listed.push(entry.listed());
                    gathered.unreadable.push(unreadable_candidate(entry.reference.clone()));
                }
                Err(error) if gathered.is_empty() => return Err(error),
                Err(_) => {
                    gathered.listed.push(entry.listed());
                    gathered.broke_off_at = Some(index);
                }
            }
        }
        Ok(gathered)
    }
}

impl Gathered {
    /// Whether nothing would be lost with it.
    fn is_empty(&self) -> bool {
        self.fetched.is_empty() && self.gone.is_empty() && self.unreadable.is_empty()
    }
}

#[async_trait]
impl Poller for CandidateReading {
    async fn page(&self, cursor: Option<&Cursor>, host: &dyn Host) -> Result<Page, PollError> {
        let State { run } = Cursor::read(cursor)?;
        let mut run = run.unwrap_or_else(Run::begin);
        let mut list = match self.list(&mut run, self.page_length, Some(host)).await? {
            Ok(list) => list,
            Err(refused) => return Ok(self.given_up(&run, refused)),
        };
        let known = run.leave_out_known(&mut list);
        let joins = known > 0 || self.joins(&run, &list, host).await?;
        let done = run.done.min(list.entries.len());
        let mut gathered = self.gather(&list.entries[done..], host).await?;
        run.is_whole &= gathered.unreadable.is_empty() && list.unreadable.is_empty();
        let (id, is_begun) = (run.id, run.done > 0);
        let progress = match gathered.broke_off_at {
            Some(index) => {
                run.done = done + index;
                Progress::More
            }
            None => run.advance(&list, known, joins)?,
        };
        let next = Cursor::of(&State { run: (progress == Progress::More).then_some(run) });
        if !is_begun {
            gathered.unreadable.append(&mut list.unreadable);
            gathered.gone.append(&mut list.gone);
        }
        let Gathered { fetched, listed, gone, unreadable, .. } = gathered;
        Ok(Page { fetched, run: Some(id), listed, gone, unreadable, progress, next, limits: self.caller.limits() })
    }

    async fn is_gone(&self, reference: &str, host: &dyn Host) -> Result<bool, PollError> {
        Ok(self.vendor.lists_everybody() || self.candidate(reference, host).await?.is_none())
    }

    async fn probe(&self) -> Result<(), ProbeError> {
        let length = *self.vendor.page_lengths().start();
        self.list(&mut Run::begin(), length, None).await.map(drop).map_err(probe_error)
    }
}
