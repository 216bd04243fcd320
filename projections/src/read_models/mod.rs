//! The read models and the questions they answer.
//!
//! One file each: its row, its projection, its queries. Every query reads its projection's checkpoint in the same
//! statement as the rows, so an answer always knows which events it has seen.

pub(crate) mod accounts;
pub(crate) mod api_keys;
pub(crate) mod cursor;
pub(crate) mod exchange_credentials;
pub(crate) mod holds;
pub(crate) mod profiles;
pub(crate) mod settings;
mod statistics;
pub(crate) mod trading;
pub(crate) mod transactions;
pub(crate) mod trial_balance;
mod value;
pub(crate) mod wallets;

use crate::wait::Waiting;
use journal::subscription::Checkpoints;
use journal::{Journal, JournalError, Tail};
use sqlx::postgres::PgRow;
use sqlx::{Executor, PgPool, PgTransaction, Row};

/// Whoever asks is answered within thirty seconds or not at all, so a statement may take a good part of that.
/// Many rows make few: there is nothing that is worth compiling.
const SNAPSHOT: &str = "set transaction isolation level repeatable read, read only; \
     set local statement_timeout = '20s'; set local jit = off";

/// An answer, and the position it stands at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct At<T> {
    pub position: i64,
    pub value: T,
}

#[derive(Debug, thiserror::Error)]
pub enum QueryError {
    #[error(transparent)]
    Journal(#[from] JournalError),
    #[error("the projection {name} has stopped")]
    ProjectionFailed { name: &'static str, reason: String },
    #[error("the projection {name} is at {position}, {lag} events short of what was asked for")]
    ProjectionBehind { name: &'static str, position: i64, lag: i64 },
    #[error("position {asked} was asked for and the journal ends at {head}")]
    BeyondHead { asked: i64, head: i64 },
    #[error("too many queries wait for a position already")]
    TooManyWaiting,
    #[error("the cursor is not one of this list's")]
    BadCursor,
}

impl From<sqlx::Error> for QueryError {
    fn from(error: sqlx::Error) -> Self {
        Self::Journal(error.into())
    }
}

/// All read models, as the edges see them.
#[derive(Clone, Debug)]
pub struct ReadModels {
    journal: Journal,
    waiting: Waiting,
}

impl ReadModels {
    pub fn new(journal: Journal, tail: Tail, checkpoints: Checkpoints) -> Self {
        let waiting = Waiting::new(journal.clone(), tail, checkpoints);
        Self { journal, waiting }
    }

    pub(crate) const fn pool(&self) -> &PgPool {
        self.journal.pool()
    }

    pub(crate) const fn waiting(&self) -> &Waiting {
        &self.waiting
    }

    /// Everything as it is at one moment, for several questions. None of them takes longer than is bearable.
    async fn snapshot(&self) -> Result<PgTransaction<'static>, sqlx::Error> {
        let mut snapshot = self.pool().begin().await?;
        snapshot.execute(SNAPSHOT).await?;
        Ok(snapshot)
    }

    /// Asks once the projection is far enough, and again in the rare case that it was not yet visible here.
    ///
    /// Not an `AsyncFn`: a task of any thread runs it, and of those it cannot be said that their futures are `Send`.
    async fn at_least<T, F>(
        &self,
        name: &'static str,
        min_position: Option<i64>,
        ask: impl Fn() -> F,
    ) -> Result<At<T>, QueryError>
    where
        F: Future<Output = Result<At<T>, QueryError>>,
    {
        let Some(min) = min_position else { return ask().await };
        let mut wait = self.waiting.begin(name, min);
        loop {
            if let Err(late) = wait.until_reached().await {
                // One that has stopped says so itself.
                if matches!(late, QueryError::ProjectionBehind { .. }) {
                    ask().await?;
                }
                return Err(late);
            }
            let answer = ask().await?;
            if answer.position >= min {
                return Ok(answer);
            }
            wait.not_visible_yet(answer.position).await?;
        }
    }
}

/// The checkpoint that was read with a row; an error, if the projection has stopped.
fn position_of(row: &PgRow, name: &'static str) -> Result<i64, QueryError> {
    match row.try_get("failure")? {
        Some(reason) => Err(QueryError::ProjectionFailed { name, reason }),
        None => Ok(row.try_get("checkpoint")?),
    }
}
