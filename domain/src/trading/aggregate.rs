//! A session as an aggregate: commands go to the session or to its run, and only `evolve` changes anything.

use super::command::{SessionCommand, StartSession};
use super::event::{SessionEvent, Started};
use super::refusal::SessionRefusal;
use super::schedule::first_tick;
use super::session::{ExchangeName, Session, SessionState};
use crate::aggregate::aggregate_shim;
use crate::{AggregateKind, Decide, UserId};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TradingSession {
    /// Nothing until it is started.
    session: Option<Session>,
}

impl TradingSession {
    pub const fn session(&self) -> Option<&Session> {
        self.session.as_ref()
    }

    fn start(&self, start: StartSession) -> Result<Vec<SessionEvent>, SessionRefusal> {
        if self.session.is_some() {
            return Err(SessionRefusal::AlreadyStarted);
        }
        // On paper there is nothing to wait for.
        let state = match start.exchange {
            ExchangeName::Paper => SessionState::Running,
            ExchangeName::Binance => SessionState::Starting,
        };
        let first = || first_tick(start.session_id, start.interval_s, start.at);
        let next_run_at = start.next_run_at.or_else(|| start.auto_rebalance.then(first));
        Ok(vec![SessionEvent::TradingSessionStarted(Box::new(Started {
            session_id: start.session_id,
            user_id: start.user_id,
            mode: start.mode,
            dry_run: start.dry_run,
            state,
            exchange: start.exchange,
            capital: start.capital.normalize(),
            currency: start.currency,
            targets: start.targets,
            interval_s: start.interval_s,
            auto_rebalance: start.auto_rebalance,
            risk_per_trade: start.limits.risk_per_trade.normalize(),
            max_drawdown: start.limits.max_drawdown.normalize(),
            drift_threshold: start.drift_threshold.map(|threshold| threshold.normalize()),
            next_run_at,
            hold_id: start.hold_id,
            started_at: start.at,
        }))])
    }
}

impl Decide for TradingSession {
    const KIND: AggregateKind = AggregateKind::TradingSession;
    const SCHEMA: i32 = 1;
    type Refusal = SessionRefusal;

    fn owner(&self) -> Option<UserId> {
        self.session.as_ref().map(|session| session.user_id)
    }

    fn decide(&self, command: SessionCommand) -> Result<Vec<SessionEvent>, SessionRefusal> {
        if let SessionCommand::Start(start) = command {
            return self.start(*start);
        }
        let session = self.session.as_ref().ok_or(SessionRefusal::NotFound)?;
        match command {
            SessionCommand::Start(_) => Err(SessionRefusal::AlreadyStarted),
            SessionCommand::Pause => session.pause(),
            SessionCommand::Resume { market, at } => session.resume(market.as_deref(), at),
            SessionCommand::Stop { reason, market, at } => session.stop(reason, market.as_deref(), at),
            SessionCommand::RequestRun { run_id, trigger, at } => session.request_run(run_id, trigger, at),
            SessionCommand::SetNextRun { next_run_at } => session.set_next_run(next_run_at),
            SessionCommand::SetInterval { interval_s, at } => session.set_interval(interval_s, at),
            SessionCommand::SetAutoRebalance { enabled, at } => session.set_auto_rebalance(enabled, at),
            SessionCommand::SetDrift { threshold } => session.set_drift(threshold),
            SessionCommand::SetDryRun { dry_run } => session.set_dry_run(dry_run),
            SessionCommand::SetTargets { targets } => session.set_targets(targets),
            SessionCommand::SetLimits { risk_per_trade, max_drawdown } => {
                session.set_limits(risk_per_trade, max_drawdown)
            }
            SessionCommand::ChangeCapital(flow) => session.change_capital(&flow),
            SessionCommand::BeginRun(begin) => session.begin_run(&begin),
            SessionCommand::TakeOver { fence } => session.take_over(fence),
            SessionCommand::RecordOutcomes(record) => session.record_outcomes(&record),
            SessionCommand::Mark { market, snapshot, at } => session.mark(&market, snapshot, at),
        }
    }

    fn evolve(&mut self, event: &SessionEvent) {
        if let SessionEvent::TradingSessionStarted(started) = event {
            self.session = Some(Session::started(started));
        } else if let Some(session) = &mut self.session {
            session.evolve(event);
        }
    }
}

aggregate_shim!(TradingSession, "trading_session", SessionCommand, SessionEvent, SessionRefusal);
