//! Trades of a session or of a user, newest first, filtered.
//!
//! Correct under concurrent writes because rows are only ever added at the top, and a cursor says below which one its list
//! goes on. Bounded because filters by time become positions first, by halving, and no page looks at more than
//! [`LOOKED_AT_MAX`] rows: one with a rare filter may be short, and goes on where that ended.

use super::{COLUMNS, TradeRow, TradeType, read_row};
use crate::read_models::cursor::{Items, Page};
use crate::read_models::trading::NAME;
use crate::read_models::{At, QueryError, ReadModels, position_of};
use domain::{Timestamp, TradingSessionId, UserId};
use serde::{Deserialize, Serialize};
use sqlx::postgres::PgRow;
use sqlx::{Postgres, QueryBuilder, Row};
use uuid::Uuid;

/// Rows that are looked at for one page: some fifty milliseconds' work.
const LOOKED_AT_MAX: i64 = 100_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TradesOf {
    Session(TradingSessionId),
    User(UserId),
}

/// Which of them; all, where nothing is said.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct TradeFilter {
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub trade_type: Option<TradeType>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub symbol: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub success: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dry_run: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run_id: Option<Uuid>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<Timestamp>,
    /// Until just before it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<Timestamp>,
}

/// Where a list goes on: below that row, with the filters it began with.
#[derive(Debug, Serialize, Deserialize)]
struct Cursor {
    trades_of: TradesOf,
    before: Place,
    filter: TradeFilter,
}

/// Of a row: the position of its event, and its leg.
type Place = (i64, i32);

/// The rows that are looked at: all that an index finds by itself.
fn push_looked_at(query: &mut QueryBuilder<'_, Postgres>, of: TradesOf, before: Place, filter: &TradeFilter) {
    query.push("select t.*, row_number() over (order by t.position desc, t.leg desc) as place");
    query.push(" from trading_trades t where ");
    match of {
        TradesOf::Session(id) => query.push("t.session_id = ").push_bind(id.0),
        TradesOf::User(id) => query.push("t.user_id = ").push_bind(id.0),
    };
    query.push(" and (t.position, t.leg) < (").push_bind(before.0).push(", ").push_bind(before.1).push(")");
    if let Some(from) = filter.from {
        query.push(" and t.position >= (select first_position_at(");
        query.push_bind(from.to_datetime()).push("))");
    }
    if let Some(to) = filter.to {
        query.push(" and t.position < (select first_position_at(").push_bind(to.to_datetime()).push("))");
    }
    query.push(" order by t.position desc, t.leg desc limit ").push_bind(LOOKED_AT_MAX);
}

fn push_is_wanted(query: &mut QueryBuilder<'_, Postgres>, filter: &TradeFilter) {
    query.push("true");
    if let Some(trade_type) = filter.trade_type {
        query.push(" and s.trade_type = ").push_bind(trade_type.as_str());
    }
    if let Some(symbol) = &filter.symbol {
        query.push(" and s.symbol = ").push_bind(symbol.clone());
    }
    if let Some(success) = filter.success {
        query.push(" and s.success = ").push_bind(success);
    }
    if let Some(dry_run) = filter.dry_run {
        query.push(" and s.dry_run = ").push_bind(dry_run);
    }
    if let Some(run_id) = filter.run_id {
        query.push(" and s.run_id = ").push_bind(run_id);
    }
}

/// The last row that is looked at comes along in any case: it says where to go on. The planner does not see through
/// `coalesce`: whatever it takes for rare, it begins at the top and stops when the page is full.
fn statement<'a>(
    of: TradesOf,
    before: Place,
    filter: &TradeFilter,
    limit: i64,
) -> QueryBuilder<'a, Postgres> {
    let mut query = QueryBuilder::new(format!(
        "select c.position as checkpoint, c.failure, {COLUMNS}, t.is_wanted, t.is_last \
           from projection_checkpoints c \
           left join lateral (select s.*, m.is_wanted, s.place = {LOOKED_AT_MAX} as is_last from ("
    ));
    push_looked_at(&mut query, of, before, filter);
    query.push(") s cross join lateral (select coalesce(");
    push_is_wanted(&mut query, filter);
    query.push(", false) as is_wanted) m where m.is_wanted or s.place = ").push_bind(LOOKED_AT_MAX);
    query.push(" order by s.position desc, s.leg desc limit ").push_bind(limit);
    query.push(") t on true where c.name = 'trading' order by t.position desc, t.leg desc");
    query
}

/// The rows of a page, and below which one the next begins if it is not behind its last row.
fn read_page(rows: &[PgRow]) -> Result<(Vec<TradeRow>, Option<Place>), sqlx::Error> {
    let (mut items, mut looked_until) = (Vec::with_capacity(rows.len()), None);
    for row in rows {
        let Some(trade) = read_row(row)? else { continue };
        if row.try_get("is_last")? {
            looked_until = Some((trade.position, trade.leg));
        }
        if row.try_get("is_wanted")? {
            items.push(trade);
        }
    }
    Ok((items, looked_until))
}

impl ReadModels {
    /// A cursor brings the filters it began with, and goes with no others.
    pub async fn trades(
        &self,
        of: TradesOf,
        filter: TradeFilter,
        page: &Page,
        min_position: Option<i64>,
    ) -> Result<At<Items<TradeRow>>, QueryError> {
        let (before, filter) = match page.cursor::<Cursor>()? {
            None => ((i64::MAX, 0), filter),
            Some(cursor) if cursor.trades_of != of || !cursor.goes_with(&filter) => {
                return Err(QueryError::BadCursor);
            }
            Some(cursor) => (cursor.before, cursor.filter),
        };
        let (filter, limit) = (&filter, page.limit_plus_one());
        self.at_least(NAME, min_position, || async move {
            let rows = statement(of, before, filter, limit).build().fetch_all(self.pool()).await?;
            let position = position_of(rows.first().ok_or(sqlx::Error::RowNotFound)?, NAME)?;
            let (items, looked_until) = read_page(&rows)?;
            let cursor = |before| Cursor { trades_of: of, before, filter: filter.clone() };
            let place = |last: &TradeRow| (last.position, last.leg);
            let value =
                page.cut_or(items, |last: Option<&TradeRow>| last.map(place).or(looked_until).map(cursor))?;
            Ok(At { position, value })
        })
        .await
    }
}

impl Cursor {
    fn goes_with(&self, asked: &TradeFilter) -> bool {
        // A cursor is text from outside like any other.
        let is_readable =
            self.filter.symbol.iter().all(|symbol| symbol.bytes().all(|byte| byte.is_ascii_alphanumeric()));
        is_readable && (*asked == TradeFilter::default() || *asked == self.filter)
    }
}
