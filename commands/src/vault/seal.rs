//! Sealing: XChaCha20-Poly1305 with a random nonce, bound to the place where the value stands.
//!
//! Correct because the place (user, event type, field) is authenticated with the ciphertext: a sealed value that is
//! moved to another user, event or field does not open. 192-bit nonces may be random for any number of messages.

use super::VaultError;
use super::keyring::{KeyRing, WrappingKey};
use super::secret_key::SecretKey;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use domain::{Sealed, UserId};
use std::fmt;
use std::sync::Arc;
use zeroize::Zeroizing;

/// First byte of everything sealed: another cipher would be 2.
const VERSION: u8 = 1;
const NONCE_LEN: usize = 24;

/// The key under which one person's data is sealed. Destroying it erases them.
#[derive(Clone)]
pub struct DataKey(Arc<SecretKey>);

impl fmt::Debug for DataKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DataKey(…)")
    }
}

impl DataKey {
    pub(super) fn generate() -> Result<Self, VaultError> {
        Ok(Self(Arc::new(SecretKey::generate()?)))
    }

    pub(super) fn seal(&self, place: &str, plain: &str) -> Result<Sealed, VaultError> {
        let mut envelope = vec![VERSION];
        encrypt(&self.0, place, plain.as_bytes(), &mut envelope)?;
        Ok(Sealed::new(URL_SAFE_NO_PAD.encode(envelope)))
    }

    pub(super) fn open(&self, place: &str, sealed: &Sealed) -> Result<String, VaultError> {
        let envelope = URL_SAFE_NO_PAD.decode(&sealed.sealed).map_err(|_| VaultError::Unopenable)?;
        let Some((&VERSION, rest)) = envelope.split_first() else {
            return Err(VaultError::Unopenable);
        };
        let plain = decrypt(&self.0, place, rest)?;
        String::from_utf8(plain).map_err(|_| VaultError::Unopenable)
    }

    /// Wraps the key for the table of secrets: version, name of the wrapping key, nonce and ciphertext.
    pub(super) fn wrap(&self, ring: &KeyRing, user_id: UserId) -> Result<Vec<u8>, VaultError> {
        let WrappingKey { id, key } = ring.active_wrapping();
        let id_len = u8::try_from(id.len()).map_err(|_| VaultError::Unopenable)?;
        let mut envelope = vec![VERSION, id_len];
        envelope.extend_from_slice(id.as_bytes());
        encrypt(key, &wrapping_place(user_id, id), self.0.bytes(), &mut envelope)?;
        Ok(envelope)
    }

    pub(super) fn unwrap(ring: &KeyRing, user_id: UserId, envelope: &[u8]) -> Result<Self, VaultError> {
        let (id, rest) = wrapped_parts(envelope).ok_or(VaultError::Unopenable)?;
        let wrapping = ring.wrapping(id).ok_or_else(|| VaultError::NoSuchKey { id: id.to_owned() })?;
        let plain = Zeroizing::new(decrypt(&wrapping.key, &wrapping_place(user_id, id), rest)?);
        SecretKey::from_slice(&plain).map(|key| Self(Arc::new(key))).ok_or(VaultError::Unopenable)
    }
}

/// The name of the key that a data key is wrapped by, if it is a wrapped data key at all.
pub(super) fn wrapped_by(envelope: &[u8]) -> Option<&str> {
    wrapped_parts(envelope).map(|(id, _)| id)
}

fn wrapped_parts(envelope: &[u8]) -> Option<(&str, &[u8])> {
    let (&[VERSION, id_len], rest) = envelope.split_first_chunk::<2>()? else { return None };
    let (id, sealed) = rest.split_at_checked(usize::from(id_len))?;
    Some((std::str::from_utf8(id).ok()?, sealed))
}

/// Where a sealed value stands. Ids, event types and field names hold no '|', so no two places read the same.
pub(super) fn place(user_id: UserId, event_type: &str, field: &str) -> String {
    format!("counterfoil/v1|user/{user_id}|{event_type}|{field}")
}

fn wrapping_place(user_id: UserId, wrapping_key: &str) -> String {
    format!("counterfoil/v1|data-key/{user_id}|{wrapping_key}")
}

/// Appends nonce and ciphertext.
fn encrypt(key: &SecretKey, place: &str, plain: &[u8], out: &mut Vec<u8>) -> Result<(), VaultError> {
    let mut nonce = [0; NONCE_LEN];
    getrandom::fill(&mut nonce)?;
    let payload = Payload { msg: plain, aad: place.as_bytes() };
    let ciphertext = cipher(key).encrypt(&XNonce::from(nonce), payload).map_err(|_| VaultError::TooLong)?;
    out.extend_from_slice(&nonce);
    out.extend_from_slice(&ciphertext);
    Ok(())
}

fn decrypt(key: &SecretKey, place: &str, sealed: &[u8]) -> Result<Vec<u8>, VaultError> {
    let (&nonce, ciphertext) = sealed.split_first_chunk::<NONCE_LEN>().ok_or(VaultError::Unopenable)?;
    let payload = Payload { msg: ciphertext, aad: place.as_bytes() };
    cipher(key).decrypt(&XNonce::from(nonce), payload).map_err(|_| VaultError::Unopenable)
}

fn cipher(key: &SecretKey) -> XChaCha20Poly1305 {
    XChaCha20Poly1305::new(key.bytes().into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use uuid::Uuid;

    fn user(n: u128) -> UserId {
        UserId(Uuid::from_u128(n))
    }

    #[test]
    fn a_sealed_value_opens_only_where_it_was_sealed() {
        let key = DataKey::generate().unwrap();
        let home = place(user(1), "UserRegistered", "email");
        let sealed = key.seal(&home, "ada@example.com").unwrap();
        assert_eq!(key.open(&home, &sealed).unwrap(), "ada@example.com");
        for elsewhere in [
            place(user(2), "UserRegistered", "email"),
            place(user(1), "ProfileChanged", "email"),
            place(user(1), "UserRegistered", "username"),
        ] {
            assert!(key.open(&elsewhere, &sealed).is_err(), "{elsewhere}");
        }
        let other = DataKey::generate().unwrap();
        assert!(other.open(&home, &sealed).is_err());
    }

    #[test]
    fn the_same_value_never_looks_the_same_twice() {
        let key = DataKey::generate().unwrap();
        let home = place(user(1), "UserRegistered", "email");
        assert_ne!(key.seal(&home, "ada").unwrap(), key.seal(&home, "ada").unwrap());
    }

    #[test]
    fn a_data_key_is_unwrapped_by_the_ring_that_wrapped_it_and_for_its_user_only() {
        let ring = KeyRing::generate().unwrap();
        let key = DataKey::generate().unwrap();
        let wrapped = key.wrap(&ring, user(1)).unwrap();
        let again = DataKey::unwrap(&ring, user(1), &wrapped).unwrap();
        assert_eq!(again.0, key.0);
        assert!(DataKey::unwrap(&ring, user(2), &wrapped).is_err());
        let stranger = KeyRing::generate().unwrap();
        assert!(matches!(DataKey::unwrap(&stranger, user(1), &wrapped), Err(VaultError::NoSuchKey { .. })));
    }

    #[test]
    fn a_data_key_is_not_printed() {
        assert_eq!(format!("{:?}", DataKey::generate().unwrap()), "DataKey(…)");
    }

    proptest! {
        #[test]
        fn whatever_is_sealed_opens_and_one_changed_bit_does_not(plain in "\\PC{0,300}", bit in any::<prop::sample::Index>()) {
            let key = DataKey::generate().unwrap();
            let home = place(user(1), "UserRegistered", "name");
            let sealed = key.seal(&home, &plain).unwrap();
            prop_assert_eq!(key.open(&home, &sealed).unwrap(), plain);
            let mut envelope = URL_SAFE_NO_PAD.decode(&sealed.sealed).unwrap();
            let bit = bit.index(envelope.len() * 8);
            envelope[bit / 8] ^= 1 << (bit % 8);
            let changed = Sealed::new(URL_SAFE_NO_PAD.encode(envelope));
            prop_assert!(key.open(&home, &changed).is_err());
        }

        #[test]
        fn garbage_is_refused_and_never_panics(text in "\\PC{0,120}", bytes in prop::collection::vec(any::<u8>(), 0..120)) {
            let ring = KeyRing::generate().unwrap();
            let key = DataKey::generate().unwrap();
            prop_assert!(key.open("anywhere", &Sealed::new(text)).is_err());
            prop_assert!(DataKey::unwrap(&ring, user(1), &bytes).is_err());
        }
    }
}
