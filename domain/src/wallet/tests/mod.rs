//! The rules, one at a time; `history` asks them all in any order, of a model that knows only whole numbers.

mod history;
mod holds;

use super::*;
use crate::{Currency, Decide, EntryId, Money, Reference, UserId, WalletId};
use cqrs_es::test::TestFramework;
use uuid::Uuid;

type Spec = TestFramework<Wallet>;

fn spec() -> Spec {
    Spec::with(())
}

fn usd(text: &str) -> Money {
    Money::parse(text, Currency::USD).unwrap_or(Money::zero(Currency::USD))
}

fn movement(amount: &str) -> Movement {
    Movement { amount: usd(amount), currency: Currency::USD, reference: None }
}

fn opened() -> WalletEvent {
    WalletEvent::WalletOpened {
        wallet_id: WalletId(Uuid::from_u128(1)),
        user_id: UserId(Uuid::from_u128(2)),
        currency: Currency::USD,
    }
}

fn moved(amount: &str, after: &str) -> Moved {
    Moved {
        amount: usd(amount),
        currency: Currency::USD,
        reference: None,
        posted_after: usd(after),
        available_after: usd(after),
        status: WalletStatus::Active,
    }
}

#[test]
fn a_wallet_opens_once() {
    let open = WalletCommand::Open {
        wallet_id: WalletId(Uuid::from_u128(1)),
        user_id: UserId(Uuid::from_u128(2)),
        currency: Currency::USD,
    };
    spec().given_no_previous_events().when(open.clone()).then_expect_events(vec![opened()]);
    spec().given(vec![opened()]).when(open).then_expect_error(WalletRefusal::AlreadyOpen);
}

#[test]
fn a_deposit_says_what_it_leaves() {
    spec()
        .given(vec![opened(), WalletEvent::WalletDeposited(moved("1", "1"))])
        .when(WalletCommand::Deposit(Movement {
            reference: Reference::parse("rent").ok(),
            ..movement("2.50")
        }))
        .then_expect_events(vec![WalletEvent::WalletDeposited(Moved {
            reference: Reference::parse("rent").ok(),
            ..moved("2.50", "3.50")
        })]);
}

#[test]
fn a_withdrawal_takes_what_is_there_and_no_more() {
    let given = vec![opened(), WalletEvent::WalletDeposited(moved("10", "10"))];
    spec()
        .given(given.clone())
        .when(WalletCommand::Withdraw(movement("10")))
        .then_expect_events(vec![WalletEvent::WalletWithdrawn(moved("10", "0"))]);
    spec().given(given).when(WalletCommand::Withdraw(movement("10.01"))).then_expect_error(
        WalletRefusal::InsufficientFunds { available: usd("10"), requested: usd("10.01") },
    );
}

#[test]
fn an_unopened_wallet_takes_nothing() {
    spec()
        .given_no_previous_events()
        .when(WalletCommand::Deposit(movement("1")))
        .then_expect_error(WalletRefusal::NotFound);
}

#[test]
fn another_currency_is_declined() {
    let eur = Currency::parse("EUR").unwrap();
    let deposit = Movement { amount: Money::parse("1", eur).unwrap(), currency: eur, reference: None };
    spec()
        .given(vec![opened()])
        .when(WalletCommand::Deposit(deposit))
        .then_expect_error(WalletRefusal::WrongCurrency { wallet: Currency::USD, requested: eur });
}

#[test]
fn a_balance_stops_at_the_bound() {
    let most = Money::from_minor(10_i128.pow(28) - 1, Currency::USD).unwrap();
    let full = Moved { amount: most, posted_after: most, available_after: most, ..moved("1", "1") };
    spec()
        .given(vec![opened(), WalletEvent::WalletDeposited(full)])
        .when(WalletCommand::Deposit(movement("0.01")))
        .then_expect_error(WalletRefusal::BalanceTooLarge);
}

#[test]
fn a_transfer_has_two_halves() {
    let other = WalletId(Uuid::from_u128(9));
    let transfer = Transfer { movement: movement("4"), counterparty: other };
    let transferred = |after: &str| Transferred {
        amount: usd("4"),
        currency: Currency::USD,
        counterparty: other,
        reference: None,
        posted_after: usd(after),
        available_after: usd(after),
        status: WalletStatus::Active,
    };
    let given = vec![opened(), WalletEvent::WalletDeposited(moved("10", "10"))];
    spec()
        .given(given.clone())
        .when(WalletCommand::Send(transfer.clone()))
        .then_expect_events(vec![WalletEvent::TransferSent(transferred("6"))]);
    spec()
        .given(given)
        .when(WalletCommand::Receive(transfer))
        .then_expect_events(vec![WalletEvent::TransferReceived(transferred("14"))]);
}

fn standing(posted: &str, status: WalletStatus) -> Standing {
    Standing { currency: Currency::USD, posted_after: usd(posted), available_after: usd(posted), status }
}

#[test]
fn a_frozen_wallet_takes_money_in_and_gives_none() {
    let frozen = vec![
        opened(),
        WalletEvent::WalletDeposited(moved("10", "10")),
        WalletEvent::WalletFrozen(standing("10", WalletStatus::Frozen)),
    ];
    let spend = [
        WalletCommand::Withdraw(movement("1")),
        WalletCommand::Send(Transfer { movement: movement("1"), counterparty: WalletId(Uuid::nil()) }),
        holds::place("1", 60),
    ];
    for command in spend {
        spec().given(frozen.clone()).when(command).then_expect_error(WalletRefusal::Frozen);
    }
    spec().given(frozen.clone()).when(WalletCommand::Deposit(movement("1"))).then_expect_events(vec![
        WalletEvent::WalletDeposited(Moved { status: WalletStatus::Frozen, ..moved("1", "11") }),
    ]);
    spec().given(frozen.clone()).when(WalletCommand::Freeze).then_expect_events(vec![]);
    spec()
        .given(frozen)
        .when(WalletCommand::Unfreeze)
        .then_expect_events(vec![WalletEvent::WalletUnfrozen(standing("10", WalletStatus::Active))]);
}

#[test]
fn a_wallet_closes_when_it_is_empty_and_takes_nothing_from_then_on() {
    let full = vec![opened(), WalletEvent::WalletDeposited(moved("10", "10"))];
    spec()
        .given(full)
        .when(WalletCommand::Close)
        .then_expect_error(WalletRefusal::NotEmpty { posted: usd("10"), held: usd("0") });
    let closed = WalletEvent::WalletClosed(standing("0", WalletStatus::Closed));
    spec().given(vec![opened()]).when(WalletCommand::Close).then_expect_events(vec![closed.clone()]);
    let history = vec![opened(), closed];
    for command in [
        WalletCommand::Deposit(movement("1")),
        WalletCommand::Withdraw(movement("1")),
        WalletCommand::Freeze,
        WalletCommand::Unfreeze,
        holds::place("1", 60),
    ] {
        spec().given(history.clone()).when(command).then_expect_error(WalletRefusal::Closed);
    }
    spec().given(history).when(WalletCommand::Close).then_expect_events(vec![]);
}

#[test]
fn a_reversal_goes_by_the_rules_of_any_movement() {
    let transaction = EntryId { wallet: WalletId(Uuid::from_u128(1)), sequence: 2 };
    let reversal = |is_credit| {
        WalletCommand::Reverse(Reversal {
            transaction,
            amount: usd("10"),
            currency: Currency::USD,
            is_credit,
            counterparty: None,
            reference: None,
        })
    };
    let reversed = |direction, after| {
        WalletEvent::TransactionReversed(Reversed {
            transaction,
            amount: usd("10"),
            currency: Currency::USD,
            direction,
            counterparty: None,
            reference: None,
            posted_after: usd(after),
            available_after: usd(after),
            status: WalletStatus::Active,
        })
    };
    let given = vec![opened(), WalletEvent::WalletDeposited(moved("10", "10"))];
    spec()
        .given(given.clone())
        .when(reversal(false))
        .then_expect_events(vec![reversed(Direction::Debit, "0")]);
    spec()
        .given(given.clone())
        .when(reversal(true))
        .then_expect_events(vec![reversed(Direction::Credit, "20")]);
    let spent = [given, vec![WalletEvent::WalletWithdrawn(moved("1", "9"))]].concat();
    spec()
        .given(spent)
        .when(reversal(false))
        .then_expect_error(WalletRefusal::InsufficientFunds { available: usd("9"), requested: usd("10") });
}
