//! Where links may lead: the public web or a part of it, and origins that are allowed what others are not: plain `http`,
//! another port, an address inside.

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

/// Where a partner's links may lead, at every step of the way. By default anywhere in public, and nowhere inside.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AllowedOrigins {
    inside: HashSet<Origin>,
    /// None: anywhere in public.
    public: Option<HashSet<Origin>>,
}

impl AllowedOrigins {
    /// The same, but of the public web these origins only. What is named may have a port of its own; it is still asked by
    /// `https`, and at a public address.
    #[must_use]
    pub fn only(self, public: impl IntoIterator<Item = Origin>) -> Self {
        Self { public: Some(public.into_iter().collect()), ..self }
    }

    /// Whether it is allowed what others are not.
    pub(crate) fn is_inside(&self, origin: &Origin) -> bool {
        self.inside.contains(origin)
    }

    /// Whether it is named as public.
    pub(crate) fn is_named(&self, origin: &Origin) -> bool {
        self.public.as_ref().is_some_and(|named| named.contains(origin))
    }

    /// Whether there is a list that it does not stand in.
    pub(crate) fn leaves_out(&self, origin: &Origin) -> bool {
        !self.is_inside(origin) && self.public.as_ref().is_some_and(|named| !named.contains(origin))
    }
}

impl FromIterator<Origin> for AllowedOrigins {
    /// Anywhere in public, and these origins, which may be inside.
    fn from_iter<T: IntoIterator<Item = Origin>>(origins: T) -> Self {
        Self { inside: origins.into_iter().collect(), public: None }
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
