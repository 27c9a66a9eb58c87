//! `passerelle keys`: API keys.

use clap::Subcommand;
use reqwest::Method;
use serde_json::json;

use super::{
    Failure,
    client::{Connection, encoded},
    output::say,
};

/// Make, list and revoke API keys.
#[derive(Debug, Subcommand)]
pub enum Keys {
    /// Make a key and show it once
    Create {
        /// The partner that may use it; without one it is an operator's
        #[arg(long)]
        partner: Option<String>,
        /// What it is for, in your own words
        #[arg(long, default_value = "")]
        label: String,
        #[command(flatten)]
        connection: Connection,
    },
    /// List every key
    List {
        #[command(flatten)]
        connection: Connection,
    },
    /// Revoke a key at once
    Revoke {
        /// The name of the key, as `keys list` shows it
        key_id: String,
        #[command(flatten)]
        connection: Connection,
    },
}

impl Keys {
    pub async fn run(self) -> Result<(), Failure> {
        match self {
            Self::Create { partner, label, connection } => {
                let body = json!({"partner": partner, "label": label});
                let made = connection.open()?.ask(Method::POST, "/v1/keys", Some(body)).await?;
                if connection.json {
                    say(&made.to_string());
                } else {
                    say(made["key"].as_str().unwrap_or_default());
                }
            }
            Self::List { connection } => {
                let keys = connection.open()?.get("/v1/keys").await?;
                if connection.json {
                    say(&keys.to_string());
                    return Ok(());
                }
                for key in keys.as_array().into_iter().flatten() {
                    let text = |name: &str| key[name].as_str().unwrap_or("-").to_owned();
                    let state = if key["revoked_at"].is_null() { "valid" } else { "revoked" };
                    say(&format!(
                        "{:14} {:20} {:8} {:28} {}",
                        text("key_id"),
                        text("partner"),
                        state,
                        text("created_at"),
                        text("label")
                    ));
                }
            }
            Self::Revoke { key_id, connection } => {
                connection.open()?.ask(Method::DELETE, &format!("/v1/keys/{}", encoded(&key_id)), None).await?;
            }
        }
        Ok(())
    }
}
