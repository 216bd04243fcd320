//! Why a wallet declines, with the facts.

use crate::{Currency, EntryId, Money, Timestamp, TradingSessionId};
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
    #[error("the wallet has as many active holds as it may have")]
    TooManyHolds,
    #[error("there is no such hold")]
    HoldNotFound,
    /// Or it was never a hold: which, the history knows.
    #[error("the hold {hold_id} is not active any more")]
    HoldEnded { hold_id: EntryId },
    #[error("the hold {hold_id} expired at {expires_at}")]
    HoldExpired { hold_id: EntryId, expires_at: Timestamp },
    #[error("the hold {hold_id} belongs to the trading session {trading_session} and ends with it")]
    HeldByTradingSession { hold_id: EntryId, trading_session: TradingSessionId },
    #[error("{remaining} is left in the hold, {requested} was asked for")]
    CaptureTooLarge { remaining: Money, requested: Money },
    #[error("{captured} is captured already, the hold cannot shrink to {requested}")]
    AmendBelowCaptured { captured: Money, requested: Money },
    #[error("the wallet still holds {posted}, of which {held} is held")]
    NotEmpty { posted: Money, held: Money },
}
