//! The table `trading_trades`: what was traded, what was meant to be and came to nothing, and what a dry run would have
//! sent. Rows are added and never changed.

mod list;

pub use list::{TradeFilter, TradesOf};

use crate::copy::CopyRows;
use crate::read_models::value::column;
use domain::trading::planner::Leg;
use domain::trading::{Filled, Intent, OrderId, Session, SessionEvent, Side, Trigger};
use domain::{Currency, Timestamp, TradingSessionId, UserId};
use journal::Recorded;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, Row};
use time::OffsetDateTime;
use uuid::Uuid;

/// About what a row takes as text.
const ROW_BYTES: usize = 450;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TradeRow {
    /// That of its event; of the legs of one plan, counted on from there.
    pub trade_id: Uuid,
    pub session_id: TradingSessionId,
    pub user_id: UserId,
    pub run_id: Uuid,
    /// A dry run has no orders.
    pub order_id: Option<OrderId>,
    pub trade_type: TradeType,
    pub dry_run: bool,
    pub symbol: String,
    pub asset: Currency,
    /// The session's.
    pub currency: Currency,
    pub side: Side,
    pub quantity: Decimal,
    /// The one it was meant to have, where nothing was traded; so are its fees.
    pub price: Decimal,
    pub fee: Decimal,
    pub fee_currency: Currency,
    pub fee_in_quote: Decimal,
    pub success: bool,
    pub error_code: Option<String>,
    pub error_message: Option<String>,
    /// What it made, without its fee.
    pub realised: Decimal,
    pub recorded_at: Timestamp,
    pub position: i64,
    /// Among those of one position.
    pub leg: i32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TradeType {
    /// Somebody asked for the run.
    Manual,
    /// It was time, or the portfolio had drifted.
    Auto,
}

impl TradeType {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Manual => "manual",
            Self::Auto => "auto",
        }
    }

    const fn of(trigger: Trigger) -> Self {
        match trigger {
            Trigger::Manual => Self::Manual,
            Trigger::Scheduled | Trigger::Drift => Self::Auto,
        }
    }
}

/// The trades that an event tells of, and a session as it was just before it.
pub(super) fn of(before: &Session, recorded: &Recorded, event: &SessionEvent) -> Vec<TradeRow> {
    match event {
        SessionEvent::OrderFilled(filled) => vec![of_fill(before, recorded, filled)],
        SessionEvent::OrderRejected(rejected) => {
            let (code, message) = (&rejected.code, &rejected.message);
            of_nothing(before, recorded, rejected.order_id, code, message).into_iter().collect()
        }
        SessionEvent::OrderOutcomeResolved(resolved) => {
            let (code, message) = (&resolved.resolution, &resolved.evidence);
            of_nothing(before, recorded, resolved.order_id, code, message).into_iter().collect()
        }
        SessionEvent::OrderOutcomeUnbookable(unbookable) => {
            let (code, message) = ("outcome_unbookable", &unbookable.message);
            of_nothing(before, recorded, unbookable.order_id, code, message).into_iter().collect()
        }
        SessionEvent::RebalancePlanned(planned) if before.dry_run => {
            let legs = planned.plan.legs.iter().zip(0..);
            legs.map(|(leg, number)| of_leg(before, recorded, planned.run_id, leg, number)).collect()
        }
        _ => Vec::new(),
    }
}

fn trade_type(session: &Session) -> TradeType {
    session.run.as_ref().map_or(TradeType::Auto, |run| TradeType::of(run.trigger))
}

fn of_fill(before: &Session, recorded: &Recorded, filled: &Filled) -> TradeRow {
    let fill = &filled.fill;
    TradeRow {
        trade_id: recorded.event_id,
        session_id: before.session_id,
        user_id: before.user_id,
        run_id: filled.run_id,
        order_id: Some(filled.order_id),
        trade_type: TradeType::of(filled.trigger),
        dry_run: false,
        symbol: filled.symbol.clone(),
        asset: fill.asset,
        currency: before.currency,
        side: fill.side,
        quantity: fill.quantity,
        price: fill.price,
        fee: fill.fee,
        fee_currency: fill.fee_asset,
        fee_in_quote: fill.fee_in_quote,
        success: true,
        error_code: None,
        error_message: None,
        realised: filled.realised,
        recorded_at: recorded.recorded_at,
        position: recorded.position,
        leg: 0,
    }
}

/// An order that came to nothing in the books, as it was meant.
fn of_nothing(
    before: &Session,
    recorded: &Recorded,
    order_id: OrderId,
    code: &str,
    message: &str,
) -> Option<TradeRow> {
    let run = before.run.as_ref()?;
    let Intent { symbol, asset, side, quantity, expected_price, .. } = &run.order(order_id)?.intent;
    Some(TradeRow {
        trade_id: recorded.event_id,
        session_id: before.session_id,
        user_id: before.user_id,
        run_id: run.run_id,
        order_id: Some(order_id),
        trade_type: trade_type(before),
        dry_run: false,
        symbol: symbol.clone(),
        asset: *asset,
        currency: before.currency,
        side: *side,
        quantity: *quantity,
        price: *expected_price,
        fee: Decimal::ZERO,
        fee_currency: before.currency,
        fee_in_quote: Decimal::ZERO,
        success: false,
        error_code: Some(code.to_owned()),
        error_message: Some(message.to_owned()),
        realised: Decimal::ZERO,
        recorded_at: recorded.recorded_at,
        position: recorded.position,
        leg: 0,
    })
}

/// What would have been sent.
fn of_leg(before: &Session, recorded: &Recorded, run_id: Uuid, leg: &Leg, number: i32) -> TradeRow {
    let counted_on = recorded.event_id.as_u128().wrapping_add(u128::from(number.unsigned_abs()));
    TradeRow {
        trade_id: Uuid::from_u128(counted_on),
        session_id: before.session_id,
        user_id: before.user_id,
        run_id,
        order_id: None,
        trade_type: trade_type(before),
        dry_run: true,
        symbol: leg.symbol.clone(),
        asset: leg.asset,
        currency: before.currency,
        side: leg.side,
        quantity: leg.quantity,
        price: leg.expected_price,
        fee: leg.expected_fee,
        fee_currency: before.currency,
        fee_in_quote: leg.expected_fee,
        success: true,
        error_code: None,
        error_message: None,
        realised: Decimal::ZERO,
        recorded_at: recorded.recorded_at,
        position: recorded.position,
        leg: number,
    }
}

pub(super) async fn write(conn: &mut PgConnection, trades: &[TradeRow]) -> Result<(), sqlx::Error> {
    let mut rows = CopyRows::with_capacity(trades.len(), ROW_BYTES);
    for trade in trades {
        rows.plain(trade.trade_id)
            .plain(trade.session_id)
            .plain(trade.user_id)
            .plain(trade.run_id)
            .optional(trade.order_id)
            .plain(trade.trade_type.as_str())
            .plain(trade.dry_run)
            .text(Some(&trade.symbol))
            .plain(trade.asset)
            .plain(trade.currency)
            .plain(trade.side.as_str())
            .plain(trade.quantity)
            .plain(trade.price)
            .plain(trade.fee)
            .plain(trade.fee_currency)
            .plain(trade.fee_in_quote)
            .plain(trade.success)
            .text(trade.error_code.as_deref())
            .text(trade.error_message.as_deref())
            .plain(trade.realised)
            .plain(trade.recorded_at)
            .plain(trade.position)
            .plain(trade.leg)
            .end_row();
    }
    let into = "trading_trades (trade_id, session_id, user_id, run_id, order_id, trade_type, dry_run, symbol, asset, \
                currency, side, quantity, price, fee, fee_currency, fee_in_quote, success, error_code, error_message, \
                realised, recorded_at, position, leg)";
    rows.write(conn, into).await
}

pub(super) const COLUMNS: &str = "t.trade_id, t.session_id, t.user_id, t.run_id, t.order_id, t.trade_type, t.dry_run, t.symbol, \
     t.asset, t.currency, t.side, t.quantity::text as quantity, t.price::text as price, t.fee::text as fee, \
     t.fee_currency, t.fee_in_quote::text as fee_in_quote, t.success, t.error_code, t.error_message, \
     t.realised::text as realised, t.recorded_at, t.position, t.leg";

/// Nothing, where an outer join found none.
pub(super) fn read_row(row: &PgRow) -> Result<Option<TradeRow>, sqlx::Error> {
    let Some(trade_id) = row.try_get::<Option<Uuid>, _>("trade_id")? else { return Ok(None) };
    Ok(Some(TradeRow {
        trade_id,
        session_id: TradingSessionId(row.try_get("session_id")?),
        user_id: UserId(row.try_get("user_id")?),
        run_id: row.try_get("run_id")?,
        order_id: row.try_get::<Option<Uuid>, _>("order_id")?.map(OrderId),
        trade_type: column(row, "trade_type")?,
        dry_run: row.try_get("dry_run")?,
        symbol: row.try_get("symbol")?,
        asset: column(row, "asset")?,
        currency: column(row, "currency")?,
        side: column(row, "side")?,
        quantity: column(row, "quantity")?,
        price: column(row, "price")?,
        fee: column(row, "fee")?,
        fee_currency: column(row, "fee_currency")?,
        fee_in_quote: column(row, "fee_in_quote")?,
        success: row.try_get("success")?,
        error_code: row.try_get("error_code")?,
        error_message: row.try_get("error_message")?,
        realised: column(row, "realised")?,
        recorded_at: row.try_get::<OffsetDateTime, _>("recorded_at")?.into(),
        position: row.try_get("position")?,
        leg: row.try_get("leg")?,
    }))
}
