//! Sending to a feed: an upsert into what the partner pulls.

use std::sync::Arc;

use async_trait::async_trait;
use connectors::{Outcome, Parcel, ProbeError, Repeats, Sender};
use schemas::{Operation, PartnerId};

use crate::{
    clock::Clock,
    store::{FeedChange, Store},
};

/// Sends to the feed of one partner.
pub struct FeedSender {
    pub partner: PartnerId,
    pub store: Arc<dyn Store>,
    pub clock: Clock,
}

#[async_trait]
impl Sender for FeedSender {
    async fn send(&self, parcel: Parcel) -> Outcome {
        let change = match (parcel.operation, String::from_utf8(parcel.body)) {
            (Operation::Upsert, Ok(document)) => FeedChange::Show(document),
            (Operation::Upsert, Err(_)) => return never_sent("a document that is no text"),
            (Operation::Close | Operation::Event, _) => FeedChange::Close,
        };
        let now_ms = self.clock.now().as_millisecond();
        match self.store.change_feed(&self.partner, &parcel.reference.to_string(), change, now_ms).await {
            Ok(()) => Outcome::Delivered { foreign_reference: None },
            Err(_) => never_sent("the store did not answer"),
        }
    }

    async fn probe(&self) -> Result<(), ProbeError> {
        self.store.probe().await.map_err(|_| ProbeError::Unreachable("the store does not answer".to_owned()))
    }

    fn repeats(&self) -> Repeats {
        Repeats::ByReference
    }
}

fn never_sent(detail: &str) -> Outcome {
    Outcome::Retry { code: connectors::code::UNREACHABLE, detail: detail.to_owned(), after: None }
}
