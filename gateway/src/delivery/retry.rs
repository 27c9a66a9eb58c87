//! How long to wait before the next attempt: exponential, with jitter, up to the longest.

use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBuilder};

use crate::config::Settings;

/// More attempts than this wait no longer.
const MAX_TIMES: usize = 64;

/// The wait after that many attempts; the partner's own wish goes before ours.
pub fn wait(settings: &Settings, attempts: i64, wish: Option<Duration>) -> Duration {
    let mut waits = ExponentialBuilder::default()
        .with_min_delay(settings.retry_initial)
        .with_max_delay(settings.retry_longest)
        .with_factor(2.0)
        .with_max_times(MAX_TIMES)
        .with_jitter()
        .build();
    let index = usize::try_from(attempts.max(1) - 1).unwrap_or(MAX_TIMES).min(MAX_TIMES - 1);
    let ours = waits.nth(index).unwrap_or(settings.retry_longest);
    wish.map_or(ours, |wish| wish.max(ours.min(settings.retry_initial)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings() -> Settings {
        let mut settings = Settings::load(None).unwrap();
        settings.retry_initial = Duration::from_secs(1);
        settings.retry_longest = Duration::from_mins(1);
        settings
    }

    #[test]
    fn waits_grow_up_to_the_longest() {
        for (attempts, shortest, longest) in [(1, 1, 2), (3, 4, 8), (10, 60, 120), (1_000, 60, 120)] {
            let wait = wait(&settings(), attempts, None).as_secs_f64();
            assert!((f64::from(shortest)..=f64::from(longest)).contains(&wait), "{wait} s after {attempts}");
        }
    }

    #[test]
    fn the_partners_wish_is_heeded() {
        assert_eq!(wait(&settings(), 1, Some(Duration::from_secs(30))), Duration::from_secs(30));
        assert!(wait(&settings(), 9, Some(Duration::ZERO)) >= Duration::from_secs(1));
    }
}
