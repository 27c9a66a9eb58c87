//! Counts every request in every window of the partner's limits, and notes when there were too many.

use std::{collections::VecDeque, time::Duration};

use http::{HeaderMap, HeaderValue, header};
use tokio::time::Instant;

/// More breaches than this are only counted.
const MOST_BREACHES: usize = 10_000;

/// A limit of a partner.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Quota {
    /// How many requests a window takes.
    pub requests: u32,
    /// How long the window is.
    pub window: Duration,
    /// Where windows begin.
    pub counting: Counting,
}

/// Where the windows of a limit begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Counting {
    /// With the first request after the window before.
    Fixed,
    /// Everywhere: no stretch of time that long may see more requests. The strictest reading of a limit.
    Sliding,
}

/// A request above a limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct LimitBreach {
    /// Which request, from 1.
    pub request: u64,
    /// Which limit.
    pub quota: Quota,
}

/// Counts the requests to one partner.
#[derive(Debug)]
pub(super) struct Meter {
    windows: Vec<Window>,
    requests: u64,
    breaches: Vec<LimitBreach>,
    breach_count: u64,
}

#[derive(Debug)]
struct Window {
    quota: Quota,
    /// When the requests of the current window came; never more than the quota.
    times: VecDeque<Instant>,
}

/// What counting one request found.
#[derive(Debug, Clone)]
pub(crate) struct Counted {
    /// Whether a limit was exceeded; the request is not counted then.
    pub(crate) is_over: bool,
    standings: Vec<Standing>,
}

#[derive(Debug, Clone)]
struct Standing {
    quota: Quota,
    remaining: u32,
    resets_in: Duration,
}

impl Meter {
    pub(super) fn new(quotas: &[Quota]) -> Self {
        let windows = quotas.iter().map(|&quota| Window { quota, times: VecDeque::new() }).collect();
        Self { windows, requests: 0, breaches: Vec::new(), breach_count: 0 }
    }

    /// Counts a request.
    pub(super) fn count(&mut self, now: Instant) -> Counted {
        self.requests += 1;
        for window in &mut self.windows {
            window.forget(now);
        }
        let breaches: Vec<LimitBreach> = self
            .windows
            .iter()
            .filter(|window| window.is_full())
            .map(|window| LimitBreach { request: self.requests, quota: window.quota })
            .collect();
        let is_over = !breaches.is_empty();
        if !is_over {
            self.windows.iter_mut().for_each(|window| window.times.push_back(now));
        }
        self.breach_count += breaches.len() as u64;
        let room = MOST_BREACHES.saturating_sub(self.breaches.len());
        self.breaches.extend(breaches.into_iter().take(room));
        Counted { is_over, standings: self.windows.iter().map(|window| window.standing(now)).collect() }
    }

    pub(super) fn requests(&self) -> u64 {
        self.requests
    }

    pub(super) fn breaches(&self) -> Vec<LimitBreach> {
        self.breaches.clone()
    }

    pub(super) fn breach_count(&self) -> u64 {
        self.breach_count
    }
}

impl Window {
    fn forget(&mut self, now: Instant) {
        let is_past = |time: &Instant| *time + self.quota.window <= now;
        match self.quota.counting {
            Counting::Fixed if self.times.front().is_some_and(is_past) => self.times.clear(),
            Counting::Fixed => {}
            Counting::Sliding => {
                let past = self.times.iter().take_while(|time| is_past(time)).count();
                self.times.drain(..past);
            }
        }
    }

    fn is_full(&self) -> bool {
        self.times.len() >= self.quota.requests as usize
    }

    fn standing(&self, now: Instant) -> Standing {
        let used = u32::try_from(self.times.len()).unwrap_or(u32::MAX);
        let resets_in = self.times.front().map_or(Duration::ZERO, |&first| first + self.quota.window - now);
        Standing { quota: self.quota, remaining: self.quota.requests.saturating_sub(used), resets_in }
    }
}

impl Counted {
    /// Says where the limits stand, as draft-ietf-httpapi-ratelimit-headers does, and how long to wait if one is exceeded.
    pub(crate) fn announce(&self, headers: &mut HeaderMap) {
        let name = |standing: &Standing| format!("\"per-{}s\"", standing.quota.window.as_secs_f32());
        let policies: Vec<String> = self
            .standings
            .iter()
            .map(|standing| {
                let Quota { requests, window, .. } = standing.quota;
                format!("{};q={requests};w={}", name(standing), whole_seconds(window))
            })
            .collect();
        let standings: Vec<String> = self
            .standings
            .iter()
            .map(|standing| {
                format!("{};r={};t={}", name(standing), standing.remaining, whole_seconds(standing.resets_in))
            })
            .collect();
        for (field, members) in [("ratelimit-policy", policies), ("ratelimit", standings)] {
            if let Some(value) = HeaderValue::from_str(&members.join(", ")).ok().filter(|value| !value.is_empty()) {
                headers.insert(field, value);
            }
        }
        if self.is_over && !headers.contains_key(header::RETRY_AFTER) {
            let full = self.standings.iter().filter(|standing| standing.remaining == 0);
            let wait = full.map(|standing| whole_seconds(standing.resets_in)).max().unwrap_or(1);
            headers.insert(header::RETRY_AFTER, HeaderValue::from(wait));
        }
    }
}

/// Rounded up: whoever waits so long comes late enough.
fn whole_seconds(duration: Duration) -> u64 {
    duration.as_secs() + u64::from(duration.subsec_nanos() > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEN: Duration = Duration::from_secs(10);

    fn overs(counting: Counting, seconds: &[u64]) -> Vec<bool> {
        let mut meter = Meter::new(&[Quota { requests: 2, window: TEN, counting }]);
        let start = Instant::now();
        seconds.iter().map(|&second| meter.count(start + Duration::from_secs(second)).is_over).collect()
    }

    #[test]
    fn fixed_windows_begin_anew_and_sliding_ones_never_do() {
        assert_eq!(overs(Counting::Fixed, &[0, 9, 9, 10, 11, 12]), [false, false, true, false, false, true]);
        assert_eq!(overs(Counting::Sliding, &[0, 9, 9, 10, 11, 19]), [false, false, true, false, true, false]);
    }

    #[test]
    fn a_breach_names_the_request_and_the_limit() {
        let quotas = [10, 60].map(|seconds| Quota {
            requests: if seconds == 10 { 1 } else { 100 },
            window: Duration::from_secs(seconds),
            counting: Counting::Sliding,
        });
        let mut meter = Meter::new(&quotas);
        let now = Instant::now();
        meter.count(now);
        let counted = meter.count(now + Duration::from_secs(3));
        assert_eq!(meter.breaches(), [LimitBreach { request: 2, quota: quotas[0] }]);
        let mut headers = HeaderMap::new();
        counted.announce(&mut headers);
        assert_eq!(headers["ratelimit-policy"], "\"per-10s\";q=1;w=10, \"per-60s\";q=100;w=60");
        assert_eq!(headers["ratelimit"], "\"per-10s\";r=0;t=7, \"per-60s\";r=99;t=57");
        assert_eq!(headers["retry-after"], "7");
    }

    #[test]
    fn without_limits_nothing_is_announced() {
        let mut headers = HeaderMap::new();
        Meter::new(&[]).count(Instant::now()).announce(&mut headers);
        assert!(headers.is_empty());
    }
}
