//! What can have happened to a wallet.
//!
//! Each event after the first carries the balances after it, so that an answer can be rendered from the event alone: now,
//! and again for a repeat years later. Events of a hold carry the hold, too.

use super::{Balance, Hold};
use crate::event_types::event_types;
use crate::{CaptureId, Currency, EntryId, Money, Reference, UserId, WalletId};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum WalletEvent {
    WalletOpened { wallet_id: WalletId, user_id: UserId, currency: Currency },
    WalletDeposited(Moved),
    WalletWithdrawn(Moved),
    TransferSent(Transferred),
    TransferReceived(Transferred),
    HoldPlaced(HoldStep),
    HoldAmended(HoldStep),
    HoldExtended(HoldStep),
    HoldCaptured(HoldStep),
    HoldReleased(HoldStep),
    HoldExpired(HoldStep),
    TransactionReversed(Reversed),
    WalletFrozen(Standing),
    WalletUnfrozen(Standing),
    WalletClosed(Standing),
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

/// One half of a transfer. The other one is the next or the last event of the same command.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transferred {
    pub amount: Money,
    pub currency: Currency,
    /// The wallet at the other end.
    pub counterparty: WalletId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<Reference>,
    pub posted_after: Money,
    pub available_after: Money,
    #[serde(default, skip_serializing_if = "WalletStatus::is_active")]
    pub status: WalletStatus,
}

/// Something that became of a hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HoldStep {
    /// What this step was about: of a capture, a release or an expiry, what was captured or let go; else the hold's total.
    pub amount: Money,
    pub currency: Currency,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub capture_id: Option<CaptureId>,
    pub hold: Box<Hold>,
    pub posted_after: Money,
    pub available_after: Money,
    #[serde(default, skip_serializing_if = "WalletStatus::is_active")]
    pub status: WalletStatus,
}

/// A transaction undone, as a new one of the same amount.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reversed {
    /// What was undone.
    pub transaction: EntryId,
    pub amount: Money,
    pub currency: Currency,
    pub direction: Direction,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub counterparty: Option<WalletId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<Reference>,
    pub posted_after: Money,
    pub available_after: Money,
    #[serde(default, skip_serializing_if = "WalletStatus::is_active")]
    pub status: WalletStatus,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// Into the wallet.
    Credit,
    /// Out of it.
    Debit,
}

/// What a wallet is, after it became something else.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    pub currency: Currency,
    pub posted_after: Money,
    pub available_after: Money,
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
    /// What stood in the wallet after it.
    pub const fn balance(&self) -> Balance {
        let (currency, posted, available, status) = match self {
            Self::WalletOpened { currency, .. } => {
                (*currency, Money::zero(*currency), Money::zero(*currency), WalletStatus::Active)
            }
            Self::WalletDeposited(Moved { currency, posted_after, available_after, status, .. })
            | Self::WalletWithdrawn(Moved { currency, posted_after, available_after, status, .. })
            | Self::TransferSent(Transferred { currency, posted_after, available_after, status, .. })
            | Self::TransferReceived(Transferred {
                currency, posted_after, available_after, status, ..
            })
            | Self::HoldPlaced(HoldStep { currency, posted_after, available_after, status, .. })
            | Self::HoldAmended(HoldStep { currency, posted_after, available_after, status, .. })
            | Self::HoldExtended(HoldStep { currency, posted_after, available_after, status, .. })
            | Self::HoldCaptured(HoldStep { currency, posted_after, available_after, status, .. })
            | Self::HoldReleased(HoldStep { currency, posted_after, available_after, status, .. })
            | Self::HoldExpired(HoldStep { currency, posted_after, available_after, status, .. })
            | Self::TransactionReversed(Reversed {
                currency, posted_after, available_after, status, ..
            })
            | Self::WalletFrozen(Standing { currency, posted_after, available_after, status })
            | Self::WalletUnfrozen(Standing { currency, posted_after, available_after, status })
            | Self::WalletClosed(Standing { currency, posted_after, available_after, status }) => {
                (*currency, *posted_after, *available_after, *status)
            }
        };
        Balance { currency, posted, available, status }
    }

    /// The hold, where it is about one.
    pub const fn hold(&self) -> Option<&HoldStep> {
        match self {
            Self::HoldPlaced(step)
            | Self::HoldAmended(step)
            | Self::HoldExtended(step)
            | Self::HoldCaptured(step)
            | Self::HoldReleased(step)
            | Self::HoldExpired(step) => Some(step),
            _ => None,
        }
    }
}

event_types! {
    WalletEvent:
    WalletOpened,
    WalletDeposited,
    WalletWithdrawn,
    TransferSent,
    TransferReceived,
    HoldPlaced,
    HoldAmended,
    HoldExtended,
    HoldCaptured,
    HoldReleased,
    HoldExpired,
    TransactionReversed,
    WalletFrozen,
    WalletUnfrozen,
    WalletClosed,
}
