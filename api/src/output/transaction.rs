//! A transaction, and the answer to a deposit or a withdrawal.
//!
//! Rendered from the event alone, which carries the balances after it: so the answer to a repeat is, byte for byte,
//! the first one.

use super::WalletBody;
use domain::wallet::{Moved as Movement, WalletEvent};
use domain::{Currency, Event, Money, Timestamp, WalletId};
use journal::Recorded;
use projections::{TransactionKind, TransactionRow, TransactionStatus};
use serde::Serialize;
use utoipa::ToSchema;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct TransactionBody {
    /// `<wallet id>.<sequence>`: the address of the event it is.
    pub id: String,
    #[schema(value_type = uuid::Uuid)]
    pub wallet_id: WalletId,
    #[serde(rename = "type")]
    #[schema(value_type = String, example = "deposit")]
    pub kind: TransactionKind,
    #[schema(value_type = String, example = "completed")]
    pub status: TransactionStatus,
    #[schema(value_type = String, example = "12.34")]
    pub amount: Money,
    #[schema(value_type = String, example = "USD")]
    pub currency: Currency,
    #[schema(value_type = String, example = "112.34")]
    pub posted_after: Money,
    #[schema(value_type = String, example = "112.34")]
    pub available_after: Money,
    pub reference: Option<String>,
    pub hold_id: Option<String>,
    pub counterparty: Option<String>,
    #[schema(value_type = String, format = DateTime)]
    pub recorded_at: Timestamp,
    pub position: i64,
}

/// What a deposit or a withdrawal did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct Moved {
    pub position: i64,
    pub transaction: TransactionBody,
    pub wallet: WalletBody,
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum MovedError {
    #[error(transparent)]
    Unreadable(#[from] domain::UnreadableEvent),
    #[error("{0} moves no money")]
    NoMovement(String),
    #[error("the balances of {id} do not add up: {error}")]
    Balances { id: String, error: domain::MoneyError },
}

impl Moved {
    pub(crate) fn render(recorded: &Recorded) -> Result<Self, MovedError> {
        let (kind, moved) = movement(recorded)?;
        let id = format!("{}.{}", recorded.aggregate.id, recorded.sequence);
        let held = moved
            .posted_after
            .checked_sub(moved.available_after)
            .map_err(|error| MovedError::Balances { id: id.clone(), error })?;
        let wallet_id = WalletId(recorded.aggregate.id);
        Ok(Self {
            position: recorded.position,
            wallet: WalletBody {
                id: wallet_id,
                user_id: recorded.owner,
                currency: moved.currency,
                posted: moved.posted_after,
                held,
                available: moved.available_after,
                status: moved.status,
                version: recorded.sequence,
            },
            transaction: TransactionBody {
                id,
                wallet_id,
                kind,
                status: TransactionStatus::Completed,
                amount: moved.amount,
                currency: moved.currency,
                posted_after: moved.posted_after,
                available_after: moved.available_after,
                reference: moved.reference.map(|reference| reference.to_string()),
                hold_id: None,
                counterparty: None,
                recorded_at: recorded.recorded_at,
                position: recorded.position,
            },
        })
    }
}

impl From<TransactionRow> for TransactionBody {
    fn from(row: TransactionRow) -> Self {
        Self {
            id: row.id(),
            wallet_id: row.wallet_id,
            kind: row.kind,
            status: row.status,
            amount: row.amount,
            currency: row.currency,
            posted_after: row.posted_after,
            available_after: row.available_after,
            reference: row.reference,
            hold_id: row.hold_id,
            counterparty: row.counterparty,
            recorded_at: row.recorded_at,
            position: row.position,
        }
    }
}

fn movement(recorded: &Recorded) -> Result<(TransactionKind, Movement), MovedError> {
    match recorded.event()? {
        Event::Wallet(WalletEvent::WalletDeposited(moved)) => Ok((TransactionKind::Deposit, moved)),
        Event::Wallet(WalletEvent::WalletWithdrawn(moved)) => Ok((TransactionKind::Withdrawal, moved)),
        other => Err(MovedError::NoMovement(other.type_name().to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::{Actor, AggregateKind, AggregateRef, UserId};
    use journal::{Metadata, Parsed};
    use std::borrow::Cow;
    use uuid::Uuid;

    fn deposited() -> Recorded {
        let id = Uuid::from_u128(1);
        Recorded {
            position: 9,
            aggregate: AggregateRef { kind: AggregateKind::Wallet, id },
            sequence: 4,
            event_type: Cow::Borrowed("WalletDeposited"),
            version: Cow::Borrowed("1.0"),
            payload: r#"{"WalletDeposited":{"amount":"12.34","currency":"USD","posted_after":"20.00","available_after":"15.00"}}"#
                .to_owned(),
            metadata: Metadata {
                actor: Actor::SYSTEM,
                command_id: id,
                correlation_id: id,
                causation_id: None,
            },
            event_id: id,
            owner: UserId(Uuid::from_u128(2)),
            recorded_at: Timestamp::from_micros(1_763_722_800_000_042),
            parsed: Parsed::default(),
        }
    }

    #[test]
    fn the_answer_is_all_in_the_event() {
        let body = serde_json::to_value(Moved::render(&deposited()).unwrap()).unwrap();
        assert_eq!(body["position"], 9);
        assert_eq!(body["transaction"]["id"], "00000000-0000-0000-0000-000000000001.4");
        assert_eq!(body["transaction"]["type"], "deposit");
        assert_eq!(body["transaction"]["status"], "completed");
        assert_eq!(body["transaction"]["reference"], serde_json::Value::Null);
        assert_eq!(body["wallet"]["posted"], "20.00");
        assert_eq!(body["wallet"]["held"], "5.00");
        assert_eq!(body["wallet"]["available"], "15.00");
        assert_eq!(body["wallet"]["version"], 4);
        assert_eq!(body["wallet"]["status"], "active");
    }

    #[test]
    fn an_event_that_moves_nothing_is_no_transaction() {
        let mut opened = deposited();
        opened.event_type = Cow::Borrowed("WalletOpened");
        opened.payload = format!(
            r#"{{"WalletOpened":{{"wallet_id":"{0}","user_id":"{0}","currency":"USD"}}}}"#,
            opened.aggregate.id
        );
        assert!(matches!(Moved::render(&opened), Err(MovedError::NoMovement(_))));
    }
}
