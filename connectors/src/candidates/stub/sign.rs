//! The vendors' signatures, for whoever plays them: each is checked against collected vectors.

use std::fmt::Write;

use base64::{Engine, prelude::BASE64_STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;

/// `TT-Signature` of Teamtailor's company webhooks, version 2; `t` in seconds since 1970.
pub fn teamtailor(secret: &SecretString, t: i64, body: &[u8]) -> String {
    let digest = hex(secret, &[t.to_string().as_bytes(), b".", body].concat());
    BASE64_STANDARD.encode(format!("t={t},v2={digest}"))
}

/// `Signature` of Greenhouse's webhooks.
pub fn greenhouse(secret: &SecretString, body: &[u8]) -> String {
    format!("sha256 {}", hex(secret, body))
}

/// `smartrecruiters-signature`, with one key; the other values are those of the headers beside it.
pub fn smartrecruiters(
    secret: &SecretString,
    timestamp: &str,
    body: &[u8],
    event_id: &str,
    event_name: &str,
    event_version: &str,
    link: &str,
) -> String {
    let parts = [timestamp.as_bytes(), body, event_id.as_bytes(), event_name.as_bytes(), event_version.as_bytes()];
    let digest = hex(secret, &[&parts.join(&b"."[..])[..], b".", link.as_bytes()].concat());
    format!("v1={digest}")
}

/// `X-Recruitee-Signature`.
pub fn recruitee(secret: &SecretString, body: &[u8]) -> String {
    hex(secret, body)
}

/// The member `signature` of Lever's webhooks; `triggered_at` in milliseconds since 1970.
pub fn lever(secret: &SecretString, token: &str, triggered_at: i64) -> String {
    hex(secret, format!("{token}{triggered_at}").as_bytes())
}

/// The only place where secrets are exposed.
fn hex(secret: &SecretString, signed: &[u8]) -> String {
    let mut mac =
        Hmac::<Sha256>::new_from_slice(secret.expose_secret().as_bytes()).expect("HMAC takes keys of any length");
    mac.update(signed);
    mac.finalize().into_bytes().iter().fold(String::new(), |mut digits, byte| {
        write!(digits, "{byte:02x}").expect("a string takes all that is written");
        digits
    })
}
