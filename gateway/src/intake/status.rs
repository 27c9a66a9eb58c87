//! Takes in what happened on the way of a person to a job: an event, known by what its source calls it.
//!
//! **Invariant:** whoever was never sent anything about a person, and has not sent the person in, learns nothing from what
//! becomes of an event about them. What its source calls a person is in no record that is kept for others.

use anyhow::{Context, Result};
use mappings::Fault;
use schemas::{EntityKey, Kind, MessageId, Operation, PartnerId, PlacementStatus, Record, set_person};

use super::{Document, Intake, KeyUse, Opened, Taken, content_of};
use crate::{code::code, vault::Purpose};

/// The place of an event in the store, which its bytes are sealed for.
pub fn place_of_event(message: MessageId) -> String {
    format!("event/{message}")
}

impl Intake {
    /// Takes an event in that was read. Without an idempotency key it is known by what its source calls it, so that a
    /// repeat is none.
    ///
    /// # Errors
    /// If log, store or keys' database do not answer; nothing is known to be accepted then.
    pub(super) async fn accept_status(&self, document: Document<'_>, opened: Opened) -> Result<Taken> {
        let Opened { rules, mut read, reference } = opened;
        let person = match self.person_of(&document.partner.id, &read.record).await? {
            Ok(person) => person,
            Err(fault) => return Ok(Taken::Unreadable(vec![fault])),
        };
        set_person(&mut read.record, person);
        let key = document.idempotency_key.unwrap_or(&reference);
        let idempotency = self.idempotency_of_person(&rules, &document, person, key).await?;
        match self.key_use(&document, Some(&idempotency)).await? {
            KeyUse::Other => return Ok(Taken::KeyReused),
            KeyUse::Same => {
                let kind = document.kind;
                let message_id =
                    MessageId::derive(&document.partner.id, kind, idempotency.key_hash, idempotency.body_hash);
                return Ok(Taken::Unchanged { message_id, entity_key: person, reference: person.to_string() });
            }
            KeyUse::First => {}
        }
        let origin = self.origin(&document, None, Some(idempotency), None);
        let way = (document.kind, document.lane);
        let (content, versions) = content_of(document, read)?;
        let message_id = self.append(way, Operation::Event, person, origin, versions, content).await?;
        Ok(Taken::Accepted { message_id, entity_key: person, reference: person.to_string() })
    }

    /// Whom an event is about, if its source may tell of them: it was sent something about the person, or has sent the
    /// person in. Whose keys were destroyed is nobody any more.
    async fn person_of(&self, partner: &PartnerId, record: &Record) -> Result<Result<EntityKey, Fault>> {
        let status = PlacementStatus::of(record).context("a placement status that is of another kind")?;
        if !status.is_about_somebody() {
            return Ok(Err(nobody()));
        }
        let own = match status.candidate() {
            Some(candidate) => self.sent_in_as(partner, candidate).await?,
            None => None,
        };
        let person = match (status.profile(), own) {
            // Who calls two persons by one event may mean either.
            (Some(profile), Some(own)) if profile != own => None,
            (Some(profile), _) => self.may_tell_of(partner, profile).await?.then_some(profile),
            (None, own) => own,
        };
        let Some(person) = person else { return Ok(Err(unknown_profile())) };
        let seen = schemas::content_hash(record);
        let is_there = self.bodies.hash(Kind::PlacementStatus, person, Purpose::Content, seen).await?.is_some();
        Ok(if is_there { Ok(person) } else { Err(unknown_profile()) })
    }

    /// Whom a partner has sent in under that reference; nobody is made.
    async fn sent_in_as(&self, partner: &PartnerId, reference: &str) -> Result<Option<EntityKey>> {
        let found = self.bodies.for_persons()?.find(partner, &[reference.to_owned()]).await?;
        Ok(found.into_iter().flatten().next().map(EntityKey::from))
    }

    /// Whether a partner was ever sent anything about a person, or has sent the person in.
    async fn may_tell_of(&self, partner: &PartnerId, person: EntityKey) -> Result<bool> {
        if self.store.was_disclosed(person.as_uuid(), partner).await? {
            return Ok(true);
        }
        let newest = self.store.newest_version(person).await?;
        Ok(newest.is_some_and(|newest| newest.kind == Kind::TalentProfile && newest.partner == *partner))
    }
}

fn nobody() -> Fault {
    Fault {
        pointer: String::new(),
        code: const { code("no_profile") }.as_str().to_owned(),
        problem: "it does not say whom it is about: name the reference under which the profile went to you, or, of \
                  somebody whom you have sent in, your own"
            .to_owned(),
    }
}

fn unknown_profile() -> Fault {
    Fault {
        pointer: String::new(),
        code: const { code("unknown_profile") }.as_str().to_owned(),
        problem: "it is about a profile that never went to you: name it by the reference under which you were sent it"
            .to_owned(),
    }
}
