//! The vault: where personal data becomes ciphertext before the domain sees it, and plain text again for who may read.
//!
//! Every user has a data key, wrapped by the key ring and kept in `secrets`, outside the journal. Destroying that row
//! erases the person from every copy of the journal at once, while history stays whole: what cannot be opened any more
//! reads as erased. Digests of addresses and requests are made here too, because they need keys.

mod api_key;
mod data_keys;
mod digest;
mod keyring;
mod live_ring;
mod rewrap;
mod seal;
mod secret_key;
mod token_key;

pub use api_key::{ApiKeyDigest, ApiKeyText};
pub(crate) use digest::keyed;
pub use keyring::{KeyRing, KeyRingError, NotYet, RotationError};
pub use live_ring::{LiveRing, RingFileError};
pub use rewrap::{Rewrapped, count_by_wrapping_key, rewrap};
pub use seal::DataKey;
pub use token_key::{PublicJwk, TokenKey, TokenKeyState, TokenKeyTimes};

use async_trait::async_trait;
use data_keys::DataKeys;
use digest::Digests;
use domain::{Sealed, UserId};
use journal::{Journal, OpenError, OpenSealed, SealedField, SecretRow};
use std::sync::Arc;
use uuid::Uuid;

#[derive(Clone, Debug)]
pub struct Vault {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    rings: LiveRing,
    digests: Digests,
    data_keys: DataKeys,
}

/// A sealed value and where it stands.
#[derive(Clone, Copy, Debug)]
pub struct SealedAt<'a> {
    pub user_id: UserId,
    pub event_type: &'a str,
    pub field: &'a str,
    pub sealed: &'a Sealed,
}

impl<'a> From<&'a SealedField> for SealedAt<'a> {
    fn from(field: &'a SealedField) -> Self {
        Self { user_id: field.user, event_type: field.event_type, field: field.field, sealed: &field.value }
    }
}

#[derive(Debug, thiserror::Error)]
pub enum VaultError {
    /// Changed, moved, or sealed under another key. Never an erased user: that is no error.
    #[error("a sealed value cannot be opened where it stands")]
    Unopenable,
    #[error("a data key is wrapped by key {id}, which is not in the key ring")]
    NoSuchKey { id: String },
    #[error("a value is too long to be sealed")]
    TooLong,
    #[error("the operating system gives no random bytes: {0}")]
    Random(#[from] getrandom::Error),
    #[error("postgres: {0}")]
    Postgres(#[from] sqlx::Error),
}

impl Vault {
    pub fn new(ring: KeyRing, journal: Journal) -> Self {
        Self::following(LiveRing::fixed(ring), journal)
    }

    /// With a ring that may be replaced while this process runs. Only keys that wrap and that sign change then: the
    /// others belong to what has been written with them.
    pub fn following(rings: LiveRing, journal: Journal) -> Self {
        let digests = Digests::new(&rings.now());
        Self { inner: Arc::new(Inner { digests, data_keys: DataKeys::new(journal), rings }) }
    }

    pub fn rings(&self) -> &LiveRing {
        &self.inner.rings
    }

    /// As it is now.
    pub fn key_ring(&self) -> Arc<KeyRing> {
        self.inner.rings.now()
    }

    /// A data key for somebody new, and the row that keeps it: to be written with the user's first event.
    pub fn new_user_key(&self, user_id: UserId) -> Result<(DataKey, SecretRow), VaultError> {
        let key = DataKey::generate()?;
        // Once a rotation has replaced the file, nothing new is wrapped by the key before.
        self.inner.rings.look();
        let row = SecretRow {
            owner: user_id.0,
            kind: data_keys::KIND,
            name: String::new(),
            version: 1,
            value: key.wrap(&self.inner.rings.now(), user_id)?,
        };
        // The read side opens the first event a moment later: it need not ask for the key.
        self.inner.data_keys.remember(user_id, key.clone());
        Ok((key, row))
    }

    /// Nothing, if the user is erased or never was.
    pub async fn user_key(&self, user_id: UserId) -> Result<Option<DataKey>, VaultError> {
        let mut keys = self.inner.data_keys.find(&self.inner.rings, [user_id]).await?;
        Ok(keys.remove(&user_id))
    }

    /// Drops a user's key from memory: their row in `secrets` has been destroyed.
    pub fn forget_user(&self, user_id: UserId) {
        self.inner.data_keys.forget(user_id);
    }

    pub fn seal(
        &self,
        key: &DataKey,
        user_id: UserId,
        event_type: &str,
        field: &str,
        plain: &str,
    ) -> Result<Sealed, VaultError> {
        key.seal(&seal::place(user_id, event_type, field), plain)
    }

    /// Opens many values of many users, in the order given, at the cost of at most one question to the database.
    /// Nothing stands for what belongs to an erased user.
    pub async fn open_many(&self, sealed: &[SealedAt<'_>]) -> Result<Vec<Option<String>>, VaultError> {
        let users = sealed.iter().map(|value| value.user_id);
        let keys = self.inner.data_keys.find(&self.inner.rings, users).await?;
        let open = |value: &SealedAt<'_>| {
            let place = seal::place(value.user_id, value.event_type, value.field);
            keys.get(&value.user_id).map(|key| key.open(&place, value.sealed)).transpose()
        };
        sealed.iter().map(open).collect()
    }

    /// The digest under which a value is claimed; give it in the form two values are compared in.
    pub fn claim(&self, kind: &str, normalised: &str) -> Uuid {
        self.inner.digests.claim(kind, normalised)
    }

    /// The digest of an idempotency key within its scope.
    pub fn request_key(&self, scope: Uuid, key: &str) -> Uuid {
        self.inner.digests.request_key(scope, key)
    }

    /// The digest of a whole request, part by part.
    pub fn fingerprint(&self, parts: &[&[u8]]) -> Uuid {
        self.inner.digests.fingerprint(parts)
    }
}

#[async_trait]
impl OpenSealed for Vault {
    async fn open_many(&self, fields: &[SealedField]) -> Result<Vec<Option<String>>, OpenError> {
        let sealed: Vec<SealedAt<'_>> = fields.iter().map(SealedAt::from).collect();
        Self::open_many(self, &sealed).await.map_err(|error| OpenError(error.to_string()))
    }
}
