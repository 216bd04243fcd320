//! A wallet's transactions, newest first, filtered.
//!
//! Correct under concurrent writes because rows are only ever added at the top, and a cursor says below which sequence its
//! list goes on. Bounded because filters by time become sequences first, by halving, a hold's row is found by its number, and
//! no page looks at more than [`LOOKED_AT_MAX`] rows: one with a rare filter may be short, and goes on where that ended.

use super::{NAME, TransactionKind, TransactionRow, TransactionStatus};
use crate::read_models::cursor::{Items, Page};
use crate::read_models::value::{column, read};
use crate::read_models::{At, QueryError, ReadModels, position_of};
use domain::{EntryId, Money, Reference, Timestamp, WalletId};
use serde::{Deserialize, Serialize};
use sqlx::postgres::PgRow;
use sqlx::{Postgres, QueryBuilder, Row};
use time::OffsetDateTime;
use uuid::Uuid;

/// Rows that are looked at for one page: some fifty milliseconds' work.
const LOOKED_AT_MAX: i64 = 100_000;
/// The projection that folds holds.
const HOLDS: &str = "wallets";

/// Which of them; all, where nothing is said.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct TransactionFilter {
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<TransactionKind>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<TransactionStatus>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<Timestamp>,
    /// Until just before it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_amount: Option<Money>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_amount: Option<Money>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reference: Option<Reference>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub counterparty: Option<WalletId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hold_id: Option<EntryId>,
}

/// Where a list goes on: below that sequence, with the filters it began with.
#[derive(Debug, Serialize, Deserialize)]
struct Cursor {
    transactions_of: WalletId,
    before: i64,
    filter: TransactionFilter,
}

/// What has become of a row: of a hold by `holds`, which may lag behind by a moment.
const STATUS: &str = "case when s.type <> 'hold' then s.status \
     else case h.status when 'captured' then 'completed' when 'released' then 'cancelled' when 'expired' then 'expired' \
                        else 'pending' end end";

const COLUMNS: &str = "t.wallet_id, t.sequence, t.position, t.type, t.status_now, t.amount_now::text as amount, \
     t.captured::text as captured, t.currency, t.posted_after::text as posted_after, \
     t.available_after::text as available_after, t.reference, t.hold_id, t.counterparty, t.reverses, t.recorded_at, \
     t.is_listed, t.is_last";

/// The first sequence of the wallet `$1` at a moment or later.
fn push_sequence_at(query: &mut QueryBuilder<'_, Postgres>, wallet: WalletId, moment: Timestamp) {
    query.push("(select coalesce(first_sequence_after('wallet', ").push_bind(wallet.to_string());
    query.push(", first_position_at(").push_bind(moment.to_datetime());
    query.push(") - 1), 9223372036854775807))");
}

/// The rows that are looked at: all that an index finds by itself.
fn push_looked_at(
    query: &mut QueryBuilder<'_, Postgres>,
    wallet: WalletId,
    before: i64,
    filter: &TransactionFilter,
) {
    query.push("select t.*, row_number() over (order by t.sequence desc) as place from transactions t");
    query.push(" where t.wallet_id = ").push_bind(wallet.0);
    query.push(" and t.sequence < ").push_bind(before);
    if let Some(from) = filter.from {
        query.push(" and t.sequence >= ");
        push_sequence_at(query, wallet, from);
    }
    if let Some(to) = filter.to {
        query.push(" and t.sequence < ");
        push_sequence_at(query, wallet, to);
    }
    if let Some(hold) = filter.hold_id {
        // A hold is listed under its own number. That of another wallet is not here.
        query.push(" and t.sequence = ").push_bind(if hold.wallet == wallet { hold.sequence } else { 0 });
        query.push(" and t.type = 'hold'");
    }
    if let Some(counterparty) = filter.counterparty {
        query.push(" and t.counterparty = ").push_bind(counterparty.to_string());
    }
    query.push(" order by t.sequence desc limit ").push_bind(LOOKED_AT_MAX);
}

fn push_is_listed(query: &mut QueryBuilder<'_, Postgres>, filter: &TransactionFilter) {
    query.push("s.type <> 'capture'");
    if let Some(kind) = filter.kind {
        query.push(" and s.type = ").push_bind(kind.as_str());
    }
    if let Some(status) = filter.status {
        query.push(format!(" and {STATUS} = ")).push_bind(status.as_str());
    }
    if let Some(least) = filter.min_amount {
        query.push(" and coalesce(h.amount, s.amount) >= ").push_bind(least.to_string()).push("::numeric");
    }
    if let Some(most) = filter.max_amount {
        query.push(" and coalesce(h.amount, s.amount) <= ").push_bind(most.to_string()).push("::numeric");
    }
    if let Some(reference) = &filter.reference {
        query.push(" and s.reference = ").push_bind(reference.as_str().to_owned());
    }
}

/// The last row that is looked at comes along in any case: it says where to go on. The planner does not see through
/// `coalesce`: whatever it takes for rare, it begins at the top and stops when the page is full.
fn statement<'a>(
    wallet: WalletId,
    before: i64,
    filter: &TransactionFilter,
    limit: i64,
) -> QueryBuilder<'a, Postgres> {
    let mut query = QueryBuilder::new(format!(
        "select c.position as checkpoint, c.failure, hc.position as holds_checkpoint, hc.failure as holds_failure, \
                {COLUMNS} \
           from projection_checkpoints c join projection_checkpoints hc on hc.name = 'wallets' \
           left join lateral ( \
                select s.*, {STATUS} as status_now, coalesce(h.amount, s.amount) as amount_now, h.captured, m.is_listed, \
                       s.place = {LOOKED_AT_MAX} as is_last \
                  from ("
    ));
    push_looked_at(&mut query, wallet, before, filter);
    // Ordered, so that the one row is never looked for in any other way than by its index.
    query.push(
        ") s left join lateral (select * from holds h where s.type = 'hold' and h.wallet_id = s.wallet_id \
                                   and h.sequence = s.sequence order by h.sequence limit 1) h on true \
             cross join lateral (select coalesce(",
    );
    push_is_listed(&mut query, filter);
    query.push(", false) as is_listed) m where m.is_listed or s.place = ").push_bind(LOOKED_AT_MAX);
    query.push(" order by s.sequence desc limit ").push_bind(limit);
    query.push(") t on true where c.name = 'transactions' order by t.sequence desc");
    query
}

fn read_row(row: &PgRow) -> Result<Option<TransactionRow>, sqlx::Error> {
    let Some(wallet_id) = row.try_get::<Option<Uuid>, _>("wallet_id")? else { return Ok(None) };
    let captured: Option<&str> = row.try_get("captured")?;
    Ok(Some(TransactionRow {
        wallet_id: WalletId(wallet_id),
        sequence: row.try_get("sequence")?,
        position: row.try_get("position")?,
        kind: column(row, "type")?,
        status: column(row, "status_now")?,
        amount: column(row, "amount")?,
        captured: captured.map(read).transpose()?,
        currency: column(row, "currency")?,
        posted_after: column(row, "posted_after")?,
        available_after: column(row, "available_after")?,
        reference: row.try_get("reference")?,
        hold_id: row.try_get("hold_id")?,
        counterparty: row.try_get("counterparty")?,
        reverses: row.try_get("reverses")?,
        recorded_at: row.try_get::<OffsetDateTime, _>("recorded_at")?.into(),
    }))
}

/// Both tables are as they were at this position, or later.
fn lower_position(row: &PgRow) -> Result<i64, QueryError> {
    let position = position_of(row, NAME)?;
    match row.try_get("holds_failure")? {
        Some(reason) => Err(QueryError::ProjectionFailed { name: HOLDS, reason }),
        None => Ok(position.min(row.try_get("holds_checkpoint")?)),
    }
}

/// The rows of a page, and below which sequence the next one begins if it is not behind its last row.
fn read_page(rows: &[PgRow]) -> Result<(Vec<TransactionRow>, Option<i64>), sqlx::Error> {
    let (mut items, mut looked_until) = (Vec::with_capacity(rows.len()), None);
    for row in rows {
        let Some(transaction) = read_row(row)? else { continue };
        if row.try_get("is_last")? {
            looked_until = Some(transaction.sequence);
        }
        if row.try_get("is_listed")? {
            items.push(transaction);
        }
    }
    Ok((items, looked_until))
}

impl Page {
    /// The wallet whose transactions go on here, if the cursor is one of theirs.
    pub fn transactions_of(&self) -> Option<WalletId> {
        self.cursor::<Cursor>().ok().flatten().map(|cursor| cursor.transactions_of)
    }
}

impl ReadModels {
    /// A wallet's transactions, newest first. A cursor brings the filters it began with, and goes with no others.
    pub async fn transactions(
        &self,
        wallet: WalletId,
        filter: TransactionFilter,
        page: &Page,
        min_position: Option<i64>,
    ) -> Result<At<Items<TransactionRow>>, QueryError> {
        let (before, filter) = match page.cursor::<Cursor>()? {
            None => (i64::MAX, filter),
            Some(cursor) if cursor.transactions_of != wallet || !cursor.goes_with(&filter) => {
                return Err(QueryError::BadCursor);
            }
            Some(cursor) => (cursor.before, cursor.filter),
        };
        let (filter, limit) = (&filter, page.limit_plus_one());
        let ask = || async move {
            let rows = statement(wallet, before, filter, limit).build().fetch_all(self.pool()).await?;
            let position = lower_position(rows.first().ok_or(sqlx::Error::RowNotFound)?)?;
            let (items, looked_until) = read_page(&rows)?;
            let cursor = |before| Cursor { transactions_of: wallet, before, filter: filter.clone() };
            let value =
                page.cut_or(items, |last| last.map(|last| last.sequence).or(looked_until).map(cursor))?;
            Ok(At { position, value })
        };
        self.at_least(HOLDS, min_position, || self.at_least(NAME, min_position, ask)).await
    }
}

impl Cursor {
    fn goes_with(&self, asked: &TransactionFilter) -> bool {
        // A cursor is text from outside like any other.
        let reference = self.filter.reference.as_ref().map(Reference::as_str);
        let is_readable = reference.is_none_or(|text| Reference::parse(text).is_ok());
        is_readable && (*asked == TransactionFilter::default() || *asked == self.filter)
    }
}
