//! The small closed vocabularies of the header.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// Gives a closed vocabulary its text form; the symbols are those of the schemas.
macro_rules! vocabulary {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $text:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum $name { $($(#[$variant_doc])* $variant),+ }

        impl $name {
            /// Every one of them.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The symbol in Avro, URLs, configuration and logs.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),+ }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str(self.as_str())
            }
        }

        impl FromStr for $name {
            type Err = String;

            fn from_str(text: &str) -> Result<Self, String> {
                match text {
                    $($text => Ok(Self::$variant),)+
                    other => Err(format!(
                        "`{other}` is none of {}",
                        [$(concat!("`", $text, "`")),+].join(", ")
                    )),
                }
            }
        }
    };
}
pub(crate) use vocabulary;

vocabulary! {
    /// What a message is about.
    Kind {
        /// A vacancy; may travel plain.
        Vacancy = "vacancy",
        /// A talent profile; personal, only ever sealed.
        TalentProfile = "talent_profile",
        /// A placement status; personal, only ever sealed.
        PlacementStatus = "placement_status",
    }
}

impl Kind {
    /// Whether it is about persons, and travels sealed only.
    pub const fn is_personal(self) -> bool {
        matches!(self, Self::TalentProfile | Self::PlacementStatus)
    }
}

vocabulary! {
    /// What a message does to its entity.
    Operation {
        /// States the entity anew.
        Upsert = "upsert",
        /// Ends the entity.
        Close = "close",
        /// Reports something that happened to it.
        Event = "event",
    }
}

vocabulary! {
    /// How a message came in.
    Channel {
        /// The caller pushed it and was answered.
        Push = "push",
        /// A vendor-signed event.
        Webhook = "webhook",
        /// A poller fetched it.
        Poll = "poll",
        /// A file was dropped.
        File = "file",
        /// An operator released or replayed it.
        Operator = "operator",
    }
}

vocabulary! {
    /// How urgent a dispatch is; the first is served first.
    Lane {
        /// Closings and withdrawals.
        Closing = "closing",
        /// Changes as they happen.
        Live = "live",
        /// What did not get through before.
        Retry = "retry",
        /// Initial sync and replays.
        Backfill = "backfill",
    }
}
