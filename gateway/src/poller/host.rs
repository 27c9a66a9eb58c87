//! What a poller asks of the gateway: its turn within the partner's limit, and which documents are wanted.

use std::sync::Arc;

use async_trait::async_trait;
use connectors::poller::{Host, Listed};
use schemas::PartnerId;
use tracing::warn;

use crate::{delivery::PartnerLimit, store::Store};

/// The host of one partner's poller.
pub struct PollHost {
    pub partner: PartnerId,
    pub store: Arc<dyn Store>,
    pub limit: Arc<PartnerLimit>,
}

#[async_trait]
impl Host for PollHost {
    async fn turn(&self) {
        while let Err(wait) = self.limit.take() {
            tokio::time::sleep(wait).await;
        }
    }

    async fn wanted(&self, listed: Vec<Listed>) -> Vec<Listed> {
        let references: Vec<String> = listed.iter().map(|listed| listed.reference.clone()).collect();
        match self.store.marks(&self.partner, &references).await {
            Ok(marks) => listed
                .into_iter()
                .filter(|listed| listed.mark.is_none() || marks.get(&listed.reference) != listed.mark.as_ref())
                .collect(),
            Err(error) => {
                warn!(partner.name = %self.partner, error = format!("{error:#}"), "cannot tell what is known; fetching everything");
                listed
            }
        }
    }
}
