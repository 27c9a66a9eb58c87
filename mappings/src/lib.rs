//! Translates between the dialects of the outside world and the canonical records.

pub mod text;
