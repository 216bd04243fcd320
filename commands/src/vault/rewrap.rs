//! Wrapping every data key anew, under the key that is active now.
//!
//! Correct beside running servers because a row changes only if it still holds what was read: one that somebody else
//! wrapped anew, or that an erasure destroyed, stays as they left it. It may be cut off at any moment and begun again:
//! what is wrapped by the active key already is passed over.

use super::data_keys::KIND;
use super::seal::{DataKey, wrapped_by};
use super::{KeyRing, VaultError};
use domain::UserId;
use journal::Journal;
use sqlx::Row;
use uuid::Uuid;

/// Keys read and written in one statement: a row is locked for milliseconds.
const BATCH: i64 = 500;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rewrapped {
    pub looked_at: i64,
    pub rewrapped: i64,
}

/// How many data keys are wrapped by each wrapping key, by its name.
pub async fn count_by_wrapping_key(journal: &Journal) -> Result<Vec<(String, i64)>, VaultError> {
    let rows = sqlx::query(
        "select convert_from(substring(value from 3 for get_byte(value, 1)), 'UTF8') as id, count(*) as wrapped \
           from secrets where kind = $1 and length(value) > 2 group by 1 order by 1",
    )
    .bind(KIND)
    .fetch_all(journal.pool())
    .await?;
    rows.iter().map(|row| Ok((row.try_get("id")?, row.try_get("wrapped")?))).collect()
}

/// Goes through all data keys once. `reached` hears how many have been looked at.
pub async fn rewrap(
    ring: &KeyRing,
    journal: &Journal,
    mut reached: impl FnMut(i64),
) -> Result<Rewrapped, VaultError> {
    let mut done = Rewrapped::default();
    let mut after = Uuid::nil();
    loop {
        let rows = sqlx::query(
            "select owner, value from secrets where kind = $1 and name = '' and owner > $2 order by owner limit $3",
        )
        .bind(KIND)
        .bind(after)
        .bind(BATCH)
        .fetch_all(journal.pool())
        .await?;
        let Some(last) = rows.last() else { return Ok(done) };
        after = last.try_get("owner")?;
        let mut changes = Changes::default();
        for row in &rows {
            changes.add(ring, UserId(row.try_get("owner")?), row.try_get("value")?)?;
        }
        done.looked_at += i64::try_from(rows.len()).unwrap_or(0);
        done.rewrapped += changes.write(journal).await?;
        reached(done.looked_at);
    }
}

#[derive(Default)]
struct Changes {
    owners: Vec<Uuid>,
    before: Vec<Vec<u8>>,
    after: Vec<Vec<u8>>,
}

impl Changes {
    fn add(&mut self, ring: &KeyRing, user_id: UserId, wrapped: Vec<u8>) -> Result<(), VaultError> {
        if wrapped_by(&wrapped) == Some(ring.active_wrapping_id()) {
            return Ok(());
        }
        self.after.push(DataKey::unwrap(ring, user_id, &wrapped)?.wrap(ring, user_id)?);
        self.before.push(wrapped);
        self.owners.push(user_id.0);
        Ok(())
    }

    async fn write(self, journal: &Journal) -> Result<i64, VaultError> {
        if self.owners.is_empty() {
            return Ok(0);
        }
        let changed = sqlx::query(
            "update secrets s set value = x.after \
               from unnest($2::uuid[], $3::bytea[], $4::bytea[]) as x (owner, before, after) \
              where s.owner = x.owner and s.kind = $1 and s.name = '' and s.value = x.before",
        )
        .bind(KIND)
        .bind(self.owners)
        .bind(self.before)
        .bind(self.after)
        .execute(journal.pool())
        .await?;
        Ok(i64::try_from(changed.rows_affected()).unwrap_or(0))
    }
}
