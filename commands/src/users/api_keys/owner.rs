//! Whoever holds an API key, with all of their keys: what it takes to tell a good one from another.
//!
//! Read as a whole from the table of secrets and the owner's history, so that it can be remembered as a whole and
//! forgotten as a whole. The secrets are read first: what happened between the two reads can only make a key that was
//! good a moment ago bad, never the other way.

use crate::vault::{ApiKeyDigest, ApiKeyText, SealedAt, Vault};
use crate::{Commands, Failure, SecretKind};
use domain::user::{ApiKey, Role, User, UserStatus};
use domain::{ApiKeyId, Network, Scope, Scopes, Timestamp, UserId};
use journal::JournalError;
use sqlx::Row;
use sqlx::postgres::PgRow;
use std::collections::HashMap;
use std::net::IpAddr;

#[derive(Clone, Debug)]
pub struct KeyOwner {
    pub user_id: UserId,
    pub is_service: bool,
    is_active: bool,
    keys: Vec<HeldKey>,
}

#[derive(Clone, Debug)]
struct HeldKey {
    key_id: ApiKeyId,
    scopes: Scopes,
    is_active: bool,
    expires_at: Timestamp,
    /// None means everywhere.
    networks: Vec<Network>,
    newest: ApiKeyDigest,
    previous: Option<(ApiKeyDigest, Timestamp)>,
}

/// Proved by an API key that is good at this moment and from this address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyHolder {
    pub key_id: ApiKeyId,
    pub owner: UserId,
    /// A service's keys reach every user, a person's only their owner.
    pub is_service: bool,
    pub scopes: Scopes,
}

/// Why a key is not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyRefusal {
    Malformed,
    /// There is none, or not any more, or not with this secret.
    Unknown,
    OwnerNotActive,
    Inactive,
    Expired,
    WrongNetwork,
}

impl KeyRefusal {
    /// The name it is counted under.
    pub const fn reason(self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::Unknown => "unknown",
            Self::OwnerNotActive => "owner_not_active",
            Self::Inactive => "inactive",
            Self::Expired => "expired",
            Self::WrongNetwork => "wrong_network",
        }
    }
}

impl KeyOwner {
    /// Whether a key of theirs is good at this moment and from this address. That its holder has the secret comes first:
    /// a stranger learns nothing of the rest.
    pub fn admit(
        &self,
        vault: &Vault,
        key: &ApiKeyText,
        from: IpAddr,
        now: Timestamp,
    ) -> Result<KeyHolder, KeyRefusal> {
        let held = self.keys.iter().find(|held| held.key_id == key.key_id()).ok_or(KeyRefusal::Unknown)?;
        if !held.is_secret(vault, key, now) {
            return Err(KeyRefusal::Unknown);
        }
        if !self.is_active {
            return Err(KeyRefusal::OwnerNotActive);
        }
        if !held.is_active {
            return Err(KeyRefusal::Inactive);
        }
        if now >= held.expires_at {
            return Err(KeyRefusal::Expired);
        }
        if !held.networks.is_empty() && !held.networks.iter().any(|network| network.contains(from)) {
            return Err(KeyRefusal::WrongNetwork);
        }
        // Their owner may have been a service when the key was made.
        let may = |scope: &Scope| self.is_service || *scope != Scope::Audit;
        Ok(KeyHolder {
            key_id: held.key_id,
            owner: self.user_id,
            is_service: self.is_service,
            scopes: held.scopes.iter().filter(may).collect(),
        })
    }
}

impl HeldKey {
    fn is_secret(&self, vault: &Vault, key: &ApiKeyText, now: Timestamp) -> bool {
        vault.is_api_key(key, &self.newest)
            || self.previous.is_some_and(|(digest, until)| now < until && vault.is_api_key(key, &digest))
    }
}

impl Commands {
    /// Whoever holds the key, if anybody does.
    pub async fn key_owner(&self, key_id: ApiKeyId) -> Result<Option<KeyOwner>, Failure> {
        let rows = sqlx::query(
            "select owner, name, value from secrets \
             where kind = $1 and owner = (select owner from secrets where kind = $1 and name = $2)",
        )
        .bind(SecretKind::ApiKey.as_str())
        .bind(key_id.to_string())
        .fetch_all(self.journal().pool())
        .await
        .map_err(JournalError::Postgres)?;
        let Some(first) = rows.first() else { return Ok(None) };
        let user_id = UserId(first.try_get("owner").map_err(JournalError::Postgres)?);
        let secrets = rows.iter().map(secret_of).collect::<Result<HashMap<_, _>, _>>()?;
        let mut loaded = self.journal().load::<User>(&[user_id.0]).await?;
        let Some(user) = loaded.remove(&user_id.0).map(|loaded| loaded.state) else { return Ok(None) };
        let Some(person) = user.person() else { return Ok(None) };
        let networks = networks_of(self.vault(), user_id, user.api_keys()).await?;
        let held = |(key, networks): (&ApiKey, Option<Vec<Network>>)| {
            let (newest, previous) = *secrets.get(&key.key_id)?;
            Some(HeldKey {
                key_id: key.key_id,
                scopes: key.scopes,
                is_active: key.is_active,
                expires_at: key.expires_at,
                // Nobody knows any more where it may be used: nowhere, then.
                networks: networks?,
                newest,
                previous: previous.zip(key.previous_until),
            })
        };
        Ok(Some(KeyOwner {
            user_id,
            is_service: person.roles.contains(&Role::Service),
            is_active: person.status == UserStatus::Active,
            keys: user.api_keys().iter().zip(networks).filter_map(held).collect(),
        }))
    }
}

type Digests = (ApiKeyDigest, Option<ApiKeyDigest>);

fn secret_of(row: &PgRow) -> Result<(ApiKeyId, Digests), Failure> {
    let name: &str = row.try_get("name").map_err(JournalError::Postgres)?;
    let value: &[u8] = row.try_get("value").map_err(JournalError::Postgres)?;
    let found = name.parse().ok().zip(digests(value));
    found.ok_or_else(|| Failure::Internal(format!("what is kept of the key {name} is damaged")))
}

/// The newest digest and the one before, as they are kept.
pub(super) fn digests(value: &[u8]) -> Option<Digests> {
    let (newest, rest) = value.split_first_chunk()?;
    let previous = if rest.is_empty() { None } else { Some(rest.try_into().ok()?) };
    Some((*newest, previous))
}

/// Where each of the keys may be used: an empty list for everywhere, nothing where it cannot be known any more.
async fn networks_of(
    vault: &Vault,
    user_id: UserId,
    keys: &[ApiKey],
) -> Result<Vec<Option<Vec<Network>>>, Failure> {
    let lists = keys.iter().filter_map(|key| key.cidrs.as_ref());
    let sealed: Vec<SealedAt<'_>> = lists
        .map(|list| SealedAt { user_id, event_type: &list.event_type, field: "cidrs", sealed: &list.value })
        .collect();
    let mut opened = vault.open_many(&sealed).await?.into_iter();
    let mut networks = Vec::with_capacity(keys.len());
    for key in keys {
        let list = match &key.cidrs {
            None => Some(String::new()),
            Some(_) => opened.next().flatten(),
        };
        networks.push(list.map(|list| read(&list)).transpose()?);
    }
    Ok(networks)
}

fn read(list: &str) -> Result<Vec<Network>, Failure> {
    let networks = list.split(',').filter(|network| !network.is_empty()).map(str::parse);
    networks
        .collect::<Result<_, _>>()
        .map_err(|_| Failure::Internal("a list of networks is damaged".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_one_digest_or_two() {
        let (one, two) = ([1; 32], [2; 32]);
        assert_eq!(digests(&one), Some((one, None)));
        assert_eq!(digests(&[one, two].concat()), Some((one, Some(two))));
        for damaged in [&[][..], &[1; 31], &[1; 33], &[1; 96]] {
            assert_eq!(digests(damaged), None);
        }
    }

    #[test]
    fn an_empty_list_is_a_list() {
        assert_eq!(read("").unwrap(), []);
        assert_eq!(read("10.0.0.0/8,::1").unwrap().len(), 2);
        assert!(read("10.0.0.0/8,x").is_err());
    }
}
