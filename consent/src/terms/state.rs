//! In which state a consent is, and which states may follow.

use super::terms;

terms! {
    /// The state of a consent. Source: DPV 2.2, consent status.
    "state of a consent": State {
        /// Nothing is known of it.
        Unknown = "dpv:ConsentUnknown",
        /// The person was asked.
        Requested = "dpv:ConsentRequested",
        /// The person will answer later.
        Deferred = "dpv:ConsentRequestDeferred",
        /// The person said no.
        Refused = "dpv:ConsentRefused",
        /// The person said yes.
        Given = "dpv:ConsentGiven",
        /// The person said yes again.
        Renewed = "dpv:RenewedConsentGiven",
        /// The person took it back.
        Withdrawn = "dpv:ConsentWithdrawn",
        /// Somebody else took it back.
        Revoked = "dpv:ConsentRevoked",
        /// Its time is over.
        Expired = "dpv:ConsentExpired",
        /// It turned out not to hold.
        Invalidated = "dpv:ConsentInvalidated",
    }
}

/// How one state may follow another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Passage {
    /// In the same record.
    SameRecord,
    /// With a new notice, in a new record that replaces this one.
    NewRecord,
    /// Never.
    Never,
}

impl State {
    /// Whether data may be processed in this state.
    pub fn permits(self) -> bool {
        matches!(self, Self::Given | Self::Renewed)
    }

    /// The code of a consent that ended so; none of a state in which none was in force before.
    pub fn ended_by(self) -> Option<&'static str> {
        match self {
            Self::Withdrawn => Some("consent_withdrawn"),
            Self::Revoked => Some("consent_revoked"),
            Self::Invalidated => Some("consent_invalidated"),
            Self::Expired => Some("consent_expired"),
            Self::Unknown | Self::Requested | Self::Deferred | Self::Refused | Self::Given | Self::Renewed => None,
        }
    }

    /// How a state may follow this one.
    pub fn passage(self, next: Self) -> Passage {
        use State::{Deferred, Expired, Given, Invalidated, Refused, Renewed, Requested, Revoked, Unknown, Withdrawn};
        match (self, next) {
            (Unknown, Requested)
            | (Requested, Given | Refused | Deferred | Expired)
            | (Deferred, Requested | Given | Refused | Expired)
            | (Given | Renewed, Renewed | Withdrawn | Revoked | Expired | Invalidated) => Passage::SameRecord,
            (Refused | Withdrawn | Revoked | Expired | Invalidated, Requested) => Passage::NewRecord,
            _ => Passage::Never,
        }
    }
}

terms! {
    /// How clearly a consent was said. Source: DPV 2.2, consent types.
    "type of consent": ConsentType {
        /// By an act that says nothing but this.
        Explicit = "dpv:ExplicitlyExpressedConsent",
        /// By an act.
        Expressed = "dpv:ExpressedConsent",
        /// By what was done otherwise.
        Implied = "dpv:ImpliedConsent",
    }
}

terms! {
    /// How an event came to us.
    "method": Method {
        /// On a page.
        Web = "web",
        /// In an application on a telephone.
        App = "app",
        /// On paper.
        Paper = "paper",
        /// In person, at a counter.
        InPerson = "in_person",
        /// By telephone.
        Phone = "phone",
        /// Out of a record of another system.
        Import = "import",
        /// By the gateway itself, such as when time is over.
        Automatic = "automatic",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Source: the reference on consent, part 2.3, as it stands there.
    const LEGAL: &[(&str, &[&str], Passage)] = &[
        ("Unknown", &["Requested"], Passage::SameRecord),
        ("Requested", &["Given", "Refused", "Deferred", "Expired"], Passage::SameRecord),
        ("Deferred", &["Requested", "Given", "Refused", "Expired"], Passage::SameRecord),
        ("Given", &["Renewed", "Withdrawn", "Revoked", "Expired", "Invalidated"], Passage::SameRecord),
        ("Renewed", &["Renewed", "Withdrawn", "Revoked", "Expired", "Invalidated"], Passage::SameRecord),
        ("Refused", &["Requested"], Passage::NewRecord),
        ("Withdrawn", &["Requested"], Passage::NewRecord),
        ("Revoked", &["Requested"], Passage::NewRecord),
        ("Expired", &["Requested"], Passage::NewRecord),
        ("Invalidated", &["Requested"], Passage::NewRecord),
    ];

    #[test]
    fn every_pair_of_states_passes_as_the_table_says() {
        for from in State::ALL {
            for to in State::ALL {
                let row = LEGAL.iter().find(|(name, ..)| *name == format!("{from:?}")).unwrap();
                let expected = if row.1.contains(&format!("{to:?}").as_str()) { row.2 } else { Passage::Never };
                assert_eq!(from.passage(*to), expected, "{from} to {to}");
            }
        }
    }

    #[test]
    fn a_state_is_read_as_it_is_written() {
        for state in State::ALL {
            assert_eq!(state.as_str().parse(), Ok(*state));
        }
        assert!("ConsentGiven".parse::<State>().unwrap_err().to_string().contains("dpv:ConsentGiven"));
    }

    #[test]
    fn only_two_states_permit() {
        let permitting: Vec<_> = State::ALL.iter().filter(|state| state.permits()).collect();
        assert_eq!(permitting, [&State::Given, &State::Renewed]);
    }
}
