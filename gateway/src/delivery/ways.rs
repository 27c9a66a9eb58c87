//! The ways to one partner: one for each kind that goes there.

use std::{collections::BTreeMap, sync::Arc};

use connectors::{Parcel, ProbeError, Repeats, Sender, Sent};
use schemas::{Kind, PartnerId};

use super::person_feed::PersonFeedSender;
use crate::store::Permission;

/// The ways to one partner.
pub struct Ways(BTreeMap<Kind, Way>);

/// A way to a partner.
pub enum Way {
    /// What is sent is disclosed by that.
    Sender(Arc<dyn Sender>),
    /// What is sent about persons is pulled later, and decided on then.
    PersonFeed(PersonFeedSender),
}

/// Why a parcel may go, and where what it says is from.
#[derive(Debug, Clone, Copy)]
pub struct Basis<'a> {
    pub permission: Permission,
    pub source: &'a PartnerId,
}

/// What became of a parcel.
pub struct Told {
    /// What the way says of it.
    pub sent: Sent,
    /// Whether the partner has yet to pull what it is told.
    pub awaits_pull: bool,
}

impl From<Sent> for Told {
    fn from(sent: Sent) -> Self {
        Self { sent, awaits_pull: false }
    }
}

impl Way {
    async fn probe(&self) -> Result<(), ProbeError> {
        match self {
            Self::Sender(sender) => sender.probe().await,
            Self::PersonFeed(feed) => feed.probe().await,
        }
    }

    fn repeats(&self) -> Repeats {
        match self {
            Self::Sender(sender) => sender.repeats(),
            Self::PersonFeed(_) => Repeats::ByReference,
        }
    }
}

impl Ways {
    /// These ways.
    pub fn new(ways: BTreeMap<Kind, Way>) -> Self {
        Self(ways)
    }

    /// Sends a parcel by the way of its kind; none if there is none.
    pub async fn send(&self, parcel: Parcel, basis: Basis<'_>) -> Option<Told> {
        Some(match self.0.get(&parcel.kind)? {
            Way::Sender(sender) => sender.send(parcel).await.into(),
            Way::PersonFeed(feed) => feed.send(parcel, basis).await,
        })
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
        self.0.values().map(Way::repeats).min_by_key(strictness).unwrap_or(Repeats::Never)
    }
}

#[cfg(test)]
mod tests {
    use async_trait::async_trait;

    use super::*;

    struct Answering(Repeats);

    #[async_trait]
    impl Sender for Answering {
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
        let way = |repeats| Way::Sender(Arc::new(Answering(repeats)));
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
