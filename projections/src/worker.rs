//! A projection's worker: rows and checkpoint in one transaction.
//!
//! The checkpoint moves first, by compare-and-set, and its row stays locked until the commit: of two workers with one
//! name only one gets past it, so each event has exactly one effect. A commit need not wait for the disk: rows and
//! checkpoint are lost together, and the events are still there.

use crate::Projection;
use crate::checkpoint::Checkpoint;
use crate::projection::{ApplyError, wanted};
use journal::subscription::{Handled, Subscriber, SubscriberError};
use journal::{Journal, Recorded};
use sqlx::{Connection, Executor, PgConnection};
use std::fmt;
use std::sync::Arc;

pub struct ProjectionWorker {
    journal: Journal,
    projection: Arc<dyn Projection>,
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

    async fn read(&mut self) -> Result<Checkpoint, SubscriberError> {
        let (name, version) = (self.projection.name(), self.projection.version());
        let conn = connected(&self.journal, &mut self.conn).await?;
        let read = Checkpoint::read(conn, name).await.map_err(SubscriberError::new)?;
        if read.version == version {
            return Ok(read);
        }
        let built_by = read.version;
        Err(SubscriberError(format!(
            "{name} was built by version {built_by} of its projection and this is version {version}: rebuild it"
        )))
    }

    /// False, if somebody else moved the checkpoint.
    async fn apply(
        &mut self,
        from: &Checkpoint,
        to: i64,
        events: &[Arc<Recorded>],
    ) -> Result<bool, SubscriberError> {
        let name = self.projection.name();
        let events = wanted(self.projection.as_ref(), events);
        let conn = connected(&self.journal, &mut self.conn).await?;
        let applied = async {
            if events.is_empty() {
                return Ok(from.advance(conn, name, to).await?);
            }
            let mut transaction = conn.begin().await?;
            let ours = from.advance(&mut transaction, name, to).await?;
            if ours {
                self.projection.apply(&mut transaction, &events).await?;
                transaction.commit().await?;
            }
            Ok::<bool, ApplyError>(ours)
        };
        applied.await.map_err(SubscriberError::new)
    }
}

impl Subscriber for ProjectionWorker {
    fn name(&self) -> &str {
        self.projection.name()
    }

    async fn position(&mut self) -> Result<i64, SubscriberError> {
        let read = self.read().await;
        if read.is_err() {
            self.conn = None;
        }
        Ok(self.checkpoint.insert(read?).position)
    }

    async fn handle(&mut self, after: i64, events: &[Arc<Recorded>]) -> Result<Handled, SubscriberError> {
        let Some(last) = events.last() else { return Ok(Handled::Recorded) };
        let Some(from) = self.checkpoint.take().filter(|checkpoint| checkpoint.position == after) else {
            return Ok(Handled::Overtaken { at: self.position().await? });
        };
        match self.apply(&from, last.position, events).await {
            Ok(true) => {
                self.checkpoint = Some(Checkpoint { position: last.position, ..from });
                Ok(Handled::Recorded)
            }
            Ok(false) => Ok(Handled::Overtaken { at: self.position().await? }),
            Err(error) => {
                // In whatever state it is: the next try begins with a new one.
                self.conn = None;
                Err(error)
            }
        }
    }

    async fn failed(&mut self, reason: &str) {
        let Ok(conn) = connected(&self.journal, &mut self.conn).await else { return };
        let told = sqlx::query("update projection_checkpoints set failure = $1 where name = $2")
            .bind(reason)
            .bind(self.projection.name())
            .execute(conn)
            .await;
        if told.is_err() {
            self.conn = None;
        }
    }
}

async fn connected<'a>(
    journal: &Journal,
    conn: &'a mut Option<PgConnection>,
) -> Result<&'a mut PgConnection, SubscriberError> {
    if conn.is_none() {
        let mut fresh = journal.connection().await.map_err(SubscriberError::new)?;
        fresh.execute("set synchronous_commit = off").await.map_err(SubscriberError::new)?;
        *conn = Some(fresh);
    }
    conn.as_mut().ok_or_else(|| SubscriberError::new("no connection"))
}
