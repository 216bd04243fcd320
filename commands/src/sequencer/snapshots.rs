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
    sender: mpsc::Sender<Taken>,
}

/// A snapshot, and the epoch its state is of.
struct Taken {
    epoch: i64,
    snapshot: Snapshot,
}

impl SnapshotQueue {
    pub(crate) fn offer(&self, epoch: i64, snapshots: Vec<Snapshot>) {
        for snapshot in snapshots {
            if self.sender.try_send(Taken { epoch, snapshot }).is_err() {
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

async fn run(journal: Journal, mut queue: mpsc::Receiver<Taken>, cancel: CancellationToken) {
    let mut batch = Vec::with_capacity(BATCH_MAX);
    loop {
        let taken = tokio::select! {
            () = cancel.cancelled() => return,
            taken = queue.recv_many(&mut batch, BATCH_MAX) => taken,
        };
        if taken == 0 {
            return;
        }
        let epoch = batch.iter().map(|taken: &Taken| taken.epoch).max().unwrap_or_default();
        let mut snapshots: Vec<Snapshot> =
            batch.drain(..).filter(|taken| taken.epoch == epoch).map(|taken| taken.snapshot).collect();
        // One statement may not name the same row twice: the newest of each.
        snapshots.sort_by_key(|s| (s.aggregate, std::cmp::Reverse(s.sequence)));
        snapshots.dedup_by_key(|s| s.aggregate);
        if let Err(error) = journal.write_snapshots(epoch, &snapshots).await {
            tracing::warn!(event = "snapshots_not_written", error_message = %error, "loads will be slower until later ones are");
        }
        tokio::time::sleep(PAUSE).await;
    }
}
