//! When API keys were last used: kept in memory and written down once in a while, never per request.
//!
//! The first use is written a second after it, and from then on once a minute at most, all keys in one statement; what is
//! left is written when the process stops. What could not be written is kept for the next time, unless it is newer by
//! then.

use domain::{ApiKeyId, Timestamp, UserId};
use projections::{ApiKeyUse, QueryError, ReadModels};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// A minute is exact enough to see that a key is in use, and a thousand uses in it cost one row.
const WRITE_EVERY: Duration = Duration::from_mins(1);
/// What begins together is written together.
const GATHER: Duration = Duration::from_secs(1);
/// Keys noted between two writes: about 10 MB. More are not noted until there is room.
const KEYS_MAX: usize = 100_000;

#[derive(Clone, Debug, Default)]
pub(crate) struct KeyUses {
    inner: Arc<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    uses: Mutex<HashMap<ApiKeyId, ApiKeyUse>>,
    has_some: Notify,
}

impl KeyUses {
    pub(super) fn note(&self, key_id: ApiKeyId, owner: UserId, at: Timestamp) {
        let mut uses = self.lock();
        let is_first = uses.is_empty();
        if uses.len() < KEYS_MAX || uses.contains_key(&key_id) {
            uses.insert(key_id, ApiKeyUse { key_id, owner, at });
        }
        drop(uses);
        if is_first {
            self.inner.has_some.notify_one();
        }
    }

    pub(crate) async fn run(&self, read_models: &ReadModels, cancel: CancellationToken) {
        let mut next = Instant::now();
        loop {
            tokio::select! {
                () = cancel.cancelled() => return,
                () = self.inner.has_some.notified() => {}
            }
            tokio::select! {
                () = cancel.cancelled() => return,
                () = tokio::time::sleep_until(next.max(Instant::now() + GATHER)) => {}
            }
            self.write(read_models).await;
            next = Instant::now() + WRITE_EVERY;
        }
    }

    /// Writes down what is noted.
    pub(crate) async fn write(&self, read_models: &ReadModels) {
        let uses: Vec<ApiKeyUse> = std::mem::take(&mut *self.lock()).into_values().collect();
        if uses.is_empty() {
            return;
        }
        if let Err(error) = self.try_write(read_models, &uses).await {
            tracing::warn!(event = "api_key_uses_not_written", keys = uses.len(), error_message = %error);
        }
    }

    async fn try_write(&self, read_models: &ReadModels, uses: &[ApiKeyUse]) -> Result<(), QueryError> {
        let written = read_models.note_api_key_uses(uses).await;
        if written.is_err() {
            let mut newer = self.lock();
            for used in uses {
                newer.entry(used.key_id).or_insert(*used);
            }
            self.inner.has_some.notify_one();
        }
        written
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<ApiKeyId, ApiKeyUse>> {
        // Nothing in here panics half-way, so what a poisoned lock guards is still whole.
        self.inner.uses.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    fn note(uses: &KeyUses, key: u128, at: i64) {
        uses.note(ApiKeyId(Uuid::from_u128(key)), UserId(Uuid::nil()), Timestamp::from_micros(at));
    }

    #[test]
    fn a_thousand_uses_are_one_note() {
        let uses = KeyUses::default();
        for at in 0..1_000 {
            note(&uses, 1, at);
        }
        let noted: Vec<_> = uses.lock().values().map(|used| used.at.as_micros()).collect();
        assert_eq!(noted, [999]);
    }

    #[test]
    fn what_is_noted_is_bounded_and_known_keys_go_on() {
        let uses = KeyUses::default();
        for key in 0..KEYS_MAX as u128 + 10 {
            note(&uses, key, 1);
        }
        note(&uses, 7, 2);
        let noted = uses.lock();
        assert_eq!(noted.len(), KEYS_MAX);
        assert_eq!(noted[&ApiKeyId(Uuid::from_u128(7))].at.as_micros(), 2);
    }
}
