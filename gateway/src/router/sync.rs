//! The initial sync: a partner that joins is owed what is open already, in a lane of its own below live traffic.
//!
//! Done by the router between two batches, since the router alone decides who is owed what: a closing can then
//! never slip between a look at a version and the dispatch that follows from it. Every step may be made twice: the
//! dispatches are the same, and delivery knows them by their ids.

use anyhow::Result;
use mappings::CANONICAL;
use schemas::{Cause, Channel, Header, Hop, Lane, MessageId, Operation, Origin, PartnerId, Versions};
use tracing::info;

use super::Router;
use crate::{
    backbone::Output,
    in_force::Rules,
    store::{Sync, Version},
};

/// Entities that are looked at between two batches.
const PAGE: usize = 256;

impl Router {
    /// The partners whose initial sync is not done in a share.
    pub(super) async fn to_sync(&self, rules: &Rules, share: u32) -> Result<Vec<PartnerId>> {
        let mut partners = Vec::new();
        for partner in rules.configuration.all_receivers() {
            if self.store.sync(&partner.id, share).await?.is_none_or(|sync| !sync.is_done) {
                partners.push(partner.id.clone());
            }
        }
        Ok(partners)
    }

    /// Looks at some more of the open entities of a share on behalf of a partner. Returns whether that was all.
    pub(super) async fn sync_page(&self, rules: &Rules, partner: &PartnerId, share: u32) -> Result<bool> {
        let sync = self.store.sync(partner, share).await?.unwrap_or(Sync::NEW);
        let mut versions = self.store.open_versions(sync.after, PAGE).await?;
        let Some(last) = versions.last().map(|version| version.entity_key) else {
            self.store.keep_sync(partner, share, Sync { is_done: true, ..sync }).await?;
            info!(partner.name = %partner, share.index = share, "the initial sync is done");
            return Ok(true);
        };
        // The others are looked at by whoever reads their share: it alone sees what comes next of them.
        versions.retain(|version| self.backbone.share_of(version.entity_key) == share);
        let mut outputs = Vec::new();
        for version in &mut versions {
            let Some(record) = self.record_of(version).await? else { continue };
            let whose = (version.entity_key, &version.partner);
            if !self.entitled(rules, whose, &record).await?.0.contains(partner) {
                continue;
            }
            if !version.recipients.contains(partner) {
                version.recipients.push(partner.clone());
            }
            outputs.extend(self.owed_since_before(rules, version, partner, version.message_id).await?);
        }
        // Recipients first: whatever closes the entity from now on reaches the partner too.
        self.store.keep_recipients(versions).await?;
        if !outputs.is_empty() {
            self.backbone.append(outputs).await?;
        }
        self.store.keep_sync(partner, share, Sync { after: Some(last), is_done: false }).await?;
        Ok(false)
    }

    /// A dispatch of a version that was made before, known by whatever message is its cause.
    pub(super) async fn owed_since_before(
        &self,
        rules: &Rules,
        version: &Version,
        partner: &PartnerId,
        cause: MessageId,
    ) -> Result<Option<Output>> {
        let received_at = self.clock.now_micros();
        let gateway = rules.configuration.settings.gateway_id.clone();
        let header = Header {
            message_id: version.message_id,
            operation: Operation::Upsert,
            entity_key: version.entity_key,
            origin: Origin {
                partner: version.partner.clone(),
                dialect: CANONICAL.parse()?,
                channel: Channel::Operator,
                reference: version.reference.clone(),
                idempotency: None,
                received_at,
                modified_at: version.modified_at.clone(),
            },
            hops: vec![Hop { gateway, received_at }],
            versions: Versions::default(),
            cause: Some(Cause { message_id: cause, position: version.position }),
            recipient: Some(partner.clone()),
            lane: Some(Lane::Backfill),
            event: None,
        };
        self.dispatch_with(header, version, partner, None).await
    }
}
