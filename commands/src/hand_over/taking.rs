//! The side that leads: takes what was handed over, and answers it.

use super::{Told, proof};
use crate::{Commands, Envelope, WriterState};
use journal::JournalError;
use sqlx::Row;
use std::time::Duration;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// How often is looked whether something was handed over: an operator hardly notices, and neither does the database.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// Taken at once: what is more waits for the next look.
const TAKEN_MAX: i64 = 16;

#[derive(Debug)]
pub struct HandedOver {
    commands: Commands,
    state: watch::Receiver<WriterState>,
}

/// What was handed over, and is ours to decide.
struct Taken {
    id: Uuid,
    envelope: String,
    proof: Uuid,
}

impl HandedOver {
    pub const fn new(commands: Commands, state: watch::Receiver<WriterState>) -> Self {
        Self { commands, state }
    }

    pub async fn run(self, cancel: CancellationToken) {
        let mut is_failing = false;
        loop {
            tokio::select! {
                () = cancel.cancelled() => return,
                () = tokio::time::sleep(LOOK_EVERY) => {}
            }
            match self.run_once().await {
                Ok(_) => is_failing = false,
                // Once, and not twice a second for as long as the database is away.
                Err(error) if !std::mem::replace(&mut is_failing, true) => {
                    tracing::warn!(event = "handed_over_not_read", error_message = %error);
                }
                Err(_) => {}
            }
        }
    }

    /// Answers how many commands were taken.
    pub async fn run_once(&self) -> Result<usize, JournalError> {
        if !matches!(*self.state.borrow(), WriterState::Leading { .. }) {
            return Ok(0);
        }
        let taken = self.take().await?;
        let mut last = Ok(());
        for one in &taken {
            let told = self.decide(one).await;
            // What cannot be told now is no reason to leave the others undecided.
            last = self.tell(one.id, &told).await.and(last);
        }
        self.sweep().await?;
        last.map(|()| taken.len())
    }

    async fn take(&self) -> Result<Vec<Taken>, JournalError> {
        let rows = sqlx::query(
            "update handed_over set taken = true \
              where id in (select id from handed_over where not taken order by handed_at limit $1 \
                              for update skip locked) \
             returning id, envelope, proof",
        )
        .bind(TAKEN_MAX)
        .fetch_all(self.commands.journal().pool())
        .await?;
        let read = |row: &sqlx::postgres::PgRow| {
            Ok(Taken {
                id: row.try_get("id")?,
                envelope: row.try_get("envelope")?,
                proof: row.try_get("proof")?,
            })
        };
        Ok(rows.iter().map(read).collect::<Result<_, sqlx::Error>>()?)
    }

    async fn decide(&self, taken: &Taken) -> Told {
        if proof(self.commands.vault(), taken.id, &taken.envelope) != taken.proof {
            tracing::warn!(event = "handed_over_unproved");
            return Told::Broke { why: "it was handed over with another key ring".to_owned() };
        }
        match serde_json::from_str::<Envelope>(&taken.envelope) {
            Ok(envelope) => {
                tracing::info!(event = "handed_over_taken", command = envelope.command.name());
                Told::of(self.commands.submit(envelope).await)
            }
            Err(_) => Told::Broke { why: "the node that leads is of another version".to_owned() },
        }
    }

    /// The envelope goes with the answer: whoever asked may be gone, and a user's wrapped key must not outlive the user.
    async fn tell(&self, id: Uuid, told: &Told) -> Result<(), JournalError> {
        sqlx::query("update handed_over set outcome = $2::json, envelope = '' where id = $1")
            .bind(id)
            .bind(serde_json::to_string(told)?)
            .execute(self.commands.journal().pool())
            .await?;
        Ok(())
    }

    /// What nobody came for, and what nobody finished: an envelope must not stay.
    async fn sweep(&self) -> Result<(), JournalError> {
        sqlx::query("delete from handed_over where handed_at < clock_timestamp() - interval '10 minutes'")
            .execute(self.commands.journal().pool())
            .await?;
        Ok(())
    }
}
