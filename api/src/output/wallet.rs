//! A wallet as the contract shows it.

use domain::wallet::{Account, WalletEvent, WalletStatus};
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

/// A wallet as a command left it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct WalletAtBody {
    #[serde(flatten)]
    pub wallet: WalletBody,
    /// Of the command's last event, or of the end of the journal if there was nothing left to do.
    pub position: i64,
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
    /// As an event left it.
    pub(crate) fn after(recorded: &Recorded, event: &WalletEvent) -> Self {
        let after = event.balance();
        Self {
            id: WalletId(recorded.aggregate.id),
            user_id: recorded.owner,
            currency: after.currency,
            posted: after.posted,
            held: after.held(),
            available: after.available,
            status: after.status,
            version: recorded.sequence,
        }
    }

    /// The same. Nothing, if it is another's event.
    pub(crate) fn of(recorded: &Recorded) -> Result<Option<Self>, UnreadableEvent> {
        Ok(match recorded.event()? {
            Event::Wallet(event) => Some(Self::after(recorded, &event)),
            Event::User(_) | Event::TradingSession(_) | Event::SettingsDefaults(_) => None,
        })
    }

    /// As it stands in the journal.
    pub(crate) fn of_account(account: &Account, version: i64) -> Self {
        Self {
            id: account.wallet_id,
            user_id: account.user_id,
            currency: account.currency,
            posted: account.posted,
            held: account.held,
            available: account.available(),
            status: account.status,
            version,
        }
    }
}
