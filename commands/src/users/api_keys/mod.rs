//! API keys: making, changing, rotating and revoking them.
//!
//! A secret is made here, leaves once with the answer, and a digest of it is written with the event it belongs to. A
//! repeat of the request finds the events and not the secret, because nobody has it any more.

mod owner;

pub use owner::{KeyHolder, KeyOwner, KeyRefusal};

use crate::envelope::Beside;
use crate::vault::{ApiKeyDigest, DataKey};
use crate::{Commands, Context, Done, Failure, NewSecret, Outcome, Refusal, SecretKind};
use domain::user::{ApiKeyChange, UserCommand, UserEvent, UserRefusal};
use domain::{ApiKeyId, DisplayName, Event, Network, Scopes, Sealed, Timestamp, UserId};
use journal::JournalError;
use secrecy::SecretString;
use sqlx::Row;
use std::time::Duration;
use uuid::Uuid;

/// How long a key lives unless asked otherwise: one that nobody thinks of any more ends by itself.
pub const KEY_LIFE_DEFAULT: Duration = Duration::from_hours(24 * 365);
/// And at most: ten years.
pub const KEY_LIFE_MAX: Duration = Duration::from_hours(24 * 3_653);
/// How long the secret before goes on working after a rotation unless asked otherwise, and at most: time to put the
/// new one everywhere.
pub const OVERLAP_DEFAULT: Duration = Duration::from_hours(24);
pub const OVERLAP_MAX: Duration = Duration::from_hours(7 * 24);
/// Networks a key may be bound to: a list that is longer than that is written by nobody.
pub const NETWORKS_MAX: usize = 32;

#[derive(Clone, Debug)]
pub struct NewApiKey {
    pub name: DisplayName,
    pub scopes: Scopes,
    pub expires_at: Option<Timestamp>,
    /// None means everywhere.
    pub networks: Vec<Network>,
}

/// What is to be changed of a key; what is left out stays.
#[derive(Clone, Debug, Default)]
pub struct ApiKeyPatch {
    pub name: Option<DisplayName>,
    pub scopes: Option<Scopes>,
    pub is_active: Option<bool>,
    pub expires_at: Option<Timestamp>,
    pub networks: Option<Vec<Network>>,
}

/// A key with a new secret.
#[derive(Debug)]
pub struct IssuedKey {
    pub done: Done,
    pub key_id: ApiKeyId,
    /// Nothing, if the request was a repeat: the secret left with the first answer.
    pub key: Option<SecretString>,
}

impl Commands {
    pub async fn create_api_key(
        &self,
        context: Context,
        user_id: UserId,
        new: NewApiKey,
    ) -> Result<IssuedKey, Failure> {
        let networks = written(&new.networks);
        let key = self.request_key(
            &context,
            &[
                b"create_api_key",
                user_id.0.as_bytes(),
                new.name.as_str().as_bytes(),
                new.scopes.to_string().as_bytes(),
                written(new.expires_at.as_slice()).as_bytes(),
                networks.as_bytes(),
            ],
        );
        let data_key = self.data_key_of(user_id).await?;
        let seal = |field, plain: &str| self.seal_for_key(&data_key, user_id, "ApiKeyCreated", field, plain);
        let key_id = ApiKeyId(Uuid::now_v7());
        let (text, digest) = self.vault().new_api_key(key_id)?;
        let command = UserCommand::CreateApiKey {
            key_id,
            name: seal("name", new.name.as_str())?,
            scopes: new.scopes,
            expires_at: new.expires_at.unwrap_or_else(|| self.options().clock.now().plus(KEY_LIFE_DEFAULT)),
            cidrs: if networks.is_empty() { None } else { Some(seal("cidrs", &networks)?) },
            at: Timestamp::default(),
        };
        let beside = Beside { secrets: vec![kept(key_id, 1, digest, None)], ..Beside::default() };
        let done = self.change_user(&context, key, user_id, command, beside).await?;
        let key_id = key_of(&done).unwrap_or(key_id);
        Ok(IssuedKey { key: (!done.replayed).then(|| text.expose()), key_id, done })
    }

    pub async fn change_api_key(
        &self,
        context: Context,
        user_id: UserId,
        key_id: ApiKeyId,
        patch: ApiKeyPatch,
    ) -> Outcome {
        let networks = patch.networks.as_deref().map(written);
        let name = patch.name.as_ref().map(DisplayName::as_str);
        let key = self.request_key(
            &context,
            &[
                b"change_api_key",
                user_id.0.as_bytes(),
                key_id.0.as_bytes(),
                format!("{name:?}").as_bytes(),
                format!("{:?}", patch.scopes.map(|scopes| scopes.to_string())).as_bytes(),
                format!("{:?}", patch.is_active).as_bytes(),
                written(patch.expires_at.as_slice()).as_bytes(),
                format!("{networks:?}").as_bytes(),
            ],
        );
        let data_key = self.data_key_of(user_id).await?;
        let seal = |field, plain: Option<&str>| {
            plain
                .map(|plain| self.seal_for_key(&data_key, user_id, "ApiKeyChanged", field, plain))
                .transpose()
        };
        let change = ApiKeyChange {
            name: seal("name", name)?,
            scopes: patch.scopes,
            is_active: patch.is_active,
            expires_at: patch.expires_at,
            cidrs: seal("cidrs", networks.as_deref())?,
        };
        let command = UserCommand::ChangeApiKey { key_id, change, at: Timestamp::default() };
        self.change_user(&context, key, user_id, command, Beside::default()).await
    }

    /// Another secret for the same key. The one before is good for a while; the one before that is not any more.
    pub async fn rotate_api_key(
        &self,
        context: Context,
        user_id: UserId,
        key_id: ApiKeyId,
        previous_for: Duration,
    ) -> Result<IssuedKey, Failure> {
        let key = self.request_key(
            &context,
            &[
                b"rotate_api_key",
                user_id.0.as_bytes(),
                key_id.0.as_bytes(),
                &previous_for.as_secs().to_be_bytes(),
            ],
        );
        // A key that is not there has no secret: then the user's history says so, or remembers the request.
        let newest = self.newest_secret(user_id, key_id).await?;
        let generation = newest.map_or(0, |(generation, _)| generation);
        let (text, digest) = self.vault().new_api_key(key_id)?;
        let command =
            UserCommand::RotateApiKey { key_id, generation, previous_for, at: Timestamp::default() };
        let previous = newest.map(|(_, digest)| digest);
        let secrets = vec![kept(key_id, i64::from(generation) + 1, digest, previous)];
        let beside = Beside { secrets, ..Beside::default() };
        let done = self.change_user(&context, key, user_id, command, beside).await?;
        Ok(IssuedKey { key: (!done.replayed).then(|| text.expose()), key_id, done })
    }

    pub async fn revoke_api_key(&self, context: Context, user_id: UserId, key_id: ApiKeyId) -> Outcome {
        let request = [b"revoke_api_key".as_slice(), user_id.0.as_bytes(), key_id.0.as_bytes()];
        let key = self.request_key(&context, &request);
        let command = UserCommand::RevokeApiKey { key_id, at: Timestamp::default() };
        let dropped = vec![(SecretKind::ApiKey, key_id.to_string())];
        let beside = Beside { dropped, ..Beside::default() };
        self.change_user(&context, key, user_id, command, beside).await
    }

    pub(super) async fn data_key_of(&self, user_id: UserId) -> Result<DataKey, Failure> {
        if let Some(key) = self.vault().user_key(user_id).await? {
            return Ok(key);
        }
        let position = self.journal().head().await?.position;
        Err(Failure::Refused { refusal: Refusal::User(UserRefusal::NotFound), position, replayed: false })
    }

    fn seal_for_key(
        &self,
        data_key: &DataKey,
        user_id: UserId,
        event_type: &str,
        field: &str,
        plain: &str,
    ) -> Result<Sealed, Failure> {
        Ok(self.vault().seal(data_key, user_id, event_type, field, plain)?)
    }

    async fn newest_secret(
        &self,
        user_id: UserId,
        key_id: ApiKeyId,
    ) -> Result<Option<(u32, ApiKeyDigest)>, Failure> {
        let row =
            sqlx::query("select version, value from secrets where owner = $1 and kind = $2 and name = $3")
                .bind(user_id.0)
                .bind(SecretKind::ApiKey.as_str())
                .bind(key_id.to_string())
                .fetch_optional(self.journal().pool())
                .await
                .map_err(JournalError::Postgres)?;
        let Some(row) = row else { return Ok(None) };
        let version: i64 = row.try_get("version").map_err(JournalError::Postgres)?;
        let value: &[u8] = row.try_get("value").map_err(JournalError::Postgres)?;
        let digests = owner::digests(value).zip(u32::try_from(version).ok());
        let ((digest, _), generation) = digests
            .ok_or_else(|| Failure::Internal(format!("what is kept of the key {key_id} is damaged")))?;
        Ok(Some((generation, digest)))
    }
}

/// The key that an event made.
fn key_of(done: &Done) -> Option<ApiKeyId> {
    done.events.iter().find_map(|recorded| match recorded.event() {
        Ok(Event::User(UserEvent::ApiKeyCreated { key_id, .. })) => Some(key_id),
        _ => None,
    })
}

/// What is kept of a key's secrets: the newest digest, and behind it the one before.
fn kept(key_id: ApiKeyId, version: i64, newest: ApiKeyDigest, previous: Option<ApiKeyDigest>) -> NewSecret {
    let value = [Some(newest), previous].into_iter().flatten().flatten().collect();
    NewSecret { kind: SecretKind::ApiKey, name: key_id.to_string(), version, value }
}

/// A list as one text.
fn written<T: ToString>(list: &[T]) -> String {
    list.iter().map(T::to_string).collect::<Vec<_>>().join(",")
}
