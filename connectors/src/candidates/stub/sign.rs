//! The vendors' signatures, for whoever plays them: each is checked against collected vectors.

use base64::{Engine, prelude::BASE64_STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;

/// `TT-Signature` of Teamtailor's company webhooks, version 2; `t` in seconds since 1970.
pub fn teamtailor(secret: &SecretString, t: i64, body: &[u8]) -> String {
    let digest = hex(secret, &[t.to_string().as_bytes(), b".", body].concat());
    BASE64_STANDARD.encode(format!("t={t},v2={digest}"))
}

/// The only place where secrets are exposed.
fn hex(secret: &SecretString, signed: &[u8]) -> String {
    let mut mac =
        Hmac::<Sha256>::new_from_slice(secret.expose_secret().as_bytes()).expect("HMAC takes keys of any length");
    mac.update(signed);
    mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect()
}
