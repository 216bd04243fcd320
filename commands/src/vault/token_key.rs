//! The Ed25519 keys that access tokens are signed with.
//!
//! A key is named by its RFC 7638 thumbprint, so its name follows from the key alone: two nodes with one key ring
//! publish the same names, and a key cannot stand under a false one. A pending key may say from when on it signs: then
//! it takes over by the clock, everywhere at once, and nobody has to be told.

use super::keyring::KeyRingError;
use super::secret_key::SecretKey;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::Timestamp;
use ed25519_dalek::SigningKey;
use ed25519_dalek::pkcs8::EncodePrivateKey;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::fmt;
use zeroize::Zeroizing;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TokenKeyState {
    /// Published, so that verifiers know it before its first use.
    Pending,
    /// Signs.
    Active,
    /// Verifies what it signed, until the last of that has expired.
    Retired,
}

/// When a key's state changes, or changed, by itself. Nothing, where a person says so.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TokenKeyTimes {
    /// Of a pending key: when it becomes the one that signs.
    pub signs_from: Option<Timestamp>,
    /// Of a retired one: when it signed its last.
    pub retired_at: Option<Timestamp>,
}

#[derive(Clone)]
pub struct TokenKey {
    kid: String,
    state: TokenKeyState,
    times: TokenKeyTimes,
    seed: SecretKey,
    public: [u8; 32],
    pkcs8: Zeroizing<Vec<u8>>,
}

/// The public half, as `/.well-known/jwks.json` shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PublicJwk {
    pub kty: &'static str,
    pub crv: &'static str,
    pub x: String,
    pub kid: String,
    pub alg: &'static str,
    #[serde(rename = "use")]
    pub usage: &'static str,
}

impl TokenKey {
    pub(super) fn new(
        seed: SecretKey,
        state: TokenKeyState,
        times: TokenKeyTimes,
    ) -> Result<Self, KeyRingError> {
        let signing = SigningKey::from_bytes(seed.bytes());
        let public = signing.verifying_key().to_bytes();
        let pkcs8 = signing.to_pkcs8_der().map_err(|_| KeyRingError::Unencodable)?;
        Ok(Self {
            kid: thumbprint(&public),
            state,
            times,
            seed,
            public,
            pkcs8: Zeroizing::new(pkcs8.as_bytes().to_vec()),
        })
    }

    pub fn kid(&self) -> &str {
        &self.kid
    }

    pub const fn state(&self) -> TokenKeyState {
        self.state
    }

    pub const fn times(&self) -> TokenKeyTimes {
        self.times
    }

    /// The same key in another state.
    #[must_use]
    pub(super) fn turned(&self, state: TokenKeyState, times: TokenKeyTimes) -> Self {
        Self { state, times, ..self.clone() }
    }

    pub(super) const fn seed(&self) -> &SecretKey {
        &self.seed
    }

    /// The private key as PKCS#8: what a signer is made from.
    pub fn pkcs8_der(&self) -> &[u8] {
        &self.pkcs8
    }

    /// The public key's 32 bytes: what a verifier is made from.
    pub const fn public(&self) -> &[u8; 32] {
        &self.public
    }

    pub fn jwk(&self) -> PublicJwk {
        PublicJwk {
            kty: "OKP",
            crv: "Ed25519",
            x: URL_SAFE_NO_PAD.encode(self.public),
            kid: self.kid.clone(),
            alg: "EdDSA",
            usage: "sig",
        }
    }
}

impl fmt::Debug for TokenKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenKey").field("kid", &self.kid).field("state", &self.state).finish_non_exhaustive()
    }
}

/// RFC 7638: the digest of the required members, in order, without a space.
fn thumbprint(public: &[u8; 32]) -> String {
    let x = URL_SAFE_NO_PAD.encode(public);
    let required = format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}"#);
    URL_SAFE_NO_PAD.encode(Sha256::digest(required))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The key of RFC 8037, appendix A.
    const SEED: &str = "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A";

    fn key() -> TokenKey {
        let seed = SecretKey::from_base64(SEED).unwrap();
        TokenKey::new(seed, TokenKeyState::Active, TokenKeyTimes::default()).unwrap()
    }

    #[test]
    fn a_key_is_named_by_its_thumbprint() {
        assert_eq!(key().kid(), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
        assert_eq!(key().jwk().x, "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo");
    }

    #[test]
    fn the_private_half_is_not_printed() {
        let printed = format!("{:?}", key());
        assert!(!printed.contains(SEED) && !printed.contains("seed"), "{printed}");
        assert!(!serde_json::to_string(&key().jwk()).unwrap().contains("\"d\""));
    }

    #[test]
    fn the_private_key_is_plain_pkcs8() {
        let der = key().pkcs8_der().to_vec();
        let seed = SecretKey::from_base64(SEED).unwrap();
        assert!(der.windows(32).any(|window| window == seed.bytes()));
    }
}
