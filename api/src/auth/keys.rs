//! The keys of the ring in the form that signs and verifies, and the document in which the public halves are published.
//!
//! Made again when the ring is another, which is noticed by asking for it: no request waits for a key, and none has to be
//! told of a rotation. Which of the keys signs follows from the clock.

use super::tokens::LEEWAY;
use commands::vault::{KeyRing, LiveRing, PublicJwk, TokenKey};
use domain::Timestamp;
use jsonwebtoken::errors::Error;
use jsonwebtoken::{DecodingKey, EncodingKey};
use serde::Serialize;
use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;
use time::OffsetDateTime;

pub(crate) struct TokenKeys {
    rings: LiveRing,
    /// How long after it was signed a token may still be let in.
    token_life: Duration,
    usable: RwLock<Arc<Usable>>,
}

/// The keys of one ring.
struct Usable {
    ring: Arc<KeyRing>,
    keys: HashMap<String, Pair>,
}

struct Pair {
    signing: EncodingKey,
    verifying: DecodingKey,
}

/// RFC 7517: what other services verify access tokens with.
#[derive(Debug, Serialize)]
pub(crate) struct KeySet {
    keys: Vec<PublicJwk>,
}

impl TokenKeys {
    pub(crate) fn new(rings: LiveRing, token_ttl: Duration) -> Result<Self, Error> {
        let usable = RwLock::new(Arc::new(Usable::of(rings.now())?));
        Ok(Self { rings, token_life: token_ttl + LEEWAY, usable })
    }

    /// Signs with the key that signs now.
    pub(super) fn sign<T>(
        &self,
        sign: impl FnOnce(&str, &EncodingKey) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let usable = self.usable()?;
        let kid = usable.ring.signing_key(now()).kid();
        // Each key of a ring is in it.
        let pair = usable.keys.get(kid).ok_or(jsonwebtoken::errors::ErrorKind::InvalidKeyFormat)?;
        sign(kid, &pair.signing)
    }

    /// Verifies with the key of this name, if there is one whose tokens may still be alive.
    pub(super) fn verify<T>(&self, kid: &str, verify: impl FnOnce(&DecodingKey) -> T) -> Option<T> {
        let mut usable = self.usable().ok()?;
        if !usable.keys.contains_key(kid) {
            // Another node may have read the next ring already. It costs one look at the file's date.
            self.rings.refresh().ok()?;
            usable = self.usable().ok()?;
        }
        let is_good = usable.ring.verifying_keys(now(), self.token_life).any(|key| key.kid() == kid);
        is_good.then(|| usable.keys.get(kid).map(|pair| verify(&pair.verifying)))?
    }

    pub(crate) fn published(&self) -> KeySet {
        let ring = self.rings.now();
        KeySet { keys: ring.verifying_keys(now(), self.token_life).map(TokenKey::jwk).collect() }
    }

    fn usable(&self) -> Result<Arc<Usable>, Error> {
        let ring = self.rings.now();
        let usable = self.usable.read().unwrap_or_else(PoisonError::into_inner).clone();
        if Arc::ptr_eq(&usable.ring, &ring) {
            return Ok(usable);
        }
        let usable = Arc::new(Usable::of(ring)?);
        *self.usable.write().unwrap_or_else(PoisonError::into_inner) = usable.clone();
        Ok(usable)
    }
}

impl Usable {
    fn of(ring: Arc<KeyRing>) -> Result<Self, Error> {
        let pair = |key: &TokenKey| {
            let verifying = DecodingKey::from_ed_components(&key.jwk().x)?;
            let signing = EncodingKey::from_ed_der(key.pkcs8_der());
            Ok((key.kid().to_owned(), Pair { signing, verifying }))
        };
        let keys = ring.token_keys().map(pair).collect::<Result<_, Error>>()?;
        Ok(Self { ring, keys })
    }
}

fn now() -> Timestamp {
    OffsetDateTime::now_utc().into()
}

impl std::fmt::Debug for TokenKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TokenKeys").field("rings", &self.rings).finish_non_exhaustive()
    }
}
