//! A wallet's life, and what is kept back in it.

use super::{USER, WALLET, at};
use domain::wallet::{
    Direction, Hold, HoldStatus, HoldStep, Moved, Reversed, Standing, Transferred, WalletEvent, WalletStatus,
};
use domain::{CaptureId, Currency, EntryId, Event, Money, Reference, WalletId};
use uuid::uuid;

const OTHER_WALLET: WalletId = WalletId(uuid!("0199f3a2-7c11-7e4b-9d3a-5b2f6c8e1a05"));

pub(super) fn goldens() -> Vec<(&'static str, Event)> {
    let mut goldens = wallet_goldens();
    goldens.extend(transfer_goldens());
    goldens.extend(hold_goldens());
    goldens
}

fn wallet_goldens() -> Vec<(&'static str, Event)> {
    let opened = WalletEvent::WalletOpened { wallet_id: WALLET, user_id: USER, currency: Currency::USD };
    let deposited = WalletEvent::WalletDeposited(Moved {
        amount: usd(1234),
        currency: Currency::USD,
        reference: Some(Reference::parse("invoice 7, “März”").unwrap()),
        posted_after: usd(11234),
        available_after: usd(9234),
        status: WalletStatus::Frozen,
    });
    let withdrawn = WalletEvent::WalletWithdrawn(Moved {
        amount: usd(5),
        currency: Currency::USD,
        reference: Some(Reference::parse("fee").unwrap()),
        posted_after: usd(11229),
        available_after: usd(9229),
        status: WalletStatus::Active,
    });
    vec![
        ("WalletOpened.1.0", opened.into()),
        ("WalletDeposited.1.0", deposited.into()),
        ("WalletWithdrawn.1.0", withdrawn.into()),
    ]
}

fn transfer_goldens() -> Vec<(&'static str, Event)> {
    let transferred = |posted_after, available_after, status| Transferred {
        amount: usd(1234),
        currency: Currency::USD,
        counterparty: OTHER_WALLET,
        reference: Some(Reference::parse("lunch").unwrap()),
        posted_after,
        available_after,
        status,
    };
    let reversed = Reversed {
        transaction: EntryId { wallet: WALLET, sequence: 7 },
        amount: usd(1234),
        currency: Currency::USD,
        direction: Direction::Credit,
        counterparty: Some(OTHER_WALLET),
        reference: Some(Reference::parse("wrong person").unwrap()),
        posted_after: usd(11234),
        available_after: usd(9234),
        status: WalletStatus::Frozen,
    };
    let standing = |status| Standing {
        currency: Currency::USD,
        posted_after: usd(11234),
        available_after: usd(9234),
        status,
    };
    let closed = Standing { posted_after: usd(0), available_after: usd(0), ..standing(WalletStatus::Closed) };
    vec![
        (
            "TransferSent.1.0",
            WalletEvent::TransferSent(transferred(usd(10000), usd(8000), WalletStatus::Active)).into(),
        ),
        (
            "TransferReceived.1.0",
            WalletEvent::TransferReceived(transferred(usd(11234), usd(9234), WalletStatus::Frozen)).into(),
        ),
        ("TransactionReversed.1.0", WalletEvent::TransactionReversed(reversed).into()),
        ("WalletFrozen.1.0", WalletEvent::WalletFrozen(standing(WalletStatus::Frozen)).into()),
        ("WalletUnfrozen.1.0", WalletEvent::WalletUnfrozen(standing(WalletStatus::Active)).into()),
        ("WalletClosed.1.0", WalletEvent::WalletClosed(closed).into()),
    ]
}

fn hold_goldens() -> Vec<(&'static str, Event)> {
    let hold = Hold {
        id: EntryId { wallet: WALLET, sequence: 8 },
        amount: usd(5000),
        captured: usd(0),
        released: usd(0),
        remaining: usd(5000),
        status: HoldStatus::Active,
        expires_at: at("2025-11-22T08:15:00.5Z"),
        version: 8,
        reference: Some(Reference::parse("order 17").unwrap()),
        trading_session: None,
    };
    let step = |amount, hold: &Hold, posted_after, available_after| HoldStep {
        amount,
        currency: Currency::USD,
        capture_id: None,
        hold: Box::new(hold.clone()),
        posted_after,
        available_after,
        status: WalletStatus::Active,
    };
    let amended = Hold { version: 9, amount: usd(6000), remaining: usd(6000), ..hold.clone() };
    let extended = Hold { version: 10, expires_at: at("2025-11-22T08:30:00.5Z"), ..amended.clone() };
    let part = Hold { version: 11, captured: usd(2000), remaining: usd(4000), ..extended.clone() };
    let ended = |status| Hold { version: 12, released: usd(4000), remaining: usd(0), status, ..part.clone() };
    let captured = HoldStep {
        capture_id: Some(CaptureId::parse("fill-1").unwrap()),
        status: WalletStatus::Active,
        ..step(usd(2000), &part, usd(8000), usd(4000))
    };
    let expired = HoldStep {
        status: WalletStatus::Frozen,
        ..step(usd(4000), &ended(HoldStatus::Expired), usd(8000), usd(8000))
    };
    vec![
        ("HoldPlaced.1.0", WalletEvent::HoldPlaced(step(usd(5000), &hold, usd(10000), usd(5000))).into()),
        (
            "HoldAmended.1.0",
            WalletEvent::HoldAmended(step(usd(6000), &amended, usd(10000), usd(4000))).into(),
        ),
        (
            "HoldExtended.1.0",
            WalletEvent::HoldExtended(step(usd(6000), &extended, usd(10000), usd(4000))).into(),
        ),
        ("HoldCaptured.1.0", WalletEvent::HoldCaptured(captured).into()),
        (
            "HoldReleased.1.0",
            WalletEvent::HoldReleased(step(usd(4000), &ended(HoldStatus::Released), usd(8000), usd(8000)))
                .into(),
        ),
        ("HoldExpired.1.0", WalletEvent::HoldExpired(expired).into()),
    ]
}

fn usd(cents: i128) -> Money {
    Money::from_minor(cents, Currency::USD).unwrap()
}
