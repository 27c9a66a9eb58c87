//! The section `[vault]`: where the keys of persons are, and what wraps them.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use super::{PostgresqlSettings, StoreEngine, postgresql::check_url};
use crate::vault::KeyRing;

/// The variable with the key-encryption keys themselves, for whoever has no file.
const KEYS: &str = "PASSERELLE_VAULT_KEYS";

/// What the vault is told; each setting is documented where its default stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VaultSettings {
    pub key_file: Option<PathBuf>,
    pub url: Option<String>,
    pub password: Option<String>,
    pub remember: Duration,
}

/// The section as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct VaultSection {
    key_file: PathBuf,
    url: String,
    password: String,
    remember_seconds: u64,
}

impl VaultSection {
    /// Refuses what cannot be meant.
    pub(super) fn check(&self) -> Result<()> {
        ensure!(
            self.remember_seconds > 0,
            "`vault.remember_seconds` is 0: every body would ask for its key; use 1 or more"
        );
        if self.url.is_empty() { Ok(()) } else { check_url("vault", &self.url) }
    }

    pub(super) fn settings(self, base: &Path) -> VaultSettings {
        VaultSettings {
            key_file: (!self.key_file.as_os_str().is_empty()).then(|| base.join(self.key_file)),
            url: (!self.url.is_empty()).then_some(self.url),
            password: (!self.password.is_empty()).then_some(self.password),
            remember: Duration::from_secs(self.remember_seconds),
        }
    }
}

impl VaultSettings {
    /// The key-encryption keys, if there are any: those of the environment, else those of the file.
    ///
    /// # Errors
    /// If they cannot be read, or one is weak.
    pub(super) fn key_ring(&self) -> Result<Option<Arc<KeyRing>>> {
        #[expect(clippy::disallowed_methods, reason = "settings are read here; this one never stands in a file")]
        let given = std::env::var(KEYS).ok().map(SecretString::from);
        let ring = match (given, &self.key_file) {
            (Some(keys), _) => KeyRing::parse(keys.expose_secret()).with_context(|| format!("in `{KEYS}`"))?,
            (None, Some(file)) => KeyRing::load(file).context("`vault.key_file` is wrong")?,
            (None, None) => return Ok(None),
        };
        Ok(Some(Arc::new(ring)))
    }

    /// The server of the keys' database, with the limits that hold for the store's.
    ///
    /// # Errors
    /// If it is not configured, or names the store's database.
    pub fn server(&self, store: &PostgresqlSettings) -> Result<PostgresqlSettings> {
        let url = self.url.clone().context(
            "`vault.url` is empty: with the store in PostgreSQL the keys need a database of their own, not in its backups",
        )?;
        ensure!(
            place_of(&url)? != place_of(&store.url)?,
            "`vault.url` names the store's database: its backups would bring destroyed keys back; name another one"
        );
        Ok(PostgresqlSettings { url, password: self.password.clone(), ..store.clone() })
    }

    /// Whether the secret named as `vault.password` is needed.
    pub(super) fn secret_name(&self, store: StoreEngine) -> Option<&str> {
        self.password.as_deref().filter(|_| store == StoreEngine::Postgresql)
    }
}

/// Host, port and database of a URL.
fn place_of(url: &str) -> Result<(String, u16, String)> {
    let url = reqwest::Url::parse(url).context("a database's URL is no URL")?;
    let host = url.host_str().unwrap_or("localhost").to_lowercase();
    Ok((host, url.port().unwrap_or(5432), url.path().trim_matches('/').to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Settings;

    #[test]
    fn the_stores_database_is_not_taken_for_keys() {
        let mut store = Settings::load(None).unwrap().postgresql;
        store.url = "postgresql://us@db.example:5432/passerelle?sslmode=require".to_owned();
        let server = |url: &str| {
            let url = (!url.is_empty()).then(|| url.to_owned());
            VaultSettings { key_file: None, url, password: None, remember: Duration::from_secs(1) }.server(&store)
        };
        for same in ["postgresql://other@DB.example/passerelle", "postgres://us@db.example:5432/passerelle/"] {
            assert!(server(same).unwrap_err().to_string().contains("names the store's database"));
        }
        assert!(server("").unwrap_err().to_string().contains("`vault.url` is empty"));
        let keys = server("postgresql://us@db.example/keys").unwrap();
        assert_eq!((keys.url.as_str(), keys.lock_timeout), ("postgresql://us@db.example/keys", store.lock_timeout));
    }
}
