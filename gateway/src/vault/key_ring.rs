//! Key-encryption keys: they wrap the keys of subjects, and are kept apart from them.
//!
//! **Invariant:** a version is named by its key, so that no other key can go by its name.

use std::{fs, os::unix::fs::PermissionsExt, path::Path, sync::Arc};

use anyhow::{Context, Result, bail, ensure};
use async_trait::async_trait;
use base64::{Engine, engine::general_purpose::STANDARD};
use schemas::{Hash, hash_of};
use zeroize::Zeroizing;

use super::{
    cipher::{self, KEY_BYTES, Key, NONCE_BYTES},
    mac,
};
use crate::in_force::InForce;

/// Bits of a file's mode that only its owner may have.
const OTHERS: u32 = 0o077;
/// Different bytes that a key has at least. Of 32 random ones fewer differ once in 10^10 times.
const DIFFERENT_BYTES: usize = 16;

/// A wrapped key, and the version of the key-encryption key that opens it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wrapped {
    /// The version.
    pub version: String,
    /// The key, encrypted and authenticated.
    pub bytes: Vec<u8>,
}

/// Wraps keys; a key management service can do it as well as a file.
#[async_trait]
pub trait KeyEncryptionKeys: Send + Sync {
    /// The version that wraps from now on.
    async fn current(&self) -> Result<String>;

    /// Wraps a key under the current version, bound to what it is for.
    async fn wrap(&self, associated: &[u8], key: &[u8]) -> Result<Wrapped>;

    /// Unwraps a key that any version has wrapped which is still there.
    async fn unwrap(&self, associated: &[u8], wrapped: &Wrapped) -> Result<Zeroizing<Vec<u8>>>;
}

/// The versions of a key-encryption key, the current one first.
#[derive(Debug)]
pub struct KeyRing(Vec<(String, Key)>);

impl KeyRing {
    /// Reads a key file: a key a line, 32 bytes in base64, the current one first. Only its owner may read it.
    ///
    /// # Errors
    /// If it cannot be read, others may read it, or a key is weak.
    pub fn load(path: &Path) -> Result<Self> {
        let shown = path.display();
        let attributes = fs::metadata(path).with_context(|| {
            format!("cannot read the key-encryption keys `{shown}`; `passerelle vault key` makes one")
        })?;
        ensure!(attributes.is_file(), "`{shown}` is no file");
        let mode = attributes.permissions().mode();
        ensure!(mode & OTHERS == 0, "others than its owner may read `{shown}`; set its mode to 0600");
        let text = fs::read_to_string(path).map(Zeroizing::new);
        let text = text.with_context(|| format!("cannot read the key-encryption keys `{shown}`"))?;
        Self::parse(&text).with_context(|| format!("in `{shown}`"))
    }

    /// Reads keys, each in base64, separated by white space.
    ///
    /// # Errors
    /// If there are none, or one is weak; the key is not repeated.
    pub fn parse(text: &str) -> Result<Self> {
        let keys = text.split_whitespace().enumerate();
        let keys: Vec<_> = keys
            .map(|(index, text)| key_of(text).with_context(|| format!("key-encryption key {}", index + 1)))
            .collect::<Result<_>>()?;
        ensure!(!keys.is_empty(), "there is no key-encryption key; `passerelle vault key` makes one");
        Ok(Self(keys))
    }

    /// A new key as a line of a key file, and its version.
    pub fn new_line() -> (Zeroizing<String>, String) {
        let key = Key::generate();
        let version = version_of(&key);
        (Zeroizing::new(STANDARD.encode(key.expose())), version)
    }

    /// The versions, the current one first.
    pub fn versions(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(version, _)| version.as_str())
    }

    /// A hash of the versions and their order.
    pub fn fingerprint(&self) -> Hash {
        hash_of(&self.versions().map(str::as_bytes).collect::<Vec<_>>())
    }

    fn current(&self) -> &(String, Key) {
        self.0.first().expect("a ring is never made without a key")
    }
}

#[async_trait]
impl KeyEncryptionKeys for KeyRing {
    async fn current(&self) -> Result<String> {
        Ok(self.current().0.clone())
    }

    async fn wrap(&self, associated: &[u8], key: &[u8]) -> Result<Wrapped> {
        let (version, wrapping) = self.current();
        let (nonce, sealed) = cipher::encrypt(wrapping, associated, key)?;
        Ok(Wrapped { version: version.clone(), bytes: [nonce.as_slice(), &sealed].concat() })
    }

    async fn unwrap(&self, associated: &[u8], wrapped: &Wrapped) -> Result<Zeroizing<Vec<u8>>> {
        let Some((_, key)) = self.0.iter().find(|(version, _)| *version == wrapped.version) else {
            bail!("the key-encryption key `{}` is missing; put it back into the key file", wrapped.version)
        };
        let (nonce, sealed) = wrapped.bytes.split_at_checked(NONCE_BYTES).context("a wrapped key is damaged")?;
        cipher::decrypt(key, associated, nonce, sealed).context("a wrapped key is damaged")
    }
}

/// The key-encryption keys that are in force, a reload included.
pub struct KeysInForce(pub InForce);

impl KeysInForce {
    fn ring(&self) -> Result<Arc<KeyRing>> {
        self.0.now().configuration.key_ring.clone().context("no key-encryption key is configured any more")
    }
}

#[async_trait]
impl KeyEncryptionKeys for KeysInForce {
    async fn current(&self) -> Result<String> {
        KeyEncryptionKeys::current(&*self.ring()?).await
    }

    async fn wrap(&self, associated: &[u8], key: &[u8]) -> Result<Wrapped> {
        self.ring()?.wrap(associated, key).await
    }

    async fn unwrap(&self, associated: &[u8], wrapped: &Wrapped) -> Result<Zeroizing<Vec<u8>>> {
        self.ring()?.unwrap(associated, wrapped).await
    }
}

fn key_of(text: &str) -> Result<(String, Key)> {
    let bytes = STANDARD.decode(text).map(Zeroizing::new).ok().context("it is no base64")?;
    ensure!(bytes.len() == KEY_BYTES, "it has {} bytes; {KEY_BYTES} random ones are needed", bytes.len());
    let mut different = Zeroizing::new(bytes.to_vec());
    different.sort_unstable();
    different.dedup();
    ensure!(
        different.len() >= DIFFERENT_BYTES && !bytes.iter().all(u8::is_ascii_graphic),
        "it is weak: it is no random number; `passerelle vault key` makes one"
    );
    let key = Key::of(&bytes).context("it has the wrong length")?;
    Ok((version_of(&key), key))
}

/// The name of a version: what only that key gives, and what does not give the key.
fn version_of(key: &Key) -> String {
    mac(key.expose(), "key-encryption key", &[]).to_string()[..16].to_owned()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::OpenOptionsExt;

    use super::*;

    fn file(folder: &Path, mode: u32, text: &str) -> std::path::PathBuf {
        use std::io::Write;
        let path = folder.join(format!("{mode:o}"));
        let mut file = fs::OpenOptions::new().create_new(true).write(true).mode(mode).open(&path).unwrap();
        file.write_all(text.as_bytes()).unwrap();
        path
    }

    #[test]
    fn a_key_file_is_for_its_owner_only() {
        let folder = tempfile::tempdir().unwrap();
        let (line, version) = KeyRing::new_line();
        let ring = KeyRing::load(&file(folder.path(), 0o600, &line)).unwrap();
        assert_eq!(ring.versions().collect::<Vec<_>>(), [version]);
        KeyRing::load(&file(folder.path(), 0o400, &line)).unwrap();
        for mode in [0o640, 0o604, 0o644] {
            let refusal = format!("{:#}", KeyRing::load(&file(folder.path(), mode, &line)).unwrap_err());
            assert!(refusal.contains("0600") && !refusal.contains(line.as_str()), "{refusal}");
        }
    }

    #[test]
    fn a_weak_key_is_refused_and_not_repeated() {
        let encoded = |bytes: &[u8]| STANDARD.encode(bytes);
        for (text, expected) in [
            (String::new(), "there is no key-encryption key"),
            ("correct horse battery staple".to_owned(), "key 1"),
            (encoded(&[1; 16]), "16 bytes"),
            (encoded(&[0; 32]), "weak"),
            (encoded(b"0123456789abcdef0123456789abcdef"), "weak"),
            (encoded(b"abcdefghijklmnopqrstuvwxyz012345"), "weak"),
            (format!("{}\n{}", *KeyRing::new_line().0, encoded(&[9; 32])), "key 2"),
        ] {
            let refusal = format!("{:#}", KeyRing::parse(&text).unwrap_err());
            assert!(refusal.contains(expected), "{refusal}");
            assert!(text.split_whitespace().all(|word| word.len() < 9 || !refusal.contains(word)), "{refusal}");
        }
    }

    #[tokio::test]
    async fn every_version_that_is_there_unwraps_and_the_first_wraps() {
        let ((old, old_version), (new, new_version)) = (KeyRing::new_line(), KeyRing::new_line());
        let only_old = KeyRing::parse(&old).unwrap();
        let both = KeyRing::parse(&format!("{}\n{}\n", *new, *old)).unwrap();
        let only_new = KeyRing::parse(&new).unwrap();
        let wrapped = only_old.wrap(b"for", b"a key").await.unwrap();
        assert_eq!(wrapped.version, old_version);
        assert_eq!(&**both.unwrap(b"for", &wrapped).await.unwrap(), b"a key");
        assert_eq!(both.wrap(b"for", b"a key").await.unwrap().version, new_version);
        assert!(only_new.unwrap(b"for", &wrapped).await.unwrap_err().to_string().contains(&old_version));
        assert!(both.unwrap(b"for another", &wrapped).await.is_err());
        let renamed = Wrapped { version: new_version, ..wrapped };
        assert!(both.unwrap(b"for", &renamed).await.is_err());
    }
}
