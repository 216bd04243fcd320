//! Fills a journal through its own door: large batches under the write lease, each with idempotency keys.
//!
//! Nobody else may lead while this runs; the fence sees to that. Positions are dense, sequences and balances
//! right, because the journal and the domain make them.

use std::time::{SystemTime, UNIX_EPOCH};

use domain::Timestamp;
use journal::{Batch, CommandRow, Journal, JournalOptions, Lease, Snapshot};
use uuid::Uuid;

use super::size::Size;
use super::wallets::{History, Seeded, Special, ordinary, special};
use crate::error::{BenchError, Result};
use crate::terminal::Progress;

/// Large enough that round trips do not count, small enough to be some megabytes.
const BATCH: usize = 5_000;
/// The seeder asks one thing at a time.
const CONNECTIONS: u32 = 2;

/// Writes everything `size` asks for; `owners` are the ids of the registered users, in their order.
pub(crate) async fn fill(
    database_url: &str,
    size: &Size,
    owners: &[Uuid],
    progress: &Progress,
) -> Result<()> {
    let options = JournalOptions { database_url: database_url.to_owned(), connections_max: CONNECTIONS };
    let journal = Journal::connect(&options).await.map_err(broken)?;
    let lease = Lease::take(&journal, &format!("seeder {}", Uuid::new_v4())).await.map_err(broken)?;
    let lease = lease.ok_or_else(|| BenchError::Unusable("somebody else leads this journal".to_owned()))?;
    let mut filler = Filler { lease, batch: Batch::default(), keys: 0, events: 0 };

    let Special { long, short, hot } = special(size);
    for wallet in ordinary(size).chain([short, hot]) {
        filler.write_history(wallet, owners, size, progress).await?;
    }
    let state = filler.write_history(long, owners, size, progress).await?;
    while filler.keys < size.old_keys {
        filler.key(filler.next_position() - 1);
        filler.flush_if_full(size, progress).await?;
    }
    filler.flush().await?;
    filler.lease.release().await.map_err(broken)?;

    // A wallet that grew by itself to such a length would have one.
    let snapshot = Snapshot::of(long.id, state.sequence, &state.state).map_err(broken)?;
    journal.write_snapshots(&[snapshot]).await.map_err(broken)?;
    // What autovacuum would have done long ago in a journal of this age.
    for table in ["events", "commands", "snapshots"] {
        let vacuum = format!("vacuum (analyze) {table}");
        sqlx::raw_sql(&vacuum).execute(journal.pool()).await.map_err(broken)?;
    }
    Ok(())
}

struct Filler {
    lease: Lease,
    batch: Batch,
    keys: u64,
    events: u64,
}

impl Filler {
    async fn write_history(
        &mut self,
        wallet: Seeded,
        owners: &[Uuid],
        size: &Size,
        progress: &Progress,
    ) -> Result<History> {
        let mut history = History::new(wallet, owners[wallet.owner])?;
        while !history.is_complete() {
            let position = self.next_position();
            let recorded = history.next(position, self.recorded_at())?;
            self.batch.events.push(recorded);
            self.events += 1;
            if self.keys < size.old_keys {
                self.key(position);
            }
            self.flush_if_full(size, progress).await?;
        }
        Ok(history)
    }

    fn next_position(&self) -> i64 {
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

    fn key(&mut self, position: i64) {
        self.keys += 1;
        self.batch.commands.push(CommandRow {
            key: Uuid::new_v4(),
            fingerprint: Uuid::new_v4(),
            position,
            events: 1,
            refusal: None,
        });
    }

    async fn flush_if_full(&mut self, size: &Size, progress: &Progress) -> Result<()> {
        if self.batch.events.len().max(self.batch.commands.len()) >= BATCH {
            self.flush().await?;
            let millions =
                |count: u64| format!("{}.{:02} million", count / 1_000_000, count % 1_000_000 / 10_000);
            progress.mark(&format!(
                "seeding: {} of {} events, {} of {} keys",
                millions(self.events),
                millions(size.events()),
                millions(self.keys),
                millions(size.old_keys)
            ));
        }
        Ok(())
    }

    async fn flush(&mut self) -> Result<()> {
        if self.batch.events.is_empty() {
            // Keys alone: the head's time stands.
            self.batch.recorded_at = self.lease.head().recorded_at;
        }
        self.batch.first_position = self.lease.head().position + 1;
        self.lease.append(&self.batch).await.map_err(broken)?;
        self.batch.events.clear();
        self.batch.commands.clear();
        Ok(())
    }
}

fn broken(error: impl std::fmt::Display) -> BenchError {
    BenchError::Unusable(format!("filling the journal: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::wallet::Wallet;

    #[tokio::test]
    async fn a_filled_journal_is_dense_and_its_wallets_load() {
        let postgres = testkit::Postgres::start().await;
        let url = postgres.database().await;
        let mut size = Size::quick();
        (size.users, size.wallets_per_user, size.long_history, size.old_keys) = (3, 2, 6_000, 12_345);
        let owners: Vec<Uuid> = (0..3).map(Uuid::from_u128).collect();
        fill(&url, &size, &owners, &Progress::new(1)).await.unwrap();

        let options = JournalOptions { database_url: url, connections_max: 2 };
        let journal = Journal::connect(&options).await.unwrap();
        let count = "select count(*), max(position), (select count(*) from commands) from events";
        let (events, last, keys): (i64, i64, i64) =
            sqlx::query_as(count).fetch_one(journal.pool()).await.unwrap();
        assert_eq!((events.unsigned_abs(), last), (size.events(), events));
        assert_eq!(journal.head().await.unwrap().position, events);
        assert_eq!(keys, 12_345);

        let long = special(&size).long;
        let loaded = journal.load::<Wallet>(&[long.id]).await.unwrap().remove(&long.id).unwrap();
        assert_eq!(loaded.sequence, 6_000);
        let account = loaded.state.account().unwrap();
        assert_eq!(account.posted.minor(), 599_900);
        sqlx::query("delete from snapshots").execute(journal.pool()).await.unwrap();
        let folded = journal.load::<Wallet>(&[long.id]).await.unwrap().remove(&long.id).unwrap();
        assert_eq!(
            (folded.state, folded.sequence),
            (loaded.state, 6_000),
            "a snapshot says what the history says"
        );
    }
}
