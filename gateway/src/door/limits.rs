//! KeyLimits per key, over several windows at once, and the headers that announce them
//! (draft-ietf-httpapi-ratelimit-headers, `RateLimit` and `RateLimit-Policy`).

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use axum::{
    extract::{Request, State},
    http::{HeaderMap, HeaderValue},
    middleware::Next,
    response::{IntoResponse, Response},
};
use governor::{
    Quota, RateLimiter,
    clock::{Clock, DefaultClock},
    middleware::StateInformationMiddleware,
    state::keyed::HashMapStateStore,
};
use metrics::counter;

use super::{
    Door,
    identity::{self, Caller, Identity},
    problem::Problem,
};
use crate::{
    code::code,
    config::{Window, Windows},
    in_force::InForce,
};

/// The limits of every key. They follow the configuration; what was counted under others is forgotten.
#[derive(Clone)]
pub struct KeyLimits {
    in_force: InForce,
    current: Arc<Mutex<Current>>,
}

struct Current {
    windows: Windows,
    limits: Arc<Vec<Limit>>,
}

type Limiter = RateLimiter<String, HashMapStateStore<String>, DefaultClock, StateInformationMiddleware>;

struct Limit {
    window: Window,
    limiter: Limiter,
    clock: DefaultClock,
}

/// What a key has left after a request.
pub struct Allowance(Vec<Left>);

/// What a key has left in one window.
struct Left {
    window: Window,
    requests: u32,
    /// Until everything may be used again; where nothing is left, until something may.
    renewed_in: Duration,
}

impl KeyLimits {
    /// The limits that are configured.
    pub fn new(in_force: InForce) -> Self {
        let windows = in_force.now().configuration.settings.limits.clone();
        let limits = limits_of(&windows);
        Self { in_force, current: Arc::new(Mutex::new(Current { windows, limits })) }
    }

    /// Counts a request of a key, or says what stands in its way.
    pub fn count(&self, key: &String) -> Result<Allowance, Allowance> {
        count(&self.current(), key)
    }

    /// Counts a request of a key; waits for its turn.
    pub async fn wait(&self, key: &String) {
        for limit in self.current().iter() {
            limit.limiter.until_key_ready(key).await;
        }
    }

    /// Counts a request, or refuses it.
    pub fn require(&self, key: &String) -> Result<(), Problem> {
        self.count(key).map(drop).map_err(|allowance| allowance.refusal())
    }

    fn current(&self) -> Arc<Vec<Limit>> {
        let rules = self.in_force.now();
        let wanted = &rules.configuration.settings.limits;
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        if current.windows != *wanted {
            *current = Current { windows: wanted.clone(), limits: limits_of(wanted) };
        }
        current.limits.clone()
    }
}

fn limits_of(Windows(windows): &Windows) -> Arc<Vec<Limit>> {
    let limit = |window: &Window| {
        let clock = DefaultClock::default();
        let limiter = Limiter::new(quota(*window), HashMapStateStore::default(), clock.clone());
        Limit { window: *window, limiter, clock }
    };
    Arc::new(windows.iter().map(limit).collect())
}

fn count(limits: &[Limit], key: &String) -> Result<Allowance, Allowance> {
    let mut left = Vec::with_capacity(limits.len());
    // The shortest first: a client that hammers uses up no more of the long windows than it was let through.
    for limit in limits {
        match limit.limiter.check_key(key) {
            Ok(state) => {
                let requests = state.remaining_burst_capacity();
                let used = limit.window.requests.get() - requests.min(limit.window.requests.get());
                left.push(Left { window: limit.window, requests, renewed_in: interval(limit.window) * used });
            }
            Err(not_until) => {
                let renewed_in = not_until.wait_time_from(limit.clock.now());
                left.push(Left { window: limit.window, requests: 0, renewed_in });
                return Err(Allowance(left));
            }
        }
    }
    Ok(Allowance(left))
}

impl Allowance {
    /// Announces what is left.
    fn announce(&self, headers: &mut HeaderMap) {
        if self.0.is_empty() {
            return;
        }
        let policies: Vec<String> = self.0.iter().map(|left| policy(left.window)).collect();
        let left: Vec<String> = self.0.iter().map(Left::to_item).collect();
        for (name, items) in [("ratelimit-policy", policies), ("ratelimit", left)] {
            if let Ok(value) = HeaderValue::from_str(&items.join(", ")) {
                headers.insert(name, value);
            }
        }
    }

    fn refusal(&self) -> Problem {
        let used_up = self.0.iter().filter(|left| left.requests == 0).max_by_key(|left| left.renewed_in);
        let (wait, window) = used_up.map_or((1, "this window".to_owned()), |left| {
            let window = left.window;
            (whole_seconds(left.renewed_in), format!("{} requests in {} s", window.requests, window.length.as_secs()))
        });
        Problem::too_many(const { code("rate_limited") }, "this key has used up its requests", wait)
            .detail(format!("the limit is {window}; go on in {wait} s, and heed `RateLimit` to stay below it"))
    }
}

impl Left {
    fn to_item(&self) -> String {
        format!("\"{}\";r={};t={}", name(self.window), self.requests, whole_seconds(self.renewed_in))
    }
}

/// Refuses the requests of a key that has used up its limits, and announces to the others what they have left.
///
/// Operators are not limited. Whoever shows no key, or none of ours, is left to the address that is asked for.
pub async fn enforce(State(door): State<Door>, mut request: Request, next: Next) -> Response {
    let caller = match identity::authenticate(&door, request.headers()).await {
        Ok(caller) => caller,
        Err(problem) => return problem.into_response(),
    };
    let Some(caller) = caller else { return next.run(request).await };
    let allowance = match &caller {
        Caller { identity: Identity::Partner(_), key } => Some(door.limits.count(key)),
        Caller { identity: Identity::Operator, .. } => None,
    };
    if let Some(Err(allowance)) = &allowance {
        counter!("passerelle_rate_limited_total", "key" => caller.key.clone()).increment(1);
        let mut response = allowance.refusal().into_response();
        allowance.announce(response.headers_mut());
        return response;
    }
    request.extensions_mut().insert(caller);
    let mut response = next.run(request).await;
    if let Some(Ok(allowance)) = allowance {
        allowance.announce(response.headers_mut());
    }
    response
}

fn quota(window: Window) -> Quota {
    let period = Quota::with_period(interval(window)).expect("windows are at least a second, so their parts are not 0");
    period.allow_burst(window.requests)
}

/// How long one request takes to be renewed.
fn interval(window: Window) -> Duration {
    (window.length / window.requests.get()).max(Duration::from_nanos(1))
}

fn policy(window: Window) -> String {
    format!("\"{}\";q={};w={}", name(window), window.requests, window.length.as_secs())
}

fn name(window: Window) -> String {
    format!("{}s", window.length.as_secs())
}

fn whole_seconds(wait: Duration) -> u64 {
    wait.as_secs() + u64::from(wait.subsec_nanos() > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits(text: &str) -> Arc<Vec<Limit>> {
        limits_of(&text.parse().unwrap())
    }

    #[test]
    fn the_tightest_window_decides_and_each_key_has_its_own() {
        let limits = limits("3/1000s, 2/100s");
        let (one, other) = ("one".to_owned(), "other".to_owned());
        assert!(count(&limits, &one).is_ok());
        assert!(count(&limits, &one).is_ok());
        let Err(refused) = count(&limits, &one) else { panic!("the third in 100 s") };
        assert!(
            refused
                .0
                .last()
                .is_some_and(|left| left.window.length.as_secs() == 100 && left.renewed_in <= Duration::from_secs(50))
        );
        assert!(count(&limits, &other).is_ok());
    }

    #[test]
    fn what_is_left_is_announced_as_the_draft_says() {
        let Ok(allowance) = count(&limits("50/10s, 2000/60s"), &"one".to_owned()) else { panic!("the first") };
        let mut headers = HeaderMap::new();
        allowance.announce(&mut headers);
        assert_eq!(headers["ratelimit-policy"], "\"10s\";q=50;w=10, \"60s\";q=2000;w=60");
        assert_eq!(headers["ratelimit"], "\"10s\";r=49;t=1, \"60s\";r=1999;t=1");
    }

    #[test]
    fn without_windows_nothing_is_limited_or_announced() {
        let limits = limits("");
        let mut headers = HeaderMap::new();
        for _ in 0..1_000 {
            let Ok(allowance) = count(&limits, &"one".to_owned()) else { panic!("no limit") };
            allowance.announce(&mut headers);
        }
        assert!(headers.is_empty());
    }
}
