//! What happened to persons: kept as it was said, one after another, and never compared with what came before.

use anyhow::Result;
use schemas::Content;

use super::{
    Batch, Router,
    decide::{Meaning, repeated_key},
};
use crate::{backbone::Stored, intake::place_of_event, store::PlacementEvent};

impl Router {
    /// Keeps an event about a person. Met again at its own position it is kept once.
    pub(super) async fn note(&self, stored: &Stored, batch: &mut Batch) -> Result<()> {
        let (header, kind) = (&stored.envelope.header, stored.envelope.kind());
        let Some(content) = self.bodies.content(&stored.envelope).await? else {
            return self.pass_over(stored, &Meaning::KeysDestroyed, Content::default(), batch).await;
        };
        let key_uses = self.key_uses(stored, batch).await?;
        if let Some(meaning) = repeated_key(header, stored.position, &key_uses) {
            return self.pass_over(stored, &meaning, content, batch).await;
        }
        let place = place_of_event(header.message_id);
        let Some(canonical) = self.bodies.keep(kind, header.entity_key, &place, content.canonical).await? else {
            return self.pass_over(stored, &Meaning::KeysDestroyed, Content::default(), batch).await;
        };
        batch.routed.events.push(PlacementEvent {
            message_id: header.message_id,
            entity_key: header.entity_key,
            partner: header.origin.partner.clone(),
            position: stored.position,
            received_at: header.origin.received_at,
            canonical,
        });
        Self::remember_key(stored, batch);
        // What happened is about the person: the journal says that something did.
        batch.outputs.push(self.told(stored, "noted", None, None));
        Ok(())
    }
}
