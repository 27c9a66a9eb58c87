//! Which part of the daemon works and which does not, for `/health/ready`.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// How a part is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Condition {
    /// It does what it is for.
    Works,
    /// It does what it is for, without something that it will want one day: the daemon is ready.
    Limps(String),
    /// It does not, and why: the daemon is not ready.
    Fails(String),
}

/// The parts and how they are.
#[derive(Debug, Clone, Default)]
pub struct Health(Arc<Mutex<BTreeMap<String, Condition>>>);

impl Health {
    /// Notes that there is a part; what is known of it stays.
    pub fn expect(&self, part: &str) {
        self.lock().entry(part.to_owned()).or_insert(Condition::Works);
    }

    /// Forgets a part that is not wanted any more: what it says is not heard until it is expected again.
    pub fn forget(&self, part: &str) {
        self.lock().remove(part);
    }

    /// Notes that a part works.
    pub fn works(&self, part: &str) {
        self.set(part, Condition::Works);
    }

    /// Notes that a part works without something, and what it lacks.
    pub fn limps(&self, part: &str, why: &str) {
        self.set(part, Condition::Limps(why.to_owned()));
    }

    /// Notes that a part does not work, and why.
    pub fn fails(&self, part: &str, why: &str) {
        self.set(part, Condition::Fails(why.to_owned()));
    }

    /// Every part, and how it is.
    pub fn parts(&self) -> BTreeMap<String, Condition> {
        self.lock().clone()
    }

    fn set(&self, part: &str, condition: Condition) {
        if let Some(known) = self.lock().get_mut(part) {
            *known = condition;
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Condition>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Condition {
    /// The condition in words.
    pub fn describe(self) -> String {
        match self {
            Self::Works => "works".to_owned(),
            Self::Limps(why) => format!("works, but {why}"),
            Self::Fails(why) => why,
        }
    }
}
