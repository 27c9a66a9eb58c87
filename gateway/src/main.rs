//! The daemon and its one binary.

mod backbone;
mod clock;
mod store;
mod supervisor;

fn main() {}
