//! Persons as claims see them: a version that moves with whatever a decision rests on, and why something may be sent.
//!
//! **Invariant:** a claim and a change of what the person allowed serialise on the person. Whoever decides reads the
//! [`Standing`] first; a claim that names its version commits only if nothing has changed since, and only while the time
//! lasts that was decided for.

use std::collections::BTreeSet;

use anyhow::{Result, ensure};
use consent::Grant;
use schemas::{Hash, Kind, PartnerId};
use uuid::Uuid;

use super::Owed;

/// A person, and how far what is known of the person's wishes has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SubjectVersion {
    /// The person's pseudonym.
    pub subject: Uuid,
    /// Counts every change; 0 of somebody of whom nothing was ever kept.
    pub version: i64,
}

/// What a decision about a person rests on.
#[derive(Debug, Clone, PartialEq)]
pub struct Standing {
    /// As of when: everything below is at least as new.
    pub version: SubjectVersion,
    /// Every grant of the person, oldest first.
    pub grants: Vec<Grant>,
    /// How far the person has come with employers, sealed; none if nobody has said anything of it.
    pub progress: Option<Vec<u8>>,
    /// Since when the person wants their data left alone (GDPR article 18), whichever source they said it of; microseconds
    /// since 1970 UTC.
    pub restricted_since: Option<i64>,
    /// Who else is the same person, known to other sources. What they permit is permitted for them alone.
    pub linked: BTreeSet<Uuid>,
    /// The sources of those.
    pub other_sources: BTreeSet<PartnerId>,
}

/// A decision that something about a person may be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Decided {
    /// The person, as of when it was decided.
    pub person: SubjectVersion,
    /// What is permitted, by the hash of what the recipient is told of it.
    pub permit: Hash,
    /// From when on it would come out differently though nothing but time has passed, microseconds since 1970 UTC.
    pub valid_until: Option<i64>,
}

/// Why something may be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Permission {
    /// It is about nobody.
    NotPersonal,
    /// It says nothing of a person but that what was sent before is taken back.
    TakesBack,
    /// A decision permits it; it holds as long as nothing of the person changes, and until its time is over.
    Decided(Decided),
}

impl Permission {
    /// Refuses what would send something about a person without a decision about that person.
    ///
    /// # Errors
    /// If it is no permission for that dispatch.
    pub(super) fn check(self, owed: &Owed) -> Result<()> {
        let is_personal = owed.kind.is_personal();
        let fits = match self {
            Self::NotPersonal => !is_personal,
            // A profile's entity is the person.
            Self::Decided(decided) if owed.kind == Kind::TalentProfile => {
                decided.person.subject == owed.entity_key.as_uuid()
            }
            Self::TakesBack | Self::Decided(_) => is_personal,
        };
        ensure!(fits, "a `{}` is not sent for that reason: {self:?}", owed.kind);
        Ok(())
    }
}
