//! What can have happened to a wallet.
//!
//! Each event that moves money carries the balances after it, so that an answer can be rendered from the event alone:
//! now, and again for a repeat years later.

use crate::{Currency, Money, Reference, UserId, WalletId};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum WalletEvent {
    WalletOpened { wallet_id: WalletId, user_id: UserId, currency: Currency },
    WalletDeposited(Moved),
    WalletWithdrawn(Moved),
}

/// A movement against `world:<currency>`, and the balances it left.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Moved {
    pub amount: Money,
    pub currency: Currency,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<Reference>,
    pub posted_after: Money,
    pub available_after: Money,
    #[serde(default, skip_serializing_if = "WalletStatus::is_active")]
    pub status: WalletStatus,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WalletStatus {
    #[default]
    Active,
    /// Takes no debit.
    Frozen,
    Closed,
}

impl WalletStatus {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Frozen => "frozen",
            Self::Closed => "closed",
        }
    }

    // serde hands over a reference.
    #[allow(clippy::trivially_copy_pass_by_ref)]
    fn is_active(&self) -> bool {
        *self == Self::Active
    }
}

impl WalletEvent {
    pub const fn type_name(&self) -> &'static str {
        match self {
            Self::WalletOpened { .. } => "WalletOpened",
            Self::WalletDeposited(_) => "WalletDeposited",
            Self::WalletWithdrawn(_) => "WalletWithdrawn",
        }
    }
}

impl cqrs_es::DomainEvent for WalletEvent {
    fn event_type(&self) -> String {
        self.type_name().to_owned()
    }

    fn event_version(&self) -> String {
        "1.0".to_owned()
    }
}
