//! The section `[media]`, and `[incoming.talent_profile.media]` of a partner file: files that profiles link to.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use ipnet::IpNet;
use media::{AllowedOrigins, ContentLimits, Limits, Networks, Origin, TimeLimits};
use serde::Deserialize;

/// The word for anywhere in public.
const PUBLIC: &str = "public";

/// What is done about files; each setting is documented where its default stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MediaSettings {
    pub public_url: Option<String>,
    pub at_once: usize,
    pub limits: Limits,
    pub closed_networks: Vec<IpNet>,
    pub retry_initial: Duration,
    pub retry_longest: Duration,
    pub give_up_after: Duration,
    pub token: Duration,
    pub grace: Duration,
    pub sweep: Duration,
}

/// The section as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct MediaSection {
    public_url: String,
    at_once: usize,
    picture_bytes: u64,
    document_bytes: u64,
    video_bytes: u64,
    closed_networks: Vec<String>,
    connect_timeout_ms: u64,
    silence_timeout_ms: u64,
    fetch_timeout_ms: u64,
    retry_initial_ms: u64,
    retry_longest_ms: u64,
    give_up_after_seconds: u64,
    token_seconds: u64,
    grace_seconds: u64,
    sweep_seconds: u64,
}

impl MediaSection {
    /// Refuses what cannot be meant.
    pub(super) fn check(&self) -> Result<()> {
        for (name, number) in [
            ("picture_bytes", self.picture_bytes),
            ("document_bytes", self.document_bytes),
            ("video_bytes", self.video_bytes),
            ("connect_timeout_ms", self.connect_timeout_ms),
            ("silence_timeout_ms", self.silence_timeout_ms),
            ("fetch_timeout_ms", self.fetch_timeout_ms),
            ("retry_initial_ms", self.retry_initial_ms),
            ("token_seconds", self.token_seconds),
            ("sweep_seconds", self.sweep_seconds),
        ] {
            ensure!(number > 0, "`media.{name}` is 0: no file would ever pass; use 1 or more");
        }
        ensure!(self.at_once > 0, "`media.at_once` is 0: no file would ever be fetched; use 1 or more");
        ensure!(
            self.grace_seconds.saturating_mul(1_000) > self.fetch_timeout_ms.saturating_mul(2),
            "`media.grace_seconds` is not above twice `media.fetch_timeout_ms`: a file might be removed that has just come"
        );
        if !self.public_url.is_empty() {
            check_public_url(&self.public_url)?;
        }
        Ok(())
    }

    pub(super) fn settings(self) -> Result<MediaSettings> {
        let networks = self.closed_networks.iter().map(|text| {
            let parsed = text.parse::<IpNet>();
            parsed
                .with_context(|| format!("`media.closed_networks`: `{text}` is no network; write it like 192.0.2.0/24"))
        });
        let content = ContentLimits {
            picture_bytes: self.picture_bytes,
            document_bytes: self.document_bytes,
            video_bytes: self.video_bytes,
            ..ContentLimits::default()
        };
        let time = TimeLimits {
            connect: Duration::from_millis(self.connect_timeout_ms),
            silence: Duration::from_millis(self.silence_timeout_ms),
            in_all: Duration::from_millis(self.fetch_timeout_ms),
        };
        Ok(MediaSettings {
            public_url: (!self.public_url.is_empty()).then(|| self.public_url.trim_end_matches('/').to_owned()),
            at_once: self.at_once,
            limits: Limits { content, time, ..Limits::default() },
            closed_networks: networks.collect::<Result<_>>()?,
            retry_initial: Duration::from_millis(self.retry_initial_ms),
            retry_longest: Duration::from_millis(self.retry_longest_ms.max(self.retry_initial_ms)),
            give_up_after: Duration::from_secs(self.give_up_after_seconds),
            token: Duration::from_secs(self.token_seconds),
            grace: Duration::from_secs(self.grace_seconds),
            sweep: Duration::from_secs(self.sweep_seconds),
        })
    }
}

impl MediaSettings {
    /// What only allowed origins may have, beside what everybody knows to be inside.
    pub fn networks(&self) -> Networks {
        Networks::closing(self.closed_networks.clone())
    }
}

/// Refuses what nobody could follow.
fn check_public_url(text: &str) -> Result<()> {
    let url = reqwest::Url::parse(text).context("`media.public_url` is no URL")?;
    ensure!(
        matches!(url.scheme(), "http" | "https") && url.query().is_none() && url.fragment().is_none(),
        "`media.public_url` is what lies before `/v1` in our addresses: write it like `https://gateway.example.org`"
    );
    ensure!(url.password().is_none() && url.username().is_empty(), "`media.public_url` names a user; leave that out");
    Ok(())
}

/// From where the files are fetched that a partner's profiles link to. Without it links travel as they are.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MediaSource {
    /// Origins in public, such as `https://cdn.example.org`; or `public` alone: anywhere in public.
    #[serde(default)]
    from: Vec<String>,
    /// Origins that may be inside, by plain `http`, or both.
    #[serde(default)]
    inside: Vec<String>,
}

impl MediaSource {
    /// Where its links may lead.
    ///
    /// # Errors
    /// Names the key that is wrong.
    pub fn allowed(&self) -> Result<AllowedOrigins> {
        ensure!(
            !self.from.is_empty() || !self.inside.is_empty(),
            "`from` is empty: name the origins of its files, or `public` for anywhere in public"
        );
        let inside: AllowedOrigins = origins("inside", &self.inside)?.into_iter().collect();
        if self.from.iter().any(|one| one == PUBLIC) {
            ensure!(self.from.len() == 1, "`from` names `public` beside others: leave out one or the other");
            return Ok(inside);
        }
        ensure!(
            self.from.iter().all(|origin| origin.starts_with("https://")),
            "`from` names an origin without `https`; one that has none is to stand in `inside`"
        );
        Ok(inside.only(origins("from", &self.from)?))
    }
}

fn origins(name: &str, texts: &[String]) -> Result<Vec<Origin>> {
    texts.iter().map(|text| text.parse().with_context(|| format!("`{name}`: `{text}`"))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_source_is_named() {
        for (text, expected) in [
            ("", "`from` is empty"),
            ("from = [\"cdn.example.org\"]", "https"),
            ("from = [\"http://cdn.example.org\"]", "`inside`"),
            ("from = [\"https://cdn.example.org/path\"]", "it is no origin"),
            ("from = [\"public\", \"https://cdn.example.org\"]", "leave out one"),
            ("inside = [\"files\"]", "`inside`: `files`"),
        ] {
            let source: MediaSource = toml::from_str(text).unwrap();
            let error = format!("{:#}", source.allowed().unwrap_err());
            assert!(error.contains(expected), "{text}: {error}");
        }
        for text in ["from = [\"public\"]", "from = [\"https://cdn.example.org\"]", "inside = [\"http://127.0.0.1:9\"]"]
        {
            assert!(toml::from_str::<MediaSource>(text).unwrap().allowed().is_ok(), "{text}");
        }
    }
}
