//! Users' data keys, out of the table of secrets.
//!
//! A key that is not there is an erased person, not an error. Unwrapped keys are remembered for a minute, and forgotten at
//! once when somebody tells of an erasure: then no answer that was on its way from the database brings them back.

use super::seal::DataKey;
use super::{LiveRing, VaultError};
use crate::SecretKind;
use domain::UserId;
use journal::Journal;
use sqlx::Row;
use std::collections::HashMap;
use std::time::Duration;
use uuid::Uuid;

pub(crate) const KIND: &str = SecretKind::DataKey.as_str();
/// Keys remembered: some 2 MB at most.
const CACHED_MAX: u64 = 10_000;
/// How long a process that hears of no erasures may still open what was sealed for an erased user.
const CACHED_FOR: Duration = Duration::from_mins(1);
/// Erased users remembered: as many as one may hear of while a read of their keys is still under way.
const ERASED_MAX: u64 = 100_000;
/// No read of a key takes longer.
const ERASED_FOR: Duration = Duration::from_mins(2);

#[derive(Debug)]
pub(super) struct DataKeys {
    journal: Journal,
    cache: moka::sync::Cache<UserId, DataKey>,
    erased: moka::sync::Cache<UserId, ()>,
}

impl DataKeys {
    pub(super) fn new(journal: Journal) -> Self {
        let cache = moka::sync::Cache::builder().max_capacity(CACHED_MAX).time_to_live(CACHED_FOR).build();
        let erased = moka::sync::Cache::builder().max_capacity(ERASED_MAX).time_to_live(ERASED_FOR).build();
        Self { journal, cache, erased }
    }

    pub(super) fn remember(&self, user_id: UserId, key: DataKey) {
        self.cache.insert(user_id, key);
    }

    pub(super) fn forget(&self, user_id: UserId) {
        // In this order: whoever remembers a key afterwards sees that it is not to be.
        self.erased.insert(user_id, ());
        self.cache.invalidate(&user_id);
    }

    /// The keys of many users, at the cost of at most one question. Who has none is missing from the answer.
    pub(super) async fn find(
        &self,
        rings: &LiveRing,
        users: impl IntoIterator<Item = UserId>,
    ) -> Result<HashMap<UserId, DataKey>, VaultError> {
        let mut found = HashMap::new();
        let mut missing: Vec<Uuid> = Vec::new();
        for user_id in users {
            if found.contains_key(&user_id) {
                continue;
            }
            match self.cache.get(&user_id) {
                Some(key) => {
                    found.insert(user_id, key);
                }
                None => missing.push(user_id.0),
            }
        }
        if missing.is_empty() {
            return Ok(found);
        }
        let rows =
            sqlx::query("select owner, value from secrets where kind = $1 and name = '' and owner = any($2)")
                .bind(KIND)
                .bind(missing)
                .fetch_all(self.journal.pool())
                .await?;
        for row in rows {
            let user_id = UserId(row.try_get("owner")?);
            let key = unwrap(rings, user_id, row.try_get("value")?)?;
            self.cache.insert(user_id, key.clone());
            if self.erased.contains_key(&user_id) {
                self.cache.invalidate(&user_id);
            } else {
                found.insert(user_id, key);
            }
        }
        Ok(found)
    }
}

/// By the ring in memory, or by the one in the file: whoever rotates keys writes the file before anything is wrapped anew.
fn unwrap(rings: &LiveRing, user_id: UserId, wrapped: &[u8]) -> Result<DataKey, VaultError> {
    match DataKey::unwrap(&rings.now(), user_id, wrapped) {
        Err(VaultError::NoSuchKey { .. }) => {
            rings.look();
            DataKey::unwrap(&rings.now(), user_id, wrapped)
        }
        unwrapped => unwrapped,
    }
}
