//! The daemon and its one binary.
fn main() {}
