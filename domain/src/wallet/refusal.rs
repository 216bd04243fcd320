//! Why a wallet declines, with the facts.

use crate::{Currency, Money};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(tag = "refusal", rename_all = "snake_case")]
pub enum WalletRefusal {
    #[error("there is no such wallet")]
    NotFound,
    #[error("the wallet is open already")]
    AlreadyOpen,
    #[error("{available} is available, {requested} was asked for")]
    InsufficientFunds { available: Money, requested: Money },
    #[error("the wallet holds {wallet}, not {requested}")]
    WrongCurrency { wallet: Currency, requested: Currency },
    #[error("the wallet is frozen")]
    Frozen,
    #[error("the wallet is closed")]
    Closed,
    #[error("the balance would grow beyond what a wallet can hold")]
    BalanceTooLarge,
}
