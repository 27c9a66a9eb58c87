//! A gateway on embedded engines with a partner that pushes, in this process.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use metrics_exporter_prometheus::PrometheusHandle;
use serde_json::Value;

use crate::{
    config::Configuration,
    daemon::{Daemon, OPERATOR_TOKEN},
};

/// The partner that pushes.
const PUSHER: &str = "source";

/// The gateway.
pub struct Ours {
    /// Where the partner pushes.
    pub url: String,
    /// The partner's key.
    pub key: String,
    pub daemon: Daemon,
    root: String,
    operator_token: String,
}

impl Ours {
    /// Starts it in a folder, with further files beside the configuration.
    pub async fn start(
        folder: &Path,
        metrics: PrometheusHandle,
        dialect: &str,
        files: &[(&str, String)],
    ) -> Result<Self> {
        let pusher = format!(
            "name = \"Source (invented)\"\ncountry = \"BE\"\nrole = \"public_service\"\n[incoming.vacancy]\ndialect = \"{dialect}\"\n"
        );
        let pusher = (&*format!("partners/{PUSHER}.toml"), pusher);
        for (name, text) in files.iter().chain([&pusher]) {
            let path = folder.join(name);
            fs::create_dir_all(path.parent().unwrap_or(folder))?;
            fs::write(path, text)?;
        }
        fs::write(configuration_of(folder), "[door]\nlisten = \"127.0.0.1:0\"\n")?;
        let configuration = Configuration::load(Some(&configuration_of(folder)))?;
        let token_file = configuration.settings.data_dir.join(OPERATOR_TOKEN);
        let daemon = Daemon::start(configuration, metrics).await?;
        let (root, operator_token) = (format!("http://{}", daemon.address), fs::read_to_string(token_file)?);
        let key = key_for(PUSHER, &root, &operator_token).await?;
        Ok(Self { url: format!("{root}/v1/{PUSHER}/vacancy"), key, daemon, root, operator_token })
    }

    /// Asks as an operator.
    pub async fn ask(&self, path: &str) -> Result<Value> {
        let request = reqwest::Client::new().get(format!("{}{path}", self.root)).bearer_auth(&self.operator_token);
        Ok(request.send().await?.error_for_status()?.json().await?)
    }
}

/// Makes a key for a partner.
pub async fn key_for(partner: &str, root: &str, operator_token: &str) -> Result<String> {
    let wish = serde_json::json!({"partner": partner, "label": "bench"});
    let request = reqwest::Client::new().post(format!("{root}/v1/keys")).bearer_auth(operator_token);
    let made: Value = request.json(&wish).send().await?.error_for_status()?.json().await?;
    Ok(made["key"].as_str().context("no key was made")?.to_owned())
}

/// The configuration file of a folder.
pub fn configuration_of(folder: &Path) -> PathBuf {
    folder.join("passerelle.toml")
}
