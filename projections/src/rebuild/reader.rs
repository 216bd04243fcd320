//! Reading the journal ahead of whoever applies it, on a connection and a task of its own.
//!
//! By ranges of positions, so that progress is exact whatever the projection leaves out, and with a bounded number of
//! batches in flight.

use super::RebuildError;
use domain::AggregateKind;
use journal::{Journal, JournalError, Recorded, record_of};
use sqlx::{Executor, PgConnection};
use std::sync::Arc;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

/// Positions read at once: some 25 MB of events.
const RANGE: i64 = 25_000;
/// Batches decoded and waiting: one ready while one is applied.
const AHEAD: usize = 1;

pub(super) struct Batch {
    pub(super) events: Vec<Arc<Recorded>>,
    /// Everything up to here that is wanted has been handed over with it.
    pub(super) up_to: i64,
}

#[derive(Debug)]
pub(super) struct Reader {
    batches: mpsc::Receiver<Result<Batch, JournalError>>,
    task: JoinHandle<()>,
}

impl Reader {
    /// Begins to read the positions after `after`, up to `head`.
    pub(super) async fn start(
        journal: &Journal,
        kinds: &'static [AggregateKind],
        after: i64,
        head: i64,
    ) -> Result<Self, RebuildError> {
        let mut conn = journal.connection().await?;
        // Rows lie in the order of their positions, whatever the statistics of a growing table say.
        conn.execute("set enable_bitmapscan = off; set enable_seqscan = off").await?;
        let (sender, batches) = mpsc::channel(AHEAD);
        let task = tokio::spawn(async move {
            let mut after = after;
            while after < head {
                let up_to = (after + RANGE).min(head);
                let batch = read(&mut conn, kinds, after, up_to).await;
                let failed = batch.is_err();
                if sender.send(batch).await.is_err() || failed {
                    return;
                }
                after = up_to;
            }
        });
        Ok(Self { batches, task })
    }

    pub(super) async fn next(&mut self) -> Result<Option<Batch>, RebuildError> {
        self.batches.recv().await.transpose().map_err(RebuildError::from)
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// The wanted events of a range, in order.
pub(super) async fn read(
    conn: &mut PgConnection,
    kinds: &[AggregateKind],
    after: i64,
    up_to: i64,
) -> Result<Batch, JournalError> {
    let kinds: Vec<&str> = kinds.iter().map(|kind| kind.as_str()).collect();
    let rows = sqlx::query(
        "select position, aggregate_type, aggregate_id, sequence, event_type, event_version, payload::text as payload, \
                metadata::text as metadata, event_id, owner, recorded_at \
           from events where position > $1 and position <= $2 and aggregate_type = any($3) order by position",
    )
    .bind(after)
    .bind(up_to)
    .bind(kinds)
    .fetch_all(conn)
    .await?;
    let events = rows.iter().map(|row| record_of(row).map(Arc::new)).collect::<Result<_, _>>()?;
    Ok(Batch { events, up_to })
}
