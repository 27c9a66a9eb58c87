//! Sends documents to a partner that speaks the plain REST profile.

use std::time::Duration;

use async_trait::async_trait;
use http::{HeaderMap, HeaderValue, header};
use secrecy::{ExposeSecret, SecretString};
use thiserror::Error;

use super::{closings::Closings, exchange::Exchange};
use crate::{
    BaseUrl, ExtraCertificates,
    outcome::Sent,
    sender::{Parcel, ProbeError, Repeats, Sender},
};

/// How to reach a partner.
#[derive(Debug, Clone)]
pub struct RestSettings {
    /// What lies before `/{kind}/{reference}`.
    pub base_url: BaseUrl,
    /// The bearer token.
    pub token: Option<SecretString>,
    /// Whether an unanswered send may be repeated.
    pub repeats: Repeats,
    /// How it is told that something is closed.
    pub closings: Closings,
    /// How long connecting may take, name look-up and TLS included.
    pub connect_time_out: Duration,
    /// Certificates to check the partner's server with, besides those of the host.
    pub certificates: ExtraCertificates,
}

/// Why a partner cannot be sent to with these settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum RestSettingsError {
    /// A token with a line break or the like; often the end of a file read as it is.
    #[error("the token holds a character that no header can carry")]
    Token,
}

/// Sends documents by `PUT`, `POST` and `DELETE`.
#[derive(Debug)]
pub struct RestPush {
    credentials: HeaderMap,
    exchange: Exchange,
}

impl RestPush {
    /// Checks the settings; connects to nobody.
    ///
    /// # Errors
    /// [`RestSettingsError::Token`].
    pub fn new(settings: RestSettings) -> Result<Self, RestSettingsError> {
        let RestSettings { base_url, token, repeats, closings, connect_time_out, certificates } = settings;
        let mut credentials = HeaderMap::new();
        if let Some(token) = token {
            credentials.insert(header::AUTHORIZATION, bearer(&token).ok_or(RestSettingsError::Token)?);
        }
        let exchange = Exchange::new(base_url, repeats, connect_time_out, certificates).closing_by(closings);
        Ok(Self { credentials, exchange })
    }
}

#[async_trait]
impl Sender for RestPush {
    async fn send(&self, parcel: Parcel) -> Sent {
        self.exchange.send(parcel, &self.credentials).await
    }

    async fn probe(&self) -> Result<(), ProbeError> {
        self.exchange.probe(&self.credentials).await
    }

    fn repeats(&self) -> Repeats {
        self.exchange.repeats()
    }
}

/// The header that shows a token (RFC 6750 §2.1), if a header can carry it.
pub(crate) fn bearer(token: &SecretString) -> Option<HeaderValue> {
    let mut value = HeaderValue::from_str(&format!("Bearer {}", token.expose_secret())).ok()?;
    value.set_sensitive(true);
    Some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_never_shows() {
        let value = bearer(&SecretString::from("s3cret")).unwrap();
        assert!(!format!("{value:?}").contains("s3cret"));
        assert_eq!(bearer(&SecretString::from("s3cret\n")), None);
    }
}
