//! Talks to a schema registry in the Confluent-compatible API, which Apicurio and others speak as well.
//!
//! **Invariant:** every call is bounded in time and size, and no address, token or password is in an error.

use std::time::Duration;

use anyhow::{Context, Result};
use reqwest::{Client, Method, StatusCode, Url, header::HeaderValue, redirect};
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use thiserror::Error;
use tokio::sync::OnceCell;

use crate::config::Configuration;

/// The form of questions and answers.
const MEDIA_TYPE: &str = "application/vnd.schemaregistry.v1+json";
/// No answer is longer: the largest is a schema.
const LONGEST_ANSWER: usize = 4 << 20;
/// What is repeated of the registry's words, in characters.
const LONGEST_REASON: usize = 400;

/// A registry.
pub struct Registry {
    root: Url,
    credentials: Option<HeaderValue>,
    time_out: Duration,
    client: OnceCell<Client>,
}

/// Why a registry gives no usable answer.
#[derive(Debug, Error)]
pub enum RegistryError {
    /// It cannot be reached, or fails at the moment.
    #[error("the schema registry does not answer: {0}")]
    Unreachable(String),
    /// It refuses.
    #[error("the schema registry refuses (HTTP {status}): {reason}")]
    Refused {
        /// The status.
        status: u16,
        /// Its words, bounded and on one line.
        reason: String,
    },
    /// It answers something else than agreed.
    #[error("what answers at `registry.url` is no schema registry: {0}")]
    Protocol(String),
}

/// What an answer came to.
type Answered<T> = Result<T, RegistryError>;

impl Registry {
    /// The registry of a configuration.
    ///
    /// # Errors
    /// If none is configured, or its secret is missing.
    pub fn of(configuration: &Configuration) -> Result<Self> {
        let settings = &configuration.settings.registry;
        let url = settings.url.as_ref().context(
            "the Kafka engine keeps its schemas in a registry: set `registry.url` to what lies before `/subjects`",
        )?;
        let secret = |name: &Option<String>| {
            let secret = name.as_deref().map(|name| configuration.secrets.get(name)).transpose();
            secret.map(|secret| secret.map(|secret| secret.current().expose_secret().to_owned()))
        };
        let credentials = match (secret(&settings.token)?, secret(&settings.password)?) {
            (Some(token), _) => Some(format!("Bearer {token}")),
            (None, Some(password)) => Some(basic(&settings.user, &password)),
            (None, None) => None,
        };
        let credentials = credentials.map(|text| {
            let mut value = HeaderValue::from_str(&text).context("the secret of `[registry]` cannot be a header")?;
            value.set_sensitive(true);
            anyhow::Ok(value)
        });
        Ok(Self {
            root: Url::parse(url.as_str()).context("`registry.url` is wrong")?,
            credentials: credentials.transpose()?,
            time_out: settings.timeout,
            client: OnceCell::new(),
        })
    }

    /// Where it is.
    pub fn address(&self) -> &str {
        self.root.as_str()
    }

    /// The schema that it knows by an id; none if there is none.
    pub async fn schema(&self, id: u32) -> Answered<Option<String>> {
        let answer = self.ask(Method::GET, &["schemas", "ids", &id.to_string()], None).await;
        found(answer)?.map(|answer| text_of(&answer, "schema")).transpose()
    }

    /// Registers a schema under a subject, and returns its id; the same again changes nothing.
    pub async fn register(&self, subject: &str, avsc: &str) -> Answered<u32> {
        let body = json!({"schema": avsc, "schemaType": "AVRO"});
        id_of(&self.ask(Method::POST, &["subjects", subject, "versions"], Some(body)).await?)
    }

    /// The id of a schema under a subject, if it is registered there.
    pub async fn look_up(&self, subject: &str, avsc: &str) -> Answered<Option<u32>> {
        let body = json!({"schema": avsc, "schemaType": "AVRO"});
        found(self.ask(Method::POST, &["subjects", subject], Some(body)).await)?.as_ref().map(id_of).transpose()
    }

    /// The versions of a subject with their ids and schemas, oldest first; none if there is no such subject.
    pub async fn versions(&self, subject: &str) -> Answered<Vec<(i64, u32, String)>> {
        let Some(numbers) = found(self.ask(Method::GET, &["subjects", subject, "versions"], None).await)? else {
            return Ok(Vec::new());
        };
        let numbers = numbers.as_array().ok_or_else(|| protocol("a list of versions"))?;
        let mut versions = Vec::with_capacity(numbers.len());
        for number in numbers.iter().filter_map(Value::as_i64) {
            let path = ["subjects", subject, "versions", &number.to_string()];
            let version = self.ask(Method::GET, &path, None).await?;
            versions.push((number, id_of(&version)?, text_of(&version, "schema")?));
        }
        Ok(versions)
    }

    /// The compatibility that holds for a subject; none if it says none.
    pub async fn compatibility(&self, subject: &str) -> Answered<Option<String>> {
        let answer = found(self.ask(Method::GET, &["config", subject], None).await)?;
        answer.map(|answer| text_of(&answer, "compatibilityLevel")).transpose()
    }

    /// Sets the compatibility of a subject.
    pub async fn set_compatibility(&self, subject: &str, level: &str) -> Answered<()> {
        let body = json!({"compatibility": level});
        self.ask(Method::PUT, &["config", subject], Some(body)).await.map(drop)
    }

    async fn ask(&self, method: Method, path: &[&str], body: Option<Value>) -> Answered<Value> {
        let client = self.client.get_or_try_init(|| self.build()).await?;
        let mut url = self.root.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(path);
        }
        if path.first() == Some(&"config") && method == Method::GET {
            // Without it a subject that follows the registry's own rule seems to have none.
            url.set_query(Some("defaultToGlobal=true"));
        }
        let mut request = client.request(method, url).timeout(self.time_out).header("accept", MEDIA_TYPE);
        if let Some(credentials) = &self.credentials {
            request = request.header("authorization", credentials.clone());
        }
        if let Some(body) = body {
            request = request.header("content-type", MEDIA_TYPE).body(body.to_string());
        }
        let mut answer = request.send().await.map_err(unreachable)?;
        let status = answer.status();
        let mut bytes = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(unreachable)? {
            if bytes.len() + chunk.len() > LONGEST_ANSWER {
                return Err(protocol("a short answer"));
            }
            bytes.extend_from_slice(&chunk);
        }
        sorted(status, &bytes)
    }

    async fn build(&self) -> Answered<Client> {
        let mut builder = Client::builder()
            .no_proxy()
            .redirect(redirect::Policy::none())
            .connect_timeout(self.time_out)
            .user_agent(concat!("passerelle/", env!("CARGO_PKG_VERSION")));
        if self.root.scheme() == "http" {
            // No certificates are read that are not needed: a host may have none.
            builder = builder.tls_certs_only([]);
        }
        let built = tokio::task::spawn_blocking(move || {
            // An error says that the process has a provider already, which is as good.
            let _ = rustls::crypto::ring::default_provider().install_default();
            builder.build()
        });
        built.await.map_err(|error| RegistryError::Unreachable(error.to_string()))?.map_err(unreachable)
    }
}

fn basic(user: &str, password: &str) -> String {
    use base64::{Engine, engine::general_purpose::STANDARD};
    format!("Basic {}", STANDARD.encode(format!("{user}:{password}")))
}

/// Sorts an answer by its status.
fn sorted(status: StatusCode, bytes: &[u8]) -> Answered<Value> {
    let body: Option<Value> = serde_json::from_slice(bytes).ok();
    if status.is_success() {
        return body.ok_or_else(|| protocol("JSON"));
    }
    let said = body.as_ref().and_then(|body| body["message"].as_str()).unwrap_or_default();
    let status = status.as_u16();
    match status {
        408 | 429 | 500.. => Err(RegistryError::Unreachable(format!("it answers HTTP {status}"))),
        // A registry that knows no such thing says so in its own words; another server would not.
        404 if body.as_ref().is_none_or(|body| body["error_code"].as_i64().is_none()) => Err(protocol("this address")),
        _ => Err(RegistryError::Refused { status, reason: one_line(said) }),
    }
}

/// What was found; none if there is nothing of that name.
fn found(answer: Answered<Value>) -> Answered<Option<Value>> {
    match answer {
        Ok(answer) => Ok(Some(answer)),
        Err(RegistryError::Refused { status: 404, .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

fn id_of(answer: &Value) -> Answered<u32> {
    answer["id"].as_u64().and_then(|id| id.try_into().ok()).ok_or_else(|| protocol("the id of a schema"))
}

fn text_of(answer: &Value, member: &str) -> Answered<String> {
    answer[member].as_str().map(str::to_owned).ok_or_else(|| protocol(&format!("`{member}`")))
}

fn protocol(missing: &str) -> RegistryError {
    RegistryError::Protocol(format!("it does not answer with {missing}"))
}

fn unreachable(error: reqwest::Error) -> RegistryError {
    let error = anyhow::Error::new(error.without_url());
    RegistryError::Unreachable(format!("{error:#}"))
}

fn one_line(text: &str) -> String {
    let words: Vec<&str> = text.split(|one: char| one.is_whitespace() || one.is_control()).collect();
    words.join(" ").chars().take(LONGEST_REASON).collect()
}
