//! The section `[postgresql]`: where the store is, and how long anything may take there.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

/// What the PostgreSQL engine is told; each setting is documented where its default stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PostgresqlSettings {
    pub url: String,
    pub password: Option<String>,
    pub max_connections: u32,
    pub connect_timeout: Duration,
    pub statement_timeout: Duration,
    pub lock_timeout: Duration,
    pub migrate: bool,
}

/// The section as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PostgresqlSection {
    url: String,
    password: String,
    max_connections: u32,
    connect_timeout_ms: u64,
    statement_timeout_ms: u64,
    lock_timeout_ms: u64,
    migrate: bool,
}

impl PostgresqlSection {
    /// Refuses what cannot be meant.
    pub(super) fn check(&self) -> Result<()> {
        check_url("postgresql", &self.url)?;
        ensure!(
            self.max_connections >= 2,
            "`postgresql.max_connections` is below 2: writing would wait for reading; use 2 or more"
        );
        for (name, number) in [
            ("connect_timeout_ms", self.connect_timeout_ms),
            ("statement_timeout_ms", self.statement_timeout_ms),
            ("lock_timeout_ms", self.lock_timeout_ms),
        ] {
            ensure!(number > 0, "`postgresql.{name}` is 0: nothing would be waited for; use 1 or more");
        }
        Ok(())
    }

    pub(super) fn settings(self) -> PostgresqlSettings {
        PostgresqlSettings {
            url: self.url,
            password: (!self.password.is_empty()).then_some(self.password),
            max_connections: self.max_connections,
            connect_timeout: Duration::from_millis(self.connect_timeout_ms),
            statement_timeout: Duration::from_millis(self.statement_timeout_ms),
            lock_timeout: Duration::from_millis(self.lock_timeout_ms),
            migrate: self.migrate,
        }
    }
}

/// Refuses what is no address of a database, and one with a password in it. The URL is not repeated: it may hold what
/// nobody should see.
pub(super) fn check_url(section: &str, url: &str) -> Result<()> {
    let url = reqwest::Url::parse(url).with_context(|| format!("`{section}.url` is no URL"))?;
    ensure!(matches!(url.scheme(), "postgres" | "postgresql"), "`{section}.url` does not begin with `postgresql://`");
    let is_secret = |(name, _): (std::borrow::Cow<'_, str>, _)| name == "password";
    ensure!(
        url.password().is_none() && !url.query_pairs().any(is_secret),
        "`{section}.url` holds a password; write it into a secret and name that as `{section}.password`"
    );
    Ok(())
}
