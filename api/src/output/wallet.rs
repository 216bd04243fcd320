//! A wallet as the contract shows it.

use domain::wallet::{WalletEvent, WalletStatus};
use domain::{Currency, Event, Money, UnreadableEvent, UserId, WalletId};
use journal::Recorded;
use projections::WalletRow;
use serde::Serialize;
use utoipa::ToSchema;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct WalletBody {
    #[schema(value_type = uuid::Uuid)]
    pub id: WalletId,
    #[schema(value_type = uuid::Uuid)]
    pub user_id: UserId,
    #[schema(value_type = String, example = "USD")]
    pub currency: Currency,
    /// All that is in it.
    #[schema(value_type = String, example = "12.34")]
    pub posted: Money,
    /// What active holds keep back.
    #[schema(value_type = String, example = "0.00")]
    pub held: Money,
    /// What can be spent: posted less held.
    #[schema(value_type = String, example = "12.34")]
    pub available: Money,
    #[schema(value_type = String, example = "active")]
    pub status: WalletStatus,
    pub version: i64,
}

/// A wallet with its balance under the name that older clients look for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct BalanceBody {
    #[serde(flatten)]
    pub wallet: WalletBody,
    /// The same as `posted`.
    #[schema(value_type = String, example = "12.34")]
    pub balance: Money,
}

impl From<WalletRow> for WalletBody {
    fn from(row: WalletRow) -> Self {
        Self {
            id: row.wallet_id,
            user_id: row.user_id,
            currency: row.currency,
            posted: row.posted,
            held: row.held,
            available: row.available,
            status: row.status,
            version: row.version,
        }
    }
}

impl From<WalletBody> for BalanceBody {
    fn from(wallet: WalletBody) -> Self {
        Self { balance: wallet.posted, wallet }
    }
}

impl WalletBody {
    /// As it was opened: empty. Nothing, if it is another event.
    pub(crate) fn of_opening(recorded: &Recorded) -> Result<Option<Self>, UnreadableEvent> {
        let Event::Wallet(WalletEvent::WalletOpened { wallet_id, user_id, currency }) = recorded.event()?
        else {
            return Ok(None);
        };
        let zero = Money::zero(currency);
        Ok(Some(Self {
            id: wallet_id,
            user_id,
            currency,
            posted: zero,
            held: zero,
            available: zero,
            status: WalletStatus::Active,
            version: recorded.sequence,
        }))
    }
}
