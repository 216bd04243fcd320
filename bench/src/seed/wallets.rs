//! Which wallets are seeded, and the history of each, made by the domain itself.
//!
//! Ids follow from numbers, so nothing has to be remembered between runs. A user has one wallet per
//! currency, as the rules want it.

use std::borrow::Cow;
use std::sync::Arc;

use domain::wallet::{Movement, Wallet, WalletCommand, WalletRefusal};
use domain::{
    Actor, AggregateKind, AggregateRef, Currency, Decide, Event, Money, Timestamp, UserId, WalletId,
};
use journal::{Metadata, Parsed, Recorded};
use uuid::Uuid;

use super::size::{SHORT_HISTORY, Size};
use crate::error::{BenchError, Result};
use crate::load::key;

/// Currencies besides the one a user starts with; all have two decimals or more, so "1.00" is an amount in each.
#[rustfmt::skip]
const CURRENCIES: [&str; 51] = [
    "AED", "ARS", "AUD", "BGN", "BRL", "CAD", "CHF", "CNY", "COP", "CZK", "DKK", "EGP", "EUR", "GBP", "GEL", "HKD",
    "HUF", "IDR", "ILS", "INR", "KZT", "MXN", "MYR", "NGN", "NOK", "NZD", "PEN", "PHP", "PLN", "QAR", "RON", "RSD",
    "SAR", "SEK", "SGD", "THB", "TRY", "TWD", "UAH", "UYU", "XRP", "BHD", "JOD", "KWD", "OMR", "TND", "BTC", "ETH",
    "LTC", "USDC", "ZAR",
];
/// The series wallet ids are taken from; idempotency keys of a run use seeds made of the time of day.
const ID_SERIES: u64 = 0;

/// One seeded wallet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Seeded {
    pub(crate) id: Uuid,
    /// Place of its owner among the users.
    pub(crate) owner: usize,
    pub(crate) currency: &'static str,
    pub(crate) events: u64,
}

/// All wallets of the users that log in but those with a part of their own. Neighbours belong to different users.
pub(crate) fn ordinary(size: &Size) -> impl Iterator<Item = Seeded> {
    (0..size.wallets()).map(|number| seeded(size, number, size.events_per_wallet))
}

/// The wallet with a long history.
pub(crate) fn long(size: &Size) -> Seeded {
    seeded(size, last_currency(size), size.long_history)
}

/// The one everybody deposits into.
pub(crate) fn hot(size: &Size) -> Seeded {
    seeded(size, last_currency(size) + 1, SHORT_HISTORY)
}

/// Wallets that are there to be short, and are no longer once they have been used.
pub(crate) fn short(size: &Size) -> impl Iterator<Item = Seeded> {
    (2..size.users).map(|number| seeded(size, last_currency(size) + number, SHORT_HISTORY))
}

/// Number of the first wallet in a currency that no ordinary wallet has.
fn last_currency(size: &Size) -> usize {
    size.users * (CURRENCIES.len() - 1)
}

fn seeded(size: &Size, number: usize, events: u64) -> Seeded {
    let id = Uuid::try_parse_ascii(&key(ID_SERIES, number as u64)).unwrap_or_default();
    let currency = CURRENCIES[(number / size.users) % CURRENCIES.len()];
    Seeded { id, owner: number % size.users, currency, events }
}

/// The history of one wallet, event by event, and its state at the end of what was taken.
#[derive(Debug)]
pub(crate) struct History {
    wallet: Seeded,
    owner: UserId,
    currency: Currency,
    one: Money,
    pub(crate) state: Wallet,
    pub(crate) sequence: i64,
}

impl History {
    pub(crate) fn new(wallet: Seeded, owner: Uuid) -> Result<Self> {
        let broken = |error: &dyn std::fmt::Display| BenchError::Unusable(error.to_string());
        let currency = Currency::parse(wallet.currency).map_err(|error| broken(&error))?;
        let one = Money::parse("1.00", currency).map_err(|error| broken(&error))?;
        Ok(Self { wallet, owner: UserId(owner), currency, one, state: Wallet::default(), sequence: 0 })
    }

    pub(crate) fn remaining(&self) -> u64 {
        self.wallet.events.saturating_sub(self.sequence.unsigned_abs())
    }

    /// The next event, as it would have been recorded there.
    pub(crate) fn next(&mut self, spot: Spot) -> Result<Arc<Recorded>> {
        let refused = |refusal: WalletRefusal| BenchError::Unusable(format!("a seeded wallet: {refusal:?}"));
        let command = if self.sequence == 0 {
            WalletCommand::Open {
                wallet_id: WalletId(self.wallet.id),
                user_id: self.owner,
                currency: self.currency,
            }
        } else {
            WalletCommand::Deposit(Movement { amount: self.one, currency: self.currency, reference: None })
        };
        let decided = self.state.decide(command).map_err(refused)?.pop();
        let event = decided.ok_or_else(|| BenchError::Unusable("a command without an event".to_owned()))?;
        self.state.evolve(&event);
        self.sequence += 1;
        let of = AggregateRef { kind: AggregateKind::Wallet, id: self.wallet.id };
        let actor = Actor::user(self.owner.0);
        recorded(spot, of, self.sequence, (self.owner, actor), &Event::from(event))
    }
}

/// Where an event will stand, and when it was decided.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Spot {
    pub(crate) position: i64,
    pub(crate) recorded_at: Timestamp,
}

/// An event of `owner`, as the sequencer would have recorded it.
pub(crate) fn recorded(
    spot: Spot,
    aggregate: AggregateRef,
    sequence: i64,
    (owner, actor): (UserId, Actor),
    event: &Event,
) -> Result<Arc<Recorded>> {
    let command_id = Uuid::new_v4();
    Ok(Arc::new(Recorded {
        position: spot.position,
        aggregate,
        sequence,
        event_type: Cow::Borrowed(event.type_name()),
        version: Cow::Borrowed(event.version()),
        payload: event.to_stored().map_err(|error| BenchError::Unusable(error.to_string()))?,
        metadata: Metadata { actor, command_id, correlation_id: command_id, causation_id: None },
        event_id: Uuid::now_v7(),
        owner,
        recorded_at: spot.recorded_at,
        parsed: Parsed::default(),
    }))
}

#[cfg(test)]
mod tests {
    use super::super::others::others;
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn a_user_has_one_wallet_per_currency() {
        for size in [Size::full(), Size::quick()] {
            let all: Vec<Seeded> =
                ordinary(&size).chain([long(&size), hot(&size)]).chain(short(&size)).collect();
            let owned: HashSet<_> = all.iter().map(|wallet| (wallet.owner, wallet.currency)).collect();
            let ids: HashSet<_> = all.iter().map(|wallet| wallet.id).collect();
            assert_eq!((owned.len(), ids.len()), (all.len(), all.len()));
            let of_others = others(&size).map(|other| other.wallet.events + 1).sum::<u64>();
            assert_eq!(all.iter().map(|wallet| wallet.events).sum::<u64>() + of_others, size.events());
        }
    }

    #[test]
    fn a_history_is_what_the_domain_would_have_written() {
        let wallet = seeded(&Size::quick(), 5, 4);
        let mut history = History::new(wallet, Uuid::from_u128(9)).unwrap();
        let mut fold = Wallet::default();
        for position in 7..11 {
            let recorded = history.next(Spot { position, recorded_at: Timestamp::from_micros(1) }).unwrap();
            assert_eq!((recorded.position, recorded.sequence), (position, position - 6));
            fold.evolve(&recorded.event().unwrap().try_into().unwrap());
        }
        assert_eq!(history.remaining(), 0);
        assert_eq!(fold, history.state);
        assert_eq!(fold.account().unwrap().posted.to_string(), "3.00");
    }
}
