//! An opened wallet: what is in it, what is kept back, and the rules for every way in and out.
//!
//! Correct because every way to spend goes through `available`, and a rule only says what a balance would be: nothing is
//! changed here.

use super::hold::RESERVED_FOR;
use super::{
    Capture, Direction, HOLDS_MAX, Hold, HoldStatus, HoldStep, Lease, Moved, Movement, PlaceHold, Reversal,
    Reversed, Standing, Transfer, Transferred, WalletEvent, WalletRefusal, WalletStatus,
};
use crate::{Currency, EntryId, Money, Timestamp, TradingSessionId, UserId, WalletId};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Holds that end in one step: a step stays a matter of microseconds, and the next one does the rest.
pub const EXPIRED_MAX: usize = 100;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    pub wallet_id: WalletId,
    pub user_id: UserId,
    pub currency: Currency,
    pub posted: Money,
    /// What active holds keep back.
    pub held: Money,
    pub status: WalletStatus,
    /// Of the last event: the next one gets the next.
    pub(super) sequence: i64,
    /// The active ones, by their sequence.
    pub(super) holds: BTreeMap<i64, Hold>,
}

/// What stands in a wallet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Balance {
    pub currency: Currency,
    pub posted: Money,
    pub available: Money,
    pub status: WalletStatus,
}

impl Balance {
    /// What active holds keep back.
    pub fn held(&self) -> Money {
        self.posted.take(self.available).unwrap_or(Money::zero(self.currency))
    }
}

impl Account {
    /// `posted − held`. Never below zero: each rule keeps it so.
    pub fn available(&self) -> Money {
        self.posted.take(self.held).unwrap_or(Money::zero(self.currency))
    }

    /// One of the active holds.
    pub fn hold(&self, sequence: i64) -> Option<&Hold> {
        self.holds.get(&sequence)
    }

    /// The active holds, oldest first.
    pub fn holds(&self) -> impl Iterator<Item = &Hold> {
        self.holds.values()
    }

    pub(super) fn deposit(&self, movement: Movement) -> Result<WalletEvent, WalletRefusal> {
        let after = self.credited(movement.amount, movement.currency)?;
        Ok(WalletEvent::WalletDeposited(moved(movement, after)))
    }

    pub(super) fn withdraw(&self, movement: Movement) -> Result<WalletEvent, WalletRefusal> {
        let after = self.debited(movement.amount, movement.currency)?;
        Ok(WalletEvent::WalletWithdrawn(moved(movement, after)))
    }

    pub(super) fn send(&self, transfer: Transfer) -> Result<WalletEvent, WalletRefusal> {
        let after = self.debited(transfer.movement.amount, transfer.movement.currency)?;
        Ok(WalletEvent::TransferSent(transferred(transfer, after)))
    }

    pub(super) fn receive(&self, transfer: Transfer) -> Result<WalletEvent, WalletRefusal> {
        let after = self.credited(transfer.movement.amount, transfer.movement.currency)?;
        Ok(WalletEvent::TransferReceived(transferred(transfer, after)))
    }

    pub(super) fn reverse(&self, reversal: Reversal) -> Result<WalletEvent, WalletRefusal> {
        let Reversal { transaction, amount, currency, is_credit, counterparty, reference } = reversal;
        let (after, direction) = if is_credit {
            (self.credited(amount, currency)?, Direction::Credit)
        } else {
            (self.debited(amount, currency)?, Direction::Debit)
        };
        Ok(WalletEvent::TransactionReversed(Reversed {
            transaction,
            amount,
            currency,
            direction,
            counterparty,
            reference,
            posted_after: after.posted,
            available_after: after.available,
            status: after.status,
        }))
    }

    pub(super) fn place(&self, place: PlaceHold) -> Result<WalletEvent, WalletRefusal> {
        let PlaceHold { movement, lease, at } = place;
        self.hold_back(movement, lease.from(at), None)
    }

    pub(super) fn reserve(
        &self,
        movement: Movement,
        trading_session: TradingSessionId,
        at: Timestamp,
    ) -> Result<WalletEvent, WalletRefusal> {
        self.hold_back(movement, at.plus(RESERVED_FOR), Some(trading_session))
    }

    fn hold_back(
        &self,
        movement: Movement,
        expires_at: Timestamp,
        trading_session: Option<TradingSessionId>,
    ) -> Result<WalletEvent, WalletRefusal> {
        let Movement { amount, currency, reference } = movement;
        self.may_spend()?;
        self.same_currency(currency)?;
        if self.holds.len() >= HOLDS_MAX {
            return Err(WalletRefusal::TooManyHolds);
        }
        let available = self.spend(amount)?;
        let zero = Money::zero(self.currency);
        let hold = Hold {
            id: EntryId { wallet: self.wallet_id, sequence: self.sequence + 1 },
            amount,
            captured: zero,
            released: zero,
            remaining: amount,
            status: HoldStatus::Active,
            expires_at,
            version: self.sequence + 1,
            reference,
            trading_session,
        };
        Ok(WalletEvent::HoldPlaced(self.step(amount, hold, self.posted, available)))
    }

    /// Whatever state the wallet is in: what was kept back goes back.
    pub(super) fn unreserve(
        &self,
        hold: i64,
        trading_session: TradingSessionId,
    ) -> Result<WalletEvent, WalletRefusal> {
        let hold = self.holds.get(&hold).filter(|hold| hold.trading_session == Some(trading_session));
        let hold = hold.cloned().ok_or(WalletRefusal::HoldNotFound)?;
        Ok(WalletEvent::HoldReleased(self.let_go(hold, HoldStatus::Released)?))
    }

    pub(super) fn capture(&self, capture: Capture) -> Result<WalletEvent, WalletRefusal> {
        let Capture { hold, capture_id, amount, is_final, at } = capture;
        self.may_spend()?;
        let mut hold = self.living(hold, at)?.clone();
        let remaining = hold.remaining;
        let requested = amount.unwrap_or(remaining);
        let rest = remaining.take(requested);
        hold.remaining = rest.ok_or(WalletRefusal::CaptureTooLarge { remaining, requested })?;
        hold.captured = sum(hold.captured, requested)?;
        let mut available = self.available();
        if is_final {
            available = sum(available, hold.let_go(HoldStatus::Captured))?;
        } else if hold.remaining.is_zero() {
            hold.status = HoldStatus::Captured;
        }
        let posted = self.posted.take(requested).ok_or(WalletRefusal::BalanceTooLarge)?;
        let step = self.step(requested, hold, posted, available);
        Ok(WalletEvent::HoldCaptured(HoldStep { capture_id: Some(capture_id), ..step }))
    }

    pub(super) fn release(&self, hold: i64, at: Timestamp) -> Result<WalletEvent, WalletRefusal> {
        let hold = self.living(hold, at)?.clone();
        Ok(WalletEvent::HoldReleased(self.let_go(hold, HoldStatus::Released)?))
    }

    pub(super) fn amend(
        &self,
        hold: i64,
        amount: Money,
        at: Timestamp,
    ) -> Result<WalletEvent, WalletRefusal> {
        let mut hold = self.living(hold, at)?.clone();
        let (captured, before) = (hold.captured, hold.remaining);
        let below = WalletRefusal::AmendBelowCaptured { captured, requested: amount };
        let remaining = amount.take(captured).ok_or(below)?;
        let available = match remaining.take(before) {
            Some(more) if !more.is_zero() => {
                self.may_spend()?;
                self.spend(more)?
            }
            _ => sum(self.available(), before.take(remaining).unwrap_or(Money::zero(self.currency)))?,
        };
        hold.amount = amount;
        hold.remaining = remaining;
        // Nothing is left of one that was captured in part: that ends it.
        if remaining.is_zero() {
            hold.status = HoldStatus::Captured;
        }
        Ok(WalletEvent::HoldAmended(self.step(amount, hold, self.posted, available)))
    }

    /// Never to an earlier end than it has.
    pub(super) fn extend(
        &self,
        hold: i64,
        lease: Lease,
        at: Timestamp,
    ) -> Result<WalletEvent, WalletRefusal> {
        let mut hold = self.living(hold, at)?.clone();
        hold.expires_at = hold.expires_at.max(lease.from(at));
        Ok(WalletEvent::HoldExtended(self.step(hold.amount, hold, self.posted, self.available())))
    }

    /// The holds whose lease is over, the first to expire first.
    pub(super) fn overdue(&self, at: Timestamp) -> Vec<i64> {
        let over = self.holds.values().filter(|hold| hold.expires_at <= at);
        let mut over: Vec<_> = over.map(|hold| (hold.expires_at, hold.id.sequence)).collect();
        over.sort_unstable();
        over.truncate(EXPIRED_MAX);
        over.into_iter().map(|(_, sequence)| sequence).collect()
    }

    pub(super) fn expire(&self, hold: i64) -> Result<WalletEvent, WalletRefusal> {
        let hold = self.holds.get(&hold).cloned().ok_or(WalletRefusal::HoldNotFound)?;
        Ok(WalletEvent::HoldExpired(self.let_go(hold, HoldStatus::Expired)?))
    }

    pub(super) fn freeze(&self) -> Result<Option<WalletEvent>, WalletRefusal> {
        self.not_closed()?;
        let is_new = self.status != WalletStatus::Frozen;
        Ok(is_new.then(|| WalletEvent::WalletFrozen(self.standing(WalletStatus::Frozen))))
    }

    pub(super) fn unfreeze(&self) -> Result<Option<WalletEvent>, WalletRefusal> {
        self.not_closed()?;
        let is_new = self.status != WalletStatus::Active;
        Ok(is_new.then(|| WalletEvent::WalletUnfrozen(self.standing(WalletStatus::Active))))
    }

    pub(super) fn close(&self) -> Result<Option<WalletEvent>, WalletRefusal> {
        if !self.posted.is_zero() || !self.holds.is_empty() {
            return Err(WalletRefusal::NotEmpty { posted: self.posted, held: self.held });
        }
        let is_new = self.status != WalletStatus::Closed;
        Ok(is_new.then(|| WalletEvent::WalletClosed(self.standing(WalletStatus::Closed))))
    }

    fn let_go(&self, mut hold: Hold, status: HoldStatus) -> Result<HoldStep, WalletRefusal> {
        let rest = hold.let_go(status);
        let available = sum(self.available(), rest)?;
        Ok(self.step(rest, hold, self.posted, available))
    }

    /// An active hold whose lease is not over, swept or not, and that is nobody's but the owner's to end.
    fn living(&self, sequence: i64, at: Timestamp) -> Result<&Hold, WalletRefusal> {
        self.not_closed()?;
        let hold_id = EntryId { wallet: self.wallet_id, sequence };
        let hold = self.holds.get(&sequence).ok_or(if (1..=self.sequence).contains(&sequence) {
            WalletRefusal::HoldEnded { hold_id }
        } else {
            WalletRefusal::HoldNotFound
        })?;
        if hold.expires_at <= at {
            return Err(WalletRefusal::HoldExpired { hold_id, expires_at: hold.expires_at });
        }
        if let Some(trading_session) = hold.trading_session {
            return Err(WalletRefusal::HeldByTradingSession { hold_id, trading_session });
        }
        Ok(hold)
    }

    fn credited(&self, amount: Money, currency: Currency) -> Result<Balance, WalletRefusal> {
        self.not_closed()?;
        self.same_currency(currency)?;
        Ok(self.balance(sum(self.posted, amount)?, sum(self.available(), amount)?))
    }

    fn debited(&self, amount: Money, currency: Currency) -> Result<Balance, WalletRefusal> {
        self.may_spend()?;
        self.same_currency(currency)?;
        let available = self.spend(amount)?;
        // What is available is a part of what is posted.
        let posted = self.posted.take(amount).ok_or(WalletRefusal::BalanceTooLarge)?;
        Ok(self.balance(posted, available))
    }

    /// What would be available after so much is spent or held.
    fn spend(&self, requested: Money) -> Result<Money, WalletRefusal> {
        let available = self.available();
        available.take(requested).ok_or(WalletRefusal::InsufficientFunds { available, requested })
    }

    const fn balance(&self, posted: Money, available: Money) -> Balance {
        Balance { currency: self.currency, posted, available, status: self.status }
    }

    fn step(&self, amount: Money, hold: Hold, posted: Money, available: Money) -> HoldStep {
        let hold = Box::new(Hold { version: self.sequence + 1, ..hold });
        HoldStep {
            amount,
            currency: self.currency,
            capture_id: None,
            hold,
            posted_after: posted,
            available_after: available,
            status: self.status,
        }
    }

    fn standing(&self, status: WalletStatus) -> Standing {
        let (posted_after, available_after) = (self.posted, self.available());
        Standing { currency: self.currency, posted_after, available_after, status }
    }

    fn not_closed(&self) -> Result<(), WalletRefusal> {
        if self.status == WalletStatus::Closed { Err(WalletRefusal::Closed) } else { Ok(()) }
    }

    fn may_spend(&self) -> Result<(), WalletRefusal> {
        self.not_closed()?;
        if self.status == WalletStatus::Frozen { Err(WalletRefusal::Frozen) } else { Ok(()) }
    }

    fn same_currency(&self, requested: Currency) -> Result<(), WalletRefusal> {
        let wallet = self.currency;
        if wallet == requested { Ok(()) } else { Err(WalletRefusal::WrongCurrency { wallet, requested }) }
    }
}

fn sum(one: Money, other: Money) -> Result<Money, WalletRefusal> {
    one.checked_add(other).map_err(|_| WalletRefusal::BalanceTooLarge)
}

fn moved(movement: Movement, after: Balance) -> Moved {
    Moved {
        amount: movement.amount,
        currency: after.currency,
        reference: movement.reference,
        posted_after: after.posted,
        available_after: after.available,
        status: after.status,
    }
}

fn transferred(transfer: Transfer, after: Balance) -> Transferred {
    Transferred {
        amount: transfer.movement.amount,
        currency: after.currency,
        counterparty: transfer.counterparty,
        reference: transfer.movement.reference,
        posted_after: after.posted,
        available_after: after.available,
        status: after.status,
    }
}
