//! The API of a running daemon, for verbs about live state.

use std::{collections::BTreeMap, fs, path::PathBuf, time::Duration};

use anyhow::{Context, anyhow};
use clap::Args;
use reqwest::{Method, StatusCode};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::Value;

use super::Failure;
use crate::{config::Settings, daemon::OPERATOR_TOKEN};

/// How long an answer may take.
const TIME_OUT: Duration = Duration::from_secs(30);
/// How long a stream of lines may go on.
const A_YEAR: Duration = Duration::from_hours(24 * 365);

/// Which daemon to talk to.
#[derive(Debug, Args)]
pub struct Connection {
    /// Address of the daemon; by default that of the configuration
    #[arg(long, env = "PASSERELLE_URL", global = true)]
    url: Option<String>,
    /// A key; by default the operator's token in the daemon's data directory
    #[arg(long, env = "PASSERELLE_TOKEN", hide_env_values = true, global = true)]
    token: Option<SecretString>,
    /// The configuration file of the daemon
    #[arg(long, value_name = "FILE", env = "PASSERELLE_CONFIG", global = true)]
    config: Option<PathBuf>,
    /// Print JSON
    #[arg(long, global = true)]
    pub json: bool,
}

/// A client of the API.
pub struct Client {
    http: reqwest::Client,
    url: String,
    token: SecretString,
}

impl Connection {
    /// Finds the daemon and the key.
    pub fn open(&self) -> Result<Client, Failure> {
        let settings = Settings::load(self.config.as_deref())?;
        let url = self.url.clone().unwrap_or_else(|| format!("http://{}", settings.listen));
        let token = self.token.clone().map_or_else(|| operator_token(&settings), Ok)?;
        let http = reqwest::Client::builder().timeout(TIME_OUT).build().context("cannot make an HTTP client")?;
        Ok(Client { http, url: url.trim_end_matches('/').to_owned(), token })
    }
}

impl Client {
    /// Asks the API.
    pub async fn ask(&self, method: Method, path: &str, body: Option<Value>) -> Result<Value, Failure> {
        let mut request =
            self.http.request(method, format!("{}{path}", self.url)).bearer_auth(self.token.expose_secret());
        if let Some(body) = body {
            request = request.json(&body);
        }
        let response = request
            .send()
            .await
            .with_context(|| format!("cannot reach `{}`", self.url))
            .map_err(Failure::Unreachable)?;
        let status = response.status();
        let text = response.text().await.context("the answer broke off").map_err(Failure::Unreachable)?;
        if status.is_success() {
            if text.is_empty() {
                return Ok(Value::Null);
            }
            return Ok(serde_json::from_str(&text).context("the answer is no JSON")?);
        }
        Err(refusal(status, &text))
    }

    /// Gets lines from the API, one after the other, until the callback has enough or the daemon ends it.
    pub async fn lines(&self, path: &str, mut take: impl FnMut(&str) -> bool) -> Result<(), Failure> {
        let request = self.http.get(format!("{}{path}", self.url)).bearer_auth(self.token.expose_secret());
        let unreachable = || format!("cannot reach `{}`", self.url);
        let sent = request.timeout(A_YEAR).send().await;
        let mut response = sent.with_context(unreachable).map_err(Failure::Unreachable)?;
        let status = response.status();
        if !status.is_success() {
            let text = response.text().await.context("the answer broke off").map_err(Failure::Unreachable)?;
            return Err(refusal(status, &text));
        }
        let mut rest = Vec::new();
        loop {
            let chunk = response.chunk().await.context("the daemon went away").map_err(Failure::Unreachable)?;
            let Some(chunk) = chunk else { return Err(Failure::Unreachable(anyhow!("the daemon ended it"))) };
            rest.extend_from_slice(&chunk);
            while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = rest.drain(..=end).collect();
                let line = String::from_utf8_lossy(&line);
                if !line.trim().is_empty() && !take(line.trim()) {
                    return Ok(());
                }
            }
        }
    }

    /// Gets from the API.
    pub async fn get(&self, path: &str) -> Result<Value, Failure> {
        self.ask(Method::GET, path, None).await
    }
}

/// Asks a daemon which of its parts work. Needs no key.
pub async fn parts(url: &str) -> Result<BTreeMap<String, String>, Failure> {
    #[derive(Deserialize)]
    struct Readiness {
        parts: BTreeMap<String, String>,
    }
    let url = format!("{}/health/ready", url.trim_end_matches('/'));
    let http =
        reqwest::Client::builder().timeout(Duration::from_secs(5)).build().context("cannot make an HTTP client")?;
    let unreachable = || format!("cannot reach `{url}`");
    let answer = http.get(&url).send().await.with_context(unreachable).map_err(Failure::Unreachable)?;
    let text = answer.text().await.context("the answer broke off").map_err(Failure::Unreachable)?;
    let readiness: Readiness = serde_json::from_str(&text)
        .with_context(|| format!("what `{url}` says is no daemon's"))
        .map_err(Failure::Unreachable)?;
    Ok(readiness.parts)
}

/// What a refusal says.
fn refusal(status: StatusCode, text: &str) -> Failure {
    let problem: Value = serde_json::from_str(text).unwrap_or(Value::Null);
    let title = problem["title"].as_str().unwrap_or("the daemon refused");
    let mut message = format!("{title} (HTTP {})", status.as_u16());
    if let Some(detail) = problem["detail"].as_str() {
        message.push_str(": ");
        message.push_str(detail);
    }
    for fault in problem["errors"].as_array().into_iter().flatten() {
        let text = |name: &str| fault[name].as_str().unwrap_or_default();
        message.push_str(&format!("\n  {}: {}", text("pointer"), text("detail")));
    }
    if status.is_server_error() { Failure::Unreachable(anyhow!(message)) } else { Failure::Input(anyhow!(message)) }
}

/// The token that the daemon wrote into its data directory.
fn operator_token(settings: &Settings) -> Result<SecretString, Failure> {
    let path = settings.data_dir.join(OPERATOR_TOKEN);
    let token = fs::read_to_string(&path)
        .with_context(|| format!("cannot read `{}`; is the daemon running? else pass --token", path.display()));
    token.map(SecretString::from).map_err(Failure::Unreachable)
}

/// Encodes a text for one segment or parameter of an address.
pub fn encoded(text: &str) -> String {
    percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
}
