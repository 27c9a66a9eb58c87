//! The root of a partner's HTTP interface, checked once.

use std::{fmt, str::FromStr};

use reqwest::Url;
use thiserror::Error;

/// An `http` or `https` address below which a partner's paths lie.
///
/// **Invariant:** it holds no user, password, query or fragment, so it may be shown and logged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BaseUrl(Url);

/// Why a text is no base URL. The text is not repeated: it may hold a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum BaseUrlError {
    /// Not a URL at all.
    #[error("it is no URL")]
    Syntax,
    /// Another scheme.
    #[error("its scheme is neither `http` nor `https`")]
    Scheme,
    /// A secret in the wrong place.
    #[error("it holds a user or a password; name the secret in the settings instead")]
    Credentials,
    /// More than a root.
    #[error("it holds a query or a fragment")]
    Query,
}

impl BaseUrl {
    /// Whether connections are encrypted.
    pub fn is_https(&self) -> bool {
        self.0.scheme() == "https"
    }

    /// The address, without a slash at its end.
    pub fn as_str(&self) -> &str {
        self.0.as_str().trim_end_matches('/')
    }

    /// The root that lies below at a path; every segment is percent-encoded.
    pub(crate) fn below(&self, segments: &[&str]) -> Self {
        Self(self.join(segments))
    }

    /// The address of a path below; every segment is percent-encoded.
    pub(crate) fn join(&self, segments: &[&str]) -> Url {
        let mut url = self.0.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(segments);
        }
        url
    }
}

impl FromStr for BaseUrl {
    type Err = BaseUrlError;

    fn from_str(text: &str) -> Result<Self, BaseUrlError> {
        let url: Url = text.parse().map_err(|_| BaseUrlError::Syntax)?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(BaseUrlError::Scheme);
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(BaseUrlError::Credentials);
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(BaseUrlError::Query);
        }
        Ok(Self(url))
    }
}

impl fmt::Display for BaseUrl {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn segments_are_encoded_below_the_root() {
        let base: BaseUrl = "https://partner.example/api/v1/".parse().unwrap();
        assert_eq!(base.join(&["vacancy", "REQ/50 a"]).as_str(), "https://partner.example/api/v1/vacancy/REQ%2F50%20a");
        assert_eq!(base.to_string(), "https://partner.example/api/v1");
    }

    #[test]
    fn secrets_and_queries_are_refused() {
        let error = |text: &str| text.parse::<BaseUrl>().unwrap_err();
        assert_eq!(error("partner.example"), BaseUrlError::Syntax);
        assert_eq!(error("ftp://partner.example"), BaseUrlError::Scheme);
        assert_eq!(error("https://me:secret@partner.example"), BaseUrlError::Credentials);
        assert_eq!(error("https://partner.example?key=1"), BaseUrlError::Query);
    }
}
