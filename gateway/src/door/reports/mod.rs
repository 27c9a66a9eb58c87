//! What may be said of many persons at once. Operators only.

pub mod programme;
