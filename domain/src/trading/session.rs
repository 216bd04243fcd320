//! A session that was started: what it holds, what it is meant to hold, and what it is doing about it.
//!
//! Only what is open is kept here, and the last of each kind that an answer shows; the rest is history.

use super::portfolio::{Portfolio, Valuation};
use super::run::{Requested, Run, Trigger};
use super::targets::Targets;
use crate::user::TradingMode;
use crate::{Currency, EntryId, Timestamp, TradingSessionId, UserId};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use std::fmt;
use uuid::Uuid;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    pub session_id: TradingSessionId,
    pub user_id: UserId,
    pub mode: TradingMode,
    pub dry_run: bool,
    pub state: SessionState,
    pub exchange: ExchangeName,
    /// What was put in, less what was taken out.
    pub capital: Decimal,
    pub currency: Currency,
    pub targets: Targets,
    pub interval_s: u32,
    pub auto_rebalance: bool,
    pub limits: Limits,
    /// How far from its targets it may drift, as a share of the whole, before it is rebalanced out of turn.
    #[serde(default)]
    pub drift_threshold: Option<Decimal>,
    /// Kept back in a wallet of its owner for as long as it runs.
    pub hold_id: Option<EntryId>,
    pub next_run_at: Option<Timestamp>,
    pub last_run_at: Option<Timestamp>,
    /// The latest time that a run of the schedule was due at.
    #[serde(default)]
    pub last_due_at: Option<Timestamp>,
    pub requested: Option<Requested>,
    pub run: Option<Run>,
    /// The highest that any worker has shown: who comes with a lower one has lost its lease.
    pub fence: i64,
    pub portfolio: Portfolio,
    /// The highest equity there was, as it would have been with today's capital.
    pub high_water: Decimal,
    pub last_portfolio: Option<Valuation>,
    pub last_result: Option<LastResult>,
    pub last_error: Option<LastError>,
    /// Why it is to stop, once its orders are settled.
    pub stop_reason: Option<String>,
    pub started_at: Timestamp,
    pub ended_at: Option<Timestamp>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SessionState {
    /// It waits for its exchange.
    Starting,
    Running,
    Paused,
    /// It lost more than it may: it buys nothing until it is resumed.
    Halted,
    /// It waits for its last orders.
    Stopping,
    Stopped,
}

impl SessionState {
    pub const ALL: [Self; 6] =
        [Self::Starting, Self::Running, Self::Paused, Self::Halted, Self::Stopping, Self::Stopped];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Starting => "starting",
            Self::Running => "running",
            Self::Paused => "paused",
            Self::Halted => "halted",
            Self::Stopping => "stopping",
            Self::Stopped => "stopped",
        }
    }

    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == name)
    }

    /// Until it has stopped.
    pub const fn is_active(self) -> bool {
        !matches!(self, Self::Stopped)
    }
}

impl fmt::Display for SessionState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ExchangeName {
    Paper,
    Binance,
}

impl ExchangeName {
    pub const ALL: [Self; 2] = [Self::Paper, Self::Binance];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Paper => "paper",
            Self::Binance => "binance",
        }
    }

    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|exchange| exchange.as_str() == name)
    }
}

/// Shares of the whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    pub risk_per_trade: Decimal,
    pub max_drawdown: Decimal,
}

/// What the last run came to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastResult {
    pub run_id: Uuid,
    pub trigger: Trigger,
    /// `done`, `partial`, `nothing_to_do`, `dry_run` or `failed`.
    pub result: String,
    pub orders: u32,
    pub turnover: Decimal,
    pub fees: Decimal,
    pub ended_at: Timestamp,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastError {
    pub code: String,
    pub message: String,
    pub at: Timestamp,
}
