//! API keys as they are written: `cf_live_<id>_<secret>_<checksum>`, in letters and digits only.
//!
//! The checksum tells typos and garbage from keys without asking anybody. A secret has 190 random bits, so a keyed
//! digest is all that is kept of it: there is nothing to guess that a slow hash would have to protect. Digests are
//! bound to the key's id and compared in constant time.

use super::{Vault, VaultError};
use domain::ApiKeyId;
use secrecy::SecretString;
use std::fmt;
use uuid::Uuid;
use zeroize::Zeroizing;

/// Makes a leaked key recognisable to whoever scans for such things.
const PREFIX: &str = "cf_live_";
const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
/// 128 bits.
const ID_LEN: usize = 22;
/// 32 of 62 letters are 190 bits.
const SECRET_LEN: usize = 32;
/// 32 bits.
const CHECKSUM_LEN: usize = 6;
const KEY_LEN: usize = PREFIX.len() + ID_LEN + 1 + SECRET_LEN + 1 + CHECKSUM_LEN;

/// What is kept of a secret.
pub type ApiKeyDigest = [u8; 32];

/// A key with its secret, as only its holder has it.
#[derive(Clone)]
pub struct ApiKeyText {
    key_id: ApiKeyId,
    secret: Zeroizing<[u8; SECRET_LEN]>,
}

impl ApiKeyText {
    /// A new secret for a key.
    pub fn generate(key_id: ApiKeyId) -> Result<Self, getrandom::Error> {
        let mut secret = Zeroizing::new([0; SECRET_LEN]);
        let mut random = Zeroizing::new([0; SECRET_LEN * 2]);
        let mut written = 0;
        while written < SECRET_LEN {
            getrandom::fill(random.as_mut())?;
            // Of 256 values 248 fall evenly on 62 letters; the others are thrown away.
            let even = random.iter().filter(|byte| **byte < 248);
            for (to, byte) in secret.iter_mut().skip(written).zip(even) {
                *to = letter(u32::from(*byte));
                written += 1;
            }
        }
        Ok(Self { key_id, secret })
    }

    /// The key, if this is one. Says nothing about whether it is good: that is for its owner's history to say.
    pub fn parse(text: &str) -> Option<Self> {
        if text.len() != KEY_LEN || !text.is_ascii() {
            return None;
        }
        let (body, sum) = text.rsplit_once('_')?;
        if *sum.as_bytes() != checksum(body) {
            return None;
        }
        let (id, secret) = body.strip_prefix(PREFIX)?.split_once('_')?;
        let secret: [u8; SECRET_LEN] = secret.as_bytes().try_into().ok()?;
        if id.len() != ID_LEN || !secret.iter().all(|letter| value(*letter).is_some()) {
            return None;
        }
        let id = id.bytes().try_fold(0_u128, |number, letter| {
            number.checked_mul(62)?.checked_add(u128::from(value(letter)?))
        })?;
        Some(Self { key_id: ApiKeyId(Uuid::from_u128(id)), secret: Zeroizing::new(secret) })
    }

    pub const fn key_id(&self) -> ApiKeyId {
        self.key_id
    }

    /// What is shown of a key ever after: enough to find out which one somebody holds.
    pub fn prefix(key_id: ApiKeyId) -> String {
        let mut text = String::with_capacity(KEY_LEN);
        text.push_str(PREFIX);
        push(&mut text, &digits::<ID_LEN>(key_id.0.as_u128()));
        text
    }

    /// The whole of it, to be shown once.
    pub fn expose(&self) -> SecretString {
        let mut text = Self::prefix(self.key_id);
        text.push('_');
        push(&mut text, self.secret.as_slice());
        let sum = checksum(&text);
        text.push('_');
        push(&mut text, &sum);
        text.into()
    }

    pub(super) fn secret(&self) -> &[u8] {
        self.secret.as_slice()
    }
}

impl fmt::Debug for ApiKeyText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ApiKeyText").field("key_id", &self.key_id).finish_non_exhaustive()
    }
}

impl Vault {
    /// A new secret for a key, and what is kept of it.
    pub fn new_api_key(&self, key_id: ApiKeyId) -> Result<(ApiKeyText, ApiKeyDigest), VaultError> {
        let text = ApiKeyText::generate(key_id)?;
        let digest = self.inner.digests.api_key(&text);
        Ok((text, digest))
    }

    /// Whether this is what was kept of the key's secret. Takes the same time either way.
    pub fn is_api_key(&self, text: &ApiKeyText, digest: &ApiKeyDigest) -> bool {
        self.inner.digests.is_api_key(text, digest)
    }
}

fn letter(number: u32) -> u8 {
    ALPHABET.get(number as usize % ALPHABET.len()).copied().unwrap_or(b'0')
}

const fn value(letter: u8) -> Option<u8> {
    match letter {
        b'0'..=b'9' => Some(letter - b'0'),
        b'A'..=b'Z' => Some(letter - b'A' + 10),
        b'a'..=b'z' => Some(letter - b'a' + 36),
        _ => None,
    }
}

/// A number in base 62, filled up with zeros from the left.
fn digits<const LEN: usize>(mut number: u128) -> [u8; LEN] {
    let mut text = [b'0'; LEN];
    for to in text.iter_mut().rev() {
        *to = letter(u32::try_from(number % 62).unwrap_or(0));
        number /= 62;
    }
    text
}

/// Letters and digits: each is a character.
fn push(text: &mut String, letters: &[u8]) {
    text.extend(letters.iter().copied().map(char::from));
}

fn checksum(text: &str) -> [u8; CHECKSUM_LEN] {
    digits(u128::from(crc32(text.as_bytes())))
}

/// CRC-32 as in ISO 3309 and zip files.
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| (crc >> 1) ^ (0xedb8_8320 & (crc & 1).wrapping_neg()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use secrecy::ExposeSecret;

    fn new(id: u128) -> (ApiKeyText, String) {
        let key = ApiKeyText::generate(ApiKeyId(Uuid::from_u128(id))).unwrap();
        let text = key.expose().expose_secret().to_owned();
        (key, text)
    }

    #[test]
    fn a_key_looks_like_one() {
        let (key, text) = new(7);
        assert_eq!(text.len(), KEY_LEN);
        assert!(text.starts_with("cf_live_0000000000000000000007_"), "{text}");
        assert!(text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_'));
        assert!(text.starts_with(&ApiKeyText::prefix(key.key_id)));
        assert!(!format!("{key:?}").contains(std::str::from_utf8(key.secret()).unwrap()));
    }

    #[test]
    fn the_checksum_is_the_one_everybody_uses() {
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
    }

    #[test]
    fn no_two_secrets_are_the_same_and_every_letter_occurs() {
        let secrets: Vec<_> = (0..200).map(|_| new(7).0.secret.to_vec()).collect();
        let distinct: std::collections::HashSet<_> = secrets.iter().collect();
        assert_eq!(distinct.len(), secrets.len());
        assert!(ALPHABET.iter().all(|letter| secrets.iter().flatten().any(|used| used == letter)));
    }

    #[test]
    fn an_id_that_is_too_large_is_none() {
        let body = format!("{PREFIX}{}_{}", "z".repeat(ID_LEN), "A".repeat(SECRET_LEN));
        let sum = checksum(&body);
        let text = format!("{body}_{}", std::str::from_utf8(&sum).unwrap());
        assert!(ApiKeyText::parse(&text).is_none());
    }

    proptest! {
        #[test]
        fn a_key_reads_back_as_it_was_written(id: u128) {
            let (key, text) = new(id);
            let read = ApiKeyText::parse(&text).unwrap();
            prop_assert_eq!(read.key_id, key.key_id);
            prop_assert_eq!(read.secret, key.secret);
        }

        #[test]
        fn one_changed_bit_is_refused(id: u128, bit in 0..KEY_LEN * 8) {
            let (_, text) = new(id);
            let mut bytes = text.into_bytes();
            bytes[bit / 8] ^= 1 << (bit % 8);
            let changed = String::from_utf8_lossy(&bytes);
            prop_assert!(ApiKeyText::parse(&changed).is_none());
        }

        #[test]
        fn a_typo_is_refused(id: u128, at in 0..KEY_LEN, letter in "[0-9A-Za-z]") {
            let (_, text) = new(id);
            let mut changed = text.clone();
            changed.replace_range(at..=at, &letter);
            prop_assert!(changed == text || ApiKeyText::parse(&changed).is_none());
        }

        #[test]
        fn garbage_is_refused_and_never_panics(text in "(cf_live_)?\\PC{0,90}") {
            prop_assert!(ApiKeyText::parse(&text).is_none());
        }
    }
}
