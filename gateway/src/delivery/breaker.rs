//! The circuit breaker of one partner: after failures in a row nothing is sent until a test of the connection succeeds.
//!
//! Pure: no clock, no network. What waits meanwhile keeps its order and its lane.

use std::time::{Duration, Instant};

/// The breaker of one partner.
#[derive(Debug)]
pub struct Breaker {
    threshold: u32,
    shortest: Duration,
    longest: Duration,
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Closed { failures: u32 },
    Open { since: Instant, pause: Duration },
    Testing { pause: Duration },
}

/// Whether something may be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Circuit {
    /// Yes.
    Closed,
    /// No; look again in so long.
    Open(Duration),
    /// No; the connection is to be tested now.
    Test,
    /// No; the connection is being tested.
    Testing,
}

impl Breaker {
    /// A closed breaker that opens after so many failures in a row, and tests after a pause that doubles up to the longest.
    pub fn new(threshold: u32, shortest: Duration, longest: Duration) -> Self {
        Self {
            threshold: threshold.max(1),
            shortest,
            longest: longest.max(shortest),
            state: State::Closed { failures: 0 },
        }
    }

    /// Whether something may be sent. After [`Circuit::Test`] the caller owes [`Self::tested`].
    pub fn look(&mut self, now: Instant) -> Circuit {
        match self.state {
            State::Closed { .. } => Circuit::Closed,
            State::Testing { .. } => Circuit::Testing,
            State::Open { since, pause } => {
                let waited = now.saturating_duration_since(since);
                if waited < pause {
                    return Circuit::Open(pause.saturating_sub(waited));
                }
                self.state = State::Testing { pause };
                Circuit::Test
            }
        }
    }

    /// Notes that the partner answered.
    pub fn succeeded(&mut self) {
        if let State::Closed { failures } = &mut self.state {
            *failures = 0;
        }
    }

    /// Notes that the partner did not answer, or failed. Returns whether that opened the breaker.
    pub fn failed(&mut self, now: Instant) -> bool {
        let State::Closed { failures } = &mut self.state else { return false };
        *failures += 1;
        let opens = *failures >= self.threshold;
        if opens {
            self.state = State::Open { since: now, pause: self.shortest };
        }
        opens
    }

    /// Notes how a test of the connection went.
    pub fn tested(&mut self, is_well: bool, now: Instant) {
        let State::Testing { pause } = self.state else { return };
        self.state = if is_well {
            // One more failure opens it again: a partner that answers tests but not sends is not hammered.
            State::Closed { failures: self.threshold - 1 }
        } else {
            State::Open { since: now, pause: (pause * 2).min(self.longest) }
        };
    }

    /// Whether nothing may be sent.
    pub fn is_open(&self) -> bool {
        !matches!(self.state, State::Closed { .. })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn opened() -> (Breaker, Instant) {
        let (mut breaker, now) = (Breaker::new(3, SECOND, SECOND * 3), Instant::now());
        assert_eq!([breaker.failed(now), breaker.failed(now), breaker.failed(now)], [false, false, true]);
        (breaker, now)
    }

    #[test]
    fn an_answer_in_between_starts_the_count_anew() {
        let (mut breaker, now) = (Breaker::new(2, SECOND, SECOND), Instant::now());
        breaker.failed(now);
        breaker.succeeded();
        assert!(!breaker.failed(now));
        assert_eq!(breaker.look(now), Circuit::Closed);
    }

    #[test]
    fn it_waits_then_tests_once() {
        let (mut breaker, now) = opened();
        assert_eq!(breaker.look(now), Circuit::Open(SECOND));
        assert_eq!(breaker.look(now + SECOND), Circuit::Test);
        assert_eq!(breaker.look(now + SECOND), Circuit::Testing);
    }

    #[test]
    fn failed_tests_wait_ever_longer_up_to_the_longest() {
        let (mut breaker, mut now) = opened();
        for pause in [1, 2, 3, 3] {
            assert_eq!(breaker.look(now), Circuit::Open(SECOND * pause));
            now += SECOND * pause;
            assert_eq!(breaker.look(now), Circuit::Test);
            breaker.tested(false, now);
        }
    }

    #[test]
    fn a_good_test_closes_it_on_probation() {
        let (mut breaker, now) = opened();
        breaker.look(now + SECOND);
        breaker.tested(true, now + SECOND);
        assert_eq!(breaker.look(now + SECOND), Circuit::Closed);
        assert!(breaker.failed(now + SECOND), "the first failure opens it again");
    }
}
