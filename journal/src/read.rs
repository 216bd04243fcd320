//! Reading the log: by position, by aggregate, by owner.

use crate::{Journal, JournalError, Metadata, Parsed, Recorded, UnreadableRecord};
use domain::{AggregateKind, AggregateRef, UserId};
use sqlx::Row;
use sqlx::postgres::PgRow;
use std::borrow::Cow;
use std::sync::Arc;
use time::OffsetDateTime;
use uuid::Uuid;

pub(crate) const EVENT_COLUMNS: &str = "position, aggregate_type, aggregate_id, sequence, event_type, event_version, \
     payload::text as payload, metadata::text as metadata, event_id, owner, recorded_at";

/// A page of somebody's own events, oldest first.
#[derive(Clone, Debug, Default)]
pub struct OwnerQuery {
    pub after: i64,
    pub limit: i64,
    pub event_type: Option<String>,
    pub aggregate: Option<AggregateKind>,
}

impl Journal {
    /// The events after a position, in order, at most `limit`.
    pub async fn read_after(&self, position: i64, limit: i64) -> Result<Vec<Arc<Recorded>>, JournalError> {
        let sql =
            format!("select {EVENT_COLUMNS} from events where position > $1 order by position limit $2");
        let rows = sqlx::query(&sql).bind(position).bind(limit).fetch_all(self.pool()).await?;
        rows.iter().map(|row| read_row(row).map(Arc::new)).collect()
    }

    /// The events at these positions, in order.
    pub async fn read_at(&self, positions: &[i64]) -> Result<Vec<Arc<Recorded>>, JournalError> {
        let sql = format!("select {EVENT_COLUMNS} from events where position = any($1) order by position");
        let rows = sqlx::query(&sql).bind(positions).fetch_all(self.pool()).await?;
        rows.iter().map(|row| read_row(row).map(Arc::new)).collect()
    }

    /// The history of one aggregate after a sequence, at most `limit` events.
    pub async fn read_aggregate(
        &self,
        aggregate: AggregateRef,
        after_sequence: i64,
        limit: i64,
    ) -> Result<Vec<Recorded>, JournalError> {
        let sql = format!(
            "select {EVENT_COLUMNS} from events where aggregate_type = $1 and aggregate_id = $2 and sequence > $3 \
             order by sequence limit $4"
        );
        let rows = sqlx::query(&sql)
            .bind(aggregate.kind.as_str())
            .bind(aggregate.id.to_string())
            .bind(after_sequence)
            .bind(limit)
            .fetch_all(self.pool())
            .await?;
        rows.iter().map(read_row).collect()
    }

    /// The first event of each aggregate of a kind that somebody owns, oldest first.
    pub async fn first_events_of(
        &self,
        owner: UserId,
        kind: AggregateKind,
    ) -> Result<Vec<Recorded>, JournalError> {
        let sql = format!(
            "select {EVENT_COLUMNS} from events where owner = $1 and sequence = 1 and aggregate_type = $2 \
             order by position"
        );
        let rows = sqlx::query(&sql).bind(owner.0).bind(kind.as_str()).fetch_all(self.pool()).await?;
        rows.iter().map(read_row).collect()
    }

    pub async fn read_owner(&self, owner: UserId, query: &OwnerQuery) -> Result<Vec<Recorded>, JournalError> {
        let sql = format!("select {EVENT_COLUMNS} from own_events($1, $2, $3, $4, $5) order by position");
        let rows = sqlx::query(&sql)
            .bind(owner.0)
            .bind(query.after)
            .bind(query.limit)
            .bind(query.aggregate.map(AggregateKind::as_str))
            .bind(query.event_type.as_deref())
            .fetch_all(self.pool())
            .await?;
        rows.iter().map(read_row).collect()
    }
}

/// Reads a row that has every column of `events`, the JSON ones as text.
pub fn read_row(row: &PgRow) -> Result<Recorded, JournalError> {
    let position: i64 = row.try_get("position")?;
    let unreadable = |reason: String| UnreadableRecord { position, reason };
    let kind: &str = row.try_get("aggregate_type")?;
    let id: &str = row.try_get("aggregate_id")?;
    let metadata: &str = row.try_get("metadata")?;
    Ok(Recorded {
        position,
        aggregate: AggregateRef {
            kind: AggregateKind::parse(kind)
                .ok_or_else(|| unreadable(format!("unknown aggregate {kind:?}")))?,
            id: Uuid::parse_str(id).map_err(|e| unreadable(e.to_string()))?,
        },
        sequence: row.try_get("sequence")?,
        event_type: Cow::Owned(row.try_get("event_type")?),
        version: Cow::Owned(row.try_get("event_version")?),
        payload: row.try_get("payload")?,
        metadata: Metadata::from_stored(metadata).map_err(unreadable)?,
        event_id: row.try_get("event_id")?,
        owner: UserId(row.try_get("owner")?),
        recorded_at: row.try_get::<OffsetDateTime, _>("recorded_at")?.into(),
        parsed: Parsed::default(),
    })
}
