//! One relay publishes, the others stand by.
//!
//! A session lock on a connection of its own. It only saves work: two relays that both publish would publish the same
//! messages at the same sequences, and the stream would refuse the second of each.

use crate::{Journal, JournalError};
use sqlx::{Connection, PgConnection};
use std::time::Duration;
use tokio::time::Instant;

/// "CFRELAY1" in ASCII.
const RELAY_LOCK: i64 = 0x4346_5245_4c41_5931;
/// How often the session is asked whether it is still there.
const PROOF_INTERVAL: Duration = Duration::from_secs(5);

#[derive(Debug, Default)]
pub(super) struct Lead {
    /// Taken by whoever asks it and put back with the answer: one whose question failed or was cut off is not used again.
    session: Option<PgConnection>,
    proven_at: Option<Instant>,
}

impl Lead {
    /// Whether we lead, taking the lead if nobody has it.
    pub(super) async fn held(&mut self, journal: &Journal) -> Result<bool, JournalError> {
        if self.proven_at.is_some_and(|at| at.elapsed() < PROOF_INTERVAL) {
            return Ok(true);
        }
        let was_held = self.proven_at.take().is_some();
        let held = match self.session.take() {
            // A session lock lives as long as its session.
            Some(mut session) if was_held => {
                session.ping().await?;
                self.session = Some(session);
                true
            }
            Some(session) => self.try_lock(session).await?,
            None => self.try_lock(journal.connection().await?).await?,
        };
        self.proven_at = held.then(Instant::now);
        Ok(held)
    }

    async fn try_lock(&mut self, mut session: PgConnection) -> Result<bool, JournalError> {
        let question = sqlx::query_scalar("select pg_try_advisory_lock($1)").bind(RELAY_LOCK);
        let held = question.fetch_one(&mut session).await?;
        self.session = Some(session);
        Ok(held)
    }

    /// Leaves it to others: the lock ends with its session.
    pub(super) fn release(&mut self) {
        *self = Self::default();
    }
}
