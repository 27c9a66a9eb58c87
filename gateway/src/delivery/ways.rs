//! The ways to one partner: one for each kind that goes there.

use std::{collections::BTreeMap, sync::Arc};

use connectors::{Parcel, ProbeError, Repeats, Sender, Sent};
use schemas::Kind;

/// The ways to one partner.
pub struct Ways(BTreeMap<Kind, Arc<dyn Sender>>);

impl Ways {
    /// These ways.
    pub fn new(ways: BTreeMap<Kind, Arc<dyn Sender>>) -> Self {
        Self(ways)
    }

    /// Sends a parcel by the way of its kind; none if there is none.
    pub async fn send(&self, parcel: Parcel) -> Option<Sent> {
        match self.0.get(&parcel.kind) {
            Some(way) => Some(way.send(parcel).await),
            None => None,
        }
    }

    /// Tests every connection.
    ///
    /// # Errors
    /// The first that does not work.
    pub async fn probe(&self) -> Result<(), ProbeError> {
        for way in self.0.values() {
            way.probe().await?;
        }
        Ok(())
    }

    /// Whether an unanswered send may be repeated: what holds for every way.
    pub fn repeats(&self) -> Repeats {
        let strictness = |repeats: &Repeats| match repeats {
            Repeats::Never => 0,
            Repeats::ByKey => 1,
            Repeats::ByReference => 2,
        };
        self.0.values().map(|way| way.repeats()).min_by_key(strictness).unwrap_or(Repeats::Never)
    }
}
