//! Holds as they are found, alone and by the moment they are over.

use crate::helpers::{World, drain, projections};
use domain::wallet::{Capture, HoldStatus, Lease, PlaceHold, WalletCommand};
use domain::{CaptureId, EntryId, Timestamp, WalletId};
use projections::{ActiveHolds, HoldRow, HoldsState, Items, Page, QueryError, RebuildOptions, rebuild};
use std::time::Duration;
use testkit::{Scribe, dollars};

fn place(cents: i64, seconds: i64) -> WalletCommand {
    let lease = Lease::of_seconds(seconds).unwrap();
    WalletCommand::PlaceHold(PlaceHold { movement: dollars(cents), lease, at: Timestamp::default() })
}

fn capture(hold: i64, cents: i64) -> WalletCommand {
    WalletCommand::Capture(Capture {
        hold,
        capture_id: CaptureId::parse(&format!("{hold}-{cents}")).unwrap(),
        amount: Some(dollars(cents).amount),
        is_final: false,
        at: Timestamp::default(),
    })
}

/// A wallet with holds that came to every end, and one that is still there: sequences 3 to 7.
async fn with_holds(world: &World) -> (Scribe, WalletId) {
    let mut scribe = Scribe::take(&world.journal).await;
    let (_, wallet) = scribe.register().await;
    scribe.deposit(wallet, 100_000).await;
    for (cents, seconds) in [(100, 3_600), (200, 3_600), (300, 60), (400, 3_600), (500, 60)] {
        scribe.write(wallet, place(cents, seconds));
    }
    scribe.commit().await;
    scribe.write(wallet, capture(3, 60));
    scribe.write(wallet, capture(3, 40));
    scribe.write(wallet, WalletCommand::Release { hold: 4, at: Timestamp::default() });
    scribe.write(wallet, capture(7, 50));
    scribe.commit().await;
    scribe.now = scribe.now.plus(Duration::from_mins(2));
    scribe.write(wallet, WalletCommand::ExpireHolds { at: Timestamp::default() });
    let amount = dollars(450).amount;
    scribe.write(wallet, WalletCommand::Amend { hold: 6, amount, at: Timestamp::default() });
    let lease = Lease::of_seconds(7_200).unwrap();
    scribe.write(wallet, WalletCommand::Extend { hold: 6, lease, at: Timestamp::default() });
    scribe.commit().await;
    (scribe, wallet)
}

#[tokio::test]
async fn a_hold_tells_what_has_become_of_it_and_which_event_did_it() {
    let world = World::new().await;
    let (scribe, wallet) = with_holds(&world).await;
    drain(&mut world.follow("wallets")).await;
    let hold = async |sequence| {
        let found = world.read_models.hold(EntryId { wallet, sequence }, Some(scribe.position())).await;
        found.unwrap().value
    };
    let (captured, released, expired) =
        (hold(3).await.unwrap(), hold(4).await.unwrap(), hold(5).await.unwrap());
    assert_eq!((captured.status, captured.captured), (HoldStatus::Captured, dollars(100).amount));
    assert_eq!((released.status, released.released), (HoldStatus::Released, dollars(200).amount));
    assert_eq!((expired.status, expired.remaining), (HoldStatus::Expired, dollars(0).amount));
    // The second capture was the wallet's ninth event, and the tenth of the journal: the user has one before.
    assert_eq!((captured.version, captured.position), (9, 10));
    let event = world.journal.read_after(9, 1).await.unwrap().remove(0);
    assert_eq!((captured.event_id, captured.changed_at), (event.event_id, event.recorded_at));
    let extended = hold(6).await.unwrap();
    assert_eq!(extended.amount, dollars(450).amount);
    assert_eq!(extended.expires_at, scribe.now.plus(Duration::from_hours(2)));
    assert_eq!(extended.stale_at, scribe.now.plus(Duration::from_mins(96)), "four fifths of its lease");
    assert_eq!(hold(2).await, None, "a deposit is no hold");
    assert_eq!(hold(99).await, None);
}

#[tokio::test]
async fn wallets_with_holds_that_are_over_are_found_the_oldest_first() {
    let world = World::new().await;
    let mut scribe = Scribe::take(&world.journal).await;
    let began = scribe.now;
    let mut wallets = Vec::new();
    for seconds in [300, 100, 200] {
        let (_, wallet) = scribe.register().await;
        scribe.deposit(wallet, 1_000).await;
        scribe.write(wallet, place(1, seconds));
        scribe.write(wallet, place(1, seconds + 1));
        scribe.commit().await;
        wallets.push(wallet);
    }
    drain(&mut world.follow("wallets")).await;
    let over = async |seconds, limit| {
        let at = began.plus(Duration::from_secs(seconds));
        world.read_models.wallets_with_holds_over(at, limit, None).await.unwrap()
    };
    assert!(over(99, 9).await.is_empty());
    assert_eq!(over(100, 9).await, [wallets[1]], "at the moment itself");
    assert_eq!(over(301, 9).await, [wallets[1], wallets[2], wallets[0]], "each once");
    assert_eq!(over(301, 2).await, [wallets[1], wallets[2]]);
    scribe.write(wallets[1], WalletCommand::Release { hold: 3, at: Timestamp::default() });
    scribe.write(wallets[1], WalletCommand::Release { hold: 4, at: Timestamp::default() });
    scribe.commit().await;
    drain(&mut world.follow("wallets")).await;
    assert_eq!(over(301, 2).await, [wallets[2], wallets[0]], "one that has ended is not over");
}

#[tokio::test]
async fn rebuilt_wallets_holds_and_transactions_equal_the_live_ones() {
    let world = World::new().await;
    let (mut scribe, wallet) = with_holds(&world).await;
    for name in ["wallets", "transactions"] {
        drain(&mut world.follow(name)).await;
        rebuild(&world.journal, &projections(), name, RebuildOptions { verify: true }).await.unwrap();
    }
    // And go on from there.
    scribe.write(wallet, capture(6, 450));
    scribe.commit().await;
    for name in ["wallets", "transactions"] {
        drain(&mut world.follow(name)).await;
        rebuild(&world.journal, &projections(), name, RebuildOptions { verify: true }).await.unwrap();
    }
    assert_eq!(world.count("select count(*) from holds").await, 5);
    assert_eq!(world.count("select count(*) from holds where status = 'active'").await, 0);
    assert_eq!(world.count("select count(*) from transactions where type = 'hold'").await, 5);
    assert_eq!(world.count("select count(*) from transactions where type = 'capture'").await, 4);
}

fn ids(items: &Items<HoldRow>) -> Vec<i64> {
    items.items.iter().map(|hold| hold.id.sequence).collect()
}

#[tokio::test]
async fn a_wallets_holds_are_listed_by_what_became_of_them() {
    let world = World::new().await;
    let (mut scribe, wallet) = with_holds(&world).await;
    drain(&mut world.follow("wallets")).await;
    let list = async |status, page: &Page| {
        world.read_models.holds_of(wallet, status, page, None).await.map(|found| found.value)
    };
    let all = Page::default();
    for (status, expected) in [
        (None, vec![7, 6, 5, 4, 3]),
        (Some(HoldStatus::Active), vec![6]),
        (Some(HoldStatus::Captured), vec![3]),
        (Some(HoldStatus::Released), vec![4]),
        // One of them after a part of it was captured.
        (Some(HoldStatus::Expired), vec![7, 5]),
    ] {
        let found = list(status, &all).await.unwrap();
        assert_eq!((ids(&found), found.next_cursor), (expected, None), "{status:?}");
    }
    let (mut seen, mut page) = (Vec::new(), Page { cursor: None, limit: 2 });
    loop {
        let found = list(None, &page).await.unwrap();
        seen.extend(ids(&found));
        scribe.write(wallet, place(1, 60));
        scribe.commit().await;
        drain(&mut world.follow("wallets")).await;
        let Some(cursor) = found.next_cursor else { break };
        page.cursor = Some(cursor);
    }
    assert_eq!(seen, [7, 6, 5, 4, 3], "whatever is placed meanwhile");
    assert!(matches!(list(Some(HoldStatus::Active), &page).await, Err(QueryError::BadCursor)));
}

#[tokio::test]
async fn stale_holds_are_those_whose_lease_nobody_renews() {
    let world = World::new().await;
    let mut scribe = Scribe::take(&world.journal).await;
    let began = scribe.now;
    let (ada, wallet) = scribe.register().await;
    let (_, other) = scribe.register().await;
    for wallet in [wallet, other] {
        scribe.deposit(wallet, 1_000).await;
        scribe.write(wallet, place(1, 100));
        scribe.write(wallet, place(1, 1_000));
        scribe.commit().await;
    }
    drain(&mut world.follow("wallets")).await;
    let at = |seconds| began.plus(Duration::from_secs(seconds));
    let ask = async |of, state, seconds, page: &Page| {
        let wanted = ActiveHolds { of, state, now: at(seconds) };
        world.read_models.active_holds(wanted, page, None).await.map(|found| found.value)
    };
    let all = Page::default();
    let count = async |of, state, seconds| ask(of, state, seconds, &all).await.unwrap().items.len();
    assert_eq!(count(None, HoldsState::Stale, 79).await, 0);
    assert_eq!(count(None, HoldsState::Stale, 80).await, 2);
    assert_eq!(count(Some(ada), HoldsState::Stale, 80).await, 1);
    assert_eq!(count(Some(ada), HoldsState::Active, 0).await, 2);
    assert_eq!(count(None, HoldsState::Active, 0).await, 4);
    // Renewed: it is not stale any more.
    scribe.now = at(80);
    let lease = Lease::of_seconds(100).unwrap();
    scribe.write(wallet, WalletCommand::Extend { hold: 3, lease, at: Timestamp::default() });
    scribe.commit().await;
    drain(&mut world.follow("wallets")).await;
    let stale = ask(None, HoldsState::Stale, 85, &all).await.unwrap();
    assert_eq!(stale.items.iter().map(|hold| hold.id.wallet).collect::<Vec<_>>(), [other]);

    let (mut seen, mut page) = (Vec::new(), Page { cursor: None, limit: 1 });
    loop {
        let found = ask(None, HoldsState::Active, 85, &page).await.unwrap();
        seen.extend(found.items.iter().map(|hold| (hold.id.wallet == wallet, hold.id.sequence)));
        let Some(cursor) = found.next_cursor else { break };
        page.cursor = Some(cursor);
    }
    assert_eq!(seen[..2], [(false, 3), (true, 3)], "the first to be over first");
    assert_eq!(seen.len(), 4);
    assert!(matches!(ask(Some(ada), HoldsState::Active, 85, &page).await, Err(QueryError::BadCursor)));
}

#[tokio::test]
async fn a_wallet_is_explained_by_the_holds_of_the_same_position() {
    let world = World::new().await;
    let (scribe, wallet) = with_holds(&world).await;
    drain(&mut world.follow("wallets")).await;
    let explained = world.read_models.explained_wallet(wallet, Some(scribe.position())).await.unwrap();
    let explained = explained.value.unwrap();
    let remaining: i128 = explained.holds.iter().map(|placed| placed.hold.remaining.minor()).sum();
    assert_eq!(remaining, explained.wallet.held.minor());
    let places: Vec<_> =
        explained.holds.iter().map(|placed| (placed.hold.id.sequence, placed.placed_position)).collect();
    assert_eq!(places, [(6, 7)], "one event of the user comes before");
    let unknown = WalletId(uuid::Uuid::now_v7());
    assert_eq!(world.read_models.explained_wallet(unknown, None).await.unwrap().value, None);
}
