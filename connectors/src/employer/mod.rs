//! An employer that takes talent profiles: HR Open `Candidate` by the plain REST profile ([`crate::rest`]).

pub mod stub;
