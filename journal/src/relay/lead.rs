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
    session: Option<PgConnection>,
    proven_at: Option<Instant>,
}

impl Lead {
    /// Whether we lead, taking the lead if nobody has it.
    pub(super) async fn held(&mut self, journal: &Journal) -> Result<bool, JournalError> {
        if self.proven_at.is_some_and(|at| at.elapsed() < PROOF_INTERVAL) {
            return Ok(true);
        }
        let held = self.ask(journal).await;
        if held.is_err() {
            self.session = None;
        }
        self.proven_at = matches!(held, Ok(true)).then(Instant::now);
        held
    }

    async fn ask(&mut self, journal: &Journal) -> Result<bool, JournalError> {
        let was_held = self.proven_at.is_some();
        let session = match &mut self.session {
            Some(session) => session,
            none => none.insert(journal.connection().await?),
        };
        if was_held {
            // A session lock lives as long as its session.
            session.ping().await?;
            return Ok(true);
        }
        Ok(sqlx::query_scalar("select pg_try_advisory_lock($1)").bind(RELAY_LOCK).fetch_one(session).await?)
    }
}
