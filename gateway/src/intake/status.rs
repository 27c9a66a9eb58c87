//! Takes in what happened on the way of a person to a job: an event, known by what its source calls it.
//!
//! **Invariant:** whoever was never sent anything about a person learns nothing from what becomes of an event about them.

use anyhow::{Context, Result};
use mappings::Fault;
use schemas::{EntityKey, MessageId, Operation, PlacementStatus};

use super::{Document, Intake, KeyUse, Opened, Taken, content_of};
use crate::code::code;

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
        let Opened { rules, read, reference } = opened;
        let status = PlacementStatus::of(&read.record).context("a placement status that is of another kind")?;
        let Some(person) = self.person_of(&document, status).await? else {
            return Ok(Taken::Unreadable(vec![unknown_profile()]));
        };
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

    /// Whom an event is about, if its source was ever sent something about them.
    async fn person_of(&self, document: &Document<'_>, status: PlacementStatus<'_>) -> Result<Option<EntityKey>> {
        let Some(person) = status.profile() else { return Ok(None) };
        let is_known = self.store.was_disclosed(person.as_uuid(), &document.partner.id).await?;
        Ok(is_known.then_some(person))
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
