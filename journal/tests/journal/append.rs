//! A batch is written whole, at the journal's end, by whoever leads, or not at all.

use crate::helpers::fresh;
use journal::{AppendError, Batch, ClaimRow, CommandRow, Lease, Recovery, SecretRow, Snapshot};
use std::sync::Arc;
use testkit::Scribe;
use uuid::Uuid;

fn key(n: u128) -> CommandRow {
    CommandRow { key: Uuid::from_u128(n), fingerprint: Uuid::nil(), position: 0, events: 0, refusal: None }
}

fn claim(n: u128) -> ClaimRow {
    ClaimRow { kind: "email", digest: Uuid::from_u128(n), owner: Uuid::nil() }
}

#[tokio::test]
async fn positions_are_dense_and_sequences_too() {
    let (_postgres, journal) = fresh().await;
    let mut scribe = Scribe::take(&journal).await;
    let (_, one) = scribe.register().await;
    let (_, other) = scribe.register().await;
    for cents in 1..=10 {
        scribe.deposits(one, cents, 3).await;
        scribe.deposits(other, cents, 2).await;
    }
    let events = journal.read_after(0, 1_000).await.unwrap();
    assert!(events.iter().map(|event| event.position).eq(1..=54));
    let sequences = |id: Uuid| {
        let of = events.iter().filter(move |event| event.aggregate.id == id);
        of.map(|event| event.sequence).collect::<Vec<_>>()
    };
    assert!(sequences(one.0).into_iter().eq(1..=31));
    assert!(sequences(other.0).into_iter().eq(1..=21));
    let head = journal.head().await.unwrap();
    assert_eq!((head.position, head.batch), (54, 22));
}

#[tokio::test]
async fn whoever_lost_the_lead_cannot_write() {
    let (_postgres, journal) = fresh().await;
    let mut loser = Scribe::take(&journal).await;
    let (_, wallet) = loser.register().await;
    assert!(
        Lease::take(&journal, "too early").await.unwrap().is_none(),
        "the lock is held and the leader alive"
    );
    // As if it had been stopped for longer than anybody waits.
    sqlx::query("update journal_head set beat = '-infinity'").execute(journal.pool()).await.unwrap();
    let winner = Lease::take(&journal, "winner").await.unwrap().unwrap();

    loser.write(wallet, domain::wallet::WalletCommand::Deposit(testkit::dollars(100)));
    let batch = loser.batch();
    assert!(matches!(loser.lease.append(&batch).await, Err(AppendError::Fenced)));
    assert!(!loser.lease.beat().await.unwrap());
    assert_eq!(loser.lease.recover(&journal, &batch).await.unwrap(), Recovery::Fenced);
    assert_eq!(journal.head().await.unwrap().position, 2);
    assert_eq!(winner.head().position, 2);
}

#[tokio::test]
async fn a_batch_that_does_not_begin_at_the_end_is_refused() {
    let (_postgres, journal) = fresh().await;
    let mut scribe = Scribe::take(&journal).await;
    let (_, wallet) = scribe.register().await;
    scribe.write(wallet, domain::wallet::WalletCommand::Deposit(testkit::dollars(100)));
    let batch = scribe.batch();
    let hole = Batch { first_position: batch.first_position + 1, ..batch.clone() };
    assert!(matches!(scribe.lease.append(&hole).await, Err(AppendError::Fenced)));
    scribe.lease.append(&batch).await.unwrap();
    assert!(matches!(scribe.lease.append(&batch).await, Err(AppendError::Fenced)), "nor twice");
}

#[tokio::test]
async fn all_conflicts_of_a_batch_are_named_at_once_and_nothing_is_written() {
    let (_postgres, journal) = fresh().await;
    let mut scribe = Scribe::take(&journal).await;
    let (_, wallet) = scribe.register().await;
    let taken = Batch {
        first_position: 3,
        commands: vec![key(1), key(2)],
        claims: vec![claim(1), claim(2)],
        ..Batch::default()
    };
    scribe.lease.append(&taken).await.unwrap();

    scribe.write(wallet, domain::wallet::WalletCommand::Deposit(testkit::dollars(100)));
    // Somebody else's: who holds a claim may name it again.
    let others = |n| ClaimRow { owner: Uuid::from_u128(9), ..claim(n) };
    let batch = Batch {
        commands: vec![key(3), key(2), key(1)],
        claims: vec![others(2), others(3)],
        ..scribe.batch()
    };
    let Err(AppendError::Conflicts { mut keys, claims }) = scribe.lease.append(&batch).await else {
        panic!("conflicts were expected")
    };
    keys.sort();
    assert_eq!(keys, [Uuid::from_u128(1), Uuid::from_u128(2)]);
    assert_eq!(claims, [("email".to_owned(), Uuid::from_u128(2))]);
    assert_eq!(journal.head().await.unwrap().position, 2);

    let rest = Batch { commands: vec![key(3)], claims: vec![claim(3)], ..batch };
    scribe.lease.append(&rest).await.unwrap();
    assert_eq!(journal.head().await.unwrap().position, 3);
}

#[tokio::test]
async fn events_of_an_aggregate_that_is_further_than_we_thought_are_out_of_step() {
    let (_postgres, journal) = fresh().await;
    let mut scribe = Scribe::take(&journal).await;
    let (_, wallet) = scribe.register().await;
    scribe.write(wallet, domain::wallet::WalletCommand::Deposit(testkit::dollars(100)));
    let mut batch = scribe.batch();
    let mut stale = (*batch.events[0]).clone();
    stale.sequence = 1;
    batch.events = vec![Arc::new(stale)];
    assert!(matches!(scribe.lease.append(&batch).await, Err(AppendError::OutOfStep(_))));
}

#[tokio::test]
async fn what_the_database_rejects_is_told_from_what_it_cannot_do() {
    let (_postgres, journal) = fresh().await;
    let mut scribe = Scribe::take(&journal).await;
    let (_, wallet) = scribe.register().await;
    scribe.write(wallet, domain::wallet::WalletCommand::Deposit(testkit::dollars(100)));
    let batch = scribe.batch();
    let mut poison = (*batch.events[0]).clone();
    "not json".clone_into(&mut poison.payload);
    let poisoned = Batch { events: vec![Arc::new(poison)], ..batch.clone() };
    assert!(matches!(scribe.lease.append(&poisoned).await, Err(AppendError::Rejected(_))));
    scribe.lease.append(&batch).await.unwrap();
}

#[tokio::test]
async fn a_commit_that_was_cut_off_is_looked_up_and_not_guessed() {
    let (mut postgres, journal) = fresh().await;
    let mut scribe = Scribe::take(&journal).await;
    let (_, wallet) = scribe.register().await;
    scribe.write(wallet, domain::wallet::WalletCommand::Deposit(testkit::dollars(100)));
    let batch = scribe.batch();
    postgres.kill();
    assert!(matches!(scribe.lease.append(&batch).await, Err(AppendError::Unknown(_))));
    postgres.restart().await;
    assert_eq!(scribe.lease.recover(&journal, &batch).await.unwrap(), Recovery::NotCommitted);
    scribe.lease.append(&batch).await.unwrap();
    assert_eq!(journal.head().await.unwrap().position, 3);
}

#[tokio::test]
async fn a_commit_that_was_cut_off_by_a_restore_is_not_taken_for_done() {
    let (_postgres, journal) = fresh().await;
    let mut scribe = Scribe::take(&journal).await;
    let (_, wallet) = scribe.register().await;
    scribe.write(wallet, domain::wallet::WalletCommand::Deposit(testkit::dollars(100)));
    let batch = scribe.batch();
    // The database is an earlier copy now, of when the same leader led.
    sqlx::query("update journal_head set batch = batch - 1").execute(journal.pool()).await.unwrap();
    assert_eq!(scribe.lease.recover(&journal, &batch).await.unwrap(), Recovery::Fenced);
}

#[tokio::test]
async fn who_took_over_from_a_silent_leader_gets_the_lock_when_that_one_is_gone() {
    let (_postgres, journal) = fresh().await;
    let silent = Scribe::take(&journal).await;
    sqlx::query("update journal_head set beat = '-infinity'").execute(journal.pool()).await.unwrap();
    let mut winner = Lease::take(&journal, "winner").await.unwrap().unwrap();
    drop(silent);
    let empty = Batch { first_position: 1, ..Batch::default() };
    testkit::eventually("the lock is the winner's", async || {
        winner.append(&empty).await.unwrap();
        let locked = "select exists (select from pg_locks where locktype = 'advisory' and granted \
                      and pid in (select pid from pg_stat_activity where query like '%try_advisory%'))";
        sqlx::query_scalar::<_, bool>(locked).fetch_one(journal.pool()).await.unwrap()
    })
    .await;
    assert!(Lease::take(&journal, "third").await.unwrap().is_none(), "it leads, and is alive");
}

#[tokio::test]
async fn the_log_takes_no_update_no_delete_and_no_truncate() {
    let (_postgres, journal) = fresh().await;
    Scribe::take(&journal).await.register().await;
    for sql in ["update events set owner = gen_random_uuid()", "delete from events", "truncate events"] {
        let error = sqlx::query(sql).execute(journal.pool()).await.unwrap_err();
        let code = error.as_database_error().and_then(|error| error.code().map(std::borrow::Cow::into_owned));
        assert_eq!(code.as_deref(), Some("CF009"), "{sql}");
    }
    assert_eq!(journal.read_after(0, 10).await.unwrap().len(), 2);
}

#[tokio::test]
async fn a_halted_journal_takes_nothing_until_it_is_resumed() {
    let (_postgres, journal) = fresh().await;
    let mut scribe = Scribe::take(&journal).await;
    journal.halt("the stream tells another story").await.unwrap();
    let batch = Batch { first_position: 1, ..Batch::default() };
    assert!(matches!(scribe.lease.append(&batch).await, Err(AppendError::Fenced)));
    scribe.lease.release().await.unwrap();
    assert!(Lease::take(&journal, "a node").await.unwrap().is_none());
    assert!(journal.head().await.unwrap().halted.is_some());
    journal.resume().await.unwrap();
    assert!(Lease::take(&journal, "a node").await.unwrap().is_some());
}

#[tokio::test]
async fn secrets_are_replaced_with_the_events_that_say_so() {
    let (_postgres, journal) = fresh().await;
    let mut scribe = Scribe::take(&journal).await;
    let secret = |version, value: &[u8]| SecretRow {
        owner: Uuid::nil(),
        kind: "password",
        name: String::new(),
        version,
        value: value.to_vec(),
    };
    for (version, value) in [(1, b"one"), (2, b"two")] {
        let batch = Batch { first_position: 1, secrets: vec![secret(version, value)], ..Batch::default() };
        scribe.lease.append(&batch).await.unwrap();
    }
    let kept: (i64, Vec<u8>) =
        sqlx::query_as("select version, value from secrets").fetch_one(journal.pool()).await.unwrap();
    assert_eq!(kept, (2, b"two".to_vec()));
}

#[tokio::test]
async fn a_snapshot_and_its_tail_are_the_whole_history() {
    let (_postgres, journal) = fresh().await;
    let mut scribe = Scribe::take(&journal).await;
    let (_, wallet) = scribe.register().await;
    scribe.deposits(wallet, 100, 10).await;
    let snapshot = Snapshot::of(wallet.0, 11, scribe.wallet(wallet)).unwrap();
    scribe.deposits(wallet, 100, 5).await;
    journal.write_snapshots(scribe.lease.head().epoch + 1, std::slice::from_ref(&snapshot)).await.unwrap();
    let kept: i64 =
        sqlx::query_scalar("select count(*) from snapshots").fetch_one(journal.pool()).await.unwrap();
    assert_eq!(kept, 0, "a snapshot of another epoch may be of another past");
    journal.write_snapshots(scribe.lease.head().epoch, &[snapshot]).await.unwrap();
    let loaded =
        journal.load::<domain::wallet::Wallet>(&[wallet.0]).await.unwrap().remove(&wallet.0).unwrap();
    assert_eq!(loaded.state, *scribe.wallet(wallet));
    assert_eq!((loaded.sequence, loaded.snapshot_sequence), (16, 11));
}

#[tokio::test]
async fn what_was_at_a_position_is_told_whenever_a_snapshot_was_taken() {
    let (_postgres, journal) = fresh().await;
    let mut scribe = Scribe::take(&journal).await;
    let (_, wallet) = scribe.register().await;
    let opened = scribe.wallet(wallet).clone();
    scribe.deposits(wallet, 100, 4).await;
    let (then, position) = (scribe.wallet(wallet).clone(), journal.head().await.unwrap().position);
    // Somebody else's, in between.
    scribe.register().await;
    scribe.deposits(wallet, 100, 5).await;
    let head = journal.head().await.unwrap().position;
    let now = scribe.wallet(wallet).clone();
    let at = async |position| {
        let loaded = journal.load_at::<domain::wallet::Wallet>(wallet.0, position).await.unwrap();
        (loaded.state, loaded.sequence)
    };
    let snapshots = [None, Some((5, then.clone())), Some((10, now.clone()))];
    for snapshot in snapshots {
        if let Some((sequence, state)) = snapshot {
            let snapshot = Snapshot::of(wallet.0, sequence, &state).unwrap();
            journal.write_snapshots(scribe.lease.head().epoch, &[snapshot]).await.unwrap();
        }
        assert_eq!(at(1).await, (domain::wallet::Wallet::default(), 0), "not opened yet");
        assert_eq!(at(2).await, (opened.clone(), 1));
        assert_eq!(at(position).await, (then.clone(), 5));
        assert_eq!(at(position + 1).await, (then.clone(), 5));
        assert_eq!(at(head).await, (now.clone(), 10));
    }
}
