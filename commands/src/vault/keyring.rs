//! The keys file: every long-lived secret of an installation, one key for one purpose.
//!
//! It is JSON, made once and kept by whoever runs Counterfoil; `keys` wrap the data keys of users (`active` wraps new
//! ones, the others only unwrap), the rest are named after what they are for. Correct because nothing is accepted half:
//! a ring has each key, each of 32 bytes, no two the same, and exactly one token key that is active. No error and no
//! `Debug` shows key material. A ring never changes: [`rotation`] makes the next one.

use super::secret_key::SecretKey;
use super::token_key::{TokenKey, TokenKeyState, TokenKeyTimes};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::Timestamp;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::collections::BTreeMap;
use zeroize::Zeroizing;

mod rotation;
mod stages;

pub use rotation::{NotYet, RotationError};

/// Longest name of a wrapping key. Shorter than a key in base64url, so a key put in a name's place is not printed.
const ID_MAX: usize = 32;

#[derive(Clone, Debug)]
pub struct KeyRing {
    wrapping: WrappingKey,
    /// Since when nothing new is wrapped by any other key; nothing, for the first one.
    active_since: Option<Timestamp>,
    /// The name of the one that the next rotation makes active: it is known everywhere before it wraps.
    next: Option<String>,
    /// Unwrap only: data keys that were wrapped before the active key came.
    older: Vec<WrappingKey>,
    index: SecretKey,
    request: SecretKey,
    refresh: SecretKey,
    token: TokenKey,
    other_tokens: Vec<TokenKey>,
}

#[derive(Clone, Debug)]
pub(crate) struct WrappingKey {
    pub(crate) id: String,
    pub(crate) key: SecretKey,
}

#[derive(Debug, thiserror::Error)]
pub enum KeyRingError {
    #[error("the keys file is not a key ring: line {line}, column {column} is not what is expected there")]
    Unreadable { line: usize, column: usize },
    #[error("the keys file: {name} is not 32 bytes in base64url without padding")]
    BadKey { name: String },
    #[error("the keys file: a key's name must be 1 to {ID_MAX} letters, digits, '-' or '_'")]
    BadName,
    #[error("the keys file: \"active\" names none of \"keys\"")]
    NoActiveKey,
    #[error("the keys file: \"next\" must name one of \"keys\" that is not active yet")]
    NoNextKey,
    #[error("the keys file: exactly one signing key must be active, and {active} are")]
    NotOneSigningKey { active: usize },
    #[error("the keys file: a signing key stands under another name than its own, {kid}")]
    WrongName { kid: String },
    #[error("the keys file: two purposes share one key")]
    SharedKey,
    #[error("a signing key cannot be encoded")]
    Unencodable,
    #[error("the operating system gives no random bytes: {0}")]
    Random(#[from] getrandom::Error),
}

impl WrappingKey {
    fn generate() -> Result<Self, KeyRingError> {
        let mut id = [0; 6];
        getrandom::fill(&mut id)?;
        Ok(Self { id: format!("k-{}", URL_SAFE_NO_PAD.encode(id)), key: SecretKey::generate()? })
    }
}

impl KeyRing {
    /// Fresh keys for a new installation.
    pub fn generate() -> Result<Self, KeyRingError> {
        Ok(Self {
            wrapping: WrappingKey::generate()?,
            active_since: None,
            next: None,
            older: Vec::new(),
            index: SecretKey::generate()?,
            request: SecretKey::generate()?,
            refresh: SecretKey::generate()?,
            token: TokenKey::new(SecretKey::generate()?, TokenKeyState::Active, TokenKeyTimes::default())?,
            other_tokens: Vec::new(),
        })
    }

    pub fn from_json(text: &str) -> Result<Self, KeyRingError> {
        // serde's own words quote the value they stumble over, which may be a key: only the place is passed on.
        let file: KeyFile = serde_json::from_str(text)
            .map_err(|error| KeyRingError::Unreadable { line: error.line(), column: error.column() })?;
        let (wrapping, older) = wrapping_keys(&file)?;
        let (token, other_tokens) = token_keys(&file)?;
        if file.next.as_ref().is_some_and(|next| !older.iter().any(|key| key.id == *next)) {
            return Err(KeyRingError::NoNextKey);
        }
        let ring = Self {
            wrapping,
            active_since: file.active_since,
            next: file.next,
            older,
            index: read_key("index_key", &file.index_key)?,
            request: read_key("request_key", &file.request_key)?,
            refresh: read_key("refresh_key", &file.refresh_key)?,
            token,
            other_tokens,
        };
        ring.shares_no_key()?;
        Ok(ring)
    }

    pub fn to_json(&self) -> Zeroizing<String> {
        let text = |key: &SecretKey| KeyText(key.to_base64());
        let file = KeyFile {
            active: self.wrapping.id.clone(),
            active_since: self.active_since,
            next: self.next.clone(),
            keys: std::iter::once(&self.wrapping)
                .chain(&self.older)
                .map(|wrapping| (wrapping.id.clone(), text(&wrapping.key)))
                .collect(),
            index_key: text(&self.index),
            request_key: text(&self.request),
            refresh_key: text(&self.refresh),
            signing: self
                .token_keys()
                .map(|key| {
                    let TokenKeyTimes { signs_from, retired_at } = key.times();
                    let (seed, state) = (text(key.seed()), key.state());
                    (key.kid().to_owned(), SigningEntry { seed, state, signs_from, retired_at })
                })
                .collect(),
        };
        // A map of texts: there is nothing in it that could fail.
        Zeroizing::new(serde_json::to_string_pretty(&file).unwrap_or_default())
    }

    /// Every key for access tokens, the active one first.
    pub fn token_keys(&self) -> impl Iterator<Item = &TokenKey> {
        std::iter::once(&self.token).chain(&self.other_tokens)
    }

    pub(super) const fn active_wrapping(&self) -> &WrappingKey {
        &self.wrapping
    }

    pub(super) fn wrapping(&self, id: &str) -> Option<&WrappingKey> {
        std::iter::once(&self.wrapping).chain(&self.older).find(|wrapping| wrapping.id == id)
    }

    /// For claims: digests of what only one user may have.
    pub(super) const fn index_key(&self) -> &SecretKey {
        &self.index
    }

    /// For idempotency keys and fingerprints of requests.
    pub(super) const fn request_key(&self) -> &SecretKey {
        &self.request
    }

    pub(crate) const fn refresh_key(&self) -> &SecretKey {
        &self.refresh
    }

    /// Whether what was claimed under one of the rings is known under the other.
    pub(super) fn is_of_the_same_house(&self, other: &Self) -> bool {
        self.index == other.index
    }

    fn shares_no_key(&self) -> Result<(), KeyRingError> {
        let wrapping = std::iter::once(&self.wrapping).chain(&self.older).map(|wrapping| &wrapping.key);
        let seeds = self.token_keys().map(TokenKey::seed);
        let all: Vec<&SecretKey> =
            wrapping.chain(seeds).chain([&self.index, &self.request, &self.refresh]).collect();
        let shared =
            all.iter().enumerate().any(|(at, key)| all.iter().skip(at + 1).any(|other| other == key));
        if shared {
            return Err(KeyRingError::SharedKey);
        }
        Ok(())
    }
}

fn wrapping_keys(file: &KeyFile) -> Result<(WrappingKey, Vec<WrappingKey>), KeyRingError> {
    let mut active = None;
    let mut older = Vec::new();
    for (id, text) in &file.keys {
        if !is_id(id) {
            return Err(KeyRingError::BadName);
        }
        let wrapping = WrappingKey { id: id.clone(), key: read_key(&format!("key {id}"), text)? };
        if *id == file.active {
            active = Some(wrapping);
        } else {
            older.push(wrapping);
        }
    }
    Ok((active.ok_or(KeyRingError::NoActiveKey)?, older))
}

fn token_keys(file: &KeyFile) -> Result<(TokenKey, Vec<TokenKey>), KeyRingError> {
    let mut keys = Vec::with_capacity(file.signing.len());
    for (kid, entry) in &file.signing {
        let times = TokenKeyTimes { signs_from: entry.signs_from, retired_at: entry.retired_at };
        let key = TokenKey::new(read_key("a signing key", &entry.seed)?, entry.state, times)?;
        if key.kid() != kid {
            return Err(KeyRingError::WrongName { kid: key.kid().to_owned() });
        }
        keys.push(key);
    }
    let (mut active, others): (Vec<_>, Vec<_>) =
        keys.into_iter().partition(|key| key.state() == TokenKeyState::Active);
    match (active.pop(), active.len()) {
        (Some(key), 0) => Ok((key, others)),
        (signing, rest) => {
            Err(KeyRingError::NotOneSigningKey { active: rest + usize::from(signing.is_some()) })
        }
    }
}

fn read_key(name: &str, text: &KeyText) -> Result<SecretKey, KeyRingError> {
    SecretKey::from_base64(&text.0).ok_or_else(|| KeyRingError::BadKey { name: name.to_owned() })
}

fn is_id(id: &str) -> bool {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
    (1..=ID_MAX).contains(&id.len()) && id.bytes().all(allowed)
}

/// What stands in the file.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct KeyFile {
    active: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    active_since: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    next: Option<String>,
    keys: BTreeMap<String, KeyText>,
    index_key: KeyText,
    request_key: KeyText,
    refresh_key: KeyText,
    signing: BTreeMap<String, SigningEntry>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SigningEntry {
    seed: KeyText,
    state: TokenKeyState,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    signs_from: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    retired_at: Option<Timestamp>,
}

/// A key as text, wiped when dropped.
struct KeyText(Zeroizing<String>);

impl Serialize for KeyText {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for KeyText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|text| Self(Zeroizing::new(text)))
    }
}

#[cfg(test)]
mod tests;
