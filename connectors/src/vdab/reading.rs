//! Reads VDAB's vacancies: `initial` once a day, `bulk` in between, documents in batches.

use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;

use super::{
    account::{Credentials, VdabAccount, VdabAccountError},
    api::{Api, Found, List},
    list::Slice,
    state::{self, Pace, State, Step},
};
use crate::{
    BaseUrl, ExtraCertificates,
    call::{CallSettings, Caller},
    poller::{Cursor, Host, Listed, Page, PollError, Poller, Unreadable},
    sender::ProbeError,
};

/// VDAB gives no more references at once.
const LONGEST_PART: usize = 2_000;
/// A hundred long vacancies are far from it.
const BODY_LIMIT: usize = 32 * 1024 * 1024;

/// How VDAB is read.
#[derive(Debug, Clone)]
pub struct VdabReadingSettings {
    /// What lies before `/vacatures`: `https://api.vdab.be/services/openservices/vacatures/v4`.
    pub base_url: BaseUrl,
    /// Who we are.
    pub account: VdabAccount,
    /// How many references are asked for at once, at most 2,000.
    pub part: usize,
    /// How many documents are asked for at once; 1: one by one, by the call whose form is known.
    pub batch: usize,
    /// How often there is a run over everything.
    pub everything_every: Duration,
    /// How far windows reach back, for what VDAB writes late.
    pub overlap: Duration,
    /// How long connecting may take, name look-up and TLS included.
    pub connect_time_out: Duration,
    /// How long a call may take.
    pub time_out: Duration,
    /// Certificates to check the servers with, besides those of the host.
    pub certificates: ExtraCertificates,
    /// Our clock; where VDAB's differs, VDAB's counts.
    pub now: fn() -> Timestamp,
}

impl VdabReadingSettings {
    /// Everything once a day, windows that overlap by ten minutes, a hundred documents at once.
    pub fn new(base_url: BaseUrl, account: VdabAccount) -> Self {
        Self {
            base_url,
            account,
            part: LONGEST_PART,
            batch: 100,
            everything_every: Duration::from_hours(24),
            overlap: Duration::from_mins(10),
            connect_time_out: Duration::from_secs(5),
            time_out: Duration::from_mins(1),
            certificates: ExtraCertificates::default(),
            now: Timestamp::now,
        }
    }
}

/// Reads VDAB.
#[derive(Debug)]
pub struct VdabReading {
    api: Api,
    part: usize,
    batch: usize,
    pace: Pace,
}

/// What is put into a page.
#[derive(Debug, Default)]
struct Gathered {
    listed: Vec<Listed>,
    found: Found,
}

impl VdabReading {
    /// Checks the settings; connects to nobody.
    ///
    /// # Errors
    /// Any [`VdabAccountError`].
    pub fn new(settings: VdabReadingSettings) -> Result<Self, VdabAccountError> {
        let VdabReadingSettings { base_url, account, connect_time_out, time_out, certificates, now, .. } = settings;
        let calls = CallSettings { connect_time_out, time_out, body_limit: BODY_LIMIT, certificates, now };
        let credentials = Credentials::new(account, calls.clone())?;
        let caller = Caller::new(&base_url, calls);
        Ok(Self {
            api: Api::new(base_url, credentials, caller),
            part: settings.part.clamp(1, LONGEST_PART),
            batch: settings.batch.max(1),
            pace: Pace { everything_every: settings.everything_every, overlap: settings.overlap },
        })
    }

    async fn read_list(&self, state: &mut State, host: &dyn Host) -> Result<Gathered, PollError> {
        let mut listing = state.take_listing(self.api.now(), self.pace);
        loop {
            let slice = self.api.list(&listing.list, listing.asked_offset(), self.part, host).await?;
            if let Some(date) = slice.date.filter(|_| listing.is_at_beginning()) {
                state.began_before(date);
            }
            let Step::Take { goes_on, has_gap } = listing.advance(&slice, self.part) else { continue };
            if has_gap {
                state.note_gap();
            }
            if !slice.unreadable.is_empty() {
                state.note_unreadable();
            }
            if !goes_on {
                state.finish_listing(&listing, slice.date, self.pace);
            }
            let gathered = gather(&listing.list, slice, state, host).await;
            state.listing = goes_on.then_some(listing);
            return Ok(gathered);
        }
    }

    async fn read_documents(&self, state: &mut State, host: &dyn Host) -> Result<Gathered, PollError> {
        let batch = self.batch.min(state.pending.len());
        let found = self.api.documents(&state.pending[..batch], host).await?;
        state.pending.drain(..batch);
        Ok(Gathered { listed: Vec::new(), found })
    }
}

/// What a part of a list says, and whose documents are to be fetched.
async fn gather(list: &List, slice: Slice, state: &mut State, host: &dyn Host) -> Gathered {
    let mut found = Found { unreadable: slice.unreadable, ..Found::default() };
    let mut listed: Vec<Listed> = Vec::new();
    for entry in slice.entries {
        if entry.is_published {
            listed.push(Listed { reference: entry.reference, mark: None });
        } else {
            found.gone.push(entry.reference);
        }
    }
    let wanted = match list {
        List::Published { .. } => host.wanted(listed.clone()).await,
        // Told as changed: whatever is known of them is old.
        List::Changes { .. } => listed.clone(),
    };
    for Listed { reference, .. } in wanted {
        if !state.pending.contains(&reference) {
            state.pending.push(reference);
        }
    }
    Gathered { listed, found }
}

#[async_trait]
impl Poller for VdabReading {
    async fn page(&self, cursor: Option<&Cursor>, host: &dyn Host) -> Result<Page, PollError> {
        let mut state: State = Cursor::read(cursor)?;
        let Gathered { listed, found } = if state.pending.is_empty() {
            self.read_list(&mut state, host).await?
        } else {
            self.read_documents(&mut state, host).await?
        };
        let run = state.run.as_ref().map(|run| run.id);
        let progress = state.progress();
        let unreadable: Vec<Unreadable> = found.unreadable;
        Ok(Page {
            fetched: found.fetched,
            run,
            listed,
            gone: found.gone,
            unreadable,
            progress,
            next: Cursor::of(&state),
            limits: self.api.limits(),
        })
    }

    async fn probe(&self) -> Result<(), ProbeError> {
        self.api.probe(state::day(self.api.now())).await
    }
}
