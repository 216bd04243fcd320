//! Why a wallet has what it has.

use super::WalletBody;
use domain::wallet::{Balance, WalletEvent};
use domain::{EntryId, Event, Money, Timestamp, UnreadableEvent, WalletId};
use journal::Recorded;
use projections::{ExplainedWallet, PlacedHold};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

/// A wallet, what keeps back what is not available, and what led there: everything as of one position.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = ExplainedWallet)]
pub(crate) struct ExplainedWalletBody {
    #[serde(flatten)]
    pub wallet: WalletBody,
    pub position: i64,
    /// All active holds, oldest first. What remains of them is what is held.
    pub holds: Vec<ExplainedHoldBody>,
    /// The last events, newest first. The first of them left the balances as they are.
    pub events: Vec<BalanceChangeBody>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = ExplainedHold)]
pub(crate) struct ExplainedHoldBody {
    #[schema(value_type = String)]
    pub id: EntryId,
    #[schema(value_type = String, example = "10.00")]
    pub amount: Money,
    #[schema(value_type = String, example = "4.00")]
    pub captured: Money,
    /// What it keeps back.
    #[schema(value_type = String, example = "6.00")]
    pub remaining: Money,
    pub reference: Option<String>,
    #[schema(value_type = String, format = DateTime)]
    pub expires_at: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    pub placed_at: Timestamp,
    pub placed_position: i64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = BalanceChange)]
pub(crate) struct BalanceChangeBody {
    pub position: i64,
    pub event_id: Uuid,
    pub sequence: i64,
    #[serde(rename = "type")]
    #[schema(example = "WalletDeposited")]
    pub event_type: String,
    /// What it was about, if it was about an amount.
    #[schema(value_type = Option<String>, example = "12.34")]
    pub amount: Option<Money>,
    #[schema(value_type = Option<String>)]
    pub hold_id: Option<EntryId>,
    #[schema(value_type = Option<uuid::Uuid>)]
    pub counterparty: Option<WalletId>,
    pub reference: Option<String>,
    /// The balances it left.
    #[schema(value_type = String, example = "112.34")]
    pub posted: Money,
    #[schema(value_type = String, example = "6.00")]
    pub held: Money,
    #[schema(value_type = String, example = "106.34")]
    pub available: Money,
    #[schema(value_type = String, format = DateTime)]
    pub recorded_at: Timestamp,
}

impl ExplainedWalletBody {
    pub(crate) fn render(
        position: i64,
        explained: ExplainedWallet,
        events: &[Recorded],
    ) -> Result<Self, UnreadableEvent> {
        Ok(Self {
            wallet: explained.wallet.into(),
            position,
            holds: explained.holds.into_iter().map(ExplainedHoldBody::from).collect(),
            events: events
                .iter()
                .filter_map(|event| BalanceChangeBody::of(event).transpose())
                .collect::<Result<_, _>>()?,
        })
    }
}

impl From<PlacedHold> for ExplainedHoldBody {
    fn from(PlacedHold { hold, placed_position }: PlacedHold) -> Self {
        Self {
            id: hold.id,
            amount: hold.amount,
            captured: hold.captured,
            remaining: hold.remaining,
            reference: hold.reference,
            expires_at: hold.expires_at,
            placed_at: hold.placed_at,
            placed_position,
        }
    }
}

impl BalanceChangeBody {
    fn of(recorded: &Recorded) -> Result<Option<Self>, UnreadableEvent> {
        let Event::Wallet(event) = recorded.event()? else { return Ok(None) };
        let after: Balance = event.balance();
        let (amount, counterparty, reference) = match &event {
            WalletEvent::WalletDeposited(moved) | WalletEvent::WalletWithdrawn(moved) => {
                (Some(moved.amount), None, moved.reference.as_ref())
            }
            WalletEvent::TransferSent(moved) | WalletEvent::TransferReceived(moved) => {
                (Some(moved.amount), Some(moved.counterparty), moved.reference.as_ref())
            }
            WalletEvent::TransactionReversed(undone) => {
                (Some(undone.amount), undone.counterparty, undone.reference.as_ref())
            }
            other => match other.hold() {
                Some(step) => (Some(step.amount), None, step.hold.reference.as_ref()),
                None => (None, None, None),
            },
        };
        Ok(Some(Self {
            position: recorded.position,
            event_id: recorded.event_id,
            sequence: recorded.sequence,
            event_type: recorded.event_type.to_string(),
            amount,
            hold_id: event.hold().map(|step| step.hold.id),
            counterparty,
            reference: reference.map(ToString::to_string),
            posted: after.posted,
            held: after.held(),
            available: after.available,
            recorded_at: recorded.recorded_at,
        }))
    }
}
