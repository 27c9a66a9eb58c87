//! Limits over windows of time, as settings write them: `50/10s, 2000/60s`.

use std::{num::NonZeroU32, str::FromStr, time::Duration};

use anyhow::{Context, Error, Result, ensure};

/// So many requests in so much time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// How many.
    pub requests: NonZeroU32,
    /// In how much time; whole seconds.
    pub length: Duration,
}

/// Several windows that all hold at once, shortest first; none means no limit.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Windows(pub Vec<Window>);

impl FromStr for Windows {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
        let mut windows = parts
            .map(|part| window(part).with_context(|| format!("`{part}` is no limit; write `50/10s`: 50 in 10 seconds")))
            .collect::<Result<Vec<_>>>()?;
        windows.sort_by_key(|window| window.length);
        Ok(Self(windows))
    }
}

fn window(text: &str) -> Result<Window> {
    let (requests, length) = text.split_once('/').context("there is no `/`")?;
    let seconds: u64 = length.trim().strip_suffix('s').context("the time does not end in `s`")?.trim().parse()?;
    ensure!(seconds > 0, "the time is 0");
    Ok(Window { requests: requests.trim().parse()?, length: Duration::from_secs(seconds) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_are_read_shortest_first() {
        let Windows(windows) = "2000/60s, 50/10s".parse().unwrap();
        let read: Vec<_> = windows.iter().map(|window| (window.requests.get(), window.length.as_secs())).collect();
        assert_eq!(read, [(50, 10), (2_000, 60)]);
        assert_eq!("".parse::<Windows>().unwrap(), Windows::default());
    }

    #[test]
    fn what_is_no_limit_is_named() {
        for text in ["50", "50/10", "0/10s", "50/0s", "many/10s", "50/10s; 20/1s"] {
            let error = format!("{:#}", text.parse::<Windows>().unwrap_err());
            assert!(error.contains("50/10s"), "{text}: {error}");
        }
    }
}
