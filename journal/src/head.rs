//! Where the journal ends and who may write.

use crate::{Journal, JournalError};
use domain::Timestamp;
use sqlx::Row;
use sqlx::postgres::PgRow;
use time::OffsetDateTime;
use uuid::Uuid;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    pub journal_id: Uuid,
    pub position: i64,
    pub batch: i64,
    pub epoch: i64,
    pub leader: String,
    /// Time since the leader last gave a sign of life, by the database's clock.
    pub silent_ms: i64,
    pub recorded_at: Timestamp,
    /// Why nobody may lead, if so.
    pub halted: Option<String>,
}

/// Every reading of the head, whatever the statement around it.
pub(crate) const HEAD_COLUMNS: &str = "journal_id, position, batch, epoch, leader, halted, \
     coalesce(extract(epoch from clock_timestamp() - nullif(beat, '-infinity')) * 1000, 9e15)::bigint as silent_ms, \
     coalesce(nullif(recorded_at, '-infinity'), 'epoch') as recorded_at";

impl Head {
    pub(crate) fn from_row(row: &PgRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            journal_id: row.try_get("journal_id")?,
            position: row.try_get("position")?,
            batch: row.try_get("batch")?,
            epoch: row.try_get("epoch")?,
            leader: row.try_get("leader")?,
            silent_ms: row.try_get("silent_ms")?,
            recorded_at: row.try_get::<OffsetDateTime, _>("recorded_at")?.into(),
            halted: row.try_get("halted")?,
        })
    }
}

impl Journal {
    pub async fn head(&self) -> Result<Head, JournalError> {
        let row =
            sqlx::query(&format!("select {HEAD_COLUMNS} from journal_head")).fetch_one(self.pool()).await?;
        Ok(Head::from_row(&row)?)
    }

    /// Lets nobody lead from now on: stream and journal tell different stories. The epoch moves, so the leader stops too.
    pub async fn halt(&self, reason: &str) -> Result<(), JournalError> {
        sqlx::query("update journal_head set halted = $1, epoch = epoch + 1 where halted is null")
            .bind(reason)
            .execute(self.pool())
            .await?;
        Ok(())
    }

    /// Takes [`Self::halt`] back: a person has decided that this journal is the truth.
    pub async fn resume(&self) -> Result<(), JournalError> {
        sqlx::query("update journal_head set halted = null").execute(self.pool()).await?;
        Ok(())
    }
}
