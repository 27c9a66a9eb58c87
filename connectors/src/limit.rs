//! Reads what a partner announces about its limits.
//!
//! Two families: `RateLimit-Policy` and `RateLimit` of draft-ietf-httpapi-ratelimit-headers (structured fields, RFC 9651),
//! and the older `X-RateLimit-*` and `X-Rate-Limit-*`, whose reset is in seconds with some and an epoch with others.

use std::time::Duration;

/// One window of a limit, as far as the partner says.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Limit {
    /// What the partner calls it; `default` if it has no name.
    pub name: String,
    /// How many requests a window takes.
    pub quota: Option<u64>,
    /// How long the window is.
    pub window: Option<Duration>,
    /// How many requests are left.
    pub remaining: Option<u64>,
    /// In how long there are more.
    pub resets_in: Option<Duration>,
}
