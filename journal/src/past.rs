//! The past: where the journal was at a moment, and what had happened to an aggregate by then.
//!
//! Found by halving, however long the history is: positions and sequences have no gap, and time does not run backwards from
//! one to the next.

use crate::read::{EVENT_COLUMNS, read_row};
use crate::{Journal, JournalError, Recorded};
use domain::{AggregateRef, Timestamp};
use std::time::Duration;

impl Journal {
    /// The last position recorded at a moment or before it; 0, if there is none.
    pub async fn position_at(&self, moment: Timestamp) -> Result<i64, JournalError> {
        // Moments are counted in microseconds: what is not later than this one is before the next.
        self.position_before(moment.plus(Duration::from_micros(1))).await
    }

    /// The last position recorded before a moment; 0, if there is none.
    pub async fn position_before(&self, moment: Timestamp) -> Result<i64, JournalError> {
        let position = sqlx::query_scalar("select first_position_at($1) - 1").bind(moment.to_datetime());
        Ok(position.fetch_one(self.pool()).await?)
    }

    /// What had happened to an aggregate at a position, newest first, at most `limit` events.
    pub async fn last_events_at(
        &self,
        aggregate: AggregateRef,
        position: i64,
        limit: i64,
    ) -> Result<Vec<Recorded>, JournalError> {
        let sql = format!(
            "select {EVENT_COLUMNS} from events where aggregate_type = $1 and aggregate_id = $2 \
                and sequence <= (select last_sequence_at($1, $2, $3)) order by sequence desc limit $4"
        );
        let rows = sqlx::query(&sql)
            .bind(aggregate.kind.as_str())
            .bind(aggregate.id.to_string())
            .bind(position)
            .bind(limit)
            .fetch_all(self.pool())
            .await?;
        rows.iter().map(read_row).collect()
    }
}
