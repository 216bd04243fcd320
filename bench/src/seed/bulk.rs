//! The journal's own door, for much at once: large batches under the write lease.
//!
//! Nobody else may lead meanwhile; the fence sees to that. Positions are dense, because the journal makes them.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use domain::Timestamp;
use journal::{Batch, ClaimRow, CommandRow, Journal, JournalOptions, Lease, Recorded, SecretRow};
use uuid::Uuid;

use super::wallets::Spot;
use crate::error::{BenchError, Result};

/// Large enough that round trips do not count, small enough to be some megabytes.
const BATCH: usize = 5_000;
/// The seeder asks one thing at a time.
const CONNECTIONS: u32 = 2;

pub(super) struct Bulk {
    lease: Lease,
    batch: Batch,
}

pub(super) async fn journal(database_url: &str) -> Result<Journal> {
    let options = JournalOptions { database_url: database_url.to_owned(), connections_max: CONNECTIONS };
    Journal::connect(&options).await.map_err(broken)
}

impl Bulk {
    pub(super) async fn open(journal: &Journal) -> Result<Self> {
        let lease = Lease::take(journal, &format!("seeder {}", Uuid::new_v4())).await.map_err(broken)?;
        let lease =
            lease.ok_or_else(|| BenchError::Unusable("somebody else leads this journal".to_owned()))?;
        Ok(Self { lease, batch: Batch::default() })
    }

    pub(super) fn epoch(&self) -> i64 {
        self.lease.head().epoch
    }

    pub(super) fn push(&mut self, event: Arc<Recorded>) {
        self.batch.events.push(event);
    }

    pub(super) fn claim(&mut self, claims: impl IntoIterator<Item = ClaimRow>) {
        self.batch.claims.extend(claims);
    }

    pub(super) fn keep(&mut self, secret: SecretRow) {
        self.batch.secrets.push(secret);
    }

    pub(super) fn key(&mut self, position: i64) {
        self.batch.commands.push(CommandRow {
            key: Uuid::new_v4(),
            fingerprint: Uuid::new_v4(),
            position,
            events: 1,
            refusal: None,
        });
    }

    pub(super) fn next_spot(&mut self) -> Spot {
        Spot { position: self.next_position(), recorded_at: self.recorded_at() }
    }

    pub(super) fn next_position(&self) -> i64 {
        let waiting = i64::try_from(self.batch.events.len()).unwrap_or(i64::MAX);
        self.lease.head().position + waiting + 1
    }

    /// One time per batch, as the sequencer does it.
    fn recorded_at(&mut self) -> Timestamp {
        if self.batch.events.is_empty() {
            let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
            let now = Timestamp::from_micros(i64::try_from(now.as_micros()).unwrap_or(i64::MAX));
            self.batch.recorded_at = now.max(self.lease.head().recorded_at);
        }
        self.batch.recorded_at
    }

    pub(super) fn is_full(&self) -> bool {
        self.batch.events.len().max(self.batch.commands.len()) >= BATCH
    }

    pub(super) async fn flush(&mut self) -> Result<()> {
        if self.batch.events.is_empty() {
            // Keys alone: the head's time stands.
            self.batch.recorded_at = self.lease.head().recorded_at;
        }
        self.batch.first_position = self.lease.head().position + 1;
        self.lease.append(&self.batch).await.map_err(broken)?;
        self.batch.events.clear();
        self.batch.commands.clear();
        self.batch.claims.clear();
        self.batch.secrets.clear();
        Ok(())
    }

    pub(super) async fn release(self) -> Result<()> {
        self.lease.release().await.map_err(broken)
    }
}

/// What autovacuum would have done long ago in a journal of this age.
pub(super) async fn vacuum(journal: &Journal) -> Result<()> {
    for table in ["events", "commands", "claims", "secrets", "snapshots"] {
        let vacuum = format!("vacuum (analyze) {table}");
        sqlx::raw_sql(&vacuum).execute(journal.pool()).await.map_err(broken)?;
    }
    Ok(())
}

pub(super) fn broken(error: impl std::fmt::Display) -> BenchError {
    BenchError::Unusable(format!("filling the journal: {error}"))
}
