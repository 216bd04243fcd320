//! `transactions`: every movement of every wallet, one row per event.

use super::cursor::{self, Page};
use super::value::column;
use super::{At, QueryError, ReadModels, position_of};
use crate::Projection;
use crate::copy::CopyRows;
use crate::projection::ApplyError;
use async_trait::async_trait;
use domain::wallet::{Balance, Direction, HoldStep, Moved, Transferred, WalletEvent};
use domain::{AggregateKind, Currency, EntryId, Event, Money, Reference, Timestamp, WalletId};
use journal::Recorded;
use serde::{Deserialize, Serialize};
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, Row};
use std::fmt;
use std::sync::Arc;
use time::OffsetDateTime;
use uuid::Uuid;

const NAME: &str = "transactions";
/// About what a row takes as text.
const ROW_BYTES: usize = 200;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TransactionRow {
    pub wallet_id: WalletId,
    pub sequence: i64,
    pub position: i64,
    pub kind: TransactionKind,
    pub status: TransactionStatus,
    pub amount: Money,
    pub currency: Currency,
    pub posted_after: Money,
    pub available_after: Money,
    pub reference: Option<String>,
    pub hold_id: Option<String>,
    pub counterparty: Option<String>,
    pub recorded_at: Timestamp,
}

impl TransactionRow {
    /// Its name outside, which is also its address.
    pub fn id(&self) -> String {
        format!("{}.{}", self.wallet_id, self.sequence)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TransactionKind {
    Deposit,
    Withdrawal,
    TransferIn,
    TransferOut,
    Hold,
    /// A part of a hold that was posted. It is not listed: its hold is.
    Capture,
    Reversal,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TransactionStatus {
    Pending,
    Completed,
    Cancelled,
    Expired,
}

impl fmt::Display for TransactionKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Deposit => "deposit",
            Self::Withdrawal => "withdrawal",
            Self::TransferIn => "transfer_in",
            Self::TransferOut => "transfer_out",
            Self::Hold => "hold",
            Self::Capture => "capture",
            Self::Reversal => "reversal",
        })
    }
}

impl fmt::Display for TransactionStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Pending => "pending",
            Self::Completed => "completed",
            Self::Cancelled => "cancelled",
            Self::Expired => "expired",
        })
    }
}

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

/// Where a list goes on: after the last row that was shown. Filters will stand here too.
#[derive(Debug, Serialize, Deserialize)]
struct Cursor {
    wallet: WalletId,
    before: i64,
}

const COLUMNS: &str = "t.wallet_id, t.sequence, t.position, t.type, t.status, t.amount::text as amount, t.currency, \
     t.posted_after::text as posted_after, t.available_after::text as available_after, t.reference, t.hold_id, \
     t.counterparty, t.recorded_at";

fn read_row(row: &PgRow) -> Result<Option<TransactionRow>, sqlx::Error> {
    let Some(wallet_id) = row.try_get::<Option<Uuid>, _>("wallet_id")? else { return Ok(None) };
    Ok(Some(TransactionRow {
        wallet_id: WalletId(wallet_id),
        sequence: row.try_get("sequence")?,
        position: row.try_get("position")?,
        kind: column(row, "type")?,
        status: column(row, "status")?,
        amount: column(row, "amount")?,
        currency: column(row, "currency")?,
        posted_after: column(row, "posted_after")?,
        available_after: column(row, "available_after")?,
        reference: row.try_get("reference")?,
        hold_id: row.try_get("hold_id")?,
        counterparty: row.try_get("counterparty")?,
        recorded_at: row.try_get::<OffsetDateTime, _>("recorded_at")?.into(),
    }))
}

impl ReadModels {
    /// A wallet's transactions, newest first.
    pub async fn transactions(
        &self,
        wallet: WalletId,
        page: &Page,
        min_position: Option<i64>,
    ) -> Result<At<cursor::Items<TransactionRow>>, QueryError> {
        let before = match page.cursor::<Cursor>()? {
            Some(cursor) if cursor.wallet != wallet => return Err(QueryError::BadCursor),
            Some(cursor) => cursor.before,
            None => i64::MAX,
        };
        self.at_least(NAME, min_position, || async move {
            let sql = format!(
                "select c.position as checkpoint, c.failure, {COLUMNS} from projection_checkpoints c \
                 left join lateral (select * from transactions where wallet_id = $1 and sequence < $2 \
                                    order by sequence desc limit $3) t on true \
                 where c.name = 'transactions' order by t.sequence desc"
            );
            let query = sqlx::query(&sql).bind(wallet.0).bind(before).bind(page.limit_plus_one());
            let rows = query.fetch_all(self.pool()).await?;
            let first = rows.first().ok_or(sqlx::Error::RowNotFound)?;
            let position = position_of(first, NAME)?;
            let items = rows.iter().filter_map(|row| read_row(row).transpose()).collect::<Result<_, _>>()?;
            let value = page.cut(items, |last: &TransactionRow| Cursor { wallet, before: last.sequence })?;
            Ok(At { position, value })
        })
        .await
    }
}
