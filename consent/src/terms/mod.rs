//! The words of consent: closed lists, each term with its one spelling.
//!
//! Source: W3C Data Privacy Vocabulary 2.2 (`dpv:`, `eu-gdpr:`), <https://w3id.org/dpv>. Terms that it lacks are ours
//! (`gw:`), those of the Moroccan law 09-08 begin with `ma:`.

mod basis;
mod category;
mod country;
mod legal_id;
mod purpose;
mod recipient;
mod role;
mod stage;
mod state;

pub use self::{
    basis::{LegalBasis, Right},
    category::{
        first_stage_for_employers, may_be_asked_for, may_be_permitted_to, wants_explicit_consent, wants_own_tick,
    },
    country::Country,
    legal_id::LegalId,
    purpose::{Action, Purpose},
    recipient::Recipient,
    role::Role,
    stage::Stage,
    state::{ConsentType, Method, Passage, State},
};

/// A word that is none of a list.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is no {list}{}", list_of(.known))]
pub struct UnknownTerm {
    /// What was looked for.
    pub list: &'static str,
    /// What was said instead.
    pub text: String,
    /// The words that there are.
    pub known: Vec<&'static str>,
}

fn list_of(words: &[&str]) -> String {
    if words.is_empty() { String::new() } else { format!("; use one of {}", words.join(", ")) }
}

/// Declares a closed list of terms: the enum, its spellings, and how it is read and written. A macro because a term is
/// then typed once, and a list of them cannot miss one.
macro_rules! terms {
    (
        $(#[$outer:meta])*
        $list:literal: $name:ident { $( $(#[$inner:meta])* $variant:ident = $text:literal, )+ }
    ) => {
        $(#[$outer])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
        #[serde(try_from = "String", into = "&'static str")]
        pub enum $name { $( $(#[$inner])* $variant, )+ }

        impl $name {
            /// Every term, in the order of the list.
            pub const ALL: &'static [Self] = &[$( Self::$variant, )+];

            /// The term as it is written.
            pub const fn as_str(self) -> &'static str {
                match self { $( Self::$variant => $text, )+ }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str(self.as_str())
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::terms::UnknownTerm;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Self::ALL.iter().copied().find(|term| term.as_str() == text).ok_or_else(|| {
                    let known = Self::ALL.iter().map(|term| term.as_str()).collect();
                    $crate::terms::UnknownTerm { list: $list, text: text.to_owned(), known }
                })
            }
        }

        impl TryFrom<String> for $name {
            type Error = $crate::terms::UnknownTerm;

            fn try_from(text: String) -> Result<Self, Self::Error> {
                text.parse()
            }
        }

        impl From<$name> for &'static str {
            fn from(term: $name) -> Self {
                term.as_str()
            }
        }
    };
}
pub(crate) use terms;
