//! The wall clock, injected so that tests can set it.

use std::fmt;
#[cfg(test)]
use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use jiff::Timestamp;

/// Tells the time.
#[derive(Clone)]
pub struct Clock(Source);

#[derive(Clone)]
enum Source {
    System,
    #[cfg(test)]
    Fixed(Arc<AtomicI64>),
}

impl Clock {
    /// The clock of the machine.
    pub fn system() -> Self {
        Self(Source::System)
    }

    /// A clock that stands still until it is moved.
    #[cfg(test)]
    pub fn fixed(at: &str) -> Self {
        let instant: Timestamp = at.parse().expect("tests write RFC 3339");
        Self(Source::Fixed(Arc::new(AtomicI64::new(instant.as_microsecond()))))
    }

    /// Moves a fixed clock forward.
    #[cfg(test)]
    pub fn advance(&self, by: std::time::Duration) {
        if let Source::Fixed(micros) = &self.0 {
            micros.fetch_add(i64::try_from(by.as_micros()).expect("short"), Ordering::SeqCst);
        }
    }

    /// Now.
    pub fn now(&self) -> Timestamp {
        match &self.0 {
            Source::System => Timestamp::now(),
            #[cfg(test)]
            Source::Fixed(micros) => Timestamp::from_microsecond(micros.load(Ordering::SeqCst)).unwrap_or_default(),
        }
    }

    /// Now, in microseconds since 1970 UTC.
    pub fn now_micros(&self) -> i64 {
        self.now().as_microsecond()
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self.0 {
            Source::System => "Clock(system)",
            #[cfg(test)]
            Source::Fixed(_) => "Clock(fixed)",
        })
    }
}
