//! What is different about files: a recipient gets our address in the place of every link that we follow.

use std::sync::Arc;

use anyhow::Result;
use schemas::Record;
use tokio::sync::Notify;

use super::prepare::Preparer;
use crate::{
    attachments::{Addresses, attachments, wanted},
    store::{MediumId, Owed, Referred},
};

/// What delivery needs to link to files.
#[derive(Clone)]
pub struct MediaLinks {
    pub addresses: Addresses,
    /// Told when files are wanted that nobody knew of.
    pub wanted: Arc<Notify>,
}

impl Preparer {
    /// Puts our addresses in the place of a profile's links, if files are fetched from whoever said it. Returns whether that
    /// could be done; it cannot once the keys of the person are destroyed.
    ///
    /// # Errors
    /// If store or vault do not answer.
    pub(super) async fn link_to_us(&self, owed: &Owed, record: &mut Record) -> Result<bool> {
        let configuration = &self.rules.configuration;
        let source = configuration.partners.get(&owed.origin.partner);
        if source.is_none_or(|source| source.media.is_none()) {
            return Ok(true);
        }
        let Some(found) = attachments(&self.bodies, owed.entity_key, record).await? else { return Ok(false) };
        let ids: Vec<MediumId> = found.iter().map(|attachment| attachment.id).collect();
        self.media.addresses.put(record, &configuration.settings.media, &self.partner.id, &found);
        let known = self.store.known_media(&ids).await?;
        if ids.iter().all(|id| known.contains(id)) {
            return Ok(true);
        }
        // Routed before its files were fetched at all.
        let Some(media) = wanted(&self.bodies, owed.entity_key, found).await? else { return Ok(false) };
        let referred = Referred {
            entity_key: owed.entity_key,
            position: owed.position,
            message_id: owed.message_id,
            origin: owed.origin.clone(),
            media,
            at: self.clock.now_micros(),
        };
        self.store.refer_to_media(referred).await?;
        self.media.wanted.notify_one();
        Ok(true)
    }
}
