//! A projection's worker: rows and checkpoint in one transaction.
//!
//! The checkpoint moves first, by compare-and-set, and its row stays locked until the commit: of two workers with one
//! name only one gets past it, so each event has exactly one effect. It moves only to an event that the journal in the
//! same database holds: whatever memory or the stream say, what never was leaves no rows. A commit need not wait for the
//! disk: rows and checkpoint are lost together, and the events are still there.

use crate::Projection;
use crate::checkpoint::Checkpoint;
use crate::projection::{ApplyError, wanted, wants};
use journal::subscription::{Handled, Subscriber, SubscriberError};
use journal::{Journal, Recorded};
use sqlx::{Connection, Executor, PgConnection};
use std::fmt;
use std::sync::Arc;

/// A batch's rows are looked up by index, however many there are and however small the table was when the statement was
/// first planned: any other plan reads the whole table, for every batch from then on.
pub(crate) const BY_INDEX: &str =
    "set enable_seqscan = off; set enable_hashjoin = off; set enable_mergejoin = off";

pub struct ProjectionWorker {
    journal: Journal,
    projection: Arc<dyn Projection>,
    /// Taken by whoever uses it and put back when that went well: one whose use failed or was cut off is not used again.
    conn: Option<PgConnection>,
    /// As last read or written by us.
    checkpoint: Option<Checkpoint>,
}

impl fmt::Debug for ProjectionWorker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProjectionWorker")
            .field("projection", &self.projection.name())
            .finish_non_exhaustive()
    }
}

impl ProjectionWorker {
    pub fn new(journal: Journal, projection: Arc<dyn Projection>) -> Self {
        Self { journal, projection, conn: None, checkpoint: None }
    }

    async fn take_connection(&mut self) -> Result<PgConnection, SubscriberError> {
        if let Some(conn) = self.conn.take() {
            return Ok(conn);
        }
        let mut fresh = self.journal.connection().await.map_err(SubscriberError::new)?;
        fresh.execute("set synchronous_commit = off").await.map_err(SubscriberError::new)?;
        fresh.execute(BY_INDEX).await.map_err(SubscriberError::new)?;
        Ok(fresh)
    }

    async fn read(&mut self) -> Result<Checkpoint, SubscriberError> {
        let (name, version) = (self.projection.name(), self.projection.version());
        let mut conn = self.take_connection().await?;
        let read = Checkpoint::read(&mut conn, name).await.map_err(SubscriberError::new)?;
        self.conn = Some(conn);
        if read.version == version {
            return Ok(read);
        }
        let built_by = read.version;
        Err(SubscriberError(format!(
            "{name} was built by version {built_by} of its projection and this is version {version}: rebuild it"
        )))
    }

    /// False, if somebody else moved the checkpoint or the events are not the journal's.
    async fn apply(
        &mut self,
        from: &Checkpoint,
        last: &Recorded,
        events: &[Arc<Recorded>],
    ) -> Result<bool, SubscriberError> {
        let name = self.projection.name();
        let events = wanted(self.projection.as_ref(), events);
        let mut conn = self.take_connection().await?;
        let applied = async {
            if events.is_empty() {
                return Ok(from.advance(&mut conn, name, last).await?);
            }
            let mut transaction = conn.begin().await?;
            let ours = from.advance(&mut transaction, name, last).await?;
            if ours {
                self.projection.apply(&mut transaction, &events).await?;
                transaction.commit().await?;
            } else {
                transaction.rollback().await?;
            }
            Ok::<bool, ApplyError>(ours)
        };
        let ours = applied.await.map_err(SubscriberError::new)?;
        self.conn = Some(conn);
        Ok(ours)
    }

    /// Runs a statement that tells others how we are: by name, version and position, so that only our own state is told.
    async fn tell(&mut self, sql: &str, failure: Option<&str>) {
        let Ok(mut conn) = self.take_connection().await else { return };
        let told = sqlx::query(sql)
            .bind(self.projection.name())
            .bind(self.projection.version())
            .bind(self.checkpoint.as_ref().map(|checkpoint| checkpoint.position))
            .bind(failure)
            .execute(&mut conn)
            .await;
        self.conn = told.is_ok().then_some(conn);
    }
}

impl Subscriber for ProjectionWorker {
    fn name(&self) -> &str {
        self.projection.name()
    }

    async fn position(&mut self) -> Result<i64, SubscriberError> {
        let read = self.read().await?;
        Ok(self.checkpoint.insert(read).position)
    }

    fn wants(&self, event: &Recorded) -> bool {
        wants(self.projection.as_ref(), event)
    }

    async fn handle(&mut self, after: i64, events: &[Arc<Recorded>]) -> Result<Handled, SubscriberError> {
        let Some(last) = events.last() else { return Ok(Handled::Recorded) };
        let Some(from) = self.checkpoint.clone().filter(|checkpoint| checkpoint.position == after) else {
            return Ok(Handled::Overtaken { at: self.position().await? });
        };
        if self.apply(&from, last, events).await? {
            self.checkpoint = Some(Checkpoint { position: last.position, failure: None, ..from });
            return Ok(Handled::Recorded);
        }
        let at = self.position().await?;
        let moved = self
            .checkpoint
            .as_ref()
            .is_none_or(|now| (now.position, now.generation) != (from.position, from.generation));
        Ok(if moved { Handled::Overtaken { at } } else { Handled::Foreign })
    }

    async fn failed(&mut self, reason: &str) {
        // Tables of an older version are told to stand still only if nobody folds them any more.
        let sql = "update projection_checkpoints set failure = $4 \
                    where name = $1 and failure is distinct from $4 \
                      and (version = $2 and position = coalesce($3, position) \
                           or version < $2 and updated_at < clock_timestamp() - interval '10 seconds' \
                              and position < (select position from journal_head))";
        self.tell(sql, Some(reason)).await;
    }

    async fn succeeded(&mut self) {
        if self.checkpoint.as_ref().is_none_or(|checkpoint| checkpoint.failure.is_none()) {
            return;
        }
        let sql = "update projection_checkpoints set failure = $4 \
                    where name = $1 and version = $2 and position = $3";
        self.tell(sql, None).await;
        if let Some(checkpoint) = self.checkpoint.as_mut().filter(|_| self.conn.is_some()) {
            checkpoint.failure = None;
        }
    }
}
