//! The journal, indexed and folded once.

use std::collections::HashMap;

use uuid::Uuid;

use crate::harness::cents;
use crate::harness::evidence::Event;

#[derive(Debug)]
pub(super) struct Book<'a> {
    events: &'a [Event],
    movements: HashMap<&'a str, Vec<&'a Event>>,
    wallets: HashMap<Uuid, Vec<Balance>>,
}

/// What a wallet held from a position on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Balance {
    pub(super) position: i64,
    pub(super) sequence: i64,
    pub(super) cents: i64,
}

impl<'a> Book<'a> {
    pub(super) fn open(events: &'a [Event]) -> Self {
        let mut movements: HashMap<&str, Vec<&Event>> = HashMap::new();
        let mut wallets: HashMap<Uuid, Vec<Balance>> = HashMap::new();
        for event in events.iter().filter(|event| event.aggregate_type == "wallet") {
            let history = wallets.entry(event.aggregate).or_default();
            let before = history.last().map_or(0, |last| last.cents);
            let cents = before + change(event).unwrap_or(0);
            history.push(Balance { position: event.position, sequence: event.sequence, cents });
            if change(event).is_some() {
                movements.entry(event.text("reference")).or_default().push(event);
            }
        }
        Self { events, movements, wallets }
    }

    pub(super) fn events(&self) -> &'a [Event] {
        self.events
    }

    pub(super) fn at(&self, position: i64) -> Option<&'a Event> {
        let index = usize::try_from(position).ok()?.checked_sub(1)?;
        self.events.get(index).filter(|event| event.position == position)
    }

    /// Every movement that was made for a key.
    pub(super) fn movements_for(&self, key: &str) -> &[&'a Event] {
        self.movements.get(key).map_or(&[], Vec::as_slice)
    }

    pub(super) fn movements(&self) -> impl Iterator<Item = (&'a str, &Vec<&'a Event>)> {
        self.movements.iter().map(|(reference, events)| (*reference, events))
    }

    pub(super) fn wallets(&self) -> impl Iterator<Item = (Uuid, Balance)> {
        self.wallets.iter().filter_map(|(wallet, history)| Some((*wallet, *history.last()?)))
    }

    /// What a wallet held when the journal ended at a position.
    pub(super) fn balance(&self, wallet: Uuid, position: i64) -> Option<Balance> {
        let history = self.wallets.get(&wallet)?;
        let until = history.partition_point(|balance| balance.position <= position);
        history.get(until.checked_sub(1)?).copied()
    }
}

/// By how much an event moves its wallet, if it moves money.
pub(super) fn change(event: &Event) -> Option<i64> {
    let sign = match event.kind.as_str() {
        "WalletDeposited" => 1,
        "WalletWithdrawn" => -1,
        _ => return None,
    };
    // An amount that cannot be read counts nothing, and so is noticed.
    Some(sign * cents::read(event.text("amount")).unwrap_or(0))
}
