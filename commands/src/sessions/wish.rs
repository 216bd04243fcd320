//! What somebody wants of a session, as it was understood.

use domain::Timestamp;
use domain::trading::market::Market;
use domain::trading::{Flow, SessionCommand, Targets, Trigger};
use rust_decimal::Decimal;
use serde::Serialize;
use uuid::Uuid;

/// Serialised, it is what two requests are compared by.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub enum SessionWish {
    Pause,
    Resume,
    Stop {
        reason: String,
    },
    Rebalance,
    SetNextRun {
        next_run_at: Timestamp,
    },
    SetInterval {
        interval_s: u32,
    },
    SetAutoRebalance {
        enabled: bool,
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
    SetLimits {
        risk_per_trade: Option<Decimal>,
        max_drawdown: Option<Decimal>,
    },
    /// Into the session, or out of it, if it is below zero.
    ChangeCapital {
        amount: Decimal,
    },
}

impl SessionWish {
    pub(super) fn fingerprint(&self) -> Vec<u8> {
        // Plain data: writing it down cannot fail.
        serde_json::to_vec(self).unwrap_or_default()
    }

    pub(super) fn into_command(self, market: Option<Market>) -> SessionCommand {
        let at = Timestamp::default();
        match self {
            Self::Pause => SessionCommand::Pause,
            Self::Resume => SessionCommand::Resume { market: market.map(Box::new), at },
            Self::Stop { reason } => SessionCommand::Stop { reason, market: market.map(Box::new), at },
            Self::Rebalance => {
                SessionCommand::RequestRun { run_id: Uuid::now_v7(), trigger: Trigger::Manual, at }
            }
            Self::SetNextRun { next_run_at } => SessionCommand::SetNextRun { next_run_at },
            Self::SetInterval { interval_s } => SessionCommand::SetInterval { interval_s, at },
            Self::SetAutoRebalance { enabled } => SessionCommand::SetAutoRebalance { enabled, at },
            Self::SetDrift { threshold } => SessionCommand::SetDrift { threshold },
            Self::SetDryRun { dry_run } => SessionCommand::SetDryRun { dry_run },
            Self::SetTargets { targets } => SessionCommand::SetTargets { targets },
            Self::SetLimits { risk_per_trade, max_drawdown } => {
                SessionCommand::SetLimits { risk_per_trade, max_drawdown }
            }
            Self::ChangeCapital { amount } => {
                SessionCommand::ChangeCapital(Box::new(Flow { amount, market, at }))
            }
        }
    }
}
