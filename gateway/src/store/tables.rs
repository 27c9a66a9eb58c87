//! Every table of the store and what its columns hold, for those who read or write it as a whole.

use schemas::{Hash, hash_of};

/// A table that is store-first, or derived and kept all the same.
pub struct Table {
    /// Its name.
    pub name: &'static str,
    /// Its columns.
    pub columns: &'static [(&'static str, Kind)],
}

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A UUID.
    Id,
    /// Text.
    Text,
    /// A number.
    Number,
    /// Yes or no.
    Flag,
    /// Bytes.
    Bytes,
}

/// A value of a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// A UUID.
    Id(Option<uuid::Uuid>),
    /// Text.
    Text(Option<String>),
    /// A number.
    Number(Option<i64>),
    /// Yes or no.
    Flag(Option<bool>),
    /// Bytes.
    Bytes(Option<Vec<u8>>),
}

impl Table {
    /// The names of the columns, as they stand in a statement.
    pub fn column_names(&self) -> String {
        self.columns.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ")
    }

    /// The place of a column.
    pub fn place(&self, column: &str) -> Option<usize> {
        self.columns.iter().position(|(name, _)| *name == column)
    }
}

/// How many rows, and which, in whatever order.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Digest {
    /// How many.
    pub rows: i64,
    sum: [u128; 2],
}

impl Digest {
    /// Counts a row in.
    pub fn add(&mut self, row: &[Value]) {
        let bytes: Vec<Vec<u8>> = row.iter().map(Value::bytes).collect();
        let hash = hash_of(&bytes.iter().map(Vec::as_slice).collect::<Vec<_>>());
        for (sum, half) in self.sum.iter_mut().zip(hash.as_bytes().chunks_exact(16)) {
            let mut number = [0; 16];
            number.copy_from_slice(half);
            *sum = sum.wrapping_add(u128::from_be_bytes(number));
        }
        self.rows += 1;
    }

    /// Both in one.
    pub fn hash(&self) -> Hash {
        hash_of(&[&self.rows.to_be_bytes(), &self.sum[0].to_be_bytes(), &self.sum[1].to_be_bytes()])
    }
}

impl Value {
    /// The value with its kind before it; nothing for none, which no value is.
    fn bytes(&self) -> Vec<u8> {
        let (kind, bytes) = match self {
            Self::Id(value) => (b'i', value.map(|id| id.as_bytes().to_vec())),
            Self::Text(value) => (b't', value.as_ref().map(|text| text.as_bytes().to_vec())),
            Self::Number(value) => (b'n', value.map(|number| number.to_be_bytes().to_vec())),
            Self::Flag(value) => (b'f', value.map(|flag| vec![u8::from(flag)])),
            Self::Bytes(value) => (b'b', value.clone()),
        };
        bytes
            .map(|mut bytes| {
                bytes.insert(0, kind);
                bytes
            })
            .unwrap_or_default()
    }
}

use Kind::{Bytes, Flag, Id, Number, Text};

/// Every table but that of leases, which belong to nodes that run.
pub const TABLES: [Table; 31] = [
    Table { name: "ownership", columns: &[("resource", Text), ("epoch", Number)] },
    Table {
        name: "api_keys",
        columns: &[
            ("key_id", Text),
            ("key_hash", Text),
            ("partner", Text),
            ("label", Text),
            ("created_at", Number),
            ("revoked_at", Number),
        ],
    },
    Table {
        name: "grants",
        columns: &[
            ("record_id", Id),
            ("subject", Id),
            ("version", Number),
            ("state", Text),
            ("record", Text),
            ("made_at", Number),
        ],
    },
    Table {
        name: "grant_events",
        columns: &[("record_id", Id), ("version", Number), ("event", Text), ("recorded_at", Number)],
    },
    Table {
        name: "subjects",
        columns: &[
            ("subject", Id),
            ("version", Number),
            ("restricted_since", Number),
            ("reviewed", Number),
            ("review_at", Number),
        ],
    },
    Table {
        name: "subject_events",
        columns: &[("subject", Id), ("version", Number), ("event", Text), ("method", Text), ("at", Number)],
    },
    Table {
        name: "identity_events",
        columns: &[
            ("sequence", Number),
            ("event_id", Id),
            ("one", Id),
            ("other", Id),
            ("one_source", Text),
            ("other_source", Text),
            ("event", Text),
            ("evidence", Text),
            ("scheme", Text),
            ("confirmed_by", Text),
            ("method", Text),
            ("reference", Text),
            ("said_by", Text),
            ("code", Text),
            ("effective_at", Number),
            ("recorded_at", Number),
        ],
    },
    Table {
        name: "identity_links",
        columns: &[("subject", Id), ("linked", Id), ("source", Text), ("sequence", Number)],
    },
    Table {
        name: "disclosures",
        columns: &[
            ("subject", Id),
            ("partner", Text),
            ("entity_key", Id),
            ("kind", Text),
            ("version", Number),
            ("generation", Number),
            ("log_offset", Number),
            ("message_id", Id),
            ("origin", Text),
            ("sent_at", Number),
            ("taken_back_at", Number),
            ("permit", Text),
            ("valid_until", Number),
        ],
    },
    Table {
        name: "instrument_reviews",
        columns: &[
            ("generation", Number),
            ("instruments", Text),
            ("begun_at", Number),
            ("subject", Id),
            ("persons", Number),
            ("finished_at", Number),
        ],
    },
    Table {
        name: "recalls",
        columns: &[
            ("subject", Id),
            ("partner", Text),
            ("entity_key", Id),
            ("version", Number),
            ("code", Text),
            ("state", Text),
            ("owed_at", Number),
            ("sent_at", Number),
            ("settled_at", Number),
            ("escalated_at", Number),
            ("attempts", Number),
            ("detail", Text),
            ("dispatch_id", Id),
        ],
    },
    Table {
        name: "versions",
        columns: &[
            ("entity_key", Id),
            ("generation", Number),
            ("log_offset", Number),
            ("message_id", Id),
            ("partner", Text),
            ("kind", Text),
            ("reference", Text),
            ("content_hash", Text),
            ("is_open", Flag),
            ("modified_at", Text),
            ("recipients", Text),
            ("canonical", Bytes),
        ],
    },
    Table {
        name: "complements",
        columns: &[
            ("entity_key", Id),
            ("dialect", Text),
            ("generation", Number),
            ("log_offset", Number),
            ("complement", Bytes),
        ],
    },
    Table {
        name: "idempotency",
        columns: &[
            ("partner", Text),
            ("kind", Text),
            ("key_hash", Text),
            ("generation", Number),
            ("log_offset", Number),
            ("body_hash", Text),
            ("message_id", Id),
            ("expires_at", Number),
        ],
    },
    Table { name: "employers", columns: &[("employer", Text), ("entity_key", Id)] },
    Table { name: "syncs", columns: &[("partner", Text), ("share", Number), ("entity_key", Id), ("is_done", Flag)] },
    Table {
        name: "replays",
        columns: &[
            ("replay_id", Id),
            ("entity_key", Id),
            ("share", Number),
            ("recipient", Text),
            ("wanted_at", Number),
        ],
    },
    Table {
        name: "polls",
        columns: &[("partner", Text), ("cursor", Text), ("run", Text), ("before", Text), ("is_doubted", Flag)],
    },
    Table { name: "poll_seen", columns: &[("partner", Text), ("run", Text), ("reference", Text)] },
    Table { name: "poll_marks", columns: &[("partner", Text), ("reference", Text), ("mark", Text)] },
    Table {
        name: "dispatches",
        columns: &[
            ("dispatch_id", Id),
            ("partner", Text),
            ("entity_key", Id),
            ("generation", Number),
            ("log_offset", Number),
            ("message_id", Id),
            ("kind", Text),
            ("operation", Text),
            ("origin", Text),
            ("state", Text),
            ("lane", Number),
            ("due_at", Number),
            ("attempt", Number),
            ("epoch", Number),
            ("body_hash", Text),
            ("in_doubt", Flag),
            ("deadline", Number),
            ("code", Text),
            ("detail", Text),
            ("faults", Text),
            ("losses", Text),
            ("versions", Text),
            ("updated_at", Number),
            ("journaled", Flag),
            ("envelope", Bytes),
        ],
    },
    Table {
        name: "sent",
        columns: &[
            ("partner", Text),
            ("entity_key", Id),
            ("generation", Number),
            ("log_offset", Number),
            ("is_active", Flag),
            ("foreign_reference", Text),
            ("dispatch_id", Id),
            ("ends_at", Number),
            ("ends_code", Text),
        ],
    },
    Table {
        name: "feed_items",
        columns: &[
            ("partner", Text),
            ("reference", Text),
            ("is_active", Flag),
            ("content", Text),
            ("media_type", Text),
            ("created_at", Number),
            ("modified_at", Number),
            ("closed_at", Number),
            ("reason", Text),
            ("source_reason", Text),
        ],
    },
    Table { name: "feed_clocks", columns: &[("partner", Text), ("last_at", Number)] },
    Table {
        name: "person_feed_items",
        columns: &[
            ("partner", Text),
            ("kind", Text),
            ("entity_key", Id),
            ("subject", Id),
            ("source", Text),
            ("is_active", Flag),
            ("sealed", Bytes),
            ("content_hash", Text),
            ("version", Number),
            ("permit", Text),
            ("valid_until", Number),
            ("rules", Text),
            ("is_withheld", Flag),
            ("created_at", Number),
            ("modified_at", Number),
            ("closed_at", Number),
            ("reason", Text),
            ("awaits_pull", Flag),
            ("ended_send", Number),
        ],
    },
    Table {
        name: "placement_events",
        columns: &[
            ("message_id", Id),
            ("entity_key", Id),
            ("partner", Text),
            ("generation", Number),
            ("log_offset", Number),
            ("received_at", Number),
            ("canonical", Bytes),
        ],
    },
    Table {
        name: "media",
        columns: &[
            ("media_id", Id),
            ("entity_key", Id),
            ("generation", Number),
            ("log_offset", Number),
            ("message_id", Id),
            ("origin", Text),
            ("category", Text),
            ("sealed", Bytes),
            ("state", Text),
            ("blob_id", Id),
            ("attempt", Number),
            ("wanted_at", Number),
            ("due_at", Number),
            ("taken_until", Number),
            ("code", Text),
            ("settled_at", Number),
            ("is_untold", Flag),
            ("dropped_at", Number),
        ],
    },
    Table {
        name: "media_tokens",
        columns: &[
            ("token_hash", Text),
            ("media_id", Id),
            ("recipient", Text),
            ("subject", Id),
            ("version", Number),
            ("valid_until", Number),
            ("rules", Text),
            ("expires_at", Number),
            ("bytes_left", Number),
        ],
    },
    Table {
        name: "parked_inputs",
        columns: &[
            ("parked_id", Id),
            ("partner", Text),
            ("kind", Text),
            ("dialect", Text),
            ("channel", Text),
            ("code", Text),
            ("faults", Text),
            ("media_type", Text),
            ("raw", Bytes),
            ("received_at", Number),
            ("state", Text),
        ],
    },
    Table {
        name: "messages",
        columns: &[
            ("message_id", Id),
            ("entity_key", Id),
            ("partner", Text),
            ("kind", Text),
            ("operation", Text),
            ("dialect", Text),
            ("channel", Text),
            ("reference", Text),
            ("generation", Number),
            ("log_offset", Number),
            ("received_at", Number),
        ],
    },
    Table {
        name: "events",
        columns: &[
            ("message_id", Id),
            ("recipient", Text),
            ("step", Text),
            ("attempt", Number),
            ("occurrence", Number),
            ("at", Number),
            ("code", Text),
            ("detail", Text),
            ("losses", Text),
            ("versions", Text),
        ],
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_knows_rows_in_any_order_and_none_from_nothing() {
        let (one, other) =
            ([Value::Text(Some("a".to_owned())), Value::Number(None)], [Value::Text(None), Value::Number(Some(1))]);
        let of = |rows: &[&[Value]]| {
            let mut digest = Digest::default();
            for row in rows {
                digest.add(row);
            }
            digest
        };
        assert_eq!(of(&[&one, &other]), of(&[&other, &one]));
        assert_ne!(of(&[&one, &one]), of(&[&one, &other]));
        assert_ne!(of(&[&[Value::Text(None)]]), of(&[&[Value::Text(Some(String::new()))]]));
    }
}
