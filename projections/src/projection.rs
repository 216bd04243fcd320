//! What a projection is: a name, a version, and a way to fold events into its tables.

use async_trait::async_trait;
use domain::{AggregateKind, UnreadableEvent};
use journal::{OpenError, Recorded};
use sqlx::PgConnection;
use std::sync::Arc;

#[async_trait]
pub trait Projection: Send + Sync {
    /// Names its checkpoint, for ever.
    fn name(&self) -> &'static str;

    /// Rises whenever the same events would leave other rows: then it has to be rebuilt.
    fn version(&self) -> i32;

    /// The aggregates whose events it wants. Others never reach [`Self::apply`].
    fn kinds(&self) -> &'static [AggregateKind];

    /// The tables it writes. Nobody else does.
    fn tables(&self) -> &'static [&'static str];

    /// Whether events only ever add rows: then a rebuild makes the indexes afterwards.
    fn only_adds(&self) -> bool;

    /// Folds events, in order, with as few statements as possible. Tables go without a schema: the connection decides
    /// which generation they belong to.
    async fn apply(&self, conn: &mut PgConnection, events: &[Arc<Recorded>]) -> Result<(), ApplyError>;
}

#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    #[error("postgres: {0}")]
    Postgres(#[from] sqlx::Error),
    #[error(transparent)]
    Unreadable(#[from] UnreadableEvent),
    #[error(transparent)]
    Sealed(#[from] OpenError),
}

/// Whether a projection wants an event.
pub(crate) fn wants(projection: &dyn Projection, event: &Recorded) -> bool {
    projection.kinds().contains(&event.aggregate.kind)
}

/// Those of the events that a projection wants.
pub(crate) fn wanted(projection: &dyn Projection, events: &[Arc<Recorded>]) -> Vec<Arc<Recorded>> {
    events.iter().filter(|event| wants(projection, event)).cloned().collect()
}
