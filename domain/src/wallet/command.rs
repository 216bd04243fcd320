//! What a wallet can be asked to do.
//!
//! What depends on time carries a moment, and is decided at the time of its batch, whatever moment it carries.

use super::Lease;
use crate::{CaptureId, Currency, EntryId, Money, Reference, Timestamp, TradingSessionId, UserId, WalletId};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum WalletCommand {
    Open {
        wallet_id: WalletId,
        user_id: UserId,
        currency: Currency,
    },
    Deposit(Movement),
    Withdraw(Movement),
    /// One half of a transfer. The other one is asked of the counterparty, in the same append.
    Send(Transfer),
    Receive(Transfer),
    PlaceHold(PlaceHold),
    Capture(Capture),
    Release {
        hold: i64,
        at: Timestamp,
    },
    /// To a new total, up or down.
    Amend {
        hold: i64,
        amount: Money,
        at: Timestamp,
    },
    Extend {
        hold: i64,
        lease: Lease,
        at: Timestamp,
    },
    /// Ends holds whose lease is over.
    ExpireHolds {
        at: Timestamp,
    },
    /// Keeps an amount back for a trading session, until that lets it go.
    Reserve {
        movement: Movement,
        trading_session: TradingSessionId,
        at: Timestamp,
    },
    Unreserve {
        hold: i64,
        trading_session: TradingSessionId,
    },
    Reverse(Reversal),
    Freeze,
    Unfreeze,
    Close,
}

/// An amount that comes in from the world or goes out to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Movement {
    pub amount: Money,
    pub currency: Currency,
    pub reference: Option<Reference>,
}

/// An amount that goes from wallet to wallet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transfer {
    pub movement: Movement,
    pub counterparty: WalletId,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlaceHold {
    pub movement: Movement,
    pub lease: Lease,
    pub at: Timestamp,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Capture {
    pub hold: i64,
    pub capture_id: CaptureId,
    /// All that is left, if it is not said.
    pub amount: Option<Money>,
    /// Whether what is left afterwards is released at once.
    pub is_final: bool,
    pub at: Timestamp,
}

/// A transaction that is undone, with the facts of it that its own event tells.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reversal {
    pub transaction: EntryId,
    pub amount: Money,
    pub currency: Currency,
    /// Whether the money comes back into this wallet.
    pub is_credit: bool,
    pub counterparty: Option<WalletId>,
    pub reference: Option<Reference>,
}

impl WalletCommand {
    /// The same command, asked at a moment.
    #[must_use]
    pub fn at(mut self, now: Timestamp) -> Self {
        match &mut self {
            Self::PlaceHold(PlaceHold { at, .. })
            | Self::Capture(Capture { at, .. })
            | Self::Release { at, .. }
            | Self::Amend { at, .. }
            | Self::Extend { at, .. }
            | Self::Reserve { at, .. }
            | Self::ExpireHolds { at } => *at = now,
            Self::Open { .. }
            | Self::Deposit(_)
            | Self::Withdraw(_)
            | Self::Send(_)
            | Self::Receive(_)
            | Self::Unreserve { .. }
            | Self::Reverse(_)
            | Self::Freeze
            | Self::Unfreeze
            | Self::Close => {}
        }
        self
    }

    /// The hold it is about, if it is about one that exists.
    pub const fn hold(&self) -> Option<i64> {
        match self {
            Self::Capture(Capture { hold, .. })
            | Self::Release { hold, .. }
            | Self::Amend { hold, .. }
            | Self::Extend { hold, .. } => Some(*hold),
            _ => None,
        }
    }

    /// The name it is counted under.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Open { .. } => "open_wallet",
            Self::Deposit(_) => "deposit",
            Self::Withdraw(_) => "withdraw",
            Self::Send(_) | Self::Receive(_) => "transfer",
            Self::PlaceHold(_) => "hold",
            Self::Capture(_) => "capture",
            Self::Release { .. } => "release",
            Self::Amend { .. } => "amend",
            Self::Extend { .. } => "extend",
            Self::ExpireHolds { .. } => "expire_holds",
            Self::Reserve { .. } => "reserve",
            Self::Unreserve { .. } => "unreserve",
            Self::Reverse(_) => "reverse",
            Self::Freeze => "freeze",
            Self::Unfreeze => "unfreeze",
            Self::Close => "close",
        }
    }
}
