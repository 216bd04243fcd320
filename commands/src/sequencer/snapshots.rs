//! Writing snapshots beside the work: a queue that drops what does not fit, and one statement for many.

use journal::{Journal, Snapshot};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// Waiting snapshots. A snapshot that does not fit is dropped: it is a cache, and a later one will do.
const QUEUE_MAX: usize = 4_096;
/// In one statement.
const BATCH_MAX: usize = 256;
/// Between statements, so that snapshots never compete with commits for long.
const PAUSE: Duration = Duration::from_millis(50);

#[derive(Clone, Debug)]
pub(crate) struct SnapshotQueue {
    sender: mpsc::Sender<Snapshot>,
}

impl SnapshotQueue {
    pub(crate) fn offer(&self, snapshots: Vec<Snapshot>) {
        for snapshot in snapshots {
            if self.sender.try_send(snapshot).is_err() {
                metrics::counter!("counterfoil_snapshots_dropped_total").increment(1);
            }
        }
    }
}

pub(crate) fn start(journal: Journal, cancel: CancellationToken) -> SnapshotQueue {
    let (sender, receiver) = mpsc::channel(QUEUE_MAX);
    tokio::spawn(run(journal, receiver, cancel));
    SnapshotQueue { sender }
}

async fn run(journal: Journal, mut queue: mpsc::Receiver<Snapshot>, cancel: CancellationToken) {
    let mut batch = Vec::with_capacity(BATCH_MAX);
    loop {
        let taken = tokio::select! {
            () = cancel.cancelled() => return,
            taken = queue.recv_many(&mut batch, BATCH_MAX) => taken,
        };
        if taken == 0 {
            return;
        }
        // One statement may not name the same row twice: the newest of each.
        batch.sort_by_key(|s: &Snapshot| (s.aggregate, std::cmp::Reverse(s.sequence)));
        batch.dedup_by_key(|s| s.aggregate);
        if let Err(error) = journal.write_snapshots(&batch).await {
            tracing::warn!(event = "snapshots_not_written", error_message = %error, "loads will be slower until later ones are");
        }
        batch.clear();
        tokio::time::sleep(PAUSE).await;
    }
}
