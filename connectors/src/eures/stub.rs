//! EURES as a national service meets it: pulls a feed of vacancies or of CVs, mirrors it, and checks everything it gets.
//!
//! It calls `ping`, `getAll`, `getChanges/{ms}` and `getDetails` of the Input API as EURES does, and reports
//! every breach of a [`rule`]: of the shapes, of the rules about time, and of the EC's rules about documents. It reads
//! no mapping and asks none of our own code whether a document is right.

mod codes;
mod cvs;
mod findings;
mod grammar;
mod interface;
mod mirror;
pub mod rule;
mod rules;
mod values;
mod view;
mod wire;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use jiff::Timestamp;
use secrecy::SecretString;
use tokio::time::{self, MissedTickBehavior};
use tokio_util::sync::CancellationToken;

use self::{
    findings::Findings,
    interface::Interface,
    mirror::{Asked, Mirror},
    view::Shared,
    wire::{Listed, Reader},
};
use crate::BaseUrl;

pub use self::{
    findings::Binding,
    interface::PullError,
    mirror::{Change, Mirrored},
    rule::{Breach, Rule, Severity},
    rules::check_document,
    view::{EuresView, Pulled, Subject},
    wire::{Stamps, Status},
};

/// Whom EURES pulls from.
#[derive(Debug, Clone)]
pub struct EuresSettings {
    /// The Input API: `{host}/input/api/jv/v0.1` for vacancies, `{host}/input/api/cv/v1.0` for CVs.
    pub base_url: BaseUrl,
    /// What is pulled there.
    pub subject: Subject,
    /// The bearer token that stands for the source.
    pub token: Option<SecretString>,
    /// The `source` that every entry must name; `None` takes any.
    pub source: Option<String>,
    /// How many references are asked for in one `getDetails`.
    pub batch: usize,
    /// How long one call may take.
    pub time_out: Duration,
    /// The clock that says what is in the future.
    pub now: fn() -> Timestamp,
}

impl EuresSettings {
    /// A puller of vacancies, 100 details at a time.
    pub fn new(base_url: BaseUrl, token: Option<SecretString>) -> Self {
        let subject = Subject::Vacancies;
        Self {
            base_url,
            subject,
            token,
            source: None,
            batch: 100,
            time_out: Duration::from_secs(30),
            now: Timestamp::now,
        }
    }
}

/// What one pull found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pull {
    /// What happened to which vacancy.
    pub changes: Vec<Pulled>,
    /// The rules that were broken.
    pub breaches: Vec<Breach>,
}

/// The puller. What it holds is seen through its [`EuresView`].
#[derive(Debug)]
pub struct EuresStub {
    subject: Subject,
    source: Option<String>,
    batch: usize,
    now: fn() -> Timestamp,
    interface: Interface,
    shared: Arc<Shared>,
    /// The newest time in any list: from here the next question asks. `None`: nothing was pulled yet.
    since: Option<i64>,
}

impl EuresStub {
    /// A puller that has seen nothing yet.
    pub fn new(settings: EuresSettings) -> Self {
        let EuresSettings { base_url, subject, token, source, batch, time_out, now } = settings;
        let interface = Interface::new(base_url, token, time_out);
        let shared = Arc::new(Shared::of(subject));
        Self { subject, source, batch: batch.max(1), now, interface, shared, since: None }
    }

    /// What others may see of it while it pulls.
    pub fn view(&self) -> EuresView {
        EuresView::new(Arc::clone(&self.shared))
    }

    /// Asks whether the source is there.
    ///
    /// # Errors
    /// Any [`PullError`].
    pub async fn ping(&self) -> Result<(), PullError> {
        self.interface.ping().await
    }

    /// Pulls what is new: everything the first time, then what changed since the newest time seen.
    ///
    /// # Errors
    /// Any [`PullError`]; what was pulled until then is kept, and the next pull asks for the rest again.
    pub async fn pull(&mut self) -> Result<Pull, PullError> {
        let mut findings = Findings::of_pull();
        let pulled = self.pull_into(&mut findings).await;
        self.settle(pulled, findings)
    }

    /// Pulls what is new and compares the whole mirror with `getAll`: nothing may have changed untold.
    ///
    /// # Errors
    /// Any [`PullError`].
    pub async fn reconcile(&mut self) -> Result<Pull, PullError> {
        let mut findings = Findings::of_pull();
        let pulled = self.reconcile_into(&mut findings).await;
        self.settle(pulled, findings)
    }

    /// Pulls at a steady pace until it is told to stop.
    pub async fn run(
        &mut self,
        period: Duration,
        stop: &CancellationToken,
        mut report: impl FnMut(&Result<Pull, PullError>),
    ) {
        let mut clock = time::interval(period.max(Duration::from_millis(1)));
        clock.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while stop.run_until_cancelled(clock.tick()).await.is_some() {
            report(&self.pull().await);
        }
    }

    fn settle(&self, pulled: Result<Vec<Pulled>, PullError>, findings: Findings<'_>) -> Result<Pull, PullError> {
        let breaches = findings.into_breaches();
        self.shared.finish(pulled.as_deref().unwrap_or_default(), breaches.clone());
        pulled.map(|changes| Pull { changes, breaches })
    }

    async fn pull_into(&mut self, findings: &mut Findings<'_>) -> Result<Vec<Pulled>, PullError> {
        let reader = Reader { source: self.source.as_deref() };
        let now = (self.now)().as_millisecond();
        let listed: Vec<Listed> = if let Some(since) = self.since {
            let changes = reader.changes(&self.interface.get_changes(since).await?, findings);
            self.shared.mirror().check_changes(&changes, Asked { since, now }, findings);
            [changes.created, changes.modified, changes.closed].into_iter().flatten().collect()
        } else {
            let all = reader.all(&self.interface.get_all().await?, findings);
            Mirror::check_all(&all, now, findings);
            all
        };
        let pulled = self.pull_details(&listed, findings).await?;
        // Only now: a pull that breaks off must see its entries again.
        let newest = listed.iter().map(|listed| listed.stamps.newest()).max();
        self.since = self.since.max(newest).or(Some(0));
        Ok(pulled)
    }

    async fn pull_details(&self, listed: &[Listed], findings: &mut Findings<'_>) -> Result<Vec<Pulled>, PullError> {
        let reader = Reader { source: self.source.as_deref() };
        let mut pulled = Vec::new();
        for batch in listed.chunks(self.batch) {
            let mut asked: BTreeMap<&str, &Listed> =
                batch.iter().map(|listed| (listed.reference.as_str(), listed)).collect();
            let references: Vec<&str> = asked.keys().copied().collect();
            let answer = self.interface.get_details(&references).await?;
            for detail in reader.details(&answer, findings) {
                let Some(listed) = asked.remove(detail.reference.as_str()) else {
                    findings.add(rule::DETAILS, &detail.at, "nobody asked for the vacancy");
                    continue;
                };
                pulled.extend(self.shared.take(detail, listed, findings));
            }
            // What a person does not permit at the moment is left out.
            for listed in asked.values().filter(|_| self.subject == Subject::Vacancies) {
                let about = Some(listed.reference.clone());
                findings.add_about(about, rule::DETAILS, "getDetails#/details", "there is no answer for the vacancy");
            }
        }
        Ok(pulled)
    }

    async fn reconcile_into(&mut self, findings: &mut Findings<'_>) -> Result<Vec<Pulled>, PullError> {
        let mut pulled = self.pull_into(findings).await?;
        let before = self.shared.mirror().vacancies.clone();
        let reader = Reader { source: self.source.as_deref() };
        let all = reader.all(&self.interface.get_all().await?, findings);
        Mirror::check_all(&all, (self.now)().as_millisecond(), findings);
        pulled.extend(self.pull_into(findings).await?);
        self.shared.mirror().compare(&before, &all, self.subject == Subject::Cvs, findings);
        Ok(pulled)
    }
}
