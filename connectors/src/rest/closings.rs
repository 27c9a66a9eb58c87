//! How a partner is told that something is closed, or that it has to delete what it was sent.

use base64::{Engine, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use jiff::Timestamp;
use reqwest::Request;
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use sha2::Sha256;

use super::request::bare_request;
use crate::{BaseUrl, sender::Parcel};

/// The media type of a closing that has a body.
const JSON: HeaderValue = HeaderValue::from_static("application/json");
/// What stands before a secret in its usual form (Standard Webhooks, *Signature scheme*).
const SECRET_PREFIX: &str = "whsec_";

/// The form in which a partner understands a closing.
#[derive(Debug, Clone, Default)]
pub enum Closings {
    /// `DELETE {base}/{kind}/{reference}` without a body; 404 and 410 say that it is gone already.
    #[default]
    Delete,
    /// `POST {base}/{kind}/{reference}/close` that says why; 410 says that it is gone already.
    Close,
    /// A signed event to an address of its own.
    Webhook(Webhook),
}

/// Where a partner wants to be told, after <https://www.standardwebhooks.com>.
#[derive(Debug, Clone)]
pub struct Webhook {
    /// The address itself; our token is not shown there.
    pub url: BaseUrl,
    /// With what it is signed: base64 after `whsec_`, or the bytes themselves.
    pub secret: SecretString,
}

/// What a closing says, beyond which it is.
#[derive(Debug, Serialize)]
struct Notification<'a> {
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    event: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    kind: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reference: Option<String>,
    /// A code of ours, such as `consent_withdrawn`.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
}

impl Closings {
    /// Whether an answer to a closing says that there is nothing to close any more.
    ///
    /// At an address of its own it only says that the address is wrong.
    pub(super) fn is_gone(&self, status: StatusCode) -> bool {
        match self {
            Self::Delete => matches!(status, StatusCode::NOT_FOUND | StatusCode::GONE),
            Self::Close => status == StatusCode::GONE,
            Self::Webhook(_) => false,
        }
    }

    /// The request that closes; documents lie below `base`.
    pub(super) fn request(&self, base: &BaseUrl, parcel: &Parcel, credentials: &HeaderMap, now: Timestamp) -> Request {
        let (kind, reference) = (parcel.kind.as_str(), parcel.reference.to_string());
        let reason = parcel.closing.as_ref().map(|closing| closing.code.as_str());
        match self {
            Self::Delete => bare_request(Method::DELETE, base.join(&[kind, &reference]), credentials),
            Self::Close => {
                let place = base.join(&[kind, &reference, "close"]);
                let said = Notification { event: None, kind: None, reference: None, reason };
                with_body(bare_request(Method::POST, place, credentials), &said)
            }
            Self::Webhook(webhook) => {
                let said = Notification {
                    event: Some(format!("{kind}.closed")),
                    kind: Some(kind),
                    reference: Some(reference),
                    reason,
                };
                let request = bare_request(Method::POST, webhook.url.join(&[]), &HeaderMap::new());
                webhook.signed(with_body(request, &said), &parcel.idempotency_key, now)
            }
        }
    }
}

impl Webhook {
    fn signed(&self, mut request: Request, id: &str, now: Timestamp) -> Request {
        let body = request.body().and_then(reqwest::Body::as_bytes).unwrap_or_default();
        let second = now.as_second().to_string();
        let signature = self.signature(id, &second, body);
        for (name, value) in [("webhook-id", id), ("webhook-timestamp", &second), ("webhook-signature", &signature)] {
            if let Ok(value) = HeaderValue::from_str(value) {
                request.headers_mut().insert(HeaderName::from_static(name), value);
            }
        }
        request
    }

    /// `v1,` and the HMAC-SHA256 of id, time and body in base64.
    fn signature(&self, id: &str, second: &str, body: &[u8]) -> String {
        let secret = self.secret.expose_secret();
        let decoded = secret.strip_prefix(SECRET_PREFIX).and_then(|encoded| STANDARD.decode(encoded).ok());
        let key = decoded.unwrap_or_else(|| secret.as_bytes().to_vec());
        let mut mac = Hmac::<Sha256>::new_from_slice(&key).expect("HMAC takes a key of any length (RFC 2104 §2)");
        for part in [id.as_bytes(), b".", second.as_bytes(), b".", body] {
            mac.update(part);
        }
        format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
    }
}

fn with_body(mut request: Request, said: &Notification<'_>) -> Request {
    request.headers_mut().insert(header::CONTENT_TYPE, JSON);
    // Texts only: nothing in it can fail to be written.
    *request.body_mut() = serde_json::to_vec(said).ok().map(Into::into);
    request
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gone_is_closed_where_it_is_the_thing_itself_that_is_gone() {
        let hook = Webhook { url: "https://hooks.example/in".parse().unwrap(), secret: "s".into() };
        for (closings, gone) in
            [(Closings::Delete, &[404, 410][..]), (Closings::Close, &[410]), (Closings::Webhook(hook), &[])]
        {
            let found = (100..600).filter(|code| closings.is_gone(StatusCode::from_u16(*code).unwrap()));
            assert_eq!(found.collect::<Vec<_>>(), gone, "{closings:?}");
        }
    }

    #[test]
    fn a_signature_is_that_of_the_standard() {
        // The example of the specification's reference libraries.
        let webhook = Webhook {
            url: "https://hooks.example/in".parse().unwrap(),
            secret: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".into(),
        };
        let signature = webhook.signature("msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", br#"{"test": 2432232314}"#);
        assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }
}
