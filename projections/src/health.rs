//! How each projection is, for health pages.

use crate::read_models::{QueryError, ReadModels};
use journal::Nats;
use sqlx::Row;
use tokio_util::sync::CancellationToken;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProjectionHealth {
    pub name: String,
    pub generation: i64,
    pub version: i32,
    pub position: i64,
    /// Committed events it has not seen.
    pub lag: i64,
    /// Why it does not go on, if so.
    pub failure: Option<String>,
}

impl ReadModels {
    pub async fn health(&self) -> Result<Vec<ProjectionHealth>, QueryError> {
        let rows = sqlx::query(
            "select c.name, c.generation, c.version, c.position, greatest(h.position - c.position, 0) as lag, c.failure \
             from projection_checkpoints c, journal_head h order by c.name",
        )
        .fetch_all(self.pool())
        .await?;
        let read = |row: &sqlx::postgres::PgRow| {
            Ok(ProjectionHealth {
                name: row.try_get("name")?,
                generation: row.try_get("generation")?,
                version: row.try_get("version")?,
                position: row.try_get("position")?,
                lag: row.try_get("lag")?,
                failure: row.try_get("failure")?,
            })
        };
        rows.iter().map(read).collect::<Result<_, sqlx::Error>>().map_err(QueryError::from)
    }

    /// Keeps what is known of checkpoints fresh, whichever node moves them, until told to stop. Every process that
    /// answers queries runs it.
    pub async fn keep_informed(&self, nats: Option<&Nats>, cancel: CancellationToken) {
        self.waiting().keep_informed(nats, cancel).await;
    }
}
