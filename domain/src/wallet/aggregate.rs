//! A wallet as an aggregate: commands go to the account, and only `evolve` touches a balance, taking it from the event.
//!
//! The state holds what is open, not what happened: it does not grow with age.

use super::{Account, Hold, HoldStatus, WalletCommand, WalletEvent, WalletRefusal, WalletStatus};
use crate::aggregate::aggregate_shim;
use crate::{AggregateKind, Decide, Money, Timestamp, UserId};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wallet {
    /// Nothing until it is opened.
    account: Option<Account>,
}

impl Wallet {
    pub const fn account(&self) -> Option<&Account> {
        self.account.as_ref()
    }

    fn expire_holds(&self, at: Timestamp) -> Result<Vec<WalletEvent>, WalletRefusal> {
        let mut wallet = self.clone();
        let mut events = Vec::new();
        let overdue = wallet.account.as_ref().map(|account| account.overdue(at)).unwrap_or_default();
        for hold in overdue {
            let Some(account) = &wallet.account else { break };
            let event = account.expire(hold)?;
            wallet.evolve(&event);
            events.push(event);
        }
        Ok(events)
    }
}

impl Decide for Wallet {
    const KIND: AggregateKind = AggregateKind::Wallet;
    const SCHEMA: i32 = 2;
    type Refusal = WalletRefusal;

    fn owner(&self) -> Option<UserId> {
        self.account.as_ref().map(|account| account.user_id)
    }

    fn decide(&self, command: WalletCommand) -> Result<Vec<WalletEvent>, WalletRefusal> {
        let open = || self.account.as_ref().ok_or(WalletRefusal::NotFound);
        let event = match command {
            WalletCommand::Open { wallet_id, user_id, currency } => match &self.account {
                Some(_) => return Err(WalletRefusal::AlreadyOpen),
                None => WalletEvent::WalletOpened { wallet_id, user_id, currency },
            },
            WalletCommand::Deposit(movement) => open()?.deposit(movement)?,
            WalletCommand::Withdraw(movement) => open()?.withdraw(movement)?,
            WalletCommand::Send(transfer) => open()?.send(transfer)?,
            WalletCommand::Receive(transfer) => open()?.receive(transfer)?,
            WalletCommand::PlaceHold(place) => open()?.place(place)?,
            WalletCommand::Capture(capture) => open()?.capture(capture)?,
            WalletCommand::Release { hold, at } => open()?.release(hold, at)?,
            WalletCommand::Amend { hold, amount, at } => open()?.amend(hold, amount, at)?,
            WalletCommand::Extend { hold, lease, at } => open()?.extend(hold, lease, at)?,
            WalletCommand::ExpireHolds { at } => return self.expire_holds(at),
            WalletCommand::Reserve { movement, trading_session, at } => {
                open()?.reserve(movement, trading_session, at)?
            }
            WalletCommand::Unreserve { hold, trading_session } => open()?.unreserve(hold, trading_session)?,
            WalletCommand::Reverse(reversal) => open()?.reverse(reversal)?,
            WalletCommand::Freeze => return Ok(open()?.freeze()?.into_iter().collect()),
            WalletCommand::Unfreeze => return Ok(open()?.unfreeze()?.into_iter().collect()),
            WalletCommand::Close => return Ok(open()?.close()?.into_iter().collect()),
        };
        Ok(vec![event])
    }

    fn evolve(&mut self, event: &WalletEvent) {
        if let WalletEvent::WalletOpened { wallet_id, user_id, currency } = event {
            self.account = Some(Account {
                wallet_id: *wallet_id,
                user_id: *user_id,
                currency: *currency,
                posted: Money::zero(*currency),
                held: Money::zero(*currency),
                status: WalletStatus::Active,
                sequence: 1,
                holds: BTreeMap::new(),
            });
            return;
        }
        let Some(account) = &mut self.account else { return };
        let after = event.balance();
        account.sequence += 1;
        account.posted = after.posted;
        account.held = after.held();
        account.status = after.status;
        if let Some(step) = event.hold() {
            if step.hold.status == HoldStatus::Active {
                account.holds.insert(step.hold.id.sequence, Hold::clone(&step.hold));
            } else {
                account.holds.remove(&step.hold.id.sequence);
            }
        }
    }
}

aggregate_shim!(Wallet, "wallet", WalletCommand, WalletEvent, WalletRefusal);
