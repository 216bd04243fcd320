//! Keyed digests of 16 bytes: what may be compared and never read.
//!
//! HMAC-SHA256, cut to a UUID's size but for the secrets of API keys. Claims and requests have keys of their own, API
//! keys a label under that of the claims, and every part is preceded by its length, so no two different inputs digest
//! alike. They are taken once per command: the keyed states are made once and
//! cloned, and nothing is allocated.

use super::api_key::{ApiKeyDigest, ApiKeyText};
use super::keyring::KeyRing;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use std::fmt;
use uuid::Uuid;
use zeroize::Zeroizing;

pub(super) struct Digests {
    claims: Hmac<Sha256>,
    keys: Hmac<Sha256>,
    fingerprints: Hmac<Sha256>,
    api_keys: Hmac<Sha256>,
}

impl Digests {
    pub(super) fn new(ring: &KeyRing) -> Self {
        let claims = keyed(ring.index_key().bytes());
        let requests = keyed(ring.request_key().bytes());
        Self {
            // A claim begins with a length, and no length reads like this.
            api_keys: claims.clone().chain_update(b"api key|"),
            claims,
            keys: requests.clone().chain_update(b"key|"),
            fingerprints: requests.chain_update(b"fingerprint|"),
        }
    }

    pub(super) fn claim(&self, kind: &str, normalised: &str) -> Uuid {
        digest(&self.claims, &[kind.as_bytes(), normalised.as_bytes()])
    }

    pub(super) fn request_key(&self, scope: Uuid, key: &str) -> Uuid {
        digest(&self.keys, &[scope.as_bytes(), key.as_bytes()])
    }

    pub(super) fn fingerprint(&self, parts: &[&[u8]]) -> Uuid {
        digest(&self.fingerprints, parts)
    }

    pub(super) fn api_key(&self, key: &ApiKeyText) -> ApiKeyDigest {
        self.of_api_key(key).finalize().into_bytes().into()
    }

    /// In constant time.
    pub(super) fn is_api_key(&self, key: &ApiKeyText, digest: &ApiKeyDigest) -> bool {
        self.of_api_key(key).verify_slice(digest).is_ok()
    }

    fn of_api_key(&self, key: &ApiKeyText) -> Hmac<Sha256> {
        self.api_keys.clone().chain_update(key.key_id().0.as_bytes()).chain_update(key.secret())
    }
}

impl fmt::Debug for Digests {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Digests(…)")
    }
}

/// A shorter key than a block is filled up with zeros: HMAC's own rule, so the key's length cannot be wrong.
pub(crate) fn keyed(key: &[u8; 32]) -> Hmac<Sha256> {
    let mut block = Zeroizing::new([0; 64]);
    let (start, _) = block.split_at_mut(key.len());
    start.copy_from_slice(key);
    Hmac::new((&*block).into())
}

fn digest(keyed: &Hmac<Sha256>, parts: &[&[u8]]) -> Uuid {
    let mut mac = keyed.clone();
    for part in parts {
        mac.update(&(part.len() as u64).to_le_bytes());
        mac.update(part);
    }
    let mut bytes = [0; 16];
    for (to, from) in bytes.iter_mut().zip(mac.finalize().as_bytes()) {
        *to = *from;
    }
    Uuid::from_bytes(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_depends_on_the_ring_the_kind_and_every_part() {
        let ring = KeyRing::generate().unwrap();
        let digests = Digests::new(&ring);
        let email = digests.claim("email", "ada@example.com");
        assert_eq!(email, Digests::new(&ring).claim("email", "ada@example.com"));
        assert_ne!(email, digests.claim("username", "ada@example.com"));
        assert_ne!(email, digests.claim("email", "eve@example.com"));
        let other = Digests::new(&KeyRing::generate().unwrap());
        assert_ne!(email, other.claim("email", "ada@example.com"));
    }

    #[test]
    fn one_persons_key_is_not_anothers() {
        let digests = Digests::new(&KeyRing::generate().unwrap());
        assert_ne!(
            digests.request_key(Uuid::from_u128(1), "k"),
            digests.request_key(Uuid::from_u128(2), "k")
        );
    }

    #[test]
    fn where_one_part_ends_matters() {
        let digests = Digests::new(&KeyRing::generate().unwrap());
        let cuts: [&[&[u8]]; 5] = [&[b"ab", b"c"], &[b"a", b"bc"], &[b"abc"], &[b"abc", b""], &[b"", b"abc"]];
        for (at, cut) in cuts.iter().enumerate() {
            for other in &cuts[at + 1..] {
                assert_ne!(digests.fingerprint(cut), digests.fingerprint(other));
            }
        }
    }

    #[test]
    fn what_is_kept_of_a_secret_belongs_to_one_key_and_one_ring() {
        let ring = KeyRing::generate().unwrap();
        let digests = Digests::new(&ring);
        let [key, other] = [1, 2].map(|n| ApiKeyText::generate(Uuid::from_u128(n).into()).unwrap());
        let digest = digests.api_key(&key);
        assert!(Digests::new(&ring).is_api_key(&key, &digest));
        assert!(!digests.is_api_key(&other, &digest));
        assert!(!Digests::new(&KeyRing::generate().unwrap()).is_api_key(&key, &digest));
    }

    #[test]
    fn a_key_is_never_mistaken_for_a_fingerprint() {
        let digests = Digests::new(&KeyRing::generate().unwrap());
        let scope = Uuid::from_u128(1);
        assert_ne!(digests.request_key(scope, "k"), digests.fingerprint(&[scope.as_bytes(), b"k"]));
    }
}
