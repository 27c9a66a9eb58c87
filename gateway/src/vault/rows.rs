//! Sealed bytes that stand in a column of the store: a format byte, the key's id, the nonce, then what is sealed.

use anyhow::{Context, Result, ensure};
use schemas::PartnerId;
use uuid::Uuid;

use super::{
    Subject, Vault,
    cipher::{self, NONCE_BYTES},
};

/// The first byte: XChaCha20-Poly1305, laid out as above.
const FORMAT: u8 = 1;
/// The length of a key's id, in bytes.
const ID_BYTES: usize = 16;
/// The length of the authentication tag, in bytes.
const TAG_BYTES: usize = 16;

/// By how many bytes a sealed column is longer than what was sealed.
pub const ROW_OVERHEAD_BYTES: usize = 1 + ID_BYTES + NONCE_BYTES + TAG_BYTES;

impl Vault {
    /// Seals bytes for a place of the store; they open nowhere else. None if the subject's keys were destroyed.
    ///
    /// # Errors
    /// If the subject is unknown, or the keys' database does not answer.
    pub async fn seal_row(&self, subject: Subject, place: &str, plain: &[u8]) -> Result<Option<Vec<u8>>> {
        self.seal_row_for(subject, None, place, plain).await
    }

    /// The same under the key for a recipient.
    ///
    /// # Errors
    /// If the subject is unknown, or the keys' database does not answer.
    pub async fn seal_row_for(
        &self,
        subject: Subject,
        recipient: Option<&PartnerId>,
        place: &str,
        plain: &[u8],
    ) -> Result<Option<Vec<u8>>> {
        let Some(key) = self.key_for(subject, recipient).await? else { return Ok(None) };
        let (nonce, sealed) = cipher::encrypt(&key.sealing, place.as_bytes(), plain)?;
        Ok(Some([&[FORMAT], key.key_id.as_bytes().as_slice(), &nonce, &sealed].concat()))
    }

    /// Opens what was sealed for that place. None if the subject's keys were destroyed.
    ///
    /// # Errors
    /// If the key is unknown, the bytes are not what was sealed there, or the keys' database does not answer.
    pub async fn open_row(&self, place: &str, row: &[u8]) -> Result<Option<Vec<u8>>> {
        let (format, rest) = row.split_first().context("an empty column is not sealed")?;
        ensure!(*format == FORMAT, "sealed in a format that is not known here");
        let (key_id, rest) = rest.split_at_checked(ID_BYTES).context("a sealed column is cut off")?;
        let (nonce, sealed) = rest.split_at_checked(NONCE_BYTES).context("a sealed column is cut off")?;
        let Some(key) = self.key(Uuid::from_slice(key_id)?).await? else { return Ok(None) };
        Ok(Some(cipher::decrypt(&key.sealing, place.as_bytes(), nonce, sealed)?.to_vec()))
    }
}
