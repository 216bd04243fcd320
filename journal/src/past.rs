//! The past: where the journal was at a moment, and what had happened to an aggregate by then.
//!
//! Found by halving, however long the history is: positions and sequences have no gap, and time does not run backwards from
//! one to the next.

use crate::read::{EVENT_COLUMNS, read_row};
use crate::{Journal, JournalError, Recorded};
use domain::{AggregateKind, AggregateRef, Timestamp, UserId};
use std::time::Duration;
use uuid::Uuid;

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

    /// The nth event of a type in the history of an aggregate, counted from 1.
    pub async fn nth_of_type(
        &self,
        aggregate: AggregateRef,
        event_type: &str,
        nth: i64,
    ) -> Result<Option<Recorded>, JournalError> {
        let sql = format!(
            "select {EVENT_COLUMNS} from events where aggregate_type = $1 and aggregate_id = $2 \
                and event_type = $3 order by sequence offset $4 limit 1"
        );
        let row = sqlx::query(&sql)
            .bind(aggregate.kind.as_str())
            .bind(aggregate.id.to_string())
            .bind(event_type)
            .bind(nth.saturating_sub(1).max(0))
            .fetch_optional(self.pool())
            .await?;
        row.as_ref().map(read_row).transpose()
    }

    /// Of what somebody had at a position, of one kind, the newest whose last event by then was another than this.
    pub async fn newest_without(
        &self,
        owner: UserId,
        kind: AggregateKind,
        last_event: &str,
        position: i64,
    ) -> Result<Option<Uuid>, JournalError> {
        // Sorted before anything is asked of any of them: those behind the first that fits are not looked at.
        let found: Option<String> = sqlx::query_scalar(
            "select own.aggregate_id from (select aggregate_type, aggregate_id from events \
                where owner = $1 and sequence = 1 and aggregate_type = $2 and position <= $4 \
                order by position desc offset 0) own \
             cross join lateral (select e.event_type from events e where e.aggregate_type = own.aggregate_type \
                and e.aggregate_id = own.aggregate_id \
                and e.sequence = last_sequence_at(own.aggregate_type, own.aggregate_id, $4)) last \
             where last.event_type <> $3 limit 1",
        )
        .bind(owner.0)
        .bind(kind.as_str())
        .bind(last_event)
        .bind(position)
        .fetch_optional(self.pool())
        .await?;
        let parsed = found.map(|id| Uuid::parse_str(&id)).transpose();
        parsed.map_err(|error| JournalError::Postgres(sqlx::Error::Decode(error.into())))
    }
}
