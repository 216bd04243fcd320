//! How a session is doing: the live picture of it, down to the orders that are out.

use super::ValuationBody;
use super::session::{LastErrorBody, LastResultBody};
use domain::trading::{OrderState, Run, Session, SessionState, Side, Trigger, drawdown};
use domain::{Timestamp, TradingSessionId};
use rust_decimal::Decimal;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = TradingStatus)]
pub(crate) struct TradingStatusBody {
    #[schema(value_type = uuid::Uuid)]
    pub session_id: TradingSessionId,
    pub is_running: bool,
    #[schema(example = "active")]
    pub status: &'static str,
    #[schema(value_type = String, example = "running")]
    pub state: SessionState,
    pub dry_run: bool,
    pub auto_rebalance: bool,
    #[schema(example = 3600)]
    pub interval_s: u32,
    #[schema(value_type = Option<String>, format = DateTime)]
    pub next_run_at: Option<Timestamp>,
    #[schema(value_type = Option<String>, format = DateTime)]
    pub last_run_at: Option<Timestamp>,
    /// As it was valued last.
    pub last_portfolio: Option<ValuationBody>,
    pub last_result: Option<LastResultBody>,
    pub last_error: Option<LastErrorBody>,
    /// The highest equity there was, as it would have been with today's capital.
    #[schema(value_type = String, example = "101000")]
    pub high_water: Decimal,
    /// How far equity was below it when it was valued last, as a share of it; null, if it never was.
    #[schema(value_type = Option<String>, example = "0.0049")]
    pub drawdown: Option<Decimal>,
    /// Beyond it the session halts.
    #[schema(value_type = String, example = "0.1")]
    pub max_drawdown: Decimal,
    /// Asked for, and not begun.
    pub requested_run: Option<RequestedRunBody>,
    /// Under way.
    pub run: Option<OpenRunBody>,
    pub version: i64,
    pub position: i64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = RequestedRun)]
pub(crate) struct RequestedRunBody {
    pub id: Uuid,
    #[schema(value_type = String, example = "manual")]
    pub trigger: Trigger,
    #[schema(value_type = String, format = DateTime)]
    pub requested_at: Timestamp,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = OpenRun)]
pub(crate) struct OpenRunBody {
    pub id: Uuid,
    #[schema(value_type = String, example = "scheduled")]
    pub trigger: Trigger,
    #[schema(value_type = String, format = DateTime)]
    pub due_at: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    pub started_at: Timestamp,
    /// Those whose outcome is not known for good.
    pub orders: Vec<OpenOrderBody>,
    /// Purchases that wait for what sales bring.
    pub waiting: usize,
    pub filled: u32,
    pub rejected: u32,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = OpenOrder)]
pub(crate) struct OpenOrderBody {
    pub id: Uuid,
    #[schema(example = "BTCUSDT")]
    pub symbol: String,
    #[schema(value_type = String, example = "buy")]
    pub side: Side,
    #[schema(value_type = String, example = "0.5")]
    pub quantity: Decimal,
    #[schema(value_type = String, example = "61061")]
    pub limit_price: Decimal,
    /// `intended`; `unknown`, when the exchange was asked and nothing that it said tells what became of it.
    #[schema(value_type = String, example = "intended")]
    pub state: OrderState,
    /// The exchange takes it until then.
    #[schema(value_type = String, format = DateTime)]
    pub valid_until: Timestamp,
}

impl TradingStatusBody {
    pub(crate) fn new(session: &Session, version: i64, position: i64) -> Self {
        let last = session.last_portfolio.as_ref();
        Self {
            session_id: session.session_id,
            is_running: session.state == SessionState::Running,
            status: if session.state.is_active() { "active" } else { "stopped" },
            state: session.state,
            dry_run: session.dry_run,
            auto_rebalance: session.auto_rebalance,
            interval_s: session.interval_s,
            next_run_at: session.next_run_at,
            last_run_at: session.last_run_at,
            last_portfolio: last.map(ValuationBody::from),
            last_result: session.last_result.as_ref().map(LastResultBody::from),
            last_error: session.last_error.as_ref().map(LastErrorBody::from),
            high_water: session.high_water,
            drawdown: last.map(|last| drawdown(session.high_water, last.equity)),
            max_drawdown: session.limits.max_drawdown,
            requested_run: session.requested.as_ref().map(|requested| RequestedRunBody {
                id: requested.run_id,
                trigger: requested.trigger,
                requested_at: requested.requested_at,
            }),
            run: session.run.as_ref().map(OpenRunBody::from),
            version,
            position,
        }
    }
}

impl From<&Run> for OpenRunBody {
    fn from(run: &Run) -> Self {
        let order = |order: &domain::trading::Order| OpenOrderBody {
            id: order.intent.order_id.0,
            symbol: order.intent.symbol.clone(),
            side: order.intent.side,
            quantity: order.intent.quantity,
            limit_price: order.intent.limit_price,
            state: order.state,
            valid_until: order.intent.valid_until,
        };
        Self {
            id: run.run_id,
            trigger: run.trigger,
            due_at: run.due_at,
            started_at: run.started_at,
            orders: run.orders.iter().map(order).collect(),
            waiting: run.waiting.len(),
            filled: run.filled,
            rejected: run.rejected,
        }
    }
}
