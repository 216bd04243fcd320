//! A curve as a whole, oldest first, with no more points than are wanted.

use super::list::IN_RANGE;
use super::thin::{Point, Thinner};
use super::{COLUMNS, EquityFilter, EquityRow, read_rows};
use crate::read_models::trading::NAME;
use crate::read_models::value::column;
use crate::read_models::{At, QueryError, ReadModels, position_of};
use domain::{Timestamp, TradingSessionId};
use futures::TryStreamExt;
use sqlx::{PgConnection, Row};
use time::OffsetDateTime;

impl ReadModels {
    /// A session's curve. Where it has more than `points_max` points, it is thinned to about so many; money that came or went
    /// stays visible, whatever that takes.
    pub async fn equity_curve(
        &self,
        session: TradingSessionId,
        filter: EquityFilter,
        points_max: u16,
        min_position: Option<i64>,
    ) -> Result<At<Vec<EquityRow>>, QueryError> {
        self.at_least(NAME, min_position, || async move {
            let mut snapshot = self.snapshot().await?;
            let sql =
                "select position as checkpoint, failure from projection_checkpoints where name = 'trading'";
            let row = sqlx::query(sql).fetch_one(&mut *snapshot).await?;
            let position = position_of(&row, NAME)?;
            let value = read_curve(&mut snapshot, session, filter, usize::from(points_max)).await?;
            Ok(At { position, value })
        })
        .await
    }
}

pub(crate) async fn read_curve(
    snapshot: &mut PgConnection,
    session: TradingSessionId,
    filter: EquityFilter,
    points_max: usize,
) -> Result<Vec<EquityRow>, QueryError> {
    let EquityFilter { from, to } = filter;
    let (from, to) = (from.map(Timestamp::to_datetime), to.map(Timestamp::to_datetime));
    let sql = format!(
        "select count(*) as points, coalesce(min(e.at), 'epoch') as first_at, coalesce(max(e.at), 'epoch') as last_at \
           from trading_equity e where {IN_RANGE}"
    );
    let query = sqlx::query(&sql).bind(session.0).bind(from).bind(to);
    let all = query.fetch_one(&mut *snapshot).await?;
    let moment = |name: &str| all.try_get::<OffsetDateTime, _>(name).map(Timestamp::from);
    let points = usize::try_from(all.try_get::<i64, _>("points")?).unwrap_or(usize::MAX);
    if points <= points_max {
        let sql = format!("select {COLUMNS} from trading_equity e where {IN_RANGE} order by e.position");
        let rows = sqlx::query(&sql).bind(session.0).bind(from).bind(to).fetch_all(snapshot).await?;
        return Ok(read_rows(&rows)?);
    }
    let mut thinner = Thinner::new(moment("first_at")?, moment("last_at")?, points_max);
    let sql = format!(
        "select e.position, e.at, e.capital::text as capital, e.equity::text as equity, e.drawdown::text as drawdown \
           from trading_equity e where {IN_RANGE} order by e.position"
    );
    let mut rows = sqlx::query(&sql).bind(session.0).bind(from).bind(to).fetch(&mut *snapshot);
    while let Some(row) = rows.try_next().await? {
        thinner.take(Point {
            position: row.try_get("position")?,
            at: row.try_get::<OffsetDateTime, _>("at")?.into(),
            capital: column(&row, "capital")?,
            equity: column(&row, "equity")?,
            drawdown: column(&row, "drawdown")?,
        });
    }
    drop(rows);
    let sql = format!(
        "select {COLUMNS} from trading_equity e where e.session_id = $1 and e.position = any($2) order by e.position"
    );
    let rows = sqlx::query(&sql).bind(session.0).bind(thinner.finish()).fetch_all(snapshot).await?;
    Ok(read_rows(&rows)?)
}
