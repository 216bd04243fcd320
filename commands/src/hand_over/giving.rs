//! The side that does not lead: every command it is given goes to the one that does.

use super::{Told, proof};
use crate::commands::Commands;
use crate::sequencer::Submission;
use crate::vault::Vault;
use crate::{CommandsOptions, Envelope, Failure, Outcome, WriteSide};
use journal::{Journal, JournalError};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// An operator gives one command after the other.
const INBOX_MAX: usize = 16;
/// Between two looks for the answer.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// Longer than the leader takes to answer anybody, and no longer than who asks waits.
const PATIENCE: Duration = Duration::from_secs(11);

#[derive(Debug)]
pub struct HandOver {
    inbox: mpsc::Receiver<Submission>,
    journal: Journal,
    vault: Vault,
}

impl HandOver {
    /// The write side of a process that never leads: a handle for the use cases, and the task behind it, which has to be
    /// run.
    pub fn new(parts: WriteSide, options: CommandsOptions) -> (Commands, Self) {
        let WriteSide { journal, vault, hasher, .. } = parts;
        let (sender, inbox) = mpsc::channel(INBOX_MAX);
        let commands = Commands::new(sender, journal.clone(), vault.clone(), hasher, options);
        (commands, Self { inbox, journal, vault })
    }

    pub async fn run(mut self, cancel: CancellationToken) {
        loop {
            let submission = tokio::select! {
                () = cancel.cancelled() => return,
                submission = self.inbox.recv() => submission,
            };
            let Some(submission) = submission else { return };
            let outcome = self.hand_over(&submission.envelope).await;
            submission.answer(outcome);
        }
    }

    async fn hand_over(&self, envelope: &Envelope) -> Outcome {
        let text = serde_json::to_string(envelope).map_err(|error| Failure::Internal(error.to_string()))?;
        let id = Uuid::now_v7();
        self.give(id, &text).await?;
        let deadline = Instant::now() + PATIENCE;
        loop {
            // Whatever happens to the connection: it has been given.
            match self.look(id).await {
                Ok(Some(told)) => {
                    let _ = self.withdraw(id, true).await;
                    return told.into_outcome();
                }
                Ok(None) | Err(_) if Instant::now() < deadline => sleep(LOOK_EVERY).await,
                Ok(None) | Err(_) => return Err(self.give_up(id).await),
            }
        }
    }

    async fn give(&self, id: Uuid, envelope: &str) -> Result<(), JournalError> {
        sqlx::query("insert into handed_over (id, envelope, proof) values ($1, $2, $3)")
            .bind(id)
            .bind(envelope)
            .bind(proof(&self.vault, id, envelope))
            .execute(self.journal.pool())
            .await?;
        Ok(())
    }

    async fn look(&self, id: Uuid) -> Result<Option<Told>, JournalError> {
        let outcome: Option<String> =
            sqlx::query_scalar("select outcome::text from handed_over where id = $1")
                .bind(id)
                .fetch_one(self.journal.pool())
                .await?;
        Ok(outcome.map(|text| serde_json::from_str(&text)).transpose()?)
    }

    async fn give_up(&self, id: Uuid) -> Failure {
        match self.withdraw(id, false).await {
            Ok(true) => Failure::unavailable("no node that leads took the command: nothing happened"),
            Ok(false) | Err(_) => Failure::OutcomeUnknown,
        }
    }

    /// Whether it was still there, and ours to take back.
    async fn withdraw(&self, id: Uuid, even_if_taken: bool) -> Result<bool, JournalError> {
        let withdrawn = sqlx::query("delete from handed_over where id = $1 and (not taken or $2)")
            .bind(id)
            .bind(even_if_taken)
            .execute(self.journal.pool())
            .await?;
        Ok(withdrawn.rows_affected() == 1)
    }
}
