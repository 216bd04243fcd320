//! What became of a command, asked by its key: the end of every doubt after a lost answer.

use crate::{Commands, Failure, Principal, Refusal};
use journal::JournalError;
use sqlx::Row;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CommandStatus {
    /// First event's position and how many there are.
    Committed {
        position: i64,
        events: i32,
    },
    Refused {
        position: i64,
        refusal: Refusal,
    },
    /// Not in the journal; it may still arrive until its deadline has passed.
    Unknown,
}

impl Commands {
    pub async fn status(&self, principal: Principal, key: &str) -> Result<CommandStatus, Failure> {
        let digest = self.vault().request_key(principal.key_scope(), key);
        self.find_status(digest).await.map_err(|error| Failure::Internal(error.to_string()))
    }

    async fn find_status(&self, key: uuid::Uuid) -> Result<CommandStatus, JournalError> {
        let row =
            sqlx::query("select position, events, refusal::text as refusal from commands where key = $1")
                .bind(key)
                .fetch_optional(self.journal().pool())
                .await?;
        let Some(row) = row else { return Ok(CommandStatus::Unknown) };
        let position = row.try_get("position")?;
        Ok(match row.try_get::<Option<&str>, _>("refusal")? {
            Some(text) => CommandStatus::Refused { position, refusal: serde_json::from_str(text)? },
            None => CommandStatus::Committed { position, events: row.try_get("events")? },
        })
    }
}
