//! What the owner of a session asks of it.

use super::command::Flow;
use super::derived;
use super::event::{Halted, Paused, Resumed, SessionEvent, Snapshot, Stopped};
use super::exact::{self, WHOLE_MAX};
use super::market::Market;
use super::planner::{self, QUOTE_AGE_MAX};
use super::portfolio::{BookError, Valuation, drawdown, high_water_after};
use super::refusal::SessionRefusal;
use super::run::Trigger;
use super::schedule::first_tick;
use super::session::{Limits, Session, SessionState};
use super::targets::Targets;
use crate::Timestamp;
use rust_decimal::Decimal;
use std::time::Duration;
use uuid::Uuid;

/// What a run did not bring about, another one right after it does not either.
const DRIFT_REST: Duration = Duration::from_mins(1);

type Decided = Result<Vec<SessionEvent>, SessionRefusal>;

impl Session {
    fn wrong_state<T>(&self) -> Result<T, SessionRefusal> {
        Err(SessionRefusal::WrongState { state: self.state })
    }

    fn must_go_on(&self) -> Result<(), SessionRefusal> {
        match self.state {
            SessionState::Stopping | SessionState::Stopped => self.wrong_state(),
            _ => Ok(()),
        }
    }

    fn nothing_under_way(&self) -> Result<(), SessionRefusal> {
        self.run_id().map_or(Ok(()), |run_id| Err(SessionRefusal::RunUnderWay { run_id }))
    }

    pub(super) fn pause(&self) -> Decided {
        match self.state {
            SessionState::Running => {
                Ok(vec![SessionEvent::TradingSessionPaused(Paused { from: self.state })])
            }
            SessionState::Paused => Ok(Vec::new()),
            _ => self.wrong_state(),
        }
    }

    pub(super) fn resume(&self, market: Option<&Market>, at: Timestamp) -> Decided {
        let high_water = match self.state {
            SessionState::Running => return Ok(Vec::new()),
            SessionState::Paused => self.high_water,
            SessionState::Halted => self.valuation(market, at).map_or(self.high_water, |now| now.equity),
            _ => return self.wrong_state(),
        };
        let resumed = Resumed { from: self.state, high_water, next_run_at: self.next_run_at };
        Ok(vec![SessionEvent::TradingSessionResumed(resumed)])
    }

    /// At once, unless orders are out: then as soon as it is known what became of them.
    pub(super) fn stop(&self, reason: String, market: Option<&Market>, at: Timestamp) -> Decided {
        self.must_go_on()?;
        if self.run.is_some() {
            return Ok(vec![SessionEvent::TradingSessionStopping { reason }]);
        }
        Ok(vec![self.stopped(reason, market, at)])
    }

    pub(super) fn stopped(&self, reason: String, market: Option<&Market>, at: Timestamp) -> SessionEvent {
        let known = self.valuation(market, at);
        // Never valued: it holds what it was given, or what that bought.
        let costs = || exact::sum(self.portfolio.holdings.values().map(|holding| holding.cost));
        let at_cost = || costs().and_then(|costs| exact::add(self.portfolio.cash, costs));
        let equity = known.map_or_else(|| at_cost().unwrap_or(self.portfolio.cash), |known| known.equity);
        SessionEvent::TradingSessionStopped(Box::new(Stopped {
            reason,
            equity,
            realised: self.portfolio.realised().unwrap_or_default(),
            fees: self.portfolio.fees,
            ended_at: at,
        }))
    }

    pub(super) fn request_run(&self, run_id: Uuid, trigger: Trigger, at: Timestamp) -> Decided {
        let may_run = match trigger {
            Trigger::Manual => matches!(self.state, SessionState::Running | SessionState::Halted),
            Trigger::Scheduled | Trigger::Drift => self.state == SessionState::Running,
        };
        if !may_run {
            return self.wrong_state();
        }
        self.nothing_under_way()?;
        if let Some(requested) = &self.requested {
            return Err(SessionRefusal::RunUnderWay { run_id: requested.run_id });
        }
        Ok(vec![SessionEvent::RunRequested { run_id, trigger, requested_at: at }])
    }

    pub(super) fn set_next_run(&self, next_run_at: Timestamp) -> Decided {
        self.must_go_on()?;
        Ok(self.scheduled(self.interval_s, self.auto_rebalance, Some(next_run_at)))
    }

    pub(super) fn set_interval(&self, interval_s: u32, at: Timestamp) -> Decided {
        self.must_go_on()?;
        if interval_s == self.interval_s {
            return Ok(Vec::new());
        }
        let next = if self.auto_rebalance {
            Some(first_tick(self.session_id, interval_s, at))
        } else {
            self.next_run_at
        };
        Ok(self.scheduled(interval_s, self.auto_rebalance, next))
    }

    pub(super) fn set_auto_rebalance(&self, enabled: bool, at: Timestamp) -> Decided {
        self.must_go_on()?;
        if enabled == self.auto_rebalance {
            return Ok(Vec::new());
        }
        let first = || first_tick(self.session_id, self.interval_s, at);
        let next = enabled.then(|| self.next_run_at.unwrap_or_else(first));
        Ok(self.scheduled(self.interval_s, enabled, next))
    }

    fn scheduled(
        &self,
        interval_s: u32,
        auto_rebalance: bool,
        next_run_at: Option<Timestamp>,
    ) -> Vec<SessionEvent> {
        let same = (interval_s, auto_rebalance, next_run_at)
            == (self.interval_s, self.auto_rebalance, self.next_run_at);
        let changed = SessionEvent::ScheduleChanged { interval_s, auto_rebalance, next_run_at };
        if same { Vec::new() } else { vec![changed] }
    }

    pub(super) fn set_dry_run(&self, dry_run: bool) -> Decided {
        self.must_go_on()?;
        self.nothing_under_way()?;
        let changed = (dry_run != self.dry_run).then_some(SessionEvent::DryRunChanged { dry_run });
        Ok(changed.into_iter().collect())
    }

    pub(super) fn set_drift(&self, threshold: Option<Decimal>) -> Decided {
        self.must_go_on()?;
        let drift_threshold = threshold.map(|threshold| threshold.normalize());
        let changed = (drift_threshold != self.drift_threshold)
            .then_some(SessionEvent::DriftThresholdChanged { drift_threshold });
        Ok(changed.into_iter().collect())
    }

    pub(super) fn set_targets(&self, targets: Targets) -> Decided {
        self.must_go_on()?;
        let changed = (targets != self.targets).then_some(SessionEvent::TargetsChanged { targets });
        Ok(changed.into_iter().collect())
    }

    pub(super) fn set_limits(
        &self,
        risk_per_trade: Option<Decimal>,
        max_drawdown: Option<Decimal>,
    ) -> Decided {
        self.must_go_on()?;
        let risk_per_trade = risk_per_trade.unwrap_or(self.limits.risk_per_trade).normalize();
        let max_drawdown = max_drawdown.unwrap_or(self.limits.max_drawdown).normalize();
        let changed = SessionEvent::RiskLimitsChanged { risk_per_trade, max_drawdown };
        let same = self.limits == Limits { risk_per_trade, max_drawdown };
        Ok(if same { Vec::new() } else { vec![changed] })
    }

    /// What comes in or goes out is neither gain nor loss: the highest equity moves with it.
    pub(super) fn change_capital(&self, flow: &Flow) -> Decided {
        self.must_go_on()?;
        self.nothing_under_way()?;
        let now = match &flow.market {
            Some(market) => self.fresh_valuation(market, flow.at)?,
            None => return Err(BookError::Unpriced { asset: self.currency }.into()),
        };
        if flow.amount.is_zero() {
            return Ok(Vec::new());
        }
        let after = self.portfolio.with_flow(flow.amount).map_err(|error| match error {
            BookError::Overspent => SessionRefusal::InsufficientCash {
                available: self.portfolio.cash,
                requested: flow.amount.abs(),
            },
            other => other.into(),
        })?;
        let high_water = self.high_water.max(now.equity);
        let too_large = |_| SessionRefusal::Book(BookError::TooLarge);
        let capital_after = exact::add(self.capital, flow.amount).map_err(too_large)?;
        // However often some is put in: what is worth more may not fit any more, with all digits of its trades.
        if flow.amount > Decimal::ZERO
            && exact::add(now.equity, flow.amount).map_err(too_large)? > WHOLE_MAX.into()
        {
            return Err(BookError::TooLarge.into());
        }
        Ok(vec![SessionEvent::CapitalChanged {
            amount: flow.amount,
            capital_after,
            cash_after: after.cash,
            high_water_after: high_water_after(high_water, now.equity, flow.amount).map_err(too_large)?,
        }])
    }

    /// What everything is worth now: halts the session if that is too little. What has no price now keeps its last one, so
    /// that nobody is blind for what the rest has lost; more than a halt does not rest on that.
    pub(super) fn mark(&self, market: &Market, snapshot: bool, at: Timestamp) -> Decided {
        if !self.state.is_active() || self.state == SessionState::Starting {
            return self.wrong_state();
        }
        let now = self.last_known(market, at)?;
        if let Some(halted) = self.breach(&now) {
            return Ok(vec![halted]);
        }
        if !now.is_priced() {
            return Ok(snapshot.then(|| self.snapshot(now)).into_iter().collect());
        }
        let is_news = snapshot || now.equity > self.high_water;
        let drifted = self.drifted(&now, market, at);
        let taken = is_news.then(|| self.snapshot(now));
        Ok(taken.into_iter().chain(drifted).collect())
    }

    /// Until then it does not ask for a run, however far it has drifted; nothing, where it never ran.
    pub fn drift_rests_until(&self) -> Option<Timestamp> {
        // Nothing becomes of it on a dry run: it is told as often as the schedule would.
        let interval = if self.dry_run { Duration::from_secs(self.interval_s.into()) } else { DRIFT_REST };
        self.last_run_at.map(|last| last.plus(interval.max(DRIFT_REST)))
    }

    /// The run that is asked for when it has drifted too far, unless one is on its way or has just been.
    fn drifted(&self, now: &Valuation, market: &Market, at: Timestamp) -> Option<SessionEvent> {
        let threshold = self.drift_threshold?;
        let has_rested = self.drift_rests_until().is_none_or(|until| at >= until);
        let may_run = self.state == SessionState::Running && self.run.is_none() && self.requested.is_none();
        if !may_run || !has_rested || self.drift(now, market) <= threshold {
            return None;
        }
        // What is too little for an order stays as it is, however far off it is.
        planner::plan(&self.inputs(market, at)).ok().filter(|plan| !plan.legs.is_empty())?;
        let run_id =
            derived(self.session_id.0, &[b"drift".as_slice(), &at.as_micros().to_be_bytes()].concat());
        Some(SessionEvent::RunRequested { run_id, trigger: Trigger::Drift, requested_at: at })
    }

    /// How far the asset that is farthest from its target is from it, as a share of the whole.
    pub fn drift(&self, now: &Valuation, market: &Market) -> Decimal {
        let worth = |asset| {
            let position = now.positions.iter().find(|position| position.asset == asset);
            position.map_or(Decimal::ZERO, |position| position.value)
        };
        let held = now.positions.iter().map(|position| position.asset);
        let assets = held.chain(self.targets.assets()).filter(|asset| *asset != market.currency);
        let shares = assets.filter_map(|asset| {
            let share = worth(asset).checked_div(now.equity)?;
            exact::sub(exact::round_to(share, 6), self.targets.share(asset)).ok()
        });
        shares.map(|off| off.abs()).max().unwrap_or_default()
    }

    pub(super) fn snapshot(&self, portfolio: Valuation) -> SessionEvent {
        // A price of the past is no reason to count losses from there.
        let is_priced = portfolio.is_priced();
        let high_water = if is_priced { self.high_water.max(portfolio.equity) } else { self.high_water };
        let drawdown = drawdown(high_water, portfolio.equity);
        SessionEvent::PortfolioSnapshotTaken(Box::new(Snapshot { portfolio, high_water, drawdown }))
    }

    /// The halt, if equity is too far below its highest and the session is not halted yet.
    pub(super) fn breach(&self, now: &Valuation) -> Option<SessionEvent> {
        let limit = self.limits.max_drawdown;
        let drawdown = drawdown(self.high_water, now.equity);
        let may_halt = matches!(self.state, SessionState::Running | SessionState::Paused);
        (may_halt && drawdown > limit).then(|| {
            SessionEvent::TradingSessionHalted(Box::new(Halted {
                rule: "max_drawdown".to_owned(),
                drawdown,
                limit,
                high_water: self.high_water,
                portfolio: now.clone(),
            }))
        })
    }

    /// By these quotes, if none of those that are needed is missing or old.
    pub(super) fn fresh_valuation(
        &self,
        market: &Market,
        at: Timestamp,
    ) -> Result<Valuation, SessionRefusal> {
        for (asset, _) in self.portfolio.held() {
            let quote =
                market.quote(asset).filter(|quote| quote.is_sound() && quote.age(at) <= QUOTE_AGE_MAX);
            quote.ok_or(BookError::Unpriced { asset })?;
        }
        Ok(self.portfolio.valued(market, at)?)
    }

    /// By these quotes, and what they do not price by the last price of it that is known: a quote that is old, or what it was
    /// valued at, or what it cost.
    fn last_known(&self, market: &Market, at: Timestamp) -> Result<Valuation, SessionRefusal> {
        let last = |asset| {
            let valued = self.last_portfolio.as_ref()?;
            let position = valued.positions.iter().find(|position| position.asset == asset)?;
            Some((position.mark, Some(position.priced_at.unwrap_or(valued.as_of))))
        };
        let bought_at = self.last_run_at.unwrap_or(self.started_at);
        let now = self.portfolio.valued_by(at, |asset, holding| {
            if let Some(quote) = market.quote(asset).filter(|quote| quote.is_sound()) {
                let is_old = quote.age(at) > QUOTE_AGE_MAX;
                return Ok((quote.mark(), is_old.then_some(quote.as_of)));
            }
            let known = last(asset);
            known.map_or_else(|| Ok((holding.average_cost()?, Some(bought_at))), Ok)
        });
        Ok(now?)
    }

    /// By these quotes, or else as it was last.
    fn valuation(&self, market: Option<&Market>, at: Timestamp) -> Option<Valuation> {
        let now = market.and_then(|market| self.fresh_valuation(market, at).ok());
        now.or_else(|| self.last_portfolio.clone())
    }

    /// The most that one order may add to what is at risk: what may be lost on it, by how far it may fall.
    pub(super) fn leg_max(&self) -> Decimal {
        let Limits { risk_per_trade, max_drawdown } = self.limits;
        exact::div_floor(risk_per_trade, max_drawdown, 6).unwrap_or(Decimal::ONE).min(Decimal::ONE)
    }
}
