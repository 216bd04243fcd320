//! What the figures of a session are computed from, all of one position.

use super::NAME;
use super::equity::{EquityFilter, EquityRow, read_curve};
use super::sessions::{self, TradingSessionRow};
use crate::read_models::value::column;
use crate::read_models::{At, QueryError, ReadModels, position_of};
use domain::TradingSessionId;
use domain::trading::exact;
use domain::trading::performance::{ClosedTrade, EquityPoint, Performance};
use rust_decimal::Decimal;
use sqlx::PgConnection;

/// Points of a curve that are looked at: a year of an hourly one as it is, and a longer one thinned.
const POINTS_MAX: usize = 10_000;
/// Trades that are looked at, the newest.
const TRADES_MAX: i64 = 100_000;

#[derive(Clone, Debug)]
pub struct PerformanceInputs {
    pub session: TradingSessionRow,
    pub curve: Vec<EquityPoint>,
    /// Sales: what is sold has made its profit or its loss.
    pub trades: Vec<ClosedTrade>,
    pub fees: Decimal,
}

impl PerformanceInputs {
    pub fn performance(&self) -> Performance {
        Performance::of(&self.curve, &self.trades, self.fees)
    }
}

impl ReadModels {
    pub async fn performance_inputs(
        &self,
        session: TradingSessionId,
        min_position: Option<i64>,
    ) -> Result<At<Option<PerformanceInputs>>, QueryError> {
        self.at_least(NAME, min_position, || async move {
            let mut snapshot = self.snapshot().await?;
            let sql = format!(
                "select c.position as checkpoint, c.failure, {} from projection_checkpoints c \
                 left join trading_sessions s on s.session_id = $1 where c.name = 'trading'",
                sessions::COLUMNS
            );
            let row = sqlx::query(&sql).bind(session.0).fetch_one(&mut *snapshot).await?;
            let position = position_of(&row, NAME)?;
            let Some(found) = sessions::read_row(&row)? else { return Ok(At { position, value: None }) };
            let curve = read_curve(&mut snapshot, session, EquityFilter::default(), POINTS_MAX).await?;
            let trades = closed_trades(&mut snapshot, session).await?;
            let fees = found.session.portfolio.fees;
            let inputs = PerformanceInputs { session: found, curve: points(&curve), trades, fees };
            Ok(At { position, value: Some(inputs) })
        })
        .await
    }
}

async fn closed_trades(
    snapshot: &mut PgConnection,
    session: TradingSessionId,
) -> Result<Vec<ClosedTrade>, sqlx::Error> {
    let sql = "select pnl::text as pnl \
                 from (select t.realised - t.fee_in_quote as pnl, t.position, t.leg from trading_trades t \
                        where t.session_id = $1 and t.side = 'sell' and t.success and not t.dry_run \
                        order by t.position desc, t.leg desc limit $2) t order by t.position, t.leg";
    let rows = sqlx::query(sql).bind(session.0).bind(TRADES_MAX).fetch_all(snapshot).await?;
    rows.iter().map(|row| Ok(ClosedTrade { pnl: column(row, "pnl")? })).collect()
}

fn points(curve: &[EquityRow]) -> Vec<EquityPoint> {
    let before = std::iter::once(None).chain(curve.iter().map(Some));
    let point = |(row, before): (&EquityRow, Option<&EquityRow>)| EquityPoint {
        at: row.at,
        equity: row.equity,
        flow: before.map_or(Decimal::ZERO, |before| row.flow_since(before)),
    };
    curve.iter().zip(before).map(point).collect()
}

impl EquityRow {
    /// What came from outside since an earlier point, or went out, if it is below zero.
    pub fn flow_since(&self, before: &Self) -> Decimal {
        exact::sub(self.capital, before.capital).unwrap_or_default()
    }
}
