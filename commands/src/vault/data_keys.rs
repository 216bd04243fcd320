//! Users' data keys, out of the table of secrets.
//!
//! A key that is not there is an erased person, not an error. Unwrapped keys are remembered for a minute: an erasure
//! evicts them at once in this process, and elsewhere they are gone before anybody could have noticed.

use super::seal::DataKey;
use super::{KeyRing, VaultError};
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
/// How long another process may still open what was sealed for an erased user.
const CACHED_FOR: Duration = Duration::from_mins(1);

#[derive(Debug)]
pub(super) struct DataKeys {
    journal: Journal,
    cache: moka::sync::Cache<UserId, DataKey>,
}

impl DataKeys {
    pub(super) fn new(journal: Journal) -> Self {
        let cache = moka::sync::Cache::builder().max_capacity(CACHED_MAX).time_to_live(CACHED_FOR).build();
        Self { journal, cache }
    }

    pub(super) fn remember(&self, user_id: UserId, key: DataKey) {
        self.cache.insert(user_id, key);
    }

    pub(super) fn forget(&self, user_id: UserId) {
        self.cache.invalidate(&user_id);
    }

    /// The keys of many users, at the cost of at most one question. Who has none is missing from the answer.
    pub(super) async fn find(
        &self,
        ring: &KeyRing,
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
            let key = DataKey::unwrap(ring, user_id, row.try_get("value")?)?;
            self.cache.insert(user_id, key.clone());
            found.insert(user_id, key);
        }
        Ok(found)
    }
}
