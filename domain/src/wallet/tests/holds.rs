use super::*;
use crate::{CaptureId, Timestamp};

const SECOND: i64 = 1_000_000;

pub(super) fn place(amount: &str, seconds: i64) -> WalletCommand {
    WalletCommand::PlaceHold(PlaceHold {
        movement: movement(amount),
        lease: Lease::of_seconds(seconds).unwrap(),
        at: Timestamp::from_micros(0),
    })
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_micros(seconds * SECOND)
}

fn capture(amount: Option<&str>, is_final: bool, seconds: i64) -> WalletCommand {
    WalletCommand::Capture(Capture {
        hold: 3,
        capture_id: CaptureId::parse("fill-1").unwrap(),
        amount: amount.map(usd),
        is_final,
        at: at(seconds),
    })
}

/// A wallet with 10.00, of which 6.00 are held for a minute by hold 3.
fn held() -> Wallet {
    let mut wallet = Wallet::default();
    wallet.evolve(&opened());
    wallet.evolve(&WalletEvent::WalletDeposited(moved("10", "10")));
    let placed = one(&wallet, place("6", 60));
    wallet.evolve(&placed);
    wallet
}

fn one(wallet: &Wallet, command: WalletCommand) -> WalletEvent {
    let mut events = wallet.decide(command).unwrap();
    assert_eq!(events.len(), 1);
    events.remove(0)
}

fn after(wallet: &Wallet, command: WalletCommand) -> (Wallet, HoldStep) {
    let event = one(wallet, command);
    let mut changed = wallet.clone();
    changed.evolve(&event);
    (changed, event.hold().unwrap().clone())
}

fn balances(wallet: &Wallet) -> [String; 3] {
    let account = wallet.account().unwrap();
    [account.posted, account.held, account.available()].map(|money| money.to_string())
}

fn hold_id() -> EntryId {
    EntryId { wallet: WalletId(Uuid::from_u128(1)), sequence: 3 }
}

#[test]
fn a_hold_keeps_money_back_and_is_named_by_its_place() {
    let wallet = held();
    assert_eq!(balances(&wallet), ["10.00", "6.00", "4.00"]);
    let hold = wallet.account().unwrap().holds().next().unwrap();
    assert_eq!((hold.id, hold.expires_at), (hold_id(), at(60)));
    for command in [WalletCommand::Withdraw(movement("4.01")), place("4.01", 1)] {
        let short = WalletRefusal::InsufficientFunds { available: usd("4"), requested: usd("4.01") };
        assert_eq!(wallet.decide(command), Err(short));
    }
}

#[test]
fn captures_take_parts_and_the_last_one_ends_it() {
    let (wallet, step) = after(&held(), capture(Some("2.50"), false, 1));
    assert_eq!(balances(&wallet), ["7.50", "3.50", "4.00"]);
    assert_eq!(
        (step.amount, step.hold.remaining, step.hold.status),
        (usd("2.50"), usd("3.50"), HoldStatus::Active)
    );
    let large = WalletRefusal::CaptureTooLarge { remaining: usd("3.50"), requested: usd("3.51") };
    assert_eq!(wallet.decide(capture(Some("3.51"), false, 2)), Err(large));
    let (wallet, step) = after(&wallet, capture(None, false, 2));
    assert_eq!(balances(&wallet), ["4.00", "0.00", "4.00"]);
    assert_eq!(
        (step.amount, step.hold.captured, step.hold.status),
        (usd("3.50"), usd("6"), HoldStatus::Captured)
    );
    let ended = WalletRefusal::HoldEnded { hold_id: hold_id() };
    assert_eq!(wallet.decide(capture(None, false, 3)), Err(ended.clone()));
    assert_eq!(wallet.decide(WalletCommand::Release { hold: 3, at: at(3) }), Err(ended));
}

#[test]
fn a_final_capture_releases_the_rest_at_once() {
    let (wallet, step) = after(&held(), capture(Some("1"), true, 1));
    assert_eq!(balances(&wallet), ["9.00", "0.00", "9.00"]);
    let hold = step.hold;
    assert_eq!((hold.captured, hold.released, hold.remaining), (usd("1"), usd("5"), usd("0")));
    assert_eq!(hold.status, HoldStatus::Captured);
}

#[test]
fn a_release_gives_back_what_is_left() {
    let (wallet, _) = after(&held(), capture(Some("1"), false, 1));
    let (wallet, step) = after(&wallet, WalletCommand::Release { hold: 3, at: at(2) });
    assert_eq!(balances(&wallet), ["9.00", "0.00", "9.00"]);
    assert_eq!(
        (step.amount, step.hold.released, step.hold.status),
        (usd("5"), usd("5"), HoldStatus::Released)
    );
}

#[test]
fn an_amendment_leaves_no_gap_and_does_not_undo_a_capture() {
    let amend = |amount: &str| WalletCommand::Amend { hold: 3, amount: usd(amount), at: at(1) };
    let (up, step) = after(&held(), amend("10"));
    assert_eq!(balances(&up), ["10.00", "10.00", "0.00"]);
    assert_eq!((step.hold.amount, step.hold.remaining), (usd("10"), usd("10")));
    let short = WalletRefusal::InsufficientFunds { available: usd("4"), requested: usd("4.01") };
    assert_eq!(held().decide(amend("10.01")), Err(short));
    let (captured, _) = after(&held(), capture(Some("2"), false, 1));
    let (down, _) = after(&captured, amend("2.50"));
    assert_eq!(balances(&down), ["8.00", "0.50", "7.50"]);
    let below = WalletRefusal::AmendBelowCaptured { captured: usd("2"), requested: usd("1.99") };
    assert_eq!(captured.decide(amend("1.99")), Err(below));
    let (ended, step) = after(&captured, amend("2"));
    assert_eq!(balances(&ended), ["8.00", "0.00", "8.00"]);
    assert_eq!(step.hold.status, HoldStatus::Captured);
}

#[test]
fn a_lease_that_is_over_is_over_whether_swept_or_not() {
    let wallet = held();
    let expired = WalletRefusal::HoldExpired { hold_id: hold_id(), expires_at: at(60) };
    let lease = Lease::of_seconds(10).unwrap();
    for command in [
        capture(None, false, 60),
        WalletCommand::Release { hold: 3, at: at(60) },
        WalletCommand::Amend { hold: 3, amount: usd("7"), at: at(60) },
        WalletCommand::Extend { hold: 3, lease, at: at(60) },
    ] {
        assert_eq!(wallet.decide(command), Err(expired.clone()));
    }
    assert!(wallet.decide(capture(None, false, 59)).is_ok());
    assert_eq!(wallet.decide(WalletCommand::ExpireHolds { at: at(59) }), Ok(vec![]));
    let (wallet, step) = after(&wallet, WalletCommand::ExpireHolds { at: at(60) });
    assert_eq!(balances(&wallet), ["10.00", "0.00", "10.00"]);
    assert_eq!((step.amount, step.hold.status), (usd("6"), HoldStatus::Expired));
}

#[test]
fn an_extension_renews_the_lease_and_never_shortens_it() {
    let extend =
        |seconds| WalletCommand::Extend { hold: 3, lease: Lease::of_seconds(seconds).unwrap(), at: at(50) };
    assert_eq!(after(&held(), extend(30)).1.hold.expires_at, at(80));
    assert_eq!(after(&held(), extend(1)).1.hold.expires_at, at(60));
}

#[test]
fn holds_expire_in_the_order_of_their_leases() {
    let mut wallet = held();
    for seconds in [20, 10] {
        let placed = one(&wallet, place("1", seconds));
        wallet.evolve(&placed);
    }
    let expired = wallet.decide(WalletCommand::ExpireHolds { at: at(90) }).unwrap();
    let order: Vec<i64> = expired.iter().map(|event| event.hold().unwrap().hold.id.sequence).collect();
    assert_eq!(order, [5, 4, 3]);
    let after: Vec<String> = expired.iter().map(|event| event.balance().available.to_string()).collect();
    assert_eq!(after, ["3.00", "4.00", "10.00"]);
}

#[test]
fn what_is_no_hold_is_told_from_what_was_one() {
    let release = |hold| WalletCommand::Release { hold, at: at(1) };
    for unknown in [0, -1, 4, i64::MAX] {
        assert_eq!(held().decide(release(unknown)), Err(WalletRefusal::HoldNotFound), "{unknown}");
    }
    assert!(matches!(held().decide(release(2)), Err(WalletRefusal::HoldEnded { .. })));
}

#[test]
fn a_frozen_wallet_pays_out_no_hold_and_lets_go_of_it() {
    let mut frozen = held();
    let event = one(&frozen, WalletCommand::Freeze);
    frozen.evolve(&event);
    assert_eq!(frozen.decide(capture(None, false, 1)), Err(WalletRefusal::Frozen));
    let amend = |amount: &str| WalletCommand::Amend { hold: 3, amount: usd(amount), at: at(1) };
    assert_eq!(frozen.decide(amend("7")), Err(WalletRefusal::Frozen));
    assert!(frozen.decide(amend("5")).is_ok());
    assert!(frozen.decide(WalletCommand::Release { hold: 3, at: at(1) }).is_ok());
}

#[test]
fn a_wallet_has_a_bounded_number_of_holds() {
    let mut wallet = Wallet::default();
    wallet.evolve(&opened());
    wallet.evolve(&WalletEvent::WalletDeposited(moved("100", "100")));
    for _ in 0..HOLDS_MAX {
        let placed = one(&wallet, place("0.01", 60));
        wallet.evolve(&placed);
    }
    assert_eq!(wallet.decide(place("0.01", 60)), Err(WalletRefusal::TooManyHolds));
}

#[test]
fn a_lease_is_bounded() {
    for bad in [0, -1, i64::from(Lease::SECONDS_MAX) + 1, i64::MAX] {
        assert_eq!(Lease::of_seconds(bad), Err(NotALease), "{bad}");
    }
}
