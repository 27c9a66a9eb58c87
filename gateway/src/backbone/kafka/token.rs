//! Access tokens for OAUTHBEARER: fetched by client credentials, since the client library here has no HTTP of its own.

use anyhow::{Context, Result};
use jiff::Timestamp;
use rdkafka::client::OAuthToken;
use reqwest::Url;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use tokio::runtime::Handle;

use crate::config::{KafkaSecurity, Mechanism};

/// How long fetching a token may take.
const TIME_OUT: std::time::Duration = std::time::Duration::from_secs(10);
/// How long a token lives if the answer does not say, in seconds.
const LIFE: i64 = 300;

/// Fetches tokens for the client library's threads.
pub struct TokenSource {
    url: Url,
    user: String,
    password: SecretString,
    scope: String,
    runtime: Handle,
}

/// RFC 6749 §5.1, what we need of it.
#[derive(Deserialize)]
struct Granted {
    access_token: SecretString,
    expires_in: Option<i64>,
}

impl TokenSource {
    /// The source that the settings describe; none without OAUTHBEARER.
    ///
    /// # Errors
    /// If the address is none or the secret is missing.
    pub fn of(security: &KafkaSecurity, password: Option<&SecretString>) -> Result<Option<Self>> {
        if !security.protocol.is_sasl() || security.mechanism != Mechanism::OauthBearer {
            return Ok(None);
        }
        Ok(Some(Self {
            url: security.token_url.parse().context("`kafka.security.token_url` is no address")?,
            user: security.user.clone(),
            password: password.context("`kafka.security.password` names no secret")?.clone(),
            scope: security.scope.clone(),
            runtime: Handle::current(),
        }))
    }

    /// Fetches a token; called on a thread of the client library.
    ///
    /// # Errors
    /// If there is none to be had; the library asks again after a while.
    pub fn fetch(&self) -> Result<OAuthToken> {
        let granted = self.runtime.block_on(self.ask()).context("cannot fetch a token for Kafka")?;
        let ends_at = Timestamp::now().as_second() + granted.expires_in.unwrap_or(LIFE);
        Ok(OAuthToken {
            token: granted.access_token.expose_secret().to_owned(),
            principal_name: self.user.clone(),
            lifetime_ms: ends_at * 1_000,
        })
    }

    async fn ask(&self) -> Result<Granted> {
        let client = reqwest::Client::builder().timeout(TIME_OUT).build()?;
        let mut form = vec![("grant_type", "client_credentials")];
        if !self.scope.is_empty() {
            form.push(("scope", &self.scope));
        }
        let request = client.post(self.url.clone()).basic_auth(&self.user, Some(self.password.expose_secret()));
        let answer = request.form(&form).send().await.map_err(reqwest::Error::without_url)?;
        Ok(answer.error_for_status().map_err(reqwest::Error::without_url)?.json().await?)
    }
}
