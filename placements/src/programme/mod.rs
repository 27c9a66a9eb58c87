//! Programmes that lead to placements: how far persons have come in them, and what may be said of a whole cohort.
//!
//! Counts under five are hidden, and with them as many others as it takes so that none can be computed (`hiding.rs`).

mod hiding;
mod record;
mod report;
mod step;

pub use hiding::{Cell, SMALL};
pub use record::{CohortRecord, Reached, Said, Standing, What, standing};
pub use report::{Breakdown, Outcome, Participant, Report, Row};
pub use step::ProgrammeStep;
