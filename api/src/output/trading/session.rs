//! A trading session as the contract shows it: from its state, whether a command left it so or it was looked up.

use super::ValuationBody;
use domain::trading::{
    ExchangeName, LastError, LastResult, Session, SessionState, Targets, TradingSession, Trigger,
};
use domain::user::TradingMode;
use domain::{Currency, EntryId, Timestamp, TradingSessionId, UserId};
use rust_decimal::Decimal;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = TradingSession)]
pub(crate) struct TradingSessionBody {
    #[schema(value_type = uuid::Uuid)]
    pub id: TradingSessionId,
    #[schema(value_type = uuid::Uuid)]
    pub user_id: UserId,
    /// `paper`, or `live`.
    #[schema(value_type = String, example = "paper")]
    pub mode: TradingMode,
    /// Runs are planned, and no order leaves.
    pub dry_run: bool,
    /// `active` until it has stopped, then `stopped`.
    #[schema(example = "active")]
    pub status: &'static str,
    /// `starting`, `running`, `paused`, `halted`, `stopping` or `stopped`.
    #[schema(value_type = String, example = "running")]
    pub state: SessionState,
    pub is_running: bool,
    /// What was put in, less what was taken out.
    #[schema(value_type = String, example = "100000")]
    pub capital: Decimal,
    #[schema(value_type = String, example = "USDT")]
    pub currency: Currency,
    #[schema(value_type = String, example = "paper")]
    pub exchange: ExchangeName,
    /// Shares of the whole by asset. What they do not name is cash.
    #[schema(value_type = BTreeMap<String, String>, example = json!({ "BTC": "0.5", "USDT": "0.5" }))]
    pub targets: Targets,
    #[schema(example = 3600)]
    pub interval_s: u32,
    pub auto_rebalance: bool,
    /// How far it may drift from its targets before it runs out of turn; null, if it never does.
    #[schema(value_type = Option<String>, example = "0.05")]
    pub drift_threshold: Option<Decimal>,
    #[schema(value_type = String, example = "0.02")]
    pub risk_per_trade: Decimal,
    #[schema(value_type = String, example = "0.1")]
    pub max_drawdown: Decimal,
    #[schema(value_type = Option<String>, format = DateTime)]
    pub next_run_at: Option<Timestamp>,
    #[schema(value_type = Option<String>, format = DateTime)]
    pub last_run_at: Option<Timestamp>,
    /// As it was valued last.
    pub last_portfolio: Option<ValuationBody>,
    pub last_result: Option<LastResultBody>,
    /// Of the last run, if it failed or a part of it did; or why the session was halted.
    pub last_error: Option<LastErrorBody>,
    /// The hold in a wallet that keeps its capital back, and ends with it.
    #[schema(value_type = Option<String>)]
    pub hold_id: Option<EntryId>,
    pub stop_reason: Option<String>,
    #[schema(value_type = String, format = DateTime)]
    pub started_at: Timestamp,
    #[schema(value_type = Option<String>, format = DateTime)]
    pub ended_at: Option<Timestamp>,
    pub version: i64,
}

/// What the last run came to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = LastResult)]
pub(crate) struct LastResultBody {
    pub run_id: Uuid,
    #[schema(value_type = String, example = "manual")]
    pub trigger: Trigger,
    /// `done`, `partial`, `nothing_to_do`, `dry_run` or `failed`.
    #[schema(example = "done")]
    pub result: String,
    pub orders: u32,
    #[schema(value_type = String, example = "60000")]
    pub turnover: Decimal,
    #[schema(value_type = String, example = "60")]
    pub fees: Decimal,
    #[schema(value_type = String, format = DateTime)]
    pub ended_at: Timestamp,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = LastError)]
pub(crate) struct LastErrorBody {
    #[schema(example = "price_stale")]
    pub code: String,
    pub message: String,
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
}

/// A session as a command left it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = TradingSessionAt)]
pub(crate) struct TradingSessionAtBody {
    /// Of the command's last event, or of the end of the journal if there was nothing left to do.
    pub position: i64,
    pub session: TradingSessionBody,
}

/// A session that was asked to run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = Rebalance)]
pub(crate) struct RebalanceBody {
    pub position: i64,
    /// What the run will be known by in `/runs`.
    pub run_id: Uuid,
    pub session: TradingSessionBody,
}

impl TradingSessionBody {
    /// Nothing of what was never started.
    pub(crate) fn of(aggregate: &TradingSession, version: i64) -> Option<Self> {
        aggregate.session().map(|session| Self::new(session, version))
    }

    pub(crate) fn new(session: &Session, version: i64) -> Self {
        Self {
            id: session.session_id,
            user_id: session.user_id,
            mode: session.mode,
            dry_run: session.dry_run,
            status: if session.state.is_active() { "active" } else { "stopped" },
            state: session.state,
            is_running: session.state == SessionState::Running,
            capital: session.capital,
            currency: session.currency,
            exchange: session.exchange,
            targets: session.targets.clone(),
            interval_s: session.interval_s,
            auto_rebalance: session.auto_rebalance,
            drift_threshold: session.drift_threshold,
            risk_per_trade: session.limits.risk_per_trade,
            max_drawdown: session.limits.max_drawdown,
            next_run_at: session.next_run_at,
            last_run_at: session.last_run_at,
            last_portfolio: session.last_portfolio.as_ref().map(ValuationBody::from),
            last_result: session.last_result.as_ref().map(LastResultBody::from),
            last_error: session.last_error.as_ref().map(LastErrorBody::from),
            hold_id: session.hold_id,
            stop_reason: session.stop_reason.clone(),
            started_at: session.started_at,
            ended_at: session.ended_at,
            version,
        }
    }
}

impl From<&LastResult> for LastResultBody {
    fn from(last: &LastResult) -> Self {
        Self {
            run_id: last.run_id,
            trigger: last.trigger,
            result: last.result.clone(),
            orders: last.orders,
            turnover: last.turnover,
            fees: last.fees,
            ended_at: last.ended_at,
        }
    }
}

impl From<&LastError> for LastErrorBody {
    fn from(last: &LastError) -> Self {
        Self { code: last.code.clone(), message: last.message.clone(), at: last.at }
    }
}
