//! The way of a person to a job: the one state machine there is, and what everything that was said of a placement comes to.
//!
//! Events are never rewritten and may come in any order. Where a placement stands follows from the set of them alone:
//! [`replay`] sorts them by when they happened and takes each that is legal there. **Invariant:** no I/O, no clock.

mod deadline;
mod event;
mod machine;
pub mod programme;
mod replay;
mod state;
#[cfg(test)]
mod tests;

pub use deadline::{Deadline, Deadlines, DueKind};
pub use event::{Event, Happening, Milestone};
pub use machine::{inferred, next};
pub use replay::{Illegal, Parked, Placement, Step, replay};
pub use state::{State, Track};
