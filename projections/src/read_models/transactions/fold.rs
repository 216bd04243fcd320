//! Events of wallets folded into rows: one each, and none for what moves nothing.

use super::{NAME, TransactionKind, TransactionStatus};
use crate::Projection;
use crate::copy::CopyRows;
use crate::projection::ApplyError;
use async_trait::async_trait;
use domain::wallet::{Balance, Direction, HoldStep, Moved, Transferred, WalletEvent};
use domain::{AggregateKind, EntryId, Event, Money, Reference, WalletId};
use journal::Recorded;
use sqlx::PgConnection;
use std::sync::Arc;

/// About what a row takes as text.
const ROW_BYTES: usize = 200;

#[derive(Debug)]
pub struct TransactionsProjection;

#[async_trait]
impl Projection for TransactionsProjection {
    fn name(&self) -> &'static str {
        NAME
    }

    fn version(&self) -> i32 {
        1
    }

    fn kinds(&self) -> &'static [AggregateKind] {
        &[AggregateKind::Wallet]
    }

    fn tables(&self) -> &'static [&'static str] {
        &["transactions"]
    }

    fn only_adds(&self) -> bool {
        true
    }

    async fn apply(&self, conn: &mut PgConnection, events: &[Arc<Recorded>]) -> Result<(), ApplyError> {
        let mut rows = CopyRows::with_capacity(events.len(), ROW_BYTES);
        for recorded in events {
            let Event::Wallet(event) = recorded.event()? else { continue };
            if let Some(entry) = Entry::of(&event) {
                entry.add(&mut rows, recorded, event.balance());
            }
        }
        let into = "transactions (wallet_id, sequence, position, type, status, amount, currency, posted_after, \
                    available_after, reference, hold_id, counterparty, reverses, is_credit, recorded_at)";
        rows.write(conn, into).await.map_err(ApplyError::from)
    }
}

/// What an event adds to the list.
struct Entry<'a> {
    kind: TransactionKind,
    amount: Money,
    reference: Option<&'a Reference>,
    hold_id: Option<EntryId>,
    counterparty: Option<WalletId>,
    reverses: Option<EntryId>,
    is_credit: Option<bool>,
}

impl<'a> Entry<'a> {
    fn of(event: &'a WalletEvent) -> Option<Self> {
        Some(match event {
            WalletEvent::WalletDeposited(moved) => Self::moved(TransactionKind::Deposit, moved, true),
            WalletEvent::WalletWithdrawn(moved) => Self::moved(TransactionKind::Withdrawal, moved, false),
            WalletEvent::TransferSent(sent) => Self::transferred(TransactionKind::TransferOut, sent, false),
            WalletEvent::TransferReceived(got) => Self::transferred(TransactionKind::TransferIn, got, true),
            WalletEvent::HoldPlaced(step) => Self::held(TransactionKind::Hold, step, None),
            WalletEvent::HoldCaptured(step) => Self::held(TransactionKind::Capture, step, Some(false)),
            WalletEvent::TransactionReversed(reversed) => Self {
                counterparty: reversed.counterparty,
                reverses: Some(reversed.transaction),
                is_credit: Some(reversed.direction == Direction::Credit),
                ..Self::plain(TransactionKind::Reversal, reversed.amount, reversed.reference.as_ref())
            },
            WalletEvent::WalletOpened { .. }
            | WalletEvent::HoldAmended(_)
            | WalletEvent::HoldExtended(_)
            | WalletEvent::HoldReleased(_)
            | WalletEvent::HoldExpired(_)
            | WalletEvent::WalletFrozen(_)
            | WalletEvent::WalletUnfrozen(_)
            | WalletEvent::WalletClosed(_) => return None,
        })
    }

    const fn plain(kind: TransactionKind, amount: Money, reference: Option<&'a Reference>) -> Self {
        let (hold_id, counterparty, reverses, is_credit) = (None, None, None, None);
        Self { kind, amount, reference, hold_id, counterparty, reverses, is_credit }
    }

    const fn moved(kind: TransactionKind, moved: &'a Moved, is_credit: bool) -> Self {
        Self { is_credit: Some(is_credit), ..Self::plain(kind, moved.amount, moved.reference.as_ref()) }
    }

    const fn transferred(kind: TransactionKind, transferred: &'a Transferred, is_credit: bool) -> Self {
        let Transferred { amount, counterparty, reference, .. } = transferred;
        Self {
            counterparty: Some(*counterparty),
            is_credit: Some(is_credit),
            ..Self::plain(kind, *amount, reference.as_ref())
        }
    }

    const fn held(kind: TransactionKind, step: &'a HoldStep, is_credit: Option<bool>) -> Self {
        Self {
            hold_id: Some(step.hold.id),
            is_credit,
            ..Self::plain(kind, step.amount, step.hold.reference.as_ref())
        }
    }

    fn add(self, rows: &mut CopyRows, recorded: &Recorded, after: Balance) {
        let status = match self.kind {
            TransactionKind::Hold => TransactionStatus::Pending,
            _ => TransactionStatus::Completed,
        };
        rows.plain(recorded.aggregate.id)
            .plain(recorded.sequence)
            .plain(recorded.position)
            .plain(self.kind)
            .plain(status)
            .plain(self.amount)
            .plain(after.currency)
            .plain(after.posted)
            .plain(after.available)
            .text(self.reference.map(Reference::as_str))
            .optional(self.hold_id)
            .optional(self.counterparty)
            .optional(self.reverses)
            .optional(self.is_credit)
            .plain(recorded.recorded_at)
            .end_row();
    }
}
