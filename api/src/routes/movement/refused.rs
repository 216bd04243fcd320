//! What was declined, with what only the history knows of it.
//!
//! A wallet keeps its active holds in mind and forgets those that have ended: that a hold has ended, it knows; how, the
//! read model does. It is asked at the position of the refusal, so a repeat is told the same, however late it comes.

use crate::app::App;
use crate::problem::{Code, Detail, Problem};
use commands::{Failure, Refusal};
use domain::EntryId;
use domain::wallet::{HoldStatus, WalletRefusal};
use projections::HoldRow;
use serde_json::json;

/// A failure of a command to a wallet.
pub(crate) async fn problem(app: &App, failure: Failure) -> Problem {
    match failure {
        Failure::Refused { refusal, position, replayed } => match problem_of(app, refusal, position).await {
            Ok(problem) => problem.at_position(position).replayed(replayed),
            // The refusal stands under its key: whoever comes again is told it.
            Err(unknowable) => unknowable,
        },
        other => other.into(),
    }
}

pub(crate) async fn problem_of(app: &App, refusal: Refusal, position: i64) -> Result<Problem, Problem> {
    match refusal {
        Refusal::Wallet(WalletRefusal::HoldEnded { hold_id }) => {
            let found = app.read_models().hold(hold_id, Some(position)).await?;
            // What is there and was never a hold is no hold.
            Ok(found
                .value
                .map_or_else(|| Problem::of(Code::HoldNotFound), |row| ended(hold_id, &row, position)))
        }
        Refusal::InBatch { index, refusal } => {
            let problem = Box::pin(problem_of(app, *refusal, position)).await?;
            Ok(problem.in_batch(index))
        }
        other => Ok(other.into()),
    }
}

/// As of the position it was refused at: what ended the hold later is not what this was refused for.
fn ended(hold_id: EntryId, row: &HoldRow, position: i64) -> Problem {
    if row.status == HoldStatus::Active || row.position > position {
        return Problem::new(Detail::HoldEndsInBatch { hold_id }).fact("hold_id", hold_id.to_string());
    }
    let status = row.status.as_str();
    Problem::new(Detail::HoldWas { hold_id, status, position: row.position })
        .fact("hold_id", hold_id.to_string())
        .fact("ended_by", json!({ "status": status, "position": row.position, "event_id": row.event_id }))
}
