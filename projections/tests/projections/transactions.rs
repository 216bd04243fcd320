//! Transactions as they are listed: filters, pages, and what has become of holds.

use crate::helpers::{World, drain};
use domain::wallet::{Capture, Lease, PlaceHold, Transfer, WalletCommand};
use domain::{CaptureId, Currency, EntryId, Money, Reference, Timestamp, WalletId};
use projections::{Page, QueryError, TransactionFilter, TransactionKind, TransactionRow, TransactionStatus};
use std::time::Duration;
use testkit::{Scribe, dollars};

async fn follow_all(world: &World) {
    for name in ["wallets", "transactions"] {
        drain(&mut world.follow(name)).await;
    }
}

fn usd(cents: i64) -> Money {
    Money::from_minor(i128::from(cents), Currency::USD).unwrap()
}

fn place(cents: i64) -> WalletCommand {
    let lease = Lease::of_seconds(60).unwrap();
    WalletCommand::PlaceHold(PlaceHold { movement: dollars(cents), lease, at: Timestamp::default() })
}

fn capture(hold: i64, cents: i64, is_final: bool) -> WalletCommand {
    WalletCommand::Capture(Capture {
        hold,
        capture_id: CaptureId::parse(&format!("{hold}-{cents}")).unwrap(),
        amount: Some(usd(cents)),
        is_final,
        at: Timestamp::default(),
    })
}

async fn listed(world: &World, wallet: WalletId, filter: TransactionFilter) -> Vec<TransactionRow> {
    let page = Page { cursor: None, limit: 200 };
    world.read_models.transactions(wallet, filter, &page, None).await.unwrap().value.items
}

async fn sequences(world: &World, wallet: WalletId, filter: TransactionFilter) -> Vec<i64> {
    listed(world, wallet, filter).await.iter().map(|row| row.sequence).collect()
}

#[tokio::test]
async fn a_hold_is_listed_once_with_what_became_of_it() {
    let world = World::new().await;
    let mut scribe = Scribe::take(&world.journal).await;
    let (_, wallet) = scribe.register().await;
    scribe.deposit(wallet, 10_000).await;
    // Sequences 3, 4, 5, 6: one for each end.
    for cents in [100, 200, 300, 400] {
        scribe.write(wallet, place(cents));
    }
    scribe.commit().await;
    follow_all(&world).await;
    let pending = listed(&world, wallet, TransactionFilter::default()).await;
    let statuses: Vec<_> = pending.iter().map(|row| (row.sequence, row.status)).collect();
    let holds = (3..=6).rev().map(|sequence| (sequence, TransactionStatus::Pending));
    assert_eq!(statuses, holds.chain([(2, TransactionStatus::Completed)]).collect::<Vec<_>>());

    scribe.write(wallet, capture(3, 60, false));
    scribe.write(wallet, capture(3, 40, false));
    scribe.write(wallet, WalletCommand::Release { hold: 4, at: Timestamp::default() });
    scribe.write(wallet, WalletCommand::Amend { hold: 6, amount: usd(500), at: Timestamp::default() });
    scribe.commit().await;
    scribe.now = scribe.now.plus(Duration::from_mins(2));
    scribe.write(wallet, WalletCommand::ExpireHolds { at: Timestamp::default() });
    scribe.commit().await;
    follow_all(&world).await;
    let ended = listed(&world, wallet, TransactionFilter::default()).await;
    let said = |row: &TransactionRow| (row.sequence, row.status, row.amount, row.captured);
    assert_eq!(
        ended.iter().map(said).collect::<Vec<_>>(),
        [
            (6, TransactionStatus::Expired, usd(500), Some(usd(0))),
            (5, TransactionStatus::Expired, usd(300), Some(usd(0))),
            (4, TransactionStatus::Cancelled, usd(200), Some(usd(0))),
            (3, TransactionStatus::Completed, usd(100), Some(usd(100))),
            (2, TransactionStatus::Completed, usd(10_000), None),
        ],
        "captures are not listed"
    );
    for (status, expected) in [
        (TransactionStatus::Completed, vec![3, 2]),
        (TransactionStatus::Cancelled, vec![4]),
        (TransactionStatus::Expired, vec![6, 5]),
        (TransactionStatus::Pending, vec![]),
    ] {
        let filter = TransactionFilter { status: Some(status), ..TransactionFilter::default() };
        assert_eq!(sequences(&world, wallet, filter).await, expected, "{status}");
    }
    let of_hold = |wallet, sequence| TransactionFilter {
        hold_id: Some(EntryId { wallet, sequence }),
        ..TransactionFilter::default()
    };
    assert_eq!(sequences(&world, wallet, of_hold(wallet, 4)).await, [4]);
    assert!(sequences(&world, wallet, of_hold(wallet, 2)).await.is_empty(), "a deposit is no hold");
    let other = WalletId(uuid::Uuid::now_v7());
    assert!(sequences(&world, wallet, of_hold(other, 4)).await.is_empty(), "another's hold is not here");
}

#[tokio::test]
async fn every_filter_finds_what_it_says() {
    let world = World::new().await;
    let mut scribe = Scribe::take(&world.journal).await;
    let (_, wallet) = scribe.register().await;
    let (_, other) = scribe.register().await;
    let began = scribe.now;
    let minutes = |n: u64| began.plus(Duration::from_mins(n));
    // Sequence n + 1 at minute n, of n dollars.
    for n in 1..=5_i64 {
        scribe.now = minutes(n.unsigned_abs());
        let mut movement = dollars(n * 100);
        movement.reference = Some(Reference::parse(&format!("no. {n}")).unwrap());
        scribe.write(wallet, WalletCommand::Deposit(movement));
        scribe.commit().await;
    }
    scribe.now = minutes(6);
    let sent = |counterparty| Transfer { movement: dollars(150), counterparty };
    scribe.write(wallet, WalletCommand::Send(sent(other)));
    scribe.write(other, WalletCommand::Receive(sent(wallet)));
    scribe.commit().await;
    follow_all(&world).await;
    let all = TransactionFilter::default;
    for (filter, expected) in [
        (TransactionFilter { kind: Some(TransactionKind::TransferOut), ..all() }, vec![7]),
        (TransactionFilter { kind: Some(TransactionKind::Withdrawal), ..all() }, vec![]),
        (TransactionFilter { from: Some(minutes(5)), ..all() }, vec![7, 6]),
        (TransactionFilter { from: Some(minutes(7)), ..all() }, vec![]),
        (TransactionFilter { to: Some(minutes(2)), ..all() }, vec![2]),
        (TransactionFilter { to: Some(began), ..all() }, vec![]),
        (TransactionFilter { to: Some(minutes(7)), from: Some(began), ..all() }, vec![7, 6, 5, 4, 3, 2]),
        (TransactionFilter { from: Some(minutes(2)), to: Some(minutes(4)), ..all() }, vec![4, 3]),
        (TransactionFilter { min_amount: Some(usd(400)), ..all() }, vec![6, 5]),
        (TransactionFilter { min_amount: Some(usd(150)), max_amount: Some(usd(200)), ..all() }, vec![7, 3]),
        (TransactionFilter { reference: Some(Reference::parse("no. 3").unwrap()), ..all() }, vec![4]),
        (TransactionFilter { counterparty: Some(other), ..all() }, vec![7]),
        (TransactionFilter { counterparty: Some(wallet), ..all() }, vec![]),
    ] {
        assert_eq!(sequences(&world, wallet, filter.clone()).await, expected, "{filter:?}");
    }
    let received = TransactionFilter { counterparty: Some(wallet), ..all() };
    assert_eq!(listed(&world, other, received).await[0].kind, TransactionKind::TransferIn);
}

#[tokio::test]
async fn pages_that_are_turned_while_others_write_miss_nothing_and_repeat_nothing() {
    let world = World::new().await;
    let mut scribe = Scribe::take(&world.journal).await;
    let (_, wallet) = scribe.register().await;
    scribe.deposits(wallet, 100, 20).await;
    scribe.withdraw(wallet, 100).await;
    scribe.deposits(wallet, 100, 20).await;
    follow_all(&world).await;
    let filter = TransactionFilter { kind: Some(TransactionKind::Deposit), ..TransactionFilter::default() };
    let (mut seen, mut cursor) = (Vec::new(), None);
    loop {
        let page = Page { cursor, limit: 7 };
        let asked = if page.cursor.is_none() { filter.clone() } else { TransactionFilter::default() };
        let found = world.read_models.transactions(wallet, asked, &page, None).await.unwrap().value;
        seen.extend(found.items.iter().map(|row| row.sequence));
        scribe.deposits(wallet, 100, 9).await;
        follow_all(&world).await;
        cursor = found.next_cursor;
        if cursor.is_none() {
            break;
        }
    }
    let there_were = (2..=42).rev().filter(|sequence| *sequence != 22);
    assert_eq!(seen, there_were.collect::<Vec<i64>>());
}

#[tokio::test]
async fn a_cursor_goes_with_its_own_filters_and_no_others() {
    let world = World::new().await;
    let mut scribe = Scribe::take(&world.journal).await;
    let (_, wallet) = scribe.register().await;
    scribe.deposits(wallet, 100, 5).await;
    follow_all(&world).await;
    let deposits = TransactionFilter { min_amount: Some(usd(100)), ..TransactionFilter::default() };
    let page = Page { cursor: None, limit: 2 };
    let first = world.read_models.transactions(wallet, deposits.clone(), &page, None).await.unwrap();
    let page = Page { cursor: first.value.next_cursor, limit: 2 };
    for asked in [deposits.clone(), TransactionFilter::default()] {
        let next = world.read_models.transactions(wallet, asked, &page, None).await.unwrap();
        assert_eq!(next.value.items[0].sequence, 4);
    }
    let others = TransactionFilter { min_amount: Some(usd(101)), ..TransactionFilter::default() };
    let refused = world.read_models.transactions(wallet, others, &page, None).await.unwrap_err();
    assert!(matches!(refused, QueryError::BadCursor), "{refused}");
}

#[tokio::test]
async fn what_is_rare_is_found_behind_pages_that_are_short() {
    let world = World::new().await;
    let mut scribe = Scribe::take(&world.journal).await;
    let (_, wallet) = scribe.register().await;
    follow_all(&world).await;
    // As many as are looked at for one page lie between the two that are looked for.
    let sql = "insert into transactions (wallet_id, sequence, position, type, status, amount, currency, posted_after, \
                                         available_after, is_credit, recorded_at) \
               select $1, n, n, case when n in (2, 100100) then 'withdrawal' else 'deposit' end, 'completed', 1, 'USD', \
                      1, 1, true, now() from generate_series(2, 100100) n";
    sqlx::query(sql).bind(wallet.0).execute(world.journal.pool()).await.unwrap();
    let filter =
        TransactionFilter { kind: Some(TransactionKind::Withdrawal), ..TransactionFilter::default() };
    let page = Page { cursor: None, limit: 2 };
    let first = world.read_models.transactions(wallet, filter, &page, None).await.unwrap().value;
    assert_eq!(first.items.iter().map(|row| row.sequence).collect::<Vec<_>>(), [100_100]);
    let page = Page { cursor: first.next_cursor, limit: 2 };
    let rest = world.read_models.transactions(wallet, TransactionFilter::default(), &page, None).await;
    let rest = rest.unwrap().value;
    assert_eq!(rest.items.iter().map(|row| row.sequence).collect::<Vec<_>>(), [2]);
    assert_eq!(rest.next_cursor, None);
}

#[tokio::test]
async fn an_answer_is_no_newer_than_the_slower_of_its_tables() {
    let world = World::new().await;
    let mut scribe = Scribe::take(&world.journal).await;
    let (_, wallet) = scribe.register().await;
    follow_all(&world).await;
    scribe.deposit(wallet, 100).await;
    drain(&mut world.follow("transactions")).await;
    let page = Page::default();
    let found = world.read_models.transactions(wallet, TransactionFilter::default(), &page, None).await;
    assert_eq!(found.unwrap().position, 2);
    drain(&mut world.follow("wallets")).await;
    let found = world.read_models.transactions(wallet, TransactionFilter::default(), &page, Some(3)).await;
    assert_eq!(found.unwrap().position, 3);
}
