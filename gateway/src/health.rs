//! Which part of the daemon works and which does not, for `/health/ready`.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

/// The parts and their troubles.
#[derive(Debug, Clone, Default)]
pub struct Health(Arc<Mutex<BTreeMap<String, Option<String>>>>);

impl Health {
    /// Notes that a part works.
    pub fn works(&self, part: &str) {
        self.set(part, None);
    }

    /// Notes that a part does not work, and why.
    pub fn fails(&self, part: &str, why: &str) {
        self.set(part, Some(why.to_owned()));
    }

    /// Notes that a part is wanted again that was forgotten.
    pub fn returns(&self, part: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).entry(part.to_owned()).or_insert(None);
    }

    /// Forgets a part that is not wanted any more.
    pub fn forget(&self, part: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(part);
    }

    /// Every part, with its trouble if it has one.
    pub fn parts(&self) -> BTreeMap<String, Option<String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn set(&self, part: &str, trouble: Option<String>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(part.to_owned(), trouble);
    }
}
