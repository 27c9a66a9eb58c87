//! Encrypts and authenticates: XChaCha20-Poly1305 with random nonces, of which 24 bytes never repeat
//! (<https://datatracker.ietf.org/doc/html/draft-irtf-cfrg-xchacha-03>).

use anyhow::{Result, anyhow};
use chacha20poly1305::{
    KeyInit, XChaCha20Poly1305, XNonce,
    aead::{Aead, Payload},
};
use rand::Rng;
use secrecy::{ExposeSecret, SecretBox};
use zeroize::Zeroizing;

/// What a sealed body says of its algorithm.
pub const ALGORITHM: &str = "xchacha20-poly1305";
/// The length of a key, in bytes.
pub const KEY_BYTES: usize = 32;
/// The length of a nonce, in bytes.
pub const NONCE_BYTES: usize = 24;

/// A key; overwritten when it is dropped, and never printed.
#[derive(Debug)]
pub struct Key(SecretBox<[u8; KEY_BYTES]>);

impl Key {
    /// Makes a key that nobody can guess.
    pub fn generate() -> Self {
        Self(SecretBox::init_with_mut(|bytes: &mut [u8; KEY_BYTES]| rand::rng().fill_bytes(bytes)))
    }

    /// A key of these bytes; none if they are too many or too few.
    pub fn of(bytes: &[u8]) -> Option<Self> {
        if bytes.len() != KEY_BYTES {
            return None;
        }
        Some(Self(SecretBox::init_with_mut(|key: &mut [u8; KEY_BYTES]| key.copy_from_slice(bytes))))
    }

    /// The bytes.
    pub fn expose(&self) -> &[u8] {
        self.0.expose_secret()
    }

    fn cipher(&self) -> XChaCha20Poly1305 {
        XChaCha20Poly1305::new_from_slice(self.expose()).expect("a key has the length of a key")
    }
}

/// Encrypts under a nonce of its own, which is returned first.
///
/// # Errors
/// If the text is longer than the algorithm can take: 256 GiB.
pub fn encrypt(key: &Key, associated: &[u8], plain: &[u8]) -> Result<([u8; NONCE_BYTES], Vec<u8>)> {
    let mut nonce = [0; NONCE_BYTES];
    rand::rng().fill_bytes(&mut nonce);
    let payload = Payload { msg: plain, aad: associated };
    let sealed = key.cipher().encrypt(&XNonce::from(nonce), payload);
    Ok((nonce, sealed.map_err(|_| anyhow!("the text is too long to be sealed"))?))
}

/// Decrypts what was encrypted with that key, nonce and associated data; anything else is refused.
///
/// # Errors
/// Without a reason: there is none to be told.
pub fn decrypt(key: &Key, associated: &[u8], nonce: &[u8], sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>> {
    let nonce: [u8; NONCE_BYTES] = nonce.try_into().map_err(|_| anyhow!("the nonce has the wrong length"))?;
    let payload = Payload { msg: sealed, aad: associated };
    let opened = key.cipher().decrypt(&XNonce::from(nonce), payload);
    Ok(Zeroizing::new(opened.map_err(|_| anyhow!("what is sealed does not open: another key, other data, or damage"))?))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_was_sealed_opens_and_nothing_else_does(
            plain in proptest::collection::vec(any::<u8>(), 0..300),
            associated in proptest::collection::vec(any::<u8>(), 0..60),
            at in any::<prop::sample::Index>(),
            bit in 0..8_u8,
        ) {
            let key = Key::generate();
            let (nonce, sealed) = encrypt(&key, &associated, &plain).unwrap();
            prop_assert_eq!(&*decrypt(&key, &associated, &nonce, &sealed).unwrap(), &plain);
            prop_assert!(decrypt(&Key::generate(), &associated, &nonce, &sealed).is_err());
            let flipped = |bytes: &[u8]| {
                let mut bytes = bytes.to_vec();
                let at = at.index(bytes.len());
                bytes[at] ^= 1 << bit;
                bytes
            };
            prop_assert!(decrypt(&key, &associated, &nonce, &flipped(&sealed)).is_err());
            prop_assert!(decrypt(&key, &associated, &flipped(&nonce), &sealed).is_err());
            prop_assert!(decrypt(&key, &associated, &nonce, &sealed[..sealed.len() - 1]).is_err());
            let mut longer = associated.clone();
            longer.push(0);
            prop_assert!(decrypt(&key, &longer, &nonce, &sealed).is_err());
            if !associated.is_empty() {
                prop_assert!(decrypt(&key, &flipped(&associated), &nonce, &sealed).is_err());
            }
        }
    }

    #[test]
    fn a_key_is_not_printed() {
        let key = Key::of(&[7; KEY_BYTES]).unwrap();
        assert!(!format!("{key:?}").contains('7'), "{key:?}");
        assert!(Key::of(&[7; 31]).is_none());
    }

    /// The example of draft-irtf-cfrg-xchacha-03, appendix A.3.1.
    #[test]
    fn the_example_of_the_draft_opens() {
        let key = Key::of(&(0x80..0xa0).collect::<Vec<u8>>()).unwrap();
        let nonce: Vec<u8> = (0x40..0x58).collect();
        let associated = [0x50, 0x51, 0x52, 0x53, 0xc0, 0xc1, 0xc2, 0xc3, 0xc4, 0xc5, 0xc6, 0xc7];
        let sealed = concat!(
            "bd6d179d3e83d43b9576579493c0e939572a1700252bfaccbed2902c21396cbb",
            "731c7f1b0b4aa6440bf3a82f4eda7e39ae64c6708c54c216cb96b72e1213b452",
            "2f8c9ba40db5d945b11b69b982c1bb9e3f3fac2bc369488f76b2383565d3fff9",
            "21f9664c97637da9768812f615c68b13b52e",
            "c0875924c1c7987947deafd8780acf49",
        );
        let sealed: Vec<u8> =
            (0..sealed.len()).step_by(2).map(|at| u8::from_str_radix(&sealed[at..at + 2], 16).unwrap()).collect();
        let opened = decrypt(&key, &associated, &nonce, &sealed).unwrap();
        assert!(opened.starts_with(b"Ladies and Gentlemen of the class of '99"));
    }
}
