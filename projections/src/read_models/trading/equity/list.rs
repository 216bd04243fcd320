//! Every point of a curve, newest first, page by page.

use super::{COLUMNS, EquityRow, read_rows};
use crate::read_models::cursor::{Items, Page};
use crate::read_models::trading::NAME;
use crate::read_models::{At, QueryError, ReadModels, position_of};
use domain::{Timestamp, TradingSessionId};
use serde::{Deserialize, Serialize};

/// Which points; all, where nothing is said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct EquityFilter {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<Timestamp>,
    /// Until just before it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<Timestamp>,
}

/// Where a list goes on: below that position, with the filter it began with.
#[derive(Debug, Serialize, Deserialize)]
struct Cursor {
    equity_of: TradingSessionId,
    before: i64,
    filter: EquityFilter,
}

/// The points of session `$1`, from a moment to another one, once these have become positions.
pub(super) const IN_RANGE: &str = "e.session_id = $1 and e.position >= coalesce((select first_position_at($2)), 0) \
     and e.position < coalesce((select first_position_at($3)), 9223372036854775807)";

impl ReadModels {
    /// A cursor brings the filter it began with, and goes with no other.
    pub async fn equity_points(
        &self,
        session: TradingSessionId,
        filter: EquityFilter,
        page: &Page,
        min_position: Option<i64>,
    ) -> Result<At<Items<EquityRow>>, QueryError> {
        let (before, filter) = match page.cursor::<Cursor>()? {
            None => (i64::MAX, filter),
            Some(cursor) => {
                let goes_with = filter == EquityFilter::default() || filter == cursor.filter;
                if cursor.equity_of != session || !goes_with {
                    return Err(QueryError::BadCursor);
                }
                (cursor.before, cursor.filter)
            }
        };
        self.at_least(NAME, min_position, || async move {
            let sql = format!(
                "select c.position as checkpoint, c.failure, {COLUMNS} from projection_checkpoints c \
                 left join lateral (select * from trading_equity e where {IN_RANGE} and e.position < $4 \
                                     order by e.position desc limit $5) e on true \
                  where c.name = 'trading' order by e.position desc"
            );
            let query = sqlx::query(&sql).bind(session.0).bind(filter.from.map(Timestamp::to_datetime));
            let query = query.bind(filter.to.map(Timestamp::to_datetime)).bind(before);
            let rows = query.bind(page.limit_plus_one()).fetch_all(self.pool()).await?;
            let position = position_of(rows.first().ok_or(sqlx::Error::RowNotFound)?, NAME)?;
            let after = |last: &EquityRow| Cursor { equity_of: session, before: last.position, filter };
            Ok(At { position, value: page.cut(read_rows(&rows)?, after)? })
        })
        .await
    }
}
