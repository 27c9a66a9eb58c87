//! Unwrapped keys that were used a moment ago: few, and not for long.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use anyhow::Result;
use schemas::PartnerId;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{DataKey, Subject};

/// Keys that are held at most.
const MOST: usize = 4_096;

/// Unwrapped keys, found by their id or by what they are for.
#[derive(Clone)]
pub struct Cache {
    held: Arc<Mutex<Held>>,
    life: Duration,
}

#[derive(Default)]
struct Held {
    keys: HashMap<Uuid, (Arc<DataKey>, Instant)>,
    used: HashMap<(Subject, Option<PartnerId>), Uuid>,
}

impl Cache {
    /// An empty one, whose keys are forgotten after that time.
    pub fn new(life: Duration) -> Self {
        Self { held: Arc::default(), life }
    }

    /// A key by its id.
    pub fn get(&self, key_id: Uuid) -> Option<Arc<DataKey>> {
        self.living(&self.held(), key_id)
    }

    /// The key of a subject for a recipient.
    pub fn get_for(&self, subject: Subject, recipient: Option<&PartnerId>) -> Option<Arc<DataKey>> {
        let held = self.held();
        let key_id = *held.used.get(&(subject, recipient.cloned()))?;
        self.living(&held, key_id)
    }

    /// Holds a key; when there are too many, all others are forgotten.
    pub fn put(&self, key: Arc<DataKey>) {
        let mut held = self.held();
        if held.keys.len() >= MOST {
            *held = Held::default();
        }
        held.used.insert((key.subject, key.recipient.clone()), key.key_id);
        held.keys.insert(key.key_id, (key, Instant::now()));
    }

    /// Forgets every key of a subject.
    pub fn forget(&self, subject: Subject) {
        self.keep(|key, _| key.subject != subject);
    }

    /// Forgets keys when their time is over, whether or not anybody asks, until it is asked to stop.
    pub async fn sweep(self, stop: CancellationToken) -> Result<()> {
        loop {
            tokio::select! {
                () = stop.cancelled() => return Ok(()),
                () = tokio::time::sleep(self.life / 2) => self.keep(|_, since| since.elapsed() < self.life),
            }
        }
    }

    fn living(&self, held: &Held, key_id: Uuid) -> Option<Arc<DataKey>> {
        let (key, since) = held.keys.get(&key_id)?;
        (since.elapsed() < self.life).then(|| key.clone())
    }

    fn keep(&self, is_kept: impl Fn(&DataKey, &Instant) -> bool) {
        let mut held = self.held();
        let Held { keys, used } = &mut *held;
        keys.retain(|_, (key, since)| is_kept(key, since));
        used.retain(|_, key_id| keys.contains_key(key_id));
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    #[cfg(test)]
    pub fn len(&self) -> usize {
        self.held().keys.len()
    }
}
