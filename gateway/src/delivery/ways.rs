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

#[cfg(test)]
mod tests {
    use async_trait::async_trait;

    use super::*;

    struct Way(Repeats);

    #[async_trait]
    impl Sender for Way {
        async fn send(&self, _: Parcel) -> Sent {
            unreachable!("nothing is sent here")
        }

        async fn probe(&self) -> Result<(), ProbeError> {
            match self.0 {
                Repeats::Never => Err(ProbeError::Refused(401)),
                _ => Ok(()),
            }
        }

        fn repeats(&self) -> Repeats {
            self.0
        }
    }

    fn ways(vacancies: Repeats, profiles: Repeats) -> Ways {
        let way = |repeats| Arc::new(Way(repeats)) as Arc<dyn Sender>;
        Ways::new([(Kind::Vacancy, way(vacancies)), (Kind::TalentProfile, way(profiles))].into())
    }

    #[tokio::test]
    async fn what_holds_for_a_partner_holds_for_each_of_its_ways() {
        use Repeats::{ByKey, ByReference, Never};
        for (vacancies, profiles, expected) in [
            (ByKey, ByReference, ByKey),
            (ByReference, ByReference, ByReference),
            (ByReference, Never, Never),
            (Never, ByKey, Never),
        ] {
            assert_eq!(ways(vacancies, profiles).repeats(), expected, "{vacancies:?} {profiles:?}");
        }
        assert_eq!(ways(ByKey, Never).probe().await, Err(ProbeError::Refused(401)));
        assert_eq!(ways(ByKey, ByReference).probe().await, Ok(()));
    }
}
