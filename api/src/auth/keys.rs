//! The keys of the ring in the form that signs and verifies, and the document in which the public halves are published.

use commands::vault::{KeyRing, PublicJwk, TokenKey};
use jsonwebtoken::errors::Error;
use jsonwebtoken::{DecodingKey, EncodingKey};
use serde::Serialize;
use std::collections::HashMap;

pub(crate) struct TokenKeys {
    active: (String, EncodingKey),
    verifying: HashMap<String, DecodingKey>,
    published: Vec<PublicJwk>,
}

/// RFC 7517: what other services verify access tokens with.
#[derive(Debug, Serialize)]
pub(crate) struct KeySet<'a> {
    keys: &'a [PublicJwk],
}

impl TokenKeys {
    pub(crate) fn new(ring: &KeyRing) -> Result<Self, Error> {
        let active = ring.token_key();
        let published: Vec<PublicJwk> = ring.token_keys().map(TokenKey::jwk).collect();
        let verifying = published
            .iter()
            .map(|jwk| DecodingKey::from_ed_components(&jwk.x).map(|key| (jwk.kid.clone(), key)))
            .collect::<Result<_, _>>()?;
        let signing = EncodingKey::from_ed_der(active.pkcs8_der());
        Ok(Self { active: (active.kid().to_owned(), signing), verifying, published })
    }

    /// The key that signs, and its name.
    pub(super) const fn signing(&self) -> (&String, &EncodingKey) {
        (&self.active.0, &self.active.1)
    }

    pub(super) fn verifying(&self, kid: &str) -> Option<&DecodingKey> {
        self.verifying.get(kid)
    }

    pub(crate) fn published(&self) -> KeySet<'_> {
        KeySet { keys: &self.published }
    }
}

impl std::fmt::Debug for TokenKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TokenKeys").field("active", &self.active.0).finish_non_exhaustive()
    }
}
