//! What is known of schemas by their ids, in memory.

use std::{
    collections::{HashMap, HashSet},
    sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
};

use schemas::{Hash, Subject, learn, published_versions};

/// Versions of bodies that were looked for and are not there: no more are remembered.
const MOST_MISSED: usize = 1_024;

/// The schemas that can be read.
#[derive(Debug)]
pub struct Known(RwLock<Inside>);

#[derive(Debug, Default)]
struct Inside {
    /// Envelopes, by id.
    envelopes: HashMap<u32, [u8; 8]>,
    /// Canonical schemas as headers name them, those that were looked for in vain included.
    canonical: HashSet<String>,
}

impl Known {
    /// What this program knows by itself.
    pub fn new() -> Self {
        let records = [Subject::Vacancy, Subject::TalentProfile, Subject::PlacementStatus];
        let published = records.into_iter().flat_map(|subject| published_versions(subject.as_str()));
        let canonical = published.map(|avsc| Hash::of(avsc.as_bytes()).to_string()).collect();
        Self(RwLock::new(Inside { canonical, ..Inside::default() }))
    }

    /// The fingerprint of the envelope schema of that id.
    pub fn envelope(&self, id: u32) -> Option<[u8; 8]> {
        self.read().envelopes.get(&id).copied()
    }

    /// Every envelope schema, by its id, in the order of ids.
    pub fn envelopes(&self) -> Vec<(u32, [u8; 8])> {
        let mut envelopes: Vec<_> = self.read().envelopes.iter().map(|(id, found)| (*id, *found)).collect();
        envelopes.sort_unstable();
        envelopes
    }

    /// The newest id under which our own newest envelope schema is known.
    pub fn own(&self) -> Option<u32> {
        let own = Subject::Envelope.newest_fingerprint();
        self.envelopes().into_iter().rfind(|(_, fingerprint)| *fingerprint == own).map(|(id, _)| id)
    }

    /// Learns a schema. What it is about is in its name.
    ///
    /// # Errors
    /// If it is none of ours.
    pub fn learn(&self, id: u32, avsc: &str) -> Result<Subject, schemas::CodecError> {
        let learned = learn(avsc)?;
        match learned.subject {
            Subject::Envelope => {
                self.write().envelopes.insert(id, learned.fingerprint);
            }
            Subject::Vacancy | Subject::TalentProfile | Subject::PlacementStatus => {
                self.write().canonical.insert(Hash::of(avsc.as_bytes()).to_string());
            }
            Subject::Content => {}
        }
        Ok(learned.subject)
    }

    /// Whether the canonical schema that a header names is known, or was looked for.
    pub fn has_canonical(&self, hash: &str) -> bool {
        hash.is_empty() || self.read().canonical.contains(hash)
    }

    /// Remembers that a canonical schema is not to be looked for again.
    pub fn give_up(&self, hash: &str) {
        let mut inside = self.write();
        if inside.canonical.len() < MOST_MISSED {
            inside.canonical.insert(hash.to_owned());
        }
    }

    fn read(&self) -> RwLockReadGuard<'_, Inside> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Inside> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }
}
