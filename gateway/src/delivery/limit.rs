//! What a partner lets us send: several windows at once, and the pauses that it asks for.
//!
//! **Invariant:** no window of a partner ever sees more requests than it allows, restarts included: a limit begins
//! as if its bursts were spent, and every window keeps [`MARGIN`] for what the network does to distances.

use std::{
    num::NonZeroU32,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use governor::{
    Quota, RateLimiter,
    clock::{Clock, Reference},
    middleware::NoOpMiddleware,
    state::{InMemoryState, NotKeyed},
};
use metrics::counter;

use crate::config::Limits;

/// By how much a window is taken to be longer than it is.
const MARGIN: Duration = Duration::from_millis(500);
/// A permit older than this is not used any more: sends would come closer together than they were permitted.
const STALE_AFTER: Duration = Duration::from_millis(200);
/// The part of a window's requests that may go at once.
const BURST_SHARE: u32 = 10;

type Window<C> = RateLimiter<NotKeyed, InMemoryState, C, NoOpMiddleware<<C as Clock>::Instant>>;

/// The limit of one partner.
pub struct Limit<C: Clock> {
    clock: C,
    /// The longest window first, so that a permit is as young as can be in the shortest.
    windows: Vec<Window<C>>,
    is_shadow: bool,
    state: Mutex<State<C::Instant>>,
}

struct State<I> {
    /// How many windows have granted the next permit already.
    granted: usize,
    /// Permits that were not needed, by the time they were granted.
    spare: Vec<I>,
    paused_until: Option<I>,
}

/// The right to send one request now.
#[derive(Debug, Clone, Copy)]
pub struct Permit<I>(I);

impl<C: Clock + Clone> Limit<C> {
    /// The limit that a partner file describes.
    pub fn new(limits: &Limits, clock: C) -> Self {
        let mut described = limits.windows.clone();
        described.sort_by_key(|window| std::cmp::Reverse(window.seconds));
        let windows: Vec<_> = described
            .iter()
            .map(|window| {
                let (quota, burst) = quota(window.requests, Duration::from_secs(window.seconds.get().into()));
                let limiter = RateLimiter::direct_with_clock(quota, clock.clone());
                // A daemon before this one may just have spent the burst.
                limiter.check_n(burst).ok().and_then(Result::ok);
                limiter
            })
            .collect();
        let state = Mutex::new(State { granted: 0, spare: Vec::new(), paused_until: None });
        Self { clock, windows, is_shadow: limits.shadow, state }
    }

    /// A permit, or how long to wait before asking again.
    pub fn take(&self) -> Result<Permit<C::Instant>, Duration> {
        let now = self.clock.now();
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(until) = state.paused_until {
            let left: Duration = until.duration_since(now).into();
            if !left.is_zero() {
                return Err(left);
            }
            state.paused_until = None;
        }
        while let Some(granted) = state.spare.pop() {
            if !is_stale(granted, now) {
                return Ok(Permit(granted));
            }
        }
        while let Some(window) = self.windows.get(state.granted) {
            match window.check() {
                Ok(()) => {}
                Err(_) if self.is_shadow => {
                    counter!("passerelle_limit_would_wait_total").increment(1);
                }
                Err(not_until) => return Err(not_until.wait_time_from(now)),
            }
            state.granted += 1;
        }
        state.granted = 0;
        Ok(Permit(now))
    }

    /// Gives back a permit that was not needed.
    pub fn give_back(&self, permit: Permit<C::Instant>) {
        if !is_stale(permit.0, self.clock.now()) && !self.windows.is_empty() {
            self.state.lock().unwrap_or_else(PoisonError::into_inner).spare.push(permit.0);
        }
    }

    /// Whether a permit has lain too long to be used.
    pub fn is_stale(&self, permit: Permit<C::Instant>) -> bool {
        !self.windows.is_empty() && is_stale(permit.0, self.clock.now())
    }

    /// Sends nothing for so long, as the partner asked.
    pub fn pause(&self, wish: Duration) {
        let until = self.clock.now() + wish.into();
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.paused_until = Some(state.paused_until.map_or(until, |before| before.max(until)));
    }
}

fn is_stale<I: Reference>(granted: I, now: I) -> bool {
    Duration::from(now.duration_since(granted)) > STALE_AFTER
}

/// A burst and a steady rate that together never exceed the window, wherever it begins.
fn quota(requests: NonZeroU32, window: Duration) -> (Quota, NonZeroU32) {
    let burst = NonZeroU32::new(requests.get() / BURST_SHARE).unwrap_or(NonZeroU32::MIN);
    let steady = (requests.get() - burst.get()).max(1);
    let period = (window + MARGIN) / steady;
    let quota = Quota::with_period(period).expect("a window is a second or more");
    (quota.allow_burst(burst), burst)
}

#[cfg(test)]
mod tests {
    use governor::clock::FakeRelativeClock;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn limit(toml: &str) -> (Limit<FakeRelativeClock>, FakeRelativeClock) {
        let clock = FakeRelativeClock::default();
        (Limit::new(&toml::from_str(toml).unwrap(), clock.clone()), clock)
    }

    const VDAB: &str = "windows = [{ requests = 50, seconds = 10 }, { requests = 2000, seconds = 60 }, { requests = 60, seconds = 20 }]";

    /// Takes whatever it gets for so long and says when.
    fn take_for(limit: &Limit<FakeRelativeClock>, clock: &FakeRelativeClock, time: Duration) -> Vec<Duration> {
        let (mut at, mut taken) = (Duration::ZERO, Vec::new());
        while at < time {
            match limit.take() {
                Ok(_) => taken.push(at),
                Err(wait) => {
                    let wait = wait.max(Duration::from_millis(1));
                    clock.advance(wait);
                    at += wait;
                }
            }
        }
        taken
    }

    fn most_in(window: Duration, taken: &[Duration]) -> usize {
        let within = |from: &Duration| taken.iter().filter(|at| *at >= from && **at <= *from + window).count();
        taken.iter().map(within).max().unwrap_or(0)
    }

    #[test]
    fn no_window_is_ever_exceeded_and_most_of_it_is_used() {
        let (limit, clock) = limit(VDAB);
        let taken = take_for(&limit, &clock, SECOND * 120);
        let (short, long) = (most_in(SECOND * 10, &taken), most_in(SECOND * 20, &taken));
        assert!(short <= 50 && long <= 60, "{short} in 10 s, {long} in 20 s");
        assert!(taken.len() >= 300, "only {} in two minutes, of 360", taken.len());
    }

    #[test]
    fn a_restart_brings_no_second_burst() {
        let mut taken = Vec::new();
        for restart in 0..20 {
            let (limit, clock) = limit(VDAB);
            let begun = SECOND * restart;
            taken.extend(take_for(&limit, &clock, SECOND).into_iter().map(|at| begun + at));
        }
        assert!(most_in(SECOND * 10, &taken) <= 50);
    }

    #[test]
    fn what_was_not_needed_is_used_soon_or_never() {
        let (limit, clock) = limit("windows = [{ requests = 1, seconds = 60 }]");
        clock.advance(SECOND * 61);
        let permit = limit.take().unwrap();
        assert!(limit.take().is_err());
        limit.give_back(permit);
        let again = limit.take().unwrap();
        clock.advance(SECOND);
        assert!(limit.is_stale(again));
        limit.give_back(again);
        assert!(limit.take().is_err());
    }

    #[test]
    fn the_partners_pause_is_heeded() {
        let (limit, clock) = limit("");
        limit.pause(SECOND * 5);
        limit.pause(SECOND);
        assert_eq!(limit.take().unwrap_err(), SECOND * 5);
        clock.advance(SECOND * 5);
        assert!(limit.take().is_ok());
    }

    #[test]
    fn a_shadow_only_reports() {
        let (limit, _) = limit("shadow = true\nwindows = [{ requests = 1, seconds = 60 }]");
        assert!((0..10).all(|_| limit.take().is_ok()));
    }
}
