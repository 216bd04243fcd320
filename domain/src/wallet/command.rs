//! What a wallet can be asked to do.

use crate::{Currency, Money, Reference, UserId, WalletId};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum WalletCommand {
    Open { wallet_id: WalletId, user_id: UserId, currency: Currency },
    Deposit(Movement),
    Withdraw(Movement),
}

/// An amount that comes in from the world or goes out to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Movement {
    pub amount: Money,
    pub currency: Currency,
    pub reference: Option<Reference>,
}
