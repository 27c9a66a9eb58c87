//! HMAC-SHA256 as vendors use it: which bytes are signed differs, the rest does not.

use hmac::{Hmac, KeyInit, Mac};
use http::HeaderMap;
use jiff::{SignedDuration, Timestamp};
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;

use super::VerifyError;

/// A digest.
pub type Digest = [u8; 32];

/// The longest id of a delivery taken over, in bytes.
const LONGEST_EVENT_ID: usize = 128;

/// Whether one of the secrets signed these parts, put together, with one of the digests.
///
/// All are tried, so that the time tells nobody which one fits. Empty secrets count as none.
///
/// # Errors
/// [`VerifyError::NoSecret`] or [`VerifyError::Wrong`].
pub fn require(secrets: &[SecretString], parts: &[&[u8]], digests: &[Digest]) -> Result<(), VerifyError> {
    let secrets = || secrets.iter().map(ExposeSecret::expose_secret).filter(|secret| !secret.is_empty());
    if secrets().next().is_none() {
        return Err(VerifyError::NoSecret);
    }
    let tried = secrets().flat_map(|secret| digests.iter().map(move |digest| (secret, digest)));
    let fits = tried.fold(false, |fits, (secret, digest)| fits | is_signed(secret, parts, digest));
    if fits { Ok(()) } else { Err(VerifyError::Wrong) }
}

/// Compares in constant time.
fn is_signed(secret: &str, parts: &[&[u8]], digest: &Digest) -> bool {
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.as_bytes()) else { return false };
    for part in parts {
        mac.update(part);
    }
    mac.verify_slice(digest).is_ok()
}

/// The value of a header that is there once; a second one is no honest sender's.
///
/// # Errors
/// [`VerifyError::Missing`] or [`VerifyError::Malformed`].
pub fn only<'a>(headers: &'a HeaderMap, name: &str) -> Result<&'a str, VerifyError> {
    let mut values = headers.get_all(name).iter();
    let value = values.next().ok_or(VerifyError::Missing)?;
    if values.next().is_some() {
        return Err(VerifyError::Malformed);
    }
    value.to_str().map(str::trim).map_err(|_| VerifyError::Malformed)
}

/// Sixty-four hexadecimal digits.
///
/// # Errors
/// [`VerifyError::Malformed`].
pub fn from_hexadecimal(text: &str) -> Result<Digest, VerifyError> {
    let mut digest = Digest::default();
    hex::decode_to_slice(text, &mut digest).map_err(|_| VerifyError::Malformed)?;
    Ok(digest)
}

/// Checks that something was signed within a while before or after it came.
///
/// # Errors
/// [`VerifyError::Stale`].
pub fn require_recent(signed: Timestamp, received: Timestamp, window: SignedDuration) -> Result<(), VerifyError> {
    if received.duration_since(signed).abs() <= window { Ok(()) } else { Err(VerifyError::Stale) }
}

/// An id of a delivery, if it is harmless to keep.
pub fn harmless_id(text: &str) -> Option<String> {
    let is_harmless = (1..=LONGEST_EVENT_ID).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic());
    is_harmless.then(|| text.to_owned())
}
