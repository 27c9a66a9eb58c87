//! Those who pull, played: what they find is told, and nothing of a person is.

use std::{collections::BTreeSet, time::Duration};

use connectors::{
    BaseUrl,
    eures::stub::{EuresSettings, EuresStub, Subject},
    platform::stub::{PlatformSettings, PlatformStub},
};
use secrecy::SecretString;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use crate::cli::output::say;

/// Items of a page.
const PAGE: u16 = 100;
/// How long a page may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// Plays EURES.
pub async fn eures(
    url: BaseUrl,
    subject: Subject,
    token: Option<SecretString>,
    (period, stop): (Duration, &CancellationToken),
) {
    let mut stub = EuresStub::new(EuresSettings { subject, ..EuresSettings::new(url, token) });
    let pulls = stub.run(period, stop, |pull| match pull {
        Ok(pull) => {
            for change in &pull.changes {
                let title = change.title.as_deref().filter(|_| subject == Subject::Vacancies);
                say(&format!("{:?} {} {}", change.change, change.reference, title.unwrap_or_default()));
            }
            for breach in &pull.breaches {
                say(&format!("breach of {} at {}: {}", breach.rule.code, breach.at, breach.problem));
            }
        }
        Err(error) => say(&format!("cannot pull: {error}")),
    });
    pulls.await;
}

/// Plays a matching platform.
pub async fn platform(feed: BaseUrl, key: SecretString, (period, stop): (Duration, &CancellationToken)) {
    let mut stub = PlatformStub::new(PlatformSettings { feed, key, limit: PAGE, time_out: PATIENCE });
    let mut clock = interval(period.max(Duration::from_millis(1)));
    clock.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let (mut shown, mut told) = (BTreeSet::new(), 0);
    while stop.run_until_cancelled(clock.tick()).await.is_some() {
        if let Err(error) = stub.pull().await {
            say(&format!("cannot pull: {error}"));
        }
        let now: BTreeSet<String> = stub.shown().keys().cloned().collect();
        for reference in now.difference(&shown) {
            say(&format!("shown {reference}, withheld: {}", stub.shown()[reference].notice.withheld));
        }
        for reference in shown.difference(&now) {
            let reason = stub.removed().get(reference).and_then(|removed| removed.reason.as_deref());
            say(&format!("deleted {reference}: {}", reason.unwrap_or("no reason")));
        }
        for violation in &stub.violations()[told..] {
            say(&format!("violation of {} at `{}`: {}", violation.code, violation.pointer, violation.detail));
        }
        (shown, told) = (now, stub.violations().len());
    }
}
