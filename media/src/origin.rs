//! Origins that are allowed what others are not: plain `http`, another port, an address inside.

use std::{collections::HashSet, str::FromStr};

use thiserror::Error;
use url::Url;

/// A scheme, a host and a port, such as `http://files.internal.example:8080` (RFC 6454).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Origin {
    scheme: String,
    host: String,
    port: u16,
}

/// Why a text is no origin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("it is no origin: write it like `https://files.example:8443`, without user, path or query")]
pub struct OriginError;

impl FromStr for Origin {
    type Err = OriginError;

    fn from_str(text: &str) -> Result<Self, OriginError> {
        let url: Url = text.parse().map_err(|_| OriginError)?;
        let bare = url.username().is_empty() && url.password().is_none() && url.path() == "/";
        if !bare || url.query().is_some() || url.fragment().is_some() {
            return Err(OriginError);
        }
        Self::of(&url).ok_or(OriginError)
    }
}

impl Origin {
    /// Where a link leads; none for what is not of the web.
    pub(crate) fn of(url: &Url) -> Option<Self> {
        if !matches!(url.scheme(), "http" | "https") {
            return None;
        }
        Some(Self {
            scheme: url.scheme().to_owned(),
            host: url.host_str()?.to_owned(),
            port: url.port_or_known_default()?,
        })
    }
}

/// The origins that a partner's links may lead to beside the public web; none by default.
#[derive(Debug, Clone, Default)]
pub struct AllowedOrigins(HashSet<Origin>);

impl AllowedOrigins {
    pub(crate) fn has(&self, origin: &Origin) -> bool {
        self.0.contains(origin)
    }
}

impl FromIterator<Origin> for AllowedOrigins {
    fn from_iter<T: IntoIterator<Item = Origin>>(origins: T) -> Self {
        Self(origins.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_nothing_more() {
        let origin = |text: &str| text.parse::<Origin>();
        assert_eq!(origin("https://files.example"), origin("https://FILES.example:443/"));
        assert_ne!(origin("https://files.example"), origin("http://files.example"));
        for wrong in
            ["files.example", "ftp://files.example", "https://a@files.example", "https://files.example/a", "https://"]
        {
            assert_eq!(origin(wrong), Err(OriginError), "{wrong}");
        }
    }
}
