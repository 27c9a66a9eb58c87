//! The section `[registry]`: where the schemas of a Kafka log are kept, and who we are there.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use connectors::BaseUrl;
use serde::Deserialize;

/// What is known of the schema registry; each setting is documented where its default stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegistrySettings {
    pub url: Option<BaseUrl>,
    pub register: bool,
    pub user: String,
    pub password: Option<String>,
    pub token: Option<String>,
    pub timeout: Duration,
    pub look_every: Duration,
}

impl RegistrySettings {
    /// The names of the secrets that it needs.
    pub fn secret_names(&self) -> impl Iterator<Item = &str> {
        [&self.password, &self.token].into_iter().flatten().map(String::as_str)
    }
}

/// The section as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RegistrySection {
    url: String,
    register: bool,
    user: String,
    password: String,
    token: String,
    timeout_ms: u64,
    look_every_ms: u64,
}

impl RegistrySection {
    /// Checks what is said and what is said together.
    pub(super) fn settings(self) -> Result<RegistrySettings> {
        let is_said = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        let url = is_said(&self.url).map(|url| url.parse()).transpose().context("`registry.url` is wrong")?;
        let (password, token) = (is_said(&self.password), is_said(&self.token));
        ensure!(
            token.is_none() || password.is_none(),
            "`registry.token` and `registry.password` are both set: a registry is shown one of them"
        );
        ensure!(
            password.is_some() != self.user.is_empty(),
            "`registry.user` and `registry.password` go together: set both or none"
        );
        ensure!(self.timeout_ms > 0, "`registry.timeout_ms` is 0: nothing would be answered in time");
        ensure!(self.look_every_ms > 0, "`registry.look_every_ms` is 0: looks would not wait");
        Ok(RegistrySettings {
            url,
            register: self.register,
            user: self.user,
            password,
            token,
            timeout: Duration::from_millis(self.timeout_ms),
            look_every: Duration::from_millis(self.look_every_ms),
        })
    }
}
