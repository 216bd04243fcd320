//! What can have happened to a session.
//!
//! An event of a decision carries all that the decision rests on: whoever asks later why something was bought finds the
//! prices, the rules and the portfolio of then, and can plan it again.

use super::order::{Fill, Intent, OrderId};
use super::planner::{Inputs, Plan};
use super::portfolio::Valuation;
use super::run::Trigger;
use super::session::{ExchangeName, SessionState};
use super::targets::Targets;
use crate::event_types::event_types;
use crate::user::TradingMode;
use crate::{Currency, EntryId, Timestamp, TradingSessionId, UserId};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum SessionEvent {
    TradingSessionStarted(Box<Started>),
    TradingSessionPaused(Paused),
    TradingSessionResumed(Resumed),
    TradingSessionHalted(Box<Halted>),
    TradingSessionStopping { reason: String },
    TradingSessionStopped(Box<Stopped>),
    ScheduleChanged { interval_s: u32, auto_rebalance: bool, next_run_at: Option<Timestamp> },
    DriftThresholdChanged { drift_threshold: Option<Decimal> },
    DryRunChanged { dry_run: bool },
    TargetsChanged { targets: Targets },
    RiskLimitsChanged { risk_per_trade: Decimal, max_drawdown: Decimal },
    CapitalChanged { amount: Decimal, capital_after: Decimal, cash_after: Decimal, high_water_after: Decimal },
    RunRequested { run_id: Uuid, trigger: Trigger, requested_at: Timestamp },
    RunStarted(RunBegun),
    RebalancePlanned(Box<Planned>),
    RunTakenOver { run_id: Uuid, fence: i64 },
    OrderIntended(Box<Intended>),
    OrderFilled(Box<Filled>),
    OrderRejected(Rejected),
    OrderOutcomeUnknown(Unresolved),
    OrderOutcomeResolved(Resolved),
    OrderOutcomeUnbookable(Box<Unbookable>),
    RunCompleted(RunEnded),
    RunFailed(RunEnded),
    PortfolioSnapshotTaken(Box<Snapshot>),
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Started {
    pub session_id: TradingSessionId,
    pub user_id: UserId,
    pub mode: TradingMode,
    pub dry_run: bool,
    /// `running`, or `starting` where an exchange has to be there first.
    pub state: SessionState,
    pub exchange: ExchangeName,
    pub capital: Decimal,
    pub currency: Currency,
    pub targets: Targets,
    pub interval_s: u32,
    pub auto_rebalance: bool,
    pub risk_per_trade: Decimal,
    pub max_drawdown: Decimal,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drift_threshold: Option<Decimal>,
    pub next_run_at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hold_id: Option<EntryId>,
    pub started_at: Timestamp,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Paused {
    pub from: SessionState,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resumed {
    pub from: SessionState,
    /// From here on losses count: after a halt, today's equity.
    pub high_water: Decimal,
    pub next_run_at: Option<Timestamp>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Halted {
    /// The limit that was passed: `max_drawdown`.
    pub rule: String,
    pub drawdown: Decimal,
    pub limit: Decimal,
    pub high_water: Decimal,
    pub portfolio: Valuation,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stopped {
    pub reason: String,
    /// As last valued.
    pub equity: Decimal,
    pub realised: Decimal,
    pub fees: Decimal,
    pub ended_at: Timestamp,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunBegun {
    pub run_id: Uuid,
    pub trigger: Trigger,
    pub due_at: Timestamp,
    pub started_at: Timestamp,
    pub late_ms: u64,
    pub fence: i64,
    pub dry_run: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Planned {
    pub run_id: Uuid,
    pub inputs: Inputs,
    pub plan: Plan,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Intended {
    #[serde(flatten)]
    pub intent: Intent,
    pub client_order_id: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Filled {
    pub order_id: OrderId,
    pub run_id: Uuid,
    pub trigger: Trigger,
    pub symbol: String,
    #[serde(flatten)]
    pub fill: Fill,
    /// What of the order is not filled, and will not be.
    pub unfilled: Decimal,
    /// Whether it was found out by asking, and not answered at once.
    pub reconciled: bool,
    pub cash_after: Decimal,
    pub quantity_after: Decimal,
    pub cost_after: Decimal,
    /// What this trade made, without its fee.
    pub realised: Decimal,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rejected {
    pub order_id: OrderId,
    pub run_id: Uuid,
    pub code: String,
    pub message: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unresolved {
    pub order_id: OrderId,
    pub run_id: Uuid,
    pub cause: String,
}

/// What was unknown, or never answered, and never will have happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resolved {
    pub order_id: OrderId,
    pub run_id: Uuid,
    /// `never_accepted`.
    pub resolution: String,
    pub evidence: String,
}

/// What an exchange said of an order, and the books cannot hold. None of it is in them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unbookable {
    pub order_id: OrderId,
    pub run_id: Uuid,
    /// `oversold`, `overspent`, `not_of_the_order` or `number_too_large`.
    pub flaw: String,
    pub message: String,
    /// As the exchange told them, all of them.
    pub fills: Vec<Fill>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Conclusion {
    /// Every order was filled.
    Done,
    /// Some were, or some in part.
    Partial,
    /// The portfolio is as it is meant to be, as near as orders can bring it.
    NothingToDo,
    /// It was planned, and nothing was sent.
    DryRun,
    Failed,
}

impl Conclusion {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Partial => "partial",
            Self::NothingToDo => "nothing_to_do",
            Self::DryRun => "dry_run",
            Self::Failed => "failed",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunEnded {
    pub run_id: Uuid,
    pub trigger: Trigger,
    pub result: Conclusion,
    pub orders: u32,
    pub turnover: Decimal,
    pub fees: Decimal,
    /// Why it failed, or why a part of it did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    pub next_run_at: Option<Timestamp>,
    pub ended_at: Timestamp,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snapshot {
    #[serde(flatten)]
    pub portfolio: Valuation,
    pub high_water: Decimal,
    pub drawdown: Decimal,
}

event_types! {
    SessionEvent:
    TradingSessionStarted,
    TradingSessionPaused,
    TradingSessionResumed,
    TradingSessionHalted,
    TradingSessionStopping,
    TradingSessionStopped,
    ScheduleChanged,
    DriftThresholdChanged,
    DryRunChanged,
    TargetsChanged,
    RiskLimitsChanged,
    CapitalChanged,
    RunRequested,
    RunStarted,
    RebalancePlanned,
    RunTakenOver,
    OrderIntended,
    OrderFilled,
    OrderRejected,
    OrderOutcomeUnknown,
    OrderOutcomeResolved,
    OrderOutcomeUnbookable,
    RunCompleted,
    RunFailed,
    PortfolioSnapshotTaken,
}
