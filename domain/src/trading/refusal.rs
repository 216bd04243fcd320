//! Why a session declines, with the facts.

use super::portfolio::BookError;
use super::session::SessionState;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(tag = "refusal", rename_all = "snake_case")]
pub enum SessionRefusal {
    #[error("there is no such session")]
    NotFound,
    #[error("the session was started already")]
    AlreadyStarted,
    #[error("the session is {state}")]
    WrongState { state: SessionState },
    #[error("the run {run_id} is under way")]
    RunUnderWay { run_id: Uuid },
    #[error("there is no such run under way")]
    NoSuchRun,
    #[error("nothing is due")]
    NothingDue,
    /// Another worker has taken over.
    #[error("the lease {fence} is over, {newest} is the newest")]
    Fenced { fence: i64, newest: i64 },
    #[error("{available} is available, {requested} was asked for")]
    InsufficientCash { available: Decimal, requested: Decimal },
    #[error(transparent)]
    Book(BookError),
}

impl From<BookError> for SessionRefusal {
    fn from(error: BookError) -> Self {
        Self::Book(error)
    }
}
