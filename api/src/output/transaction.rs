//! A transaction, and what commands that move money did.
//!
//! Rendered from the events alone, which carry the balances after them: so the answer to a repeat is, byte for byte,
//! the first one.

use super::WalletBody;
use commands::Authority;
use domain::wallet::{Moved, Reversed, Transferred, WalletEvent};
use domain::{AggregateKind, Currency, Event, Money, Timestamp, UnreadableEvent, WalletId};
use journal::Recorded;
use projections::{TransactionKind, TransactionRow, TransactionStatus};
use serde::Serialize;
use utoipa::ToSchema;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct TransactionBody {
    /// `<wallet id>.<sequence>`: the address of the event it is.
    #[schema(example = "0199f3a2-7c11-7e4b-9d3a-5b2f6c8e1a02.17")]
    pub id: String,
    #[schema(value_type = uuid::Uuid)]
    pub wallet_id: WalletId,
    /// `deposit`, `withdrawal`, `transfer_in`, `transfer_out`, `hold` or `reversal`.
    #[serde(rename = "type")]
    #[schema(value_type = String, example = "deposit")]
    pub kind: TransactionKind,
    /// `completed`, or of a hold: `pending`, `completed` (captured), `cancelled` (released), `expired`.
    #[schema(value_type = String, example = "completed")]
    pub status: TransactionStatus,
    /// Of a hold: its total.
    #[schema(value_type = String, example = "12.34")]
    pub amount: Money,
    /// Of a hold: how much of it has been posted so far.
    #[schema(value_type = Option<String>, example = "4.00")]
    pub captured: Option<Money>,
    #[schema(value_type = String, example = "USD")]
    pub currency: Currency,
    #[schema(value_type = String, example = "112.34")]
    pub posted_after: Money,
    #[schema(value_type = String, example = "112.34")]
    pub available_after: Money,
    pub reference: Option<String>,
    pub hold_id: Option<String>,
    /// The wallet at the other end.
    pub counterparty: Option<String>,
    /// The transaction that this one undoes.
    pub reverses: Option<String>,
    #[schema(value_type = String, format = DateTime)]
    pub recorded_at: Timestamp,
    pub position: i64,
}

/// What a deposit, a withdrawal or a reversal did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct MovedBody {
    pub position: i64,
    pub transaction: TransactionBody,
    pub wallet: WalletBody,
}

/// What a transfer did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct TransferredBody {
    pub position: i64,
    /// The half of it that went out.
    pub transaction: TransactionBody,
    pub from: WalletBody,
    pub to: RecipientBody,
}

/// Where a transfer went: the wallet after it, for whoever may see what is in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(untagged)]
pub(crate) enum RecipientBody {
    Seen(WalletBody),
    Named(NamedWalletBody),
}

/// Another's wallet: not what is in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = NamedWallet)]
pub(crate) struct NamedWalletBody {
    #[schema(value_type = uuid::Uuid)]
    pub id: WalletId,
    #[schema(value_type = String, example = "USD")]
    pub currency: Currency,
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum EffectError {
    #[error(transparent)]
    Unreadable(#[from] UnreadableEvent),
    #[error("{0} is not what the command does")]
    Another(String),
    #[error("an event of the command is missing")]
    Missing,
}

impl MovedBody {
    pub(crate) fn render(recorded: &Recorded) -> Result<Self, EffectError> {
        let (transaction, wallet) = moved(recorded)?;
        Ok(Self { position: recorded.position, transaction, wallet })
    }
}

impl TransferredBody {
    /// Both halves are written by one command, the one that went out first.
    pub(crate) fn render(
        sent: &Recorded,
        received: &Recorded,
        authority: Authority,
    ) -> Result<Self, EffectError> {
        let (transaction, from) = moved(sent)?;
        let (_, to) = moved(received)?;
        let to = if authority.covers(to.user_id) {
            RecipientBody::Seen(to)
        } else {
            RecipientBody::Named(NamedWalletBody { id: to.id, currency: to.currency })
        };
        Ok(Self { position: received.position, transaction, from, to })
    }
}

fn moved(recorded: &Recorded) -> Result<(TransactionBody, WalletBody), EffectError> {
    let another = || EffectError::Another(recorded.event_type.to_string());
    let Event::Wallet(event) = recorded.event()? else { return Err(another()) };
    let transaction = TransactionBody::of(recorded, &event).ok_or_else(another)?;
    Ok((transaction, WalletBody::after(recorded, &event)))
}

/// What stands in one event and not in the next.
#[derive(Default)]
struct Particulars {
    reference: Option<String>,
    counterparty: Option<String>,
    reverses: Option<String>,
}

impl TransactionBody {
    /// Nothing, if the event moves no money at once.
    fn of(recorded: &Recorded, event: &WalletEvent) -> Option<Self> {
        debug_assert_eq!(recorded.aggregate.kind, AggregateKind::Wallet, "only wallets have money");
        let (kind, amount, particulars) = match event {
            WalletEvent::WalletDeposited(moved) => (TransactionKind::Deposit, moved.amount, moved.into()),
            WalletEvent::WalletWithdrawn(moved) => (TransactionKind::Withdrawal, moved.amount, moved.into()),
            WalletEvent::TransferSent(half) => (TransactionKind::TransferOut, half.amount, half.into()),
            WalletEvent::TransferReceived(half) => (TransactionKind::TransferIn, half.amount, half.into()),
            WalletEvent::TransactionReversed(undone) => {
                (TransactionKind::Reversal, undone.amount, undone.into())
            }
            _ => return None,
        };
        let Particulars { reference, counterparty, reverses } = particulars;
        let after = event.balance();
        Some(Self {
            id: format!("{}.{}", recorded.aggregate.id, recorded.sequence),
            wallet_id: WalletId(recorded.aggregate.id),
            kind,
            status: TransactionStatus::Completed,
            amount,
            captured: None,
            currency: after.currency,
            posted_after: after.posted,
            available_after: after.available,
            reference,
            hold_id: None,
            counterparty,
            reverses,
            recorded_at: recorded.recorded_at,
            position: recorded.position,
        })
    }
}

impl From<&Moved> for Particulars {
    fn from(moved: &Moved) -> Self {
        Self { reference: moved.reference.as_ref().map(ToString::to_string), ..Self::default() }
    }
}

impl From<&Transferred> for Particulars {
    fn from(half: &Transferred) -> Self {
        Self {
            reference: half.reference.as_ref().map(ToString::to_string),
            counterparty: Some(half.counterparty.to_string()),
            reverses: None,
        }
    }
}

impl From<&Reversed> for Particulars {
    fn from(undone: &Reversed) -> Self {
        Self {
            reference: undone.reference.as_ref().map(ToString::to_string),
            counterparty: undone.counterparty.map(|wallet| wallet.to_string()),
            reverses: Some(undone.transaction.to_string()),
        }
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
            captured: row.captured,
            currency: row.currency,
            posted_after: row.posted_after,
            available_after: row.available_after,
            reference: row.reference,
            hold_id: row.hold_id,
            counterparty: row.counterparty,
            reverses: row.reverses,
            recorded_at: row.recorded_at,
            position: row.position,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::{Actor, AggregateRef, UserId};
    use journal::{Metadata, Parsed};
    use serde_json::Value;
    use std::borrow::Cow;
    use uuid::Uuid;

    const ADA: UserId = UserId(Uuid::from_u128(2));

    fn recorded(kind: &'static str, wallet: u128, data: &str) -> Recorded {
        let id = Uuid::from_u128(wallet);
        Recorded {
            position: 9,
            aggregate: AggregateRef { kind: AggregateKind::Wallet, id },
            sequence: 4,
            event_type: Cow::Borrowed(kind),
            version: Cow::Borrowed("1.0"),
            payload: format!(r#"{{"{kind}":{data}}}"#),
            metadata: Metadata {
                actor: Actor::SYSTEM,
                command_id: id,
                correlation_id: id,
                causation_id: None,
            },
            event_id: id,
            owner: if wallet == 1 { ADA } else { UserId(id) },
            recorded_at: Timestamp::from_micros(1_763_722_800_000_042),
            parsed: Parsed::default(),
        }
    }

    #[test]
    fn the_answer_is_all_in_the_event() {
        let deposited = recorded(
            "WalletDeposited",
            1,
            r#"{"amount":"12.34","currency":"USD","posted_after":"20.00","available_after":"15.00"}"#,
        );
        let body = serde_json::to_value(MovedBody::render(&deposited).unwrap()).unwrap();
        assert_eq!(body["position"], 9);
        assert_eq!(body["transaction"]["id"], "00000000-0000-0000-0000-000000000001.4");
        assert_eq!(body["transaction"]["type"], "deposit");
        assert_eq!(body["transaction"]["status"], "completed");
        assert_eq!(body["transaction"]["reference"], Value::Null);
        assert_eq!(body["wallet"]["posted"], "20.00");
        assert_eq!(body["wallet"]["held"], "5.00");
        assert_eq!(body["wallet"]["available"], "15.00");
        assert_eq!(body["wallet"]["version"], 4);
        assert_eq!(body["wallet"]["status"], "active");
    }

    #[test]
    fn what_is_in_the_wallet_of_another_is_not_told() {
        let half = |counterparty: u128, after: &str| {
            let id = Uuid::from_u128(counterparty);
            format!(
                r#"{{"amount":"5.00","currency":"USD","counterparty":"{id}","posted_after":"{after}","available_after":"{after}"}}"#
            )
        };
        let sent = recorded("TransferSent", 1, &half(3, "1.00"));
        let received = recorded("TransferReceived", 3, &half(1, "777.00"));
        let seen = |authority| {
            serde_json::to_value(TransferredBody::render(&sent, &received, authority).unwrap()).unwrap()
        };
        let body = seen(Authority::Owner(ADA));
        assert_eq!(body["from"]["posted"], "1.00");
        assert_eq!(body["to"].as_object().unwrap().keys().collect::<Vec<_>>(), ["currency", "id"]);
        assert!(!body.to_string().contains("777"));
        assert_eq!(seen(Authority::Anybody)["to"]["posted"], "777.00");
    }

    #[test]
    fn an_event_that_moves_nothing_is_no_transaction() {
        let id = Uuid::from_u128(1);
        let data = format!(r#"{{"wallet_id":"{id}","user_id":"{id}","currency":"USD"}}"#);
        let opened = recorded("WalletOpened", 1, &data);
        assert!(matches!(MovedBody::render(&opened), Err(EffectError::Another(_))));
    }
}
