//! Sending to a feed: an upsert into what the partner pulls.

use std::sync::Arc;

use async_trait::async_trait;
use connectors::{Outcome, Parcel, ProbeError, Repeats, Sender, Sent};
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
    async fn send(&self, parcel: Parcel) -> Sent {
        let change = match (parcel.operation, String::from_utf8(parcel.body)) {
            (Operation::Upsert, Ok(content)) => FeedChange::Show { content, media_type: parcel.media_type },
            (Operation::Upsert, Err(_)) => return never_sent("a document that is no text").into(),
            (Operation::Close | Operation::Event, _) => {
                let (reason, source_reason) =
                    parcel.closing.map_or((None, None), |closing| (Some(closing.code), closing.words));
                FeedChange::Close { reason, source_reason }
            }
        };
        let now_ms = self.clock.now().as_millisecond();
        match self.store.change_feed(&self.partner, &parcel.reference.to_string(), change, now_ms).await {
            Ok(()) => Outcome::Delivered { foreign_reference: None }.into(),
            Err(_) => never_sent("the store did not answer").into(),
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

#[cfg(test)]
mod tests {
    use schemas::{DispatchId, EntityKey, Kind, MessageId, Position};

    use super::*;
    use crate::{store::SqliteStore, supervisor::Supervisor};

    fn parcel(body: &str) -> Parcel {
        let partner: PartnerId = "eures".parse().unwrap();
        let position = Position { generation: 1, offset: 1 };
        Parcel {
            dispatch: DispatchId::derive(MessageId::mint(), position, &partner),
            idempotency_key: "key".to_owned(),
            reference: EntityKey::of_vacancy(&partner, "R1"),
            operation: Operation::Upsert,
            kind: Kind::Vacancy,
            media_type: "application/xml".to_owned(),
            body: body.as_bytes().to_vec(),
            time_out: std::time::Duration::from_secs(1),
            closing: None,
            notice: None,
        }
    }

    #[tokio::test]
    async fn what_is_sent_stands_in_the_feed_since_now() {
        let folder = tempfile::tempdir().unwrap();
        let store =
            SqliteStore::open(&folder.path().join("store.db"), &Supervisor::default(), Clock::system()).await.unwrap();
        let clock = Clock::fixed("2026-11-22T08:00:00Z");
        let sender =
            FeedSender { partner: "eures".parse().unwrap(), store: Arc::new(store.clone()), clock: clock.clone() };
        sender.send(parcel("one")).await;
        clock.advance(std::time::Duration::from_secs(5));
        sender.send(parcel("two")).await;
        let (first, second) = (1_795_334_400_000, 1_795_334_405_000);
        let item = crate::store::Feed::feed_active(&store, &sender.partner).await.unwrap().remove(0);
        assert_eq!((item.created_at, item.modified_at), (first, second));
    }
}
