//! What became of a command, asked by its key: the end of every doubt after a lost answer.

use crate::{Commands, Failure, Hindrance, Principal, Refusal};
use journal::JournalError;
use sqlx::Row;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CommandStatus {
    /// The last event's position, which is the one to wait for, and how many there are.
    Committed {
        position: i64,
        events: i32,
    },
    Refused {
        position: i64,
        refusal: Refusal,
    },
    /// Not in the journal; it may still arrive until [`crate::FINAL_AFTER`] has passed.
    Unknown,
}

impl Commands {
    pub async fn status(&self, principal: Principal, key: &str) -> Result<CommandStatus, Failure> {
        let digest = self.vault().request_key(principal.key_scope(), key);
        match self.find_status(digest).await? {
            CommandStatus::Unknown if self.journal().head().await?.silent_ms > journal::SILENCE_MAX_MS => {
                // A commit may be hanging in a database that stands still: then nobody knows yet.
                Err(Failure::unavailable(Hindrance::NobodyWrites))
            }
            status => Ok(status),
        }
    }

    async fn find_status(&self, key: uuid::Uuid) -> Result<CommandStatus, JournalError> {
        let row =
            sqlx::query("select position, events, refusal::text as refusal from commands where key = $1")
                .bind(key)
                .fetch_optional(self.journal().pool())
                .await?;
        let Some(row) = row else { return Ok(CommandStatus::Unknown) };
        let position: i64 = row.try_get("position")?;
        let events: i32 = row.try_get("events")?;
        Ok(match row.try_get::<Option<&str>, _>("refusal")? {
            Some(text) => CommandStatus::Refused { position, refusal: serde_json::from_str(text)? },
            None => CommandStatus::Committed { position: position + i64::from((events - 1).max(0)), events },
        })
    }
}
