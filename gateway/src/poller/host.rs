//! What a poller asks of the gateway: its turn within the partner's limit, and which documents are wanted.

use std::sync::Arc;

use anyhow::Result;
use async_trait::async_trait;
use connectors::poller::{Host, Listed};
use tracing::warn;

use super::names::Names;
use crate::{delivery::PartnerLimit, store::Store};

/// The host of one partner's poller.
pub struct PollHost {
    pub names: Names,
    pub store: Arc<dyn Store>,
    pub limit: Arc<PartnerLimit>,
}

impl PollHost {
    /// Whether each of those is wanted.
    async fn are_wanted(&self, listed: &[Listed]) -> Result<Vec<bool>> {
        let named = self.names.listed(listed).await?;
        let names: Vec<String> = named.iter().filter_map(|(name, _)| name.clone()).collect();
        let marks = self.store.marks(&self.names.partner, &names).await?;
        let is_known = |(name, mark): &(Option<String>, Option<String>)| {
            let before = name.as_ref().and_then(|name| marks.get(name));
            mark.is_some() && before == mark.as_ref()
        };
        Ok(named.iter().map(|named| !is_known(named)).collect())
    }
}

#[async_trait]
impl Host for PollHost {
    async fn turn(&self) {
        while let Err(wait) = self.limit.take() {
            tokio::time::sleep(wait).await;
        }
    }

    async fn wanted(&self, listed: Vec<Listed>) -> Vec<Listed> {
        match self.are_wanted(&listed).await {
            Ok(wanted) => {
                listed.into_iter().zip(wanted).filter_map(|(one, is_wanted)| is_wanted.then_some(one)).collect()
            }
            Err(error) => {
                let (partner, error) = (&self.names.partner, format!("{error:#}"));
                warn!(partner.name = %partner, error, "cannot tell what is known; fetching everything");
                listed
            }
        }
    }
}
