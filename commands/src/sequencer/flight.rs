//! Committing a batch, to a certain end.
//!
//! Runs beside the sequencer, which decides the next batch meanwhile. The lease goes along and comes back, so nothing is
//! locked. A commit that was cut off is not guessed at: moving the epoch waits for the old transaction, shuts it out,
//! and tells whether it is in.

use super::batch::OpenBatch;
use crate::Clock;
use journal::{AppendError, Batch, Journal, JournalError, Lease, Recovery};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// A commit that takes longer is treated as cut off.
const COMMIT_WITHIN: Duration = Duration::from_secs(10);
const RETRY_FIRST: Duration = Duration::from_millis(20);
const RETRY_LAST: Duration = Duration::from_secs(1);

/// How a batch ended. Only `Committed` wrote anything, and only `OutcomeUnknown` may have.
#[derive(Debug)]
pub(crate) enum Landing {
    Committed,
    Conflicts {
        keys: Vec<uuid::Uuid>,
        claims: Vec<(String, uuid::Uuid)>,
    },
    Rejected(String),
    OutOfStep(String),
    Unable(String),
    /// It was not written, and it is too late to begin again.
    TooLate,
    Fenced,
    OutcomeUnknown,
}

pub(crate) async fn commit(
    mut lease: Lease,
    journal: Journal,
    batch: &OpenBatch,
    clock: Clock,
    cancel: CancellationToken,
) -> (Lease, Landing) {
    let OpenBatch { rows: batch, begins_by, .. } = batch;
    loop {
        if clock.now() > *begins_by {
            return (lease, Landing::TooLate);
        }
        let appended = tokio::time::timeout(COMMIT_WITHIN, lease.append(batch)).await;
        let reason = match appended {
            Ok(Ok(())) => return (lease, Landing::Committed),
            Ok(Err(AppendError::Unknown(reason))) => reason,
            Ok(Err(error)) => return (lease, ended(error)),
            Err(_) => "it took too long".to_owned(),
        };
        tracing::warn!(event = "commit_cut_off", error_message = %reason, "a commit was cut off; finding out what became of it");
        match recover(&mut lease, &journal, batch, &cancel).await {
            Some(Recovery::Committed) => return (lease, Landing::Committed),
            Some(Recovery::NotCommitted) => {}
            Some(Recovery::Fenced) | None => return (lease, Landing::OutcomeUnknown),
        }
    }
}

fn ended(error: AppendError) -> Landing {
    match error {
        AppendError::Fenced => Landing::Fenced,
        AppendError::Conflicts { keys, claims } => Landing::Conflicts { keys, claims },
        AppendError::OutOfStep(reason) => Landing::OutOfStep(reason),
        AppendError::Rejected(reason) => Landing::Rejected(reason),
        AppendError::Unable(reason) => Landing::Unable(reason),
        AppendError::Unknown(_) => Landing::OutcomeUnknown,
    }
}

/// Tries until the database answers. Nothing if we are asked to stop before it does.
async fn recover(
    lease: &mut Lease,
    journal: &Journal,
    batch: &Batch,
    cancel: &CancellationToken,
) -> Option<Recovery> {
    let mut pause = RETRY_FIRST;
    loop {
        match tokio::time::timeout(COMMIT_WITHIN, lease.recover(journal, batch)).await {
            Ok(Ok(recovery)) => return Some(recovery),
            Ok(Err(error)) => tracing::debug!(event = "recovery_failed", error_message = %error),
            Err(_) => tracing::debug!(event = "recovery_failed", error_message = "it took too long"),
        }
        tokio::select! {
            () = cancel.cancelled() => return None,
            () = tokio::time::sleep(pause) => pause = (pause * 2).min(RETRY_LAST),
        }
    }
}

/// A sign of life without a batch. A broken connection is mended like a commit of nothing that was cut off.
pub(crate) async fn beat(mut lease: Lease, journal: Journal, cancel: CancellationToken) -> (Lease, Landing) {
    let beaten: Result<Result<bool, JournalError>, _> =
        tokio::time::timeout(COMMIT_WITHIN, lease.beat()).await;
    if let Ok(Ok(leads)) = beaten {
        return (lease, if leads { Landing::Committed } else { Landing::Fenced });
    }
    match recover(&mut lease, &journal, &Batch::default(), &cancel).await {
        Some(Recovery::Committed | Recovery::NotCommitted) => (lease, Landing::Committed),
        Some(Recovery::Fenced) | None => (lease, Landing::Fenced),
    }
}
