//! Signs webhooks and posts them, with retries.

use std::{fmt::Write, time::Duration};

use hmac::{Hmac, KeyInit, Mac};
use http::{HeaderValue, Method, header};
use reqwest::Request;
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;
use tokio::time;
use tokio_util::sync::CancellationToken;

use super::{Action, Answer, Delivery, GreenhouseSettings};
use crate::{
    BaseUrl,
    http_client::{self, HttpClient, Reuse},
    webhook::greenhouse,
};

const CONNECT_TIME_OUT: Duration = Duration::from_secs(5);
/// The vendor does not care for answers; this much is read so that the connection can serve again.
const ANSWER_LIMIT: usize = 64 * 1024;

/// One webhook to deliver.
#[derive(Debug)]
pub(super) struct Event {
    pub(super) post: u64,
    pub(super) revision: u64,
    pub(super) action: Option<Action>,
    pub(super) live: bool,
    pub(super) title: String,
    pub(super) body: Vec<u8>,
}

/// Who delivers.
#[derive(Debug)]
pub(super) struct Courier {
    target: BaseUrl,
    secret: SecretString,
    time_out: Duration,
    retry_waits: Vec<Duration>,
    client: HttpClient,
}

impl Courier {
    pub(super) fn new(settings: GreenhouseSettings) -> Self {
        let GreenhouseSettings { target, secret, time_out, retry_waits, .. } = settings;
        let client = HttpClient::new(&target, CONNECT_TIME_OUT.min(time_out), Reuse::WhileFresh);
        Self { target, secret, time_out, retry_waits, client }
    }

    /// Tries until it is acknowledged, the retries are used up, or it is told to stop; gives back the last attempt.
    pub(super) async fn deliver(&self, event: &Event, stop: &CancellationToken, note: impl Fn(&Delivery)) -> Delivery {
        let mut delivery = self.attempt(event, 1).await;
        note(&delivery);
        for wait in &self.retry_waits {
            if delivery.answer.is_acknowledged() || stop.run_until_cancelled(time::sleep(*wait)).await.is_none() {
                break;
            }
            delivery = self.attempt(event, delivery.attempt + 1).await;
            note(&delivery);
        }
        delivery
    }

    async fn attempt(&self, event: &Event, attempt: u32) -> Delivery {
        let event_id = event_id();
        let answer = self.post(&event.body, &event_id).await;
        Delivery {
            post: event.post,
            revision: event.revision,
            action: event.action,
            live: event.live,
            title: event.title.clone(),
            attempt,
            event_id,
            answer,
        }
    }

    async fn post(&self, body: &[u8], event_id: &str) -> Answer {
        let Ok(client) = self.client.get().await else { return Answer::Unreachable };
        let Some(request) = self.request(body, event_id) else { return Answer::Unreachable };
        match client.execute(request).await {
            Ok(response) => {
                let status = response.status().as_u16();
                // Read so that the connection can be used again; what it says does not matter.
                let _ = http_client::body_up_to(ANSWER_LIMIT, response).await;
                Answer::Status(status)
            }
            Err(error) if error.is_connect() => Answer::Unreachable,
            Err(_) => Answer::Silence,
        }
    }

    fn request(&self, body: &[u8], event_id: &str) -> Option<Request> {
        let mut request = Request::new(Method::POST, self.target.join(&[]));
        let headers = request.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(greenhouse::SIGNATURE, HeaderValue::from_str(&self.signature(body)?).ok()?);
        headers.insert(greenhouse::EVENT_ID, HeaderValue::from_str(event_id).ok()?);
        *request.body_mut() = Some(body.to_vec().into());
        *request.timeout_mut() = Some(self.time_out);
        Some(request)
    }

    /// The only place where the secret is exposed.
    fn signature(&self, body: &[u8]) -> Option<String> {
        let mut mac = Hmac::<Sha256>::new_from_slice(self.secret.expose_secret().as_bytes()).ok()?;
        mac.update(body);
        let mut signature = "sha256 ".to_owned();
        for byte in mac.finalize().into_bytes() {
            write!(signature, "{byte:02x}").ok()?;
        }
        Some(signature)
    }
}

/// Unlike anything else of the stub it is not seeded: it must be unique over restarts too.
fn event_id() -> String {
    let number: u128 = rand::random();
    format!("{number:032x}")
}
