use super::*;
use crate::{Currency, Decide, Money, Reference, UserId, WalletId};
use cqrs_es::test::TestFramework;
use proptest::prelude::*;
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

proptest! {
    /// The oracle is plain integer arithmetic, not the wallet's own.
    #[test]
    fn any_history_adds_up_and_never_goes_below_zero(steps in proptest::collection::vec((any::<bool>(), 1_i128..1_000_000), 1..200)) {
        let mut live = Wallet::default();
        let mut history = vec![opened()];
        live.evolve(&history[0]);
        let mut balance: i128 = 0;
        for (deposit, minor) in steps {
            let amount = Money::from_minor(minor, Currency::USD).unwrap();
            let movement = Movement { amount, currency: Currency::USD, reference: None };
            let command = if deposit { WalletCommand::Deposit(movement) } else { WalletCommand::Withdraw(movement) };
            let allowed = deposit || minor <= balance;
            let before = live.clone();
            match live.decide(command) {
                Ok(events) => {
                    prop_assert!(allowed);
                    balance += if deposit { minor } else { -minor };
                    for event in events {
                        live.evolve(&event);
                        history.push(event);
                    }
                }
                Err(_) => prop_assert!(!allowed),
            }
            if !allowed {
                prop_assert_eq!(&live, &before, "a refusal changes nothing");
            }
            prop_assert_eq!(live.account().unwrap().posted.minor(), balance);
            prop_assert_eq!(live.account().unwrap().available().minor(), balance);
        }
        let mut replayed = Wallet::default();
        for event in &history {
            replayed.evolve(event);
        }
        prop_assert_eq!(replayed, live);
    }
}
