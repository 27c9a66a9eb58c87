//! Sends canonical records in Avro under a schema of the registry.

use anyhow::Error;
use async_trait::async_trait;
use connectors::{Outcome, Parcel, ProbeError, Repeats, Sender, Sent, code, kafka::KafkaPush};
use schemas::Operation;

use crate::backbone::wire::{Bodies, is_out_of_reach};

/// Gives every document the header that names its schema in the registry, and sends it on.
pub struct AvroSender {
    /// Where it goes.
    pub inner: KafkaPush,
    /// What knows the schemas.
    pub bodies: Bodies,
}

#[async_trait]
impl Sender for AvroSender {
    async fn send(&self, parcel: Parcel) -> Sent {
        if parcel.operation == Operation::Close {
            return self.inner.send(parcel).await;
        }
        match self.bodies.frame(&parcel.body).await {
            Ok(body) => self.inner.send(Parcel { body, ..parcel }).await,
            Err(error) => not_sent(&error).into(),
        }
    }

    async fn probe(&self) -> Result<(), ProbeError> {
        self.inner.probe().await
    }

    fn repeats(&self) -> Repeats {
        self.inner.repeats()
    }
}

/// Nothing left us: the registry has to answer, or to be put in order.
fn not_sent(error: &Error) -> Outcome {
    let code = if is_out_of_reach(error) { code::UNREACHABLE } else { code::PARTNER_FAILED };
    Outcome::Retry { code, detail: format!("{error:#}"), after: None }
}
