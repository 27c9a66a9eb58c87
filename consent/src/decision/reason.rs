//! Why something may not be: codes with their remedies. Each code has its page in `docs/errors/`.

use serde::{Serialize, Serializer};

/// Why nothing may go. Of several grants the reason of the newest is given, and of equally new ones that which stands
/// later here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reason {
    /// No purpose, no action or no category was asked for.
    NothingAsked,
    /// Nobody knows the person.
    SubjectUnknown,
    /// The person was erased.
    SubjectErased,
    /// The person's data is to be left alone.
    SubjectRestricted,
    /// Data may not leave the country.
    NoInstrument,
    /// Nothing was asked of the person.
    NoGrant,
    /// The person has not answered.
    NotGiven,
    /// The person said no.
    Refused,
    /// The person took it back.
    Withdrawn,
    /// Somebody else took it back.
    Revoked,
    /// Its time is over.
    Expired,
    /// It does not hold.
    Invalidated,
    /// It holds later.
    NotYet,
    /// No permission is in its time.
    OutOfPeriod,
    /// The person did not agree that it leaves the country.
    TransferNotConsented,
    /// The recipient is not named.
    Recipient,
    /// The recipient's country is not named.
    RecipientCountry,
    /// A purpose is not permitted.
    Purpose,
    /// Every category is withheld.
    NothingPermitted,
    /// The placement for which it went is over, and so is the time for which the recipient may keep it.
    RetentionOver,
}

impl Reason {
    /// The code.
    pub fn code(self) -> &'static str {
        match self {
            Self::NothingAsked => "nothing_asked",
            Self::SubjectUnknown => "subject_unknown",
            Self::SubjectErased => "subject_erased",
            Self::SubjectRestricted => "subject_restricted",
            Self::NoInstrument => "no_transfer_instrument",
            Self::NoGrant => "no_grant",
            Self::NotGiven => "consent_not_given",
            Self::Refused => "consent_refused",
            Self::Withdrawn => "consent_withdrawn",
            Self::Revoked => "consent_revoked",
            Self::Expired => "consent_expired",
            Self::Invalidated => "consent_invalidated",
            Self::NotYet => "consent_not_yet",
            Self::OutOfPeriod => "consent_out_of_period",
            Self::TransferNotConsented => "transfer_not_consented",
            Self::Recipient => "recipient_not_named",
            Self::RecipientCountry => "recipient_country_not_named",
            Self::Purpose => "purpose_not_permitted",
            Self::NothingPermitted => "nothing_permitted",
            Self::RetentionOver => "retention_over",
        }
    }

    /// What would help, for people.
    pub fn remedy(self) -> &'static str {
        match self {
            Self::NothingAsked => "ask for at least one purpose, one action and one category",
            Self::SubjectUnknown => "send the person's profile first, or look the pseudonym up again",
            Self::SubjectErased => "nothing: the person was erased, and nothing may go any more",
            Self::SubjectRestricted => "wait until the person lifts the restriction (GDPR article 18)",
            Self::NoInstrument => {
                "configure a dated instrument for this pair in `[[transfers]]`; consent is not enough"
            }
            Self::NoGrant | Self::NotGiven => "ask the person, and record the answer",
            Self::Refused | Self::Withdrawn | Self::Revoked | Self::Invalidated => {
                "ask the person again under a new notice, in a record that replaces this one"
            }
            Self::Expired => "ask the person whether the consent is renewed, under a new notice if it had expired",
            Self::NotYet | Self::OutOfPeriod => "wait for the time that the permission names, or ask for another",
            Self::TransferNotConsented => {
                "ask for explicit consent that names this pair of countries and its instrument in `processing.transfer`"
            }
            Self::Recipient => "ask for a permission that names this recipient",
            Self::RecipientCountry => "ask for a permission that names the recipient's country",
            Self::Purpose => "ask for less, or ask for a permission that names every purpose",
            Self::NothingPermitted => "look at the reason of each category",
            Self::RetentionOver => "nothing: the placement is over; another one begins with another application",
        }
    }
}

impl Serialize for Reason {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.code())
    }
}

/// Why a category is withheld. Of several reasons that which stands first here is given: a denial before a condition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Withheld {
    /// No permission names it for this purpose, action, stage and time.
    NotPermitted,
    /// It is no category, or none of ours.
    Unclassified,
    /// A denial holds.
    Excepted,
    /// An employer may have it at a later stage.
    TooEarly,
    /// It wants explicit consent.
    NotExplicit,
}

impl Withheld {
    /// The code.
    pub fn code(self) -> &'static str {
        match self {
            Self::NotPermitted => "category_not_permitted",
            Self::Unclassified => "category_unclassified",
            Self::Excepted => "category_excepted",
            Self::TooEarly => "category_too_early",
            Self::NotExplicit => "category_not_explicit",
        }
    }
}

impl Serialize for Withheld {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.code())
    }
}
