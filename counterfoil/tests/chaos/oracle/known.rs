//! What the clients know of, so that they ask for the same things at once: from their own answers alone.

use std::collections::{HashMap, VecDeque};

use serde_json::Value;
use uuid::Uuid;

use super::money::Coin;
use super::town::Town;
use super::wish::{Entry, Step, Wish};
use crate::harness::Dice;

/// Few, so that many clients mean the same one; and so many that some leases are over.
const REMEMBERED: usize = 120;

#[derive(Debug, Default)]
pub(crate) struct Known {
    /// Wallets that may be open.
    pub(crate) wallets: Vec<Uuid>,
    /// What is in a wallet, and which of the people it belongs to.
    facts: HashMap<Uuid, (Coin, usize)>,
    versions: HashMap<Entry, i64>,
    /// What was available in a wallet, and all that was in it.
    balances: HashMap<Uuid, (i128, i128)>,
    holds: VecDeque<Entry>,
    transactions: VecDeque<Entry>,
    captures: VecDeque<Step>,
}

impl Known {
    pub(crate) fn of(town: &Town) -> Self {
        let mut known = Self::default();
        for (owner, (wallet, coin)) in town.wallets().into_iter().enumerate() {
            known.opened(wallet, coin, owner);
        }
        known
    }

    fn opened(&mut self, wallet: Uuid, coin: Coin, owner: usize) {
        self.wallets.push(wallet);
        self.facts.insert(wallet, (coin, owner));
    }

    pub(crate) fn coin(&self, wallet: Uuid) -> Coin {
        self.facts.get(&wallet).map_or(super::money::USD, |(coin, _)| *coin)
    }

    pub(crate) fn owner(&self, wallet: Uuid) -> Option<usize> {
        self.facts.get(&wallet).map(|(_, owner)| *owner)
    }

    /// As it was last heard of: of a hold by its entry, of a wallet as if by its first one.
    pub(crate) fn version(&self, wish: &Wish) -> Option<i64> {
        let wallet = wish.wallet()?;
        self.versions.get(&wish.hold().unwrap_or(Entry { wallet, sequence: 0 })).copied()
    }

    pub(crate) fn any_wallet(&self, dice: &mut Dice) -> Uuid {
        *dice.pick(&self.wallets)
    }

    /// What was free when somebody last heard of it.
    pub(crate) fn available(&self, wallet: Uuid) -> Option<i128> {
        self.balances.get(&wallet).map(|(available, _)| *available).filter(|available| *available > 0)
    }

    /// One that may be closed, if there is any.
    pub(crate) fn any_empty(&self, dice: &mut Dice) -> Option<Uuid> {
        let is_empty = |wallet: &&Uuid| self.balances.get(wallet).is_none_or(|(_, posted)| *posted == 0);
        let empty: Vec<Uuid> = self.wallets.iter().filter(is_empty).copied().collect();
        if empty.is_empty() { None } else { Some(*dice.pick(&empty)) }
    }

    pub(crate) fn any_hold(&self, dice: &mut Dice) -> Option<Entry> {
        any(&self.holds, dice).copied()
    }

    pub(crate) fn any_transaction(&self, dice: &mut Dice) -> Option<Entry> {
        any(&self.transactions, dice).copied()
    }

    pub(crate) fn any_capture(&self, dice: &mut Dice) -> Option<Step> {
        any(&self.captures, dice).cloned()
    }

    /// Takes in what one step's answer says.
    pub(crate) fn learn(&mut self, step: &Step, body: &Value, owner: usize) {
        if let Wish::Open { coin, .. } = &step.wish
            && let Some(wallet) = super::answers::wallet_in(body).and_then(|w| w["id"].as_str()?.parse().ok())
        {
            self.opened(wallet, *coin, owner);
        }
        if let Wish::Close { wallet } = &step.wish {
            self.wallets.retain(|open| open != wallet);
        }
        if let Wish::Capture { .. } = &step.wish {
            push(&mut self.captures, step.clone());
        }
        for name in ["wallet", "from", "to"] {
            if let (Some(wallet), Some(version)) =
                (body[name]["id"].as_str().and_then(|id| id.parse().ok()), body[name]["version"].as_i64())
            {
                self.versions.insert(Entry { wallet, sequence: 0 }, version);
                let amount = |member: &str| self.coin(wallet).read(body[name][member].as_str()?);
                if let (Some(available), Some(posted)) = (amount("available"), amount("posted")) {
                    self.balances.insert(wallet, (available, posted));
                }
            }
        }
        if let Some(hold) = body["hold"]["id"].as_str().and_then(|id| id.parse::<Entry>().ok()) {
            if matches!(step.wish, Wish::Hold { .. }) {
                push(&mut self.holds, hold);
            }
            if let Some(version) = body["hold"]["version"].as_i64() {
                self.versions.insert(hold, version);
            }
            push(&mut self.transactions, hold);
        }
        if let Some(entry) = body["transaction"]["id"].as_str().and_then(|id| id.parse().ok()) {
            push(&mut self.transactions, entry);
        }
    }
}

fn any<'a, T>(among: &'a VecDeque<T>, dice: &mut Dice) -> Option<&'a T> {
    if among.is_empty() { None } else { among.get(dice.index(among.len())) }
}

fn push<T>(among: &mut VecDeque<T>, one: T) {
    among.push_back(one);
    if among.len() > REMEMBERED {
        among.pop_front();
    }
}
