//! A candidate that an event named, read at the vendor: the event itself is no proof of what it says.

use std::{sync::Arc, time::Duration};

use anyhow::{Context, Result};
use connectors::poller::PollError;
use metrics::counter;
use schemas::{Channel, Kind, Lane};
use tracing::warn;

use super::{host::PollHost, names::Names, page::Reading, sources::candidates_of};
use crate::{config::Partner, delivery::Limits, in_force::Rules, intake::Intake};

/// How long a vendor waits for an answer to its event; what takes longer the next run over everything finds.
const PATIENCE: Duration = Duration::from_secs(15);

/// Reads single candidates.
#[derive(Clone)]
pub struct Candidates {
    pub intake: Intake,
    pub limits: Limits,
}

impl Candidates {
    /// Reads one candidate and takes it in. If the vendor has it no more, whoever it knew by that reference has ended.
    ///
    /// Returns whether the vendor could be asked.
    ///
    /// # Errors
    /// If log, store or keys' database do not answer; nothing is known to be accepted then.
    pub async fn read(
        &self,
        rules: &Arc<Rules>,
        partner: &Partner,
        (id, reference): (&str, Option<String>),
    ) -> Result<bool> {
        let source = candidates_of(&rules.configuration, partner)?;
        let source = source.context("a partner whose events are read again has no source to read them from")?;
        let incoming = partner.incoming.get(&Kind::TalentProfile).context("it sends no talent profiles")?;
        let (partner_id, bodies) = (partner.id.clone(), self.intake.bodies.clone());
        let names = Names { partner: partner_id, kind: Kind::TalentProfile, bodies };
        let host = PollHost { names, store: self.intake.store.clone(), limit: self.limits.of(partner) };
        let asked = tokio::time::timeout(PATIENCE, source.candidate(id, &host)).await;
        let late = || PollError::Unreachable { call: "candidate", detail: "it takes too long".to_owned() };
        let found = match asked.unwrap_or_else(|_| Err(late())) {
            Ok(found) => found,
            Err(error) => {
                counter!("passerelle_polls_failed_total", "partner" => partner.id.to_string(), "code" => error.code())
                    .increment(1);
                warn!(partner.name = %partner.id, code = error.code(), error = %error, "a candidate could not be read");
                return Ok(false);
            }
        };
        let (dialect, channel) = (&incoming.dialect, Channel::Webhook);
        let reading = Reading { intake: &self.intake, partner, names: &host.names, dialect, channel };
        if let Some(candidate) = found {
            reading.take(Lane::Live, &candidate).await?;
        } else if let Some(reference) = reference {
            for gone in host.names.of(vec![reference]).await?.iter().flatten() {
                reading.close(gone, "the vendor has it no more").await?;
            }
        }
        Ok(true)
    }
}
