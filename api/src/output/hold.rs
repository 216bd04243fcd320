//! A hold as the contract shows it, and what commands to holds did.

use super::WalletBody;
use super::transaction::EffectError;
use domain::wallet::{HoldStatus, HoldStep};
use domain::{Currency, EntryId, Event, Money, Timestamp, UserId, WalletId};
use journal::Recorded;
use projections::HoldRow;
use serde::Serialize;
use utoipa::ToSchema;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct HoldBody {
    /// `<wallet id>.<sequence>`: the address of the event that placed it.
    #[schema(value_type = String, example = "0199f3a2-7c11-7e4b-9d3a-5b2f6c8e1a02.17")]
    pub id: EntryId,
    #[schema(value_type = uuid::Uuid)]
    pub wallet_id: WalletId,
    #[schema(value_type = String, example = "USD")]
    pub currency: Currency,
    /// The total: `captured + released + remaining`.
    #[schema(value_type = String, example = "12.34")]
    pub amount: Money,
    #[schema(value_type = String, example = "4.00")]
    pub captured: Money,
    #[schema(value_type = String, example = "0.00")]
    pub released: Money,
    /// What it still keeps back.
    #[schema(value_type = String, example = "8.34")]
    pub remaining: Money,
    /// `active`, `captured`, `released` or `expired`.
    #[schema(value_type = String, example = "active")]
    pub status: HoldStatus,
    #[schema(value_type = String, format = DateTime)]
    pub expires_at: Timestamp,
    pub reference: Option<String>,
    pub version: i64,
}

/// What a command to a hold did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct HeldBody {
    pub position: i64,
    pub hold: HoldBody,
    pub wallet: WalletBody,
}

impl HeldBody {
    pub(crate) fn render(recorded: &Recorded) -> Result<Self, EffectError> {
        let another = || EffectError::Another(recorded.event_type.to_string());
        let Event::Wallet(event) = recorded.event()? else { return Err(another()) };
        let hold = event.hold().map(HoldBody::from).ok_or_else(another)?;
        Ok(Self { position: recorded.position, hold, wallet: WalletBody::after(recorded, &event) })
    }
}

impl From<&HoldStep> for HoldBody {
    fn from(step: &HoldStep) -> Self {
        let hold = &step.hold;
        Self {
            id: hold.id,
            wallet_id: hold.id.wallet,
            currency: step.currency,
            amount: hold.amount,
            captured: hold.captured,
            released: hold.released,
            remaining: hold.remaining,
            status: hold.status,
            expires_at: hold.expires_at,
            reference: hold.reference.as_ref().map(ToString::to_string),
            version: hold.version,
        }
    }
}

/// A hold as it is read, with what no single event of it tells.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = StandingHold)]
pub(crate) struct StandingHoldBody {
    #[serde(flatten)]
    pub hold: HoldBody,
    #[schema(value_type = uuid::Uuid)]
    pub user_id: UserId,
    #[schema(value_type = String, format = DateTime)]
    pub placed_at: Timestamp,
    /// When four fifths of its lease have gone by without being renewed: from then on it is stale.
    #[schema(value_type = String, format = DateTime)]
    pub stale_at: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    pub changed_at: Timestamp,
}

impl From<HoldRow> for StandingHoldBody {
    fn from(row: HoldRow) -> Self {
        Self {
            user_id: row.user_id,
            placed_at: row.placed_at,
            stale_at: row.stale_at,
            changed_at: row.changed_at,
            hold: HoldBody {
                id: row.id,
                wallet_id: row.id.wallet,
                currency: row.currency,
                amount: row.amount,
                captured: row.captured,
                released: row.released,
                remaining: row.remaining,
                status: row.status,
                expires_at: row.expires_at,
                reference: row.reference,
                version: row.version,
            },
        }
    }
}
