//! `transactions`: every movement of every wallet, one row per event.

use super::cursor::{self, Page};
use super::value::column;
use super::{At, QueryError, ReadModels, position_of};
use crate::Projection;
use crate::copy::CopyRows;
use crate::projection::ApplyError;
use async_trait::async_trait;
use domain::wallet::{Moved, WalletEvent};
use domain::{AggregateKind, Currency, Event, Money, Timestamp, WalletId};
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
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TransactionStatus {
    Completed,
}

impl fmt::Display for TransactionKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Deposit => "deposit",
            Self::Withdrawal => "withdrawal",
        })
    }
}

impl fmt::Display for TransactionStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Completed => "completed",
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
            match recorded.event()? {
                Event::Wallet(WalletEvent::WalletDeposited(moved)) => {
                    add(&mut rows, recorded, TransactionKind::Deposit, &moved);
                }
                Event::Wallet(WalletEvent::WalletWithdrawn(moved)) => {
                    add(&mut rows, recorded, TransactionKind::Withdrawal, &moved);
                }
                Event::Wallet(WalletEvent::WalletOpened { .. }) | Event::User(_) => {}
            }
        }
        let into = "transactions (wallet_id, sequence, position, type, status, amount, currency, posted_after, \
                    available_after, reference, hold_id, counterparty, recorded_at)";
        rows.write(conn, into).await.map_err(ApplyError::from)
    }
}

fn add(rows: &mut CopyRows, recorded: &Recorded, kind: TransactionKind, moved: &Moved) {
    rows.plain(recorded.aggregate.id)
        .plain(recorded.sequence)
        .plain(recorded.position)
        .plain(kind)
        .plain(TransactionStatus::Completed)
        .plain(moved.amount)
        .plain(moved.currency)
        .plain(moved.posted_after)
        .plain(moved.available_after)
        .text(moved.reference.as_ref().map(domain::Reference::as_str))
        .text(None)
        .text(None)
        .plain(recorded.recorded_at)
        .end_row();
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
