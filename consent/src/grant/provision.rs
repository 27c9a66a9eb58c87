//! What is permitted or denied, and under which conditions; exceptions lie inside what they are exceptions to.

use std::collections::BTreeSet;

use jiff::Timestamp;
use schemas::Category;
use serde::{Deserialize, Serialize};

use super::{
    super::{
        period::Period,
        terms::{Action, Country, Purpose, Recipient, Stage, may_be_asked_for},
    },
    event::Until,
    record::Onward,
};

/// A permission or a denial. A condition that is left out always holds, with two exceptions of [`Provision::check`] and
/// [`wants_own_tick`](super::super::terms::wants_own_tick).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Provision {
    /// What it says.
    pub effect: Effect,
    /// To whom.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub recipients: BTreeSet<Recipient>,
    /// Where they are.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub recipient_countries: BTreeSet<Country>,
    /// What for.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub purposes: BTreeSet<Purpose>,
    /// What is done.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub actions: BTreeSet<Action>,
    /// With what data.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub categories: BTreeSet<Category>,
    /// When.
    #[serde(default, skip_serializing_if = "ValidTime::is_always")]
    pub valid: ValidTime,
    /// From this stage of the placement on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from_stage: Option<Stage>,
    /// Until the placement reaches this stage.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until_stage: Option<Stage>,
    /// How long the recipient may keep it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retention: Option<Period>,
    /// Whether the recipient may pass it on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub onward: Option<Onward>,
    /// What is otherwise.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exceptions: Vec<Provision>,
}

/// What a provision says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// It may be.
    Permit,
    /// It may not be.
    Deny,
}

/// When a provision holds: from a moment on, until another or until something happens.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ValidTime {
    /// Its beginning.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Timestamp>,
    /// Its end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Until>,
}

impl ValidTime {
    fn is_always(&self) -> bool {
        *self == Self::default()
    }
}

/// How many levels of exceptions there may be.
const DEEPEST: usize = 8;

impl Provision {
    /// Refuses a permission of the first level that does not say to whom, where, what for and how long: nobody is asked
    /// for less.
    ///
    /// # Errors
    /// Says what is missing.
    pub fn check(&self) -> Result<(), String> {
        if self.effect == Effect::Permit {
            for (name, is_missing) in [
                ("recipients", self.recipients.is_empty()),
                ("recipient_countries", self.recipient_countries.is_empty()),
                ("purposes", self.purposes.is_empty()),
                ("retention", self.retention.is_none()),
            ] {
                if is_missing {
                    return Err(format!("a permission without `{name}` would permit too much; name them"));
                }
            }
        } else if self.exceptions.iter().any(Self::permits_somewhere) {
            return Err(
                "a permission inside a denial of the first level would permit to anybody; put it beside".to_owned()
            );
        }
        self.check_level(1)
    }

    fn permits_somewhere(&self) -> bool {
        self.effect == Effect::Permit || self.exceptions.iter().any(Self::permits_somewhere)
    }

    fn check_level(&self, level: usize) -> Result<(), String> {
        if level > DEEPEST {
            return Err(format!("exceptions lie more than {DEEPEST} levels deep"));
        }
        if self.effect == Effect::Permit
            && let Some(recipient) = self.recipients.iter().find(|recipient| !recipient.may_be_permitted())
        {
            return Err(format!("`{recipient}` is everybody: name each employer"));
        }
        if let Some(category) = self.categories.iter().find(|category| !may_be_asked_for(**category)) {
            return Err(format!("`{category}` says nothing of the person, and nobody is asked about it; leave it out"));
        }
        if let (Some(from), Some(until)) = (self.from_stage, self.until_stage)
            && from >= until
        {
            return Err(format!("`from_stage` {from} is not before `until_stage` {until}: it would never hold"));
        }
        self.exceptions.iter().try_for_each(|exception| exception.check_level(level + 1))
    }
}
