//! What a session can be asked to do.
//!
//! What depends on time carries a moment, and is decided at the time of its batch, whatever moment it carries. What depends
//! on prices carries the market it was asked in.

use super::market::Market;
use super::order::{OrderId, Outcome};
use super::run::Trigger;
use super::session::{ExchangeName, Limits};
use super::targets::Targets;
use crate::user::TradingMode;
use crate::{Currency, EntryId, Timestamp, TradingSessionId, UserId};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum SessionCommand {
    Start(Box<StartSession>),
    Pause,
    /// With the market, the equity from which losses count again is today's.
    Resume {
        market: Option<Box<Market>>,
        at: Timestamp,
    },
    Stop {
        reason: String,
        market: Option<Box<Market>>,
        at: Timestamp,
    },
    RequestRun {
        run_id: Uuid,
        trigger: Trigger,
        at: Timestamp,
    },
    SetNextRun {
        next_run_at: Timestamp,
    },
    SetInterval {
        interval_s: u32,
        at: Timestamp,
    },
    SetAutoRebalance {
        enabled: bool,
        at: Timestamp,
    },
    /// Nothing switches it off.
    SetDrift {
        threshold: Option<Decimal>,
    },
    SetDryRun {
        dry_run: bool,
    },
    SetTargets {
        targets: Targets,
    },
    /// What is left out stays.
    SetLimits {
        risk_per_trade: Option<Decimal>,
        max_drawdown: Option<Decimal>,
    },
    ChangeCapital(Box<Flow>),
    /// By a worker, of what is due.
    BeginRun(Box<BeginRun>),
    /// By another worker, of a run whose worker is gone.
    TakeOver {
        fence: i64,
    },
    RecordOutcomes(Box<RecordOutcomes>),
    /// Looks at what everything is worth.
    Mark {
        market: Box<Market>,
        snapshot: bool,
        at: Timestamp,
    },
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StartSession {
    pub session_id: TradingSessionId,
    pub user_id: UserId,
    pub mode: TradingMode,
    pub dry_run: bool,
    pub exchange: ExchangeName,
    pub capital: Decimal,
    pub currency: Currency,
    pub targets: Targets,
    pub interval_s: u32,
    pub auto_rebalance: bool,
    /// How far from its targets it may drift before it is rebalanced out of turn.
    pub drift_threshold: Option<Decimal>,
    pub limits: Limits,
    pub next_run_at: Option<Timestamp>,
    /// Placed in the same append.
    pub hold_id: Option<EntryId>,
    pub at: Timestamp,
}

/// Capital that is put in, or taken out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Flow {
    /// Below zero, if it is taken out.
    pub amount: Decimal,
    pub market: Option<Market>,
    pub at: Timestamp,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BeginRun {
    pub fence: i64,
    /// Nothing, where there is no market to be asked.
    pub market: Option<Market>,
    pub at: Timestamp,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordOutcomes {
    pub run_id: Uuid,
    pub fence: i64,
    pub outcomes: Vec<(OrderId, Outcome)>,
    pub market: Market,
    pub at: Timestamp,
}

impl SessionCommand {
    /// The same command, asked at a moment.
    #[must_use]
    pub fn at(mut self, now: Timestamp) -> Self {
        match &mut self {
            Self::Start(start) => start.at = now,
            Self::ChangeCapital(flow) => flow.at = now,
            Self::BeginRun(begin) => begin.at = now,
            Self::RecordOutcomes(record) => record.at = now,
            Self::Resume { at, .. }
            | Self::Stop { at, .. }
            | Self::RequestRun { at, .. }
            | Self::SetInterval { at, .. }
            | Self::SetAutoRebalance { at, .. }
            | Self::Mark { at, .. } => *at = now,
            Self::Pause
            | Self::SetNextRun { .. }
            | Self::SetDrift { .. }
            | Self::SetDryRun { .. }
            | Self::SetTargets { .. }
            | Self::SetLimits { .. }
            | Self::TakeOver { .. } => {}
        }
        self
    }

    /// The name it is counted under.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Start(_) => "start_session",
            Self::Pause => "pause_session",
            Self::Resume { .. } => "resume_session",
            Self::Stop { .. } => "stop_session",
            Self::RequestRun { .. } => "rebalance",
            Self::SetNextRun { .. } => "set_next_run",
            Self::SetInterval { .. } => "set_interval",
            Self::SetAutoRebalance { .. } => "set_auto_rebalance",
            Self::SetDrift { .. } => "set_drift",
            Self::SetDryRun { .. } => "set_dry_run",
            Self::SetTargets { .. } => "set_targets",
            Self::SetLimits { .. } => "set_risk",
            Self::ChangeCapital(_) => "change_capital",
            Self::BeginRun(_) => "begin_run",
            Self::TakeOver { .. } => "take_over_run",
            Self::RecordOutcomes(_) => "record_outcomes",
            Self::Mark { .. } => "mark",
        }
    }
}
