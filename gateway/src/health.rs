//! Which part of the daemon works and which does not, for `/health/ready`.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// The parts and their troubles.
#[derive(Debug, Clone, Default)]
pub struct Health(Arc<Mutex<BTreeMap<String, Option<String>>>>);

impl Health {
    /// Notes that there is a part; what is known of it stays.
    pub fn expect(&self, part: &str) {
        self.lock().entry(part.to_owned()).or_insert(None);
    }

    /// Forgets a part that is not wanted any more: what it says is not heard until it is expected again.
    pub fn forget(&self, part: &str) {
        self.lock().remove(part);
    }

    /// Notes that a part works.
    pub fn works(&self, part: &str) {
        self.set(part, None);
    }

    /// Notes that a part does not work, and why.
    pub fn fails(&self, part: &str, why: &str) {
        self.set(part, Some(why.to_owned()));
    }

    /// Every part, with its trouble if it has one.
    pub fn parts(&self) -> BTreeMap<String, Option<String>> {
        self.lock().clone()
    }

    fn set(&self, part: &str, trouble: Option<String>) {
        if let Some(known) = self.lock().get_mut(part) {
            *known = trouble;
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Option<String>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
