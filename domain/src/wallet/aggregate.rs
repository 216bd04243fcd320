//! The rules of a wallet.
//!
//! Correct because every way to spend goes through `available`, and only `evolve` touches a balance, taking it from the
//! event. The state holds what is open, not what happened: it does not grow with age.

use super::{Moved, Movement, WalletCommand, WalletEvent, WalletRefusal, WalletStatus};
use crate::aggregate::aggregate_shim;
use crate::{AggregateKind, Currency, Decide, Money, UserId, WalletId};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wallet {
    /// Nothing until it is opened.
    account: Option<Account>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    pub wallet_id: WalletId,
    pub user_id: UserId,
    pub currency: Currency,
    pub posted: Money,
    /// What active holds keep back.
    pub held: Money,
    pub status: WalletStatus,
}

impl Wallet {
    pub const fn account(&self) -> Option<&Account> {
        self.account.as_ref()
    }

    fn open_account(&self) -> Result<&Account, WalletRefusal> {
        self.account.as_ref().ok_or(WalletRefusal::NotFound)
    }
}

impl Account {
    /// `posted − held`. Never below zero: each rule keeps it so.
    pub fn available(&self) -> Money {
        self.posted.take(self.held).unwrap_or(Money::zero(self.currency))
    }

    fn credit(&self, movement: Movement) -> Result<Moved, WalletRefusal> {
        self.not_closed()?;
        self.same_currency(movement.currency)?;
        let posted = self.posted.checked_add(movement.amount).map_err(|_| WalletRefusal::BalanceTooLarge)?;
        self.moved(movement, posted)
    }

    fn debit(&self, movement: Movement) -> Result<Moved, WalletRefusal> {
        self.not_closed()?;
        if self.status == WalletStatus::Frozen {
            return Err(WalletRefusal::Frozen);
        }
        self.same_currency(movement.currency)?;
        let available = self.available();
        let requested = movement.amount;
        available.take(requested).ok_or(WalletRefusal::InsufficientFunds { available, requested })?;
        let posted = self.posted.checked_sub(requested).map_err(|_| WalletRefusal::BalanceTooLarge)?;
        self.moved(movement, posted)
    }

    fn moved(&self, movement: Movement, posted_after: Money) -> Result<Moved, WalletRefusal> {
        let available_after =
            posted_after.checked_sub(self.held).map_err(|_| WalletRefusal::BalanceTooLarge)?;
        Ok(Moved {
            amount: movement.amount,
            currency: self.currency,
            reference: movement.reference,
            posted_after,
            available_after,
            status: self.status,
        })
    }

    fn not_closed(&self) -> Result<(), WalletRefusal> {
        if self.status == WalletStatus::Closed { Err(WalletRefusal::Closed) } else { Ok(()) }
    }

    fn same_currency(&self, requested: Currency) -> Result<(), WalletRefusal> {
        let wallet = self.currency;
        if wallet == requested { Ok(()) } else { Err(WalletRefusal::WrongCurrency { wallet, requested }) }
    }
}

impl Decide for Wallet {
    const KIND: AggregateKind = AggregateKind::Wallet;
    const SCHEMA: i32 = 1;
    type Refusal = WalletRefusal;

    fn owner(&self) -> Option<UserId> {
        self.account.as_ref().map(|account| account.user_id)
    }

    fn decide(&self, command: WalletCommand) -> Result<Vec<WalletEvent>, WalletRefusal> {
        let event = match command {
            WalletCommand::Open { wallet_id, user_id, currency } => {
                if self.account.is_some() {
                    return Err(WalletRefusal::AlreadyOpen);
                }
                WalletEvent::WalletOpened { wallet_id, user_id, currency }
            }
            WalletCommand::Deposit(movement) => {
                WalletEvent::WalletDeposited(self.open_account()?.credit(movement)?)
            }
            WalletCommand::Withdraw(movement) => {
                WalletEvent::WalletWithdrawn(self.open_account()?.debit(movement)?)
            }
        };
        Ok(vec![event])
    }

    fn evolve(&mut self, event: &WalletEvent) {
        match event {
            WalletEvent::WalletOpened { wallet_id, user_id, currency } => {
                self.account = Some(Account {
                    wallet_id: *wallet_id,
                    user_id: *user_id,
                    currency: *currency,
                    posted: Money::zero(*currency),
                    held: Money::zero(*currency),
                    status: WalletStatus::Active,
                });
            }
            WalletEvent::WalletDeposited(moved) | WalletEvent::WalletWithdrawn(moved) => {
                if let Some(account) = &mut self.account {
                    account.posted = moved.posted_after;
                }
            }
        }
    }
}

aggregate_shim!(Wallet, "wallet", WalletCommand, WalletEvent, WalletRefusal);
