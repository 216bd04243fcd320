//! What can break between us and the log. Never a business refusal: those are answers.

use domain::{AggregateRef, UnreadableEvent};

#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    #[error("postgres: {0}")]
    Postgres(#[from] sqlx::Error),
    #[error("migrations: {0}")]
    Migration(#[from] sqlx::migrate::MigrateError),
    #[error(transparent)]
    UnreadableEvent(#[from] UnreadableEvent),
    #[error(transparent)]
    UnreadableRecord(#[from] crate::UnreadableRecord),
    #[error("{aggregate} cannot be loaded: {reason}")]
    Load { aggregate: AggregateRef, reason: String },
    #[error("a state cannot be written as a snapshot: {0}")]
    Snapshot(#[from] serde_json::Error),
}
