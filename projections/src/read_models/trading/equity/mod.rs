//! The table `trading_equity`: what a session was worth, whenever that was found out. Rows are added and never changed.
//!
//! A row keeps what was put in until then. So what came from outside between two points is a difference, whichever points
//! of the curve are shown.

mod curve;
mod list;
mod thin;

pub(super) use curve::read_curve;
pub use list::EquityFilter;

use crate::copy::CopyRows;
use crate::read_models::value::column;
use domain::trading::exact;
use domain::trading::{Session, SessionEvent, Valuation, drawdown};
use domain::{Timestamp, TradingSessionId};
use journal::Recorded;
use rust_decimal::Decimal;
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, Row};
use time::OffsetDateTime;
use uuid::Uuid;

/// About what a row takes as text.
const ROW_BYTES: usize = 200;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EquityRow {
    pub session_id: TradingSessionId,
    pub position: i64,
    pub at: Timestamp,
    /// What was put in until then, less what was taken out.
    pub capital: Decimal,
    pub equity: Decimal,
    pub cash: Decimal,
    pub unrealised: Decimal,
    pub realised: Decimal,
    pub fees: Decimal,
    pub high_water: Decimal,
    pub drawdown: Decimal,
}

impl EquityRow {
    /// The point that an event adds, and a session as it is after it.
    pub(super) fn of(after: &Session, recorded: &Recorded, event: &SessionEvent) -> Option<Self> {
        match event {
            SessionEvent::TradingSessionStarted(_) => Some(Self::at_first(after, recorded)),
            SessionEvent::PortfolioSnapshotTaken(snapshot) => {
                Some(Self::valued(after, recorded, &snapshot.portfolio, snapshot.drawdown))
            }
            SessionEvent::TradingSessionHalted(halted) => {
                Some(Self::valued(after, recorded, &halted.portfolio, halted.drawdown))
            }
            SessionEvent::TradingSessionStopped(stopped) => {
                // As last valued it is there already.
                let is_news = after.last_portfolio.as_ref().is_none_or(|last| last.equity != stopped.equity);
                is_news.then(|| Self::at_last(after, recorded, stopped.equity))
            }
            _ => None,
        }
    }

    fn at_first(after: &Session, recorded: &Recorded) -> Self {
        Self {
            session_id: after.session_id,
            position: recorded.position,
            at: after.started_at,
            capital: after.capital,
            equity: after.portfolio.cash,
            cash: after.portfolio.cash,
            unrealised: Decimal::ZERO,
            realised: Decimal::ZERO,
            fees: Decimal::ZERO,
            high_water: after.high_water,
            drawdown: Decimal::ZERO,
        }
    }

    fn valued(after: &Session, recorded: &Recorded, now: &Valuation, drawdown: Decimal) -> Self {
        Self {
            at: now.as_of,
            equity: now.equity,
            cash: now.cash,
            unrealised: now.unrealised,
            realised: now.realised,
            fees: now.fees,
            drawdown,
            ..Self::at_first(after, recorded)
        }
    }

    fn at_last(after: &Session, recorded: &Recorded, equity: Decimal) -> Self {
        let Session { portfolio, high_water, .. } = after;
        let costs = portfolio.holdings.values().map(|holding| -holding.cost);
        let unrealised = exact::sum(costs.chain([equity, -portfolio.cash])).unwrap_or_default();
        let high_water = (*high_water).max(equity);
        Self {
            at: recorded.recorded_at,
            equity,
            unrealised,
            realised: portfolio.realised().unwrap_or_default(),
            fees: portfolio.fees,
            high_water,
            drawdown: drawdown(high_water, equity),
            ..Self::at_first(after, recorded)
        }
    }
}

pub(super) async fn write(conn: &mut PgConnection, points: &[EquityRow]) -> Result<(), sqlx::Error> {
    let mut rows = CopyRows::with_capacity(points.len(), ROW_BYTES);
    for point in points {
        rows.plain(point.session_id).plain(point.position).plain(point.at).plain(point.capital);
        rows.plain(point.equity).plain(point.cash).plain(point.unrealised).plain(point.realised);
        rows.plain(point.fees).plain(point.high_water).plain(point.drawdown).end_row();
    }
    let into = "trading_equity (session_id, position, at, capital, equity, cash, unrealised, realised, fees, high_water, \
                drawdown)";
    rows.write(conn, into).await
}

const COLUMNS: &str = "e.session_id, e.position, e.at, e.capital::text as capital, e.equity::text as equity, \
     e.cash::text as cash, e.unrealised::text as unrealised, e.realised::text as realised, e.fees::text as fees, \
     e.high_water::text as high_water, e.drawdown::text as drawdown";

/// Nothing, where an outer join found none.
fn read_row(row: &PgRow) -> Result<Option<EquityRow>, sqlx::Error> {
    let Some(session) = row.try_get::<Option<Uuid>, _>("session_id")? else { return Ok(None) };
    Ok(Some(EquityRow {
        session_id: TradingSessionId(session),
        position: row.try_get("position")?,
        at: row.try_get::<OffsetDateTime, _>("at")?.into(),
        capital: column(row, "capital")?,
        equity: column(row, "equity")?,
        cash: column(row, "cash")?,
        unrealised: column(row, "unrealised")?,
        realised: column(row, "realised")?,
        fees: column(row, "fees")?,
        high_water: column(row, "high_water")?,
        drawdown: column(row, "drawdown")?,
    }))
}

fn read_rows(rows: &[PgRow]) -> Result<Vec<EquityRow>, sqlx::Error> {
    rows.iter().filter_map(|row| read_row(row).transpose()).collect()
}
