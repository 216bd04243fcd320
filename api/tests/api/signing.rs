//! Tokens taken apart and signed again, as only who has the key ring can: what is refused is refused for its claims.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use commands::vault::KeyRing;
use domain::Timestamp;
use ed25519_dalek::{Signer, SigningKey};
use serde_json::Value;
use std::time::{SystemTime, UNIX_EPOCH};
use time::OffsetDateTime;

/// In seconds since 1970.
pub(crate) fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

pub(crate) fn moment() -> Timestamp {
    OffsetDateTime::now_utc().into()
}

pub(crate) fn part(value: &Value) -> String {
    URL_SAFE_NO_PAD.encode(value.to_string())
}

/// Header and claims of a token, whoever signed it.
pub(crate) fn parts(token: &str) -> (Value, Value) {
    let mut parts = token.split('.').map(|part| URL_SAFE_NO_PAD.decode(part).unwrap());
    let mut next = || serde_json::from_slice(&parts.next().unwrap()).unwrap();
    (next(), next())
}

/// The ring's own private key, as only its owner can use it.
pub(crate) fn own_key(ring: &KeyRing) -> SigningKey {
    let file: Value = serde_json::from_str(&ring.to_json()).unwrap();
    let seed = file["signing"][ring.signing_key(moment()).kid()]["seed"].as_str().unwrap().to_owned();
    SigningKey::from_bytes(&URL_SAFE_NO_PAD.decode(seed).unwrap().try_into().unwrap())
}

pub(crate) fn signed(key: &SigningKey, header: &Value, claims: &Value) -> String {
    let text = format!("{}.{}", part(header), part(claims));
    let signature = URL_SAFE_NO_PAD.encode(key.sign(text.as_bytes()).to_bytes());
    format!("{text}.{signature}")
}

pub(crate) fn with(value: &Value, name: &str, other: Value) -> Value {
    let mut value = value.clone();
    value[name] = other;
    value
}
