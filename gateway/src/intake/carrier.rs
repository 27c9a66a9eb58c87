//! Whether a vacancy that is pushed comes in another way already, so that its sender can be told in time.
//!
//! **Invariant:** a look-up on which nothing rests: what was accepted meanwhile is decided by the router, in log order.

use anyhow::Result;
use consent::Role;
use futures::future::try_join_all;
use schemas::{Channel, EntityKey, Kind, MessageId, Record};

use super::{Document, Intake};
use crate::{config::Partner, eligibility::legal_ids, in_force::Rules};

/// By which other way a vacancy comes in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Carrier {
    /// By another channel of the same partner, which brought this message last.
    OtherChannel(MessageId),
    /// Through another partner, for the same employer and under the same reference.
    OtherPartner,
}

impl Intake {
    /// By which other way an open vacancy comes in that is pushed now.
    ///
    /// A channel carries it while it is configured, so that a partner can change from one to the other. An employer is
    /// never told that somebody else carries what is its own.
    ///
    /// # Errors
    /// If the store does not answer.
    pub(super) async fn carrier(
        &self,
        rules: &Rules,
        document: &Document<'_>,
        reference: &str,
        record: &Record,
    ) -> Result<Option<Carrier>> {
        let partner = document.partner;
        if (partner.webhook.is_some() || partner.poll.is_some())
            && let Some(message_id) = self.by_other_channel(partner, reference).await?
        {
            return Ok(Some(Carrier::OtherChannel(message_id)));
        }
        if partner.role == Role::Employer {
            return Ok(None);
        }
        let is_carried = self.by_other_partner(rules, partner, reference, record).await?;
        Ok(is_carried.then_some(Carrier::OtherPartner))
    }

    async fn by_other_channel(&self, partner: &Partner, reference: &str) -> Result<Option<MessageId>> {
        let entity = EntityKey::of_vacancy(&partner.id, reference);
        let Some(newest) = self.store.newest_version(entity).await?.filter(|newest| newest.is_open) else {
            return Ok(None);
        };
        let Some((message, _)) = self.store.message(newest.message_id).await? else { return Ok(None) };
        let is_carried = match message.channel.parse() {
            Ok(Channel::Webhook) => partner.webhook.is_some(),
            Ok(Channel::Poll) => partner.poll.is_some(),
            _ => false,
        };
        Ok(is_carried.then_some(newest.message_id))
    }

    async fn by_other_partner(
        &self,
        rules: &Rules,
        partner: &Partner,
        reference: &str,
        record: &Record,
    ) -> Result<bool> {
        let sources = rules.configuration.partners.values().filter(|other| other.incoming.contains_key(&Kind::Vacancy));
        let others: Vec<EntityKey> = sources
            .filter(|other| other.id != partner.id)
            .map(|other| EntityKey::of_vacancy(&other.id, reference))
            .collect();
        if others.is_empty() {
            return Ok(false);
        }
        let employer = legal_ids(record);
        if employer.is_empty() {
            return Ok(false);
        }
        let newest = try_join_all(others.into_iter().map(|entity| self.store.newest_version(entity))).await?;
        for newest in newest.into_iter().flatten().filter(|newest| newest.is_open) {
            let known = Record::from_avro(newest.kind, &newest.canonical)?;
            if !legal_ids(&known).is_disjoint(&employer) {
                return Ok(true);
            }
        }
        Ok(false)
    }
}
