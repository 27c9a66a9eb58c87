//! A Greenhouse account of one invented company: posts signed webhooks about its job posts.
//!
//! It does as the vendor's papers say and knows nothing of what becomes of its webhooks: bodies member for
//! member, signature over the exact bytes, another `Greenhouse-Event-ID` for every attempt, 200 and
//! nothing else for success, six retries in fifteen hours ([`VENDOR_RETRY_WAITS`]), deletion only of posts that
//! are off line. Sources: <https://developers.greenhouse.io/webhooks.html#authentication>, `#retry-policy`, `#job-events`.
//!
//! Stricter than the vendor in one thing: a change of a post waits until the one before is settled, so that a
//! checker knows the order.

mod account;
mod delivery;
mod event;
mod harvest;
mod ledger;
mod post;
mod traffic;

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use futures::future;
use secrecy::SecretString;
use tokio::{
    sync::{broadcast, mpsc},
    time::{self, MissedTickBehavior},
};
use tokio_util::sync::CancellationToken;

use self::{
    account::Account,
    delivery::{Courier, Event},
    post::Post,
    traffic::{Change, Traffic},
};
use crate::BaseUrl;

pub use self::{
    account::PostError,
    harvest::{HarvestStub, HarvestStubSettings},
    ledger::{Action, Answer, Attempt, Delivery, Fate, PostLedger, Version},
};

/// How long the vendor waits before each retry, without its random part (`#retry-policy`).
pub const VENDOR_RETRY_WAITS: [Duration; 6] = [
    Duration::from_mins(1),
    Duration::from_mins(15),
    Duration::from_hours(1),
    Duration::from_hours(2),
    Duration::from_hours(4),
    Duration::from_hours(8),
];

/// Deliveries that observers may lag behind before they miss some.
const OBSERVED: usize = 1024;
/// Changes that wait for a lane before the traffic slows down.
const WAITING: usize = 4;

/// What the account is.
#[derive(Debug, Clone)]
pub struct GreenhouseSettings {
    /// Where the webhooks go.
    pub target: BaseUrl,
    /// The secret key of the webhook.
    pub secret: SecretString,
    /// The same seed gives the same posts and the same traffic.
    pub seed: u64,
    /// How long the receiver may take for an answer. The vendor does not say how long it waits.
    pub time_out: Duration,
    /// How long to wait before each retry; as many retries as waits.
    pub retry_waits: Vec<Duration>,
    /// How many versions are kept per post; of deleted posts only the last, if there is a limit.
    pub history_limit: usize,
}

impl GreenhouseSettings {
    /// An account that retries as the vendor does and forgets nothing.
    pub fn new(target: BaseUrl, secret: SecretString, seed: u64) -> Self {
        let retry_waits = VENDOR_RETRY_WAITS.to_vec();
        Self { target, secret, seed, time_out: Duration::from_secs(10), retry_waits, history_limit: usize::MAX }
    }
}

/// How a vacancy ends in this ATS.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Closing {
    /// The post is taken off line: `job_post_updated` with `live: false`.
    Unpublished,
    /// The post is taken off line and deleted: two webhooks, the last one `job_post_deleted`.
    Deleted,
    /// The job behind it is closed: `job_updated` with `status: closed`; the post itself is not mentioned.
    JobClosed,
}

/// How much happens in steady traffic.
#[derive(Debug, Clone)]
pub struct Pace {
    /// Between two changes.
    pub interval: Duration,
    /// How many posts there are at a time.
    pub slots: usize,
    /// How many posts may be sent about at the same time.
    pub lanes: usize,
    /// How posts are closed; none: they stay.
    pub closings: Vec<Closing>,
    /// After how many changes to stop; `None`: never.
    pub total: Option<usize>,
}

impl Pace {
    /// Twenty posts that change so often, four at a time, closed in every way, without end.
    pub fn per_second(changes: u32) -> Self {
        let closings = vec![Closing::Unpublished, Closing::Deleted, Closing::JobClosed];
        Self { interval: Duration::from_secs(1) / changes.max(1), slots: 20, lanes: 4, closings, total: None }
    }
}

/// The account.
#[derive(Debug)]
pub struct GreenhouseStub {
    seed: u64,
    courier: Courier,
    account: Arc<Mutex<Account>>,
    observers: broadcast::Sender<Delivery>,
}

impl GreenhouseStub {
    /// Opens the account; nothing is sent yet.
    pub fn new(settings: GreenhouseSettings) -> Self {
        let (observers, _) = broadcast::channel(OBSERVED);
        let account = Arc::new(Mutex::new(Account::new(settings.seed, settings.history_limit)));
        Self { seed: settings.seed, courier: Courier::new(settings), account, observers }
    }

    /// Tells of every attempt from now on; who lags behind misses the oldest.
    pub fn observe(&self) -> broadcast::Receiver<Delivery> {
        self.observers.subscribe()
    }

    /// What was sent so far and what came of it, by post.
    pub fn ledger(&self) -> BTreeMap<u64, PostLedger> {
        self.account().ledger()
    }

    /// Sends what the vendor sends when a webhook is saved; it must be answered with 200.
    pub async fn ping(&self) -> Delivery {
        let event =
            Event { post: 0, revision: 0, action: None, live: false, title: String::new(), body: event::ping() };
        self.send(&event, &CancellationToken::new()).await
    }

    /// Makes a post, live at once, and delivers its webhook, retries included.
    pub async fn create(&self) -> Delivery {
        let event = self.account().create();
        self.send(&event, &CancellationToken::new()).await
    }

    /// Changes a post and delivers its webhook, retries included.
    ///
    /// One call at a time per post: the vendor gives no order, the ledger does.
    ///
    /// # Errors
    /// Any [`PostError`].
    pub async fn update(&self, post: u64) -> Result<Delivery, PostError> {
        self.change(post, Change::Update, &CancellationToken::new()).await
    }

    /// Closes a post and delivers its webhooks, retries included; gives back the last.
    ///
    /// # Errors
    /// Any [`PostError`].
    pub async fn close(&self, post: u64, closing: Closing) -> Result<Delivery, PostError> {
        self.change(post, Change::Close(closing), &CancellationToken::new()).await
    }

    /// Puts a post on line again and delivers its webhook, retries included.
    ///
    /// # Errors
    /// Any [`PostError`].
    pub async fn reopen(&self, post: u64) -> Result<Delivery, PostError> {
        self.change(post, Change::Reopen, &CancellationToken::new()).await
    }

    /// Makes a post, live at once, whose webhook is lost; gives its id.
    pub fn create_untold(&self) -> u64 {
        self.account().create().post
    }

    /// Changes a post; the webhook is lost.
    ///
    /// # Errors
    /// Any [`PostError`].
    pub fn update_untold(&self, post: u64) -> Result<(), PostError> {
        self.account().revise(post, Action::JobPostUpdated, |_| {}).map(drop)
    }

    /// Takes a post off line and deletes it; the webhooks are lost.
    ///
    /// # Errors
    /// Any [`PostError`].
    pub fn delete_untold(&self, post: u64) -> Result<(), PostError> {
        let delete = |post: &mut Post| (post.live, post.is_deleted) = (false, true);
        self.account().revise(post, Action::JobPostDeleted, delete).map(drop)
    }

    /// Changes posts at a steady pace until the total is reached or it is told to stop.
    ///
    /// When told to stop, it finishes the attempts under way and gives up the retries. If the receiver is slower
    /// than the pace, the pace follows the receiver.
    pub async fn steady(&self, pace: &Pace, stop: &CancellationToken) {
        let (senders, receivers): (Vec<_>, Vec<_>) =
            (0..pace.lanes.max(1)).map(|_| mpsc::channel::<(u64, Change)>(WAITING)).unzip();
        let lanes = receivers.into_iter().map(|mut changes| async move {
            while let Some((post, change)) = changes.recv().await {
                if stop.is_cancelled() {
                    break;
                }
                // Traffic changes only posts that are there.
                let _ = self.change(post, change, stop).await;
            }
        });
        let produce = stop.run_until_cancelled(self.produce(pace, senders));
        future::join(produce, future::join_all(lanes)).await;
    }

    async fn produce(&self, pace: &Pace, lanes: Vec<mpsc::Sender<(u64, Change)>>) {
        let mut clock = time::interval(pace.interval.max(Duration::from_micros(1)));
        clock.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut posts = vec![0; pace.slots.max(1)];
        let traffic = Traffic::new(self.seed, posts.len(), &pace.closings);
        for step in traffic.take(pace.total.unwrap_or(usize::MAX)) {
            clock.tick().await;
            if step.change == Change::Create {
                posts[step.slot] = self.account().reserve();
            }
            let lane = &lanes[step.slot % lanes.len()];
            if lane.send((posts[step.slot], step.change)).await.is_err() {
                return;
            }
        }
    }

    async fn change(&self, post: u64, change: Change, stop: &CancellationToken) -> Result<Delivery, PostError> {
        let take_off_line = |post: &mut Post| post.live = false;
        let event = match change {
            Change::Create => self.account().revise(post, Action::JobPostCreated, |post| post.live = true)?,
            Change::Update => self.account().revise(post, Action::JobPostUpdated, |_| {})?,
            Change::Reopen => self.account().revise(post, Action::JobPostUpdated, |post| post.live = true)?,
            Change::Close(Closing::Unpublished) => {
                self.account().revise(post, Action::JobPostUpdated, take_off_line)?
            }
            Change::Close(Closing::JobClosed) => self.account().revise(post, Action::JobUpdated, take_off_line)?,
            Change::Close(Closing::Deleted) => {
                let off_line = self.account().revise(post, Action::JobPostUpdated, take_off_line)?;
                self.send(&off_line, stop).await;
                self.account().revise(post, Action::JobPostDeleted, |post| post.is_deleted = true)?
            }
        };
        Ok(self.send(&event, stop).await)
    }

    async fn send(&self, event: &Event, stop: &CancellationToken) -> Delivery {
        self.courier.deliver(event, stop, |delivery| self.note(delivery)).await
    }

    fn note(&self, delivery: &Delivery) {
        self.account().note(delivery);
        // An error says that nobody listens.
        let _ = self.observers.send(delivery.clone());
    }

    fn account(&self) -> MutexGuard<'_, Account> {
        self.account.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
