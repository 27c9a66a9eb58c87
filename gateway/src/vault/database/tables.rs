//! Every table of the keys' database and what its columns hold, for whoever moves it as a whole.

use crate::store::{
    ColumnKind::{Bytes, Id, Number, Text},
    Table,
};

/// The tables.
pub const TABLES: [Table; 4] = [
    Table { name: "subjects", columns: &[("subject_id", Id), ("created_at", Number), ("destroyed_at", Number)] },
    Table { name: "foreign_ids", columns: &[("id_hash", Text), ("subject_id", Id)] },
    Table {
        name: "data_keys",
        columns: &[
            ("key_id", Id),
            ("subject_id", Id),
            ("recipient", Text),
            ("version", Text),
            ("wrapped", Bytes),
            ("created_at", Number),
        ],
    },
    Table {
        name: "verified_numbers",
        columns: &[("subject_id", Id), ("scheme", Text), ("number_hash", Text), ("partner", Text)],
    },
];
