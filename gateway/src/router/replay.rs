//! Replays: what an operator wants to be dispatched again goes to whoever is entitled to it now, below live traffic.
//!
//! Done by the router between two batches, as the initial sync is. It is always the newest version of the entity that
//! goes: an old one never takes the place of a newer. A replay met again after a crash gives the same dispatches.

use anyhow::Result;
use schemas::PartnerId;
use tracing::info;

use super::Router;
use crate::{in_force::Rules, intake::is_open};

/// Entities that are dispatched again between two batches.
const PAGE: usize = 64;

impl Router {
    /// Dispatches some of what is wanted again in a share. Returns whether there may be more.
    pub(super) async fn replay_page(&self, rules: &Rules, share: u32) -> Result<bool> {
        let replays = self.store.replays(share, PAGE).await?;
        let (mut outputs, mut versions) = (Vec::new(), Vec::new());
        for replay in &replays {
            let Some(mut version) = self.store.newest_version(replay.entity_key).await? else { continue };
            let Some(record) = self.record_of(&version).await? else { continue };
            if version.kind.is_personal() && is_open(&record) {
                self.identify_again(rules, &version, &record).await?;
            }
            let (mut recipients, _) = self.entitled(rules, (version.entity_key, &version.partner), &record).await?;
            if version.kind.is_personal() {
                // Who had it before hears of it too: delivery decides, and ends what may not be shown any more.
                let before = version.recipients.iter().filter(|partner| !recipients.contains(partner));
                let before: Vec<PartnerId> = before.cloned().collect();
                recipients.extend(before);
            }
            recipients.retain(|partner| replay.recipient.as_ref().is_none_or(|wanted| wanted == partner));
            for partner in &recipients {
                if !version.recipients.contains(partner) {
                    version.recipients.push(partner.clone());
                }
                outputs.extend(self.owed_since_before(rules, &version, partner, replay.replay_id.into()).await?);
            }
            info!(replay.id = %replay.replay_id, recipients.len = recipients.len(), "dispatched again");
            versions.push(version);
        }
        // Recipients first: whatever closes the entity from now on reaches them too.
        self.store.keep_recipients(versions).await?;
        if !outputs.is_empty() {
            self.backbone.append(outputs).await?;
        }
        let may_be_more = replays.len() >= PAGE;
        self.store.finish_replays(replays.into_iter().map(|replay| replay.replay_id).collect()).await?;
        Ok(may_be_more)
    }
}
