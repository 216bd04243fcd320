//! Fills a journal, each event with an idempotency key as long as there are to be more of them.
//!
//! Sequences and balances are right, because the domain makes them.

use std::sync::Arc;

use commands::vault::{KeyRing, Vault};
use journal::{Recorded, Snapshot};
use uuid::Uuid;

use super::bulk::{Bulk, broken, journal, vacuum};
use super::others::{Other, Registration, others};
use super::size::Size;
use super::wallets::{History, hot, long, ordinary, short};
use crate::error::Result;
use crate::terminal::Progress;

/// Events after the snapshot of the long history. The writer takes a snapshot every 1,000 events, so this is nearly the
/// most a load can find; the difference is room for what the starts of a run add.
const TAIL: u64 = 990;

/// Writes everything `size` asks for; `owners` are the ids of the registered users, in their order.
pub(crate) async fn fill(
    database_url: &str,
    ring: KeyRing,
    size: &Size,
    owners: &[Uuid],
    progress: &Progress,
) -> Result<()> {
    let journal = journal(database_url).await?;
    let vault = Vault::new(ring, journal.clone());
    let mut filler = Filler { bulk: Bulk::open(&journal).await?, keys: 0, events: 0, size, progress };

    for other in others(size) {
        filler.register(&other, &vault).await?;
        filler.write(&mut History::new(other.wallet, other.id)?, 0).await?;
    }
    for wallet in ordinary(size).chain([hot(size)]).chain(short(size)) {
        filler.write(&mut History::new(wallet, owners[wallet.owner])?, 0).await?;
    }
    let long = long(size);
    let mut history = History::new(long, owners[long.owner])?;
    filler.write(&mut history, TAIL).await?;
    let snapshot = Snapshot::of(long.id, history.sequence, &history.state).map_err(broken)?;
    filler.write(&mut history, 0).await?;
    while filler.keys < size.old_keys {
        filler.key(filler.bulk.next_position() - 1);
        filler.flush_if_full().await?;
    }
    filler.bulk.flush().await?;
    journal.write_snapshots(filler.bulk.epoch(), &[snapshot]).await.map_err(broken)?;
    filler.bulk.release().await?;
    // Nobody who was put there without asking gets a mail.
    let no_mail = "update mailer_checkpoint set position = (select position from journal_head)";
    sqlx::raw_sql(no_mail).execute(journal.pool()).await.map_err(broken)?;
    vacuum(&journal).await
}

struct Filler<'a> {
    bulk: Bulk,
    keys: u64,
    events: u64,
    size: &'a Size,
    progress: &'a Progress,
}

impl Filler<'_> {
    async fn register(&mut self, other: &Other, vault: &Vault) -> Result<()> {
        let Registration { event, claims, data_key } = other.register(vault, self.bulk.next_spot())?;
        self.bulk.claim(claims);
        self.bulk.keep(data_key);
        self.push(event).await
    }

    /// Goes on with a history until this many of its events are left.
    async fn write(&mut self, history: &mut History, left: u64) -> Result<()> {
        while history.remaining() > left {
            let event = history.next(self.bulk.next_spot())?;
            self.push(event).await?;
        }
        Ok(())
    }

    async fn push(&mut self, event: Arc<Recorded>) -> Result<()> {
        if self.keys < self.size.old_keys {
            self.key(event.position);
        }
        self.bulk.push(event);
        self.events += 1;
        self.flush_if_full().await
    }

    fn key(&mut self, position: i64) {
        self.keys += 1;
        self.bulk.key(position);
    }

    async fn flush_if_full(&mut self) -> Result<()> {
        if self.bulk.is_full() {
            self.bulk.flush().await?;
            let millions =
                |count: u64| format!("{}.{:02} million", count / 1_000_000, count % 1_000_000 / 10_000);
            self.progress.mark(&format!(
                "seeding: {} of {} events, {} of {} keys",
                millions(self.events),
                millions(self.size.events()),
                millions(self.keys),
                millions(self.size.old_keys)
            ));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::UserId;
    use domain::wallet::Wallet;

    #[tokio::test]
    async fn a_filled_journal_is_dense_and_its_wallets_load() {
        let postgres = testkit::Postgres::start().await;
        let url = postgres.database().await;
        let mut size = Size::quick();
        (size.users, size.wallets_per_user, size.long_history, size.old_keys) = (3, 2, 6_000, 12_345);
        size.others = 20;
        let owners: Vec<Uuid> = (0..3).map(Uuid::from_u128).collect();
        let ring = KeyRing::generate().unwrap();
        let again = KeyRing::from_json(&ring.to_json()).unwrap();
        fill(&url, ring, &size, &owners, &Progress::new(1)).await.unwrap();

        let journal = journal(&url).await.unwrap();
        let count = "select count(*), max(position), (select count(*) from commands) from events";
        let (events, last, keys): (i64, i64, i64) =
            sqlx::query_as(count).fetch_one(journal.pool()).await.unwrap();
        assert_eq!((events.unsigned_abs(), last), (size.events(), events));
        assert_eq!(journal.head().await.unwrap().position, events);
        assert_eq!(keys, 12_345);

        let vault = Vault::new(again, journal.clone());
        for other in others(&size) {
            assert!(vault.user_key(UserId(other.id)).await.unwrap().is_some(), "nobody is born erased");
        }
        let long = long(&size);
        let tail =
            "select (select max(sequence) from events where aggregate_id = $1) - sequence from snapshots";
        let tail: i64 =
            sqlx::query_scalar(tail).bind(long.id.to_string()).fetch_one(journal.pool()).await.unwrap();
        assert_eq!(tail.unsigned_abs(), TAIL);
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
