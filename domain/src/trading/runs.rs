//! A run, decided: what is due is planned, what is planned is intended, and what came of it is taken down.
//!
//! ## Correctness
//! An order is intended in an event before anybody can send it, and the exchange takes it only for a while: so whoever finds
//! an order without an outcome after that can ask what became of it, and never has to send it again. A worker whose lease
//! is over (`fence`) may still tell what it saw, for that is a fact, but intends nothing more.

use super::command::{BeginRun, RecordOutcomes};
use super::derived;
use super::event::{
    Conclusion, Filled, Intended, Planned, Rejected, Resolved, RunBegun, RunEnded, SessionEvent, Unbookable,
    Unresolved,
};
use super::exact;
use super::market::Market;
use super::order::{Fill, Intent, OrderId, Outcome, Side};
use super::planner::{self, Fault, Inputs, Leg, Parameters};
use super::portfolio::BookError;
use super::refusal::SessionRefusal;
use super::run::{Order, OrderState, Run, Trigger};
use super::schedule::{next_tick, scheduled_run};
use super::session::{Session, SessionState};
use crate::Timestamp;
use rust_decimal::Decimal;
use std::time::Duration;
use uuid::Uuid;

/// How long an exchange may take an order: what is later than that would trade at a price of the past.
pub const ORDER_WINDOW: Duration = Duration::from_secs(5);
/// How far a share may be from its target before a run does something about it: half a percent of the whole.
const BAND: Decimal = Decimal::from_parts(5, 0, 0, false, 3);

/// A code, and what it means in words.
type Reason = (String, String);
type Decided = Result<Vec<SessionEvent>, SessionRefusal>;

/// What is due.
struct Due {
    run_id: Uuid,
    trigger: Trigger,
    at: Timestamp,
}

/// A session together with what was decided on it so far.
struct Deciding {
    session: Session,
    events: Vec<SessionEvent>,
}

impl Deciding {
    fn new(session: &Session) -> Self {
        Self { session: session.clone(), events: Vec::new() }
    }

    fn happens(&mut self, event: SessionEvent) {
        self.session.evolve(&event);
        self.events.push(event);
    }
}

impl Session {
    fn due(&self, at: Timestamp) -> Option<Due> {
        let may_run = matches!(self.state, SessionState::Running | SessionState::Halted);
        if let Some(requested) = self.requested.as_ref().filter(|_| may_run) {
            let (run_id, trigger, at) = (requested.run_id, requested.trigger, requested.requested_at);
            return Some(Due { run_id, trigger, at });
        }
        let due_at = self.next_run_at.filter(|due| *due <= at && self.state == SessionState::Running)?;
        // A time that was set again, after its run, is no more of that run.
        let was_run = self.last_due_at.is_some_and(|last| due_at <= last);
        let run_id = match self.last_result.as_ref().filter(|_| was_run) {
            Some(last) => derived(last.run_id, &due_at.as_micros().to_be_bytes()),
            None => scheduled_run(self.session_id, due_at),
        };
        Some(Due { run_id, trigger: Trigger::Scheduled, at: due_at })
    }

    fn check_fence(&self, fence: i64) -> Result<(), SessionRefusal> {
        let newest = self.fence;
        if fence < newest { Err(SessionRefusal::Fenced { fence, newest }) } else { Ok(()) }
    }

    pub(super) fn begin_run(&self, begin: &BeginRun) -> Decided {
        self.check_fence(begin.fence)?;
        if let Some(run_id) = self.run_id() {
            return Err(SessionRefusal::RunUnderWay { run_id });
        }
        let at = begin.at;
        let due = self.due(at).ok_or(SessionRefusal::NothingDue)?;
        let mut deciding = Deciding::new(self);
        deciding.happens(SessionEvent::RunStarted(RunBegun {
            run_id: due.run_id,
            trigger: due.trigger,
            due_at: due.at,
            started_at: at,
            late_ms: u64::try_from(at.since(due.at).as_millis()).unwrap_or(u64::MAX),
            fence: begin.fence,
            dry_run: self.dry_run,
        }));
        match &begin.market {
            Some(market) => deciding.plan(market, at),
            None => deciding.fail("market_unavailable", "there are no prices for its currency", at),
        }
        Ok(deciding.events)
    }

    pub(super) fn take_over(&self, fence: i64) -> Decided {
        self.check_fence(fence)?;
        let run = self.run.as_ref().ok_or(SessionRefusal::NoSuchRun)?;
        if fence == run.fence {
            return Ok(Vec::new());
        }
        Ok(vec![SessionEvent::RunTakenOver { run_id: run.run_id, fence }])
    }

    pub(super) fn record_outcomes(&self, record: &RecordOutcomes) -> Decided {
        let run = self.run.as_ref().filter(|run| run.run_id == record.run_id);
        let run = run.ok_or(SessionRefusal::NoSuchRun)?;
        let may_intend = record.fence >= run.fence;
        let mut deciding = Deciding::new(self);
        for (order_id, outcome) in &record.outcomes {
            // What is settled is settled: told again, be it in the same breath, it says nothing new.
            let open = deciding.session.run.as_ref().and_then(|run| run.order(*order_id)).cloned();
            if let Some(order) = open {
                deciding.settle(run, &order, outcome);
            }
        }
        let is_open = deciding.session.run.as_ref().is_some_and(|run| !run.orders.is_empty());
        if !is_open {
            deciding.go_on(may_intend, &record.market, record.at);
        }
        Ok(deciding.events)
    }
}

impl Deciding {
    fn plan(&mut self, market: &Market, at: Timestamp) {
        let Some(run_id) = self.session.run_id() else { return };
        if let Ok(now) = self.session.fresh_valuation(market, at)
            && let Some(halted) = self.session.breach(&now)
        {
            self.happens(halted);
            self.fail("drawdown_limit", "the drawdown is beyond its limit", at);
            return;
        }
        let inputs = self.session.inputs(market, at);
        let plan = match planner::plan(&inputs) {
            Ok(plan) => plan,
            Err(fault) => {
                self.fail(fault.code(), &fault.to_string(), at);
                return;
            }
        };
        let (legs, is_dry) = (plan.legs.clone(), self.session.dry_run);
        self.happens(SessionEvent::RebalancePlanned(Box::new(Planned { run_id, inputs, plan })));
        if is_dry && !legs.is_empty() {
            self.conclude(Conclusion::DryRun, None, market, at);
        } else if legs.is_empty() {
            self.conclude(Conclusion::NothingToDo, None, market, at);
        } else {
            let first = if legs.iter().any(|leg| leg.side == Side::Sell) { Side::Sell } else { Side::Buy };
            self.intend(legs.iter().filter(|leg| leg.side == first), at);
        }
    }

    fn intend<'a>(&mut self, legs: impl Iterator<Item = &'a Leg>, at: Timestamp) {
        let Some(run) = &self.session.run else { return };
        let (run_id, before) = (run.run_id, run.settled());
        for (leg, number) in legs.zip(before..) {
            let order_id = OrderId::of(run_id, number);
            let intent = Intent {
                order_id,
                run_id,
                leg: number,
                symbol: leg.symbol.clone(),
                asset: leg.asset,
                side: leg.side,
                quantity: leg.quantity,
                limit_price: leg.limit_price,
                expected_price: leg.expected_price,
                expected_fee: leg.expected_fee,
                valid_until: at.plus(ORDER_WINDOW),
            };
            let client_order_id = order_id.client_order_id();
            self.happens(SessionEvent::OrderIntended(Box::new(Intended { intent, client_order_id })));
        }
    }

    fn settle(&mut self, run: &Run, order: &Order, outcome: &Outcome) {
        let (order_id, run_id) = (order.intent.order_id, run.run_id);
        match outcome {
            Outcome::Filled { fills } => self.fill(run, order, fills),
            Outcome::Rejected { code, message } => {
                let (code, message) = (code.clone(), message.clone());
                self.happens(SessionEvent::OrderRejected(Rejected { order_id, run_id, code, message }));
            }
            Outcome::NeverAccepted { evidence } => {
                let (resolution, evidence) = ("never_accepted".to_owned(), evidence.clone());
                let resolved = Resolved { order_id, run_id, resolution, evidence };
                self.happens(SessionEvent::OrderOutcomeResolved(resolved));
            }
            Outcome::Unknown { cause } if order.state == OrderState::Intended => {
                let unresolved = Unresolved { order_id, run_id, cause: cause.clone() };
                self.happens(SessionEvent::OrderOutcomeUnknown(unresolved));
            }
            Outcome::Unknown { .. } => {}
        }
    }

    /// The trades of an order, all of them or none: what was told of it is final, so what cannot be booked never will be.
    fn fill(&mut self, run: &Run, order: &Order, fills: &[Fill]) {
        let (order_id, run_id) = (order.intent.order_id, run.run_id);
        if fills.is_empty() {
            let (code, message) = ("unfilled".to_owned(), "it came to no trade".to_owned());
            self.happens(SessionEvent::OrderRejected(Rejected { order_id, run_id, code, message }));
            return;
        }
        match self.session.booked(run, order, fills) {
            Ok(booked) => {
                for filled in booked {
                    self.happens(SessionEvent::OrderFilled(Box::new(filled)));
                }
            }
            Err(error) => {
                let (flaw, message) = (error.code().to_owned(), error.to_string());
                let unbookable = Unbookable { order_id, run_id, flaw, message, fills: fills.to_vec() };
                self.happens(SessionEvent::OrderOutcomeUnbookable(Box::new(unbookable)));
            }
        }
    }

    /// No order is out: on to the purchases that waited for it, or to the end.
    fn go_on(&mut self, may_intend: bool, market: &Market, at: Timestamp) {
        let Some(run) = self.session.run.clone() else { return };
        let mut reason = None;
        if !run.waiting.is_empty() && self.session.state == SessionState::Running {
            match self.session.purchases(&run, market, at) {
                Ok(Purchases::Halted(halted)) => self.happens(halted),
                // Whoever took over will.
                _ if !may_intend => return,
                Ok(Purchases::Of(legs)) if !legs.is_empty() => return self.intend(legs.iter(), at),
                Ok(Purchases::Of(_)) => {}
                Err(fault) => reason = Some((fault.code().to_owned(), fault.to_string())),
            }
        }
        let result = match (run.filled, run.rejected + run.unbooked) {
            (0, 0) => Conclusion::NothingToDo,
            (0, _) => Conclusion::Failed,
            (_, 0) if run.in_part == 0 && run.waiting.is_empty() => Conclusion::Done,
            _ => Conclusion::Partial,
        };
        self.conclude(result, reason, market, at);
    }

    /// The portfolio as the run left it, and the run's end; and the session's, if it waited for that.
    fn conclude(&mut self, result: Conclusion, reason: Option<Reason>, market: &Market, at: Timestamp) {
        if let Ok(now) = self.session.fresh_valuation(market, at) {
            let halted = self.session.breach(&now);
            let snapshot = self.session.snapshot(now);
            self.happens(halted.unwrap_or(snapshot));
        }
        let reason = self.last_rejection().or(reason);
        let ended = self.ended(result, reason, at);
        self.happens(match result {
            Conclusion::Failed => SessionEvent::RunFailed(ended),
            _ => SessionEvent::RunCompleted(ended),
        });
        self.stop_if_asked(Some(market), at);
    }

    fn fail(&mut self, code: &str, message: &str, at: Timestamp) {
        let ended = self.ended(Conclusion::Failed, Some((code.to_owned(), message.to_owned())), at);
        self.happens(SessionEvent::RunFailed(ended));
        self.stop_if_asked(None, at);
    }

    fn stop_if_asked(&mut self, market: Option<&Market>, at: Timestamp) {
        if self.session.state == SessionState::Stopping {
            let reason = self.session.stop_reason.clone().unwrap_or_default();
            let stopped = self.session.stopped(reason, market, at);
            self.happens(stopped);
        }
    }

    fn last_rejection(&self) -> Option<Reason> {
        self.events.iter().rev().find_map(|event| match event {
            SessionEvent::OrderRejected(rejected) => Some((rejected.code.clone(), rejected.message.clone())),
            SessionEvent::OrderOutcomeResolved(resolved) => {
                Some((resolved.resolution.clone(), resolved.evidence.clone()))
            }
            SessionEvent::OrderOutcomeUnbookable(unbookable) => {
                Some(("outcome_unbookable".to_owned(), unbookable.message.clone()))
            }
            _ => None,
        })
    }

    fn ended(&self, result: Conclusion, reason: Option<Reason>, at: Timestamp) -> RunEnded {
        let session = &self.session;
        let run = session.run.as_ref();
        let trigger = run.map_or(Trigger::Manual, |run| run.trigger);
        // Another time that was set while it ran stands.
        let due_at = run.filter(|run| run.trigger == Trigger::Scheduled).map(|run| run.due_at);
        let next_run_at = match due_at.filter(|due_at| session.next_run_at == Some(*due_at)) {
            Some(due_at) => session.auto_rebalance.then(|| next_tick(due_at, session.interval_s, at)),
            None => session.next_run_at,
        };
        let (code, message) = reason.unzip();
        RunEnded {
            run_id: run.map(|run| run.run_id).unwrap_or_default(),
            trigger,
            result,
            orders: run.map_or(0, Run::settled),
            turnover: run.map(|run| run.turnover).unwrap_or_default(),
            fees: run.map(|run| run.fees).unwrap_or_default(),
            code,
            message,
            next_run_at,
            ended_at: at,
        }
    }
}

/// What waits for its turn, when that has come.
enum Purchases {
    Halted(SessionEvent),
    Of(Vec<Leg>),
}

impl Session {
    /// The trades of an order, one after the other, each with what is held after it.
    fn booked(&self, run: &Run, order: &Order, fills: &[Fill]) -> Result<Vec<Filled>, BookError> {
        let mut portfolio = self.portfolio.clone();
        let mut unfilled = order.intent.quantity;
        let mut booked = Vec::with_capacity(fills.len());
        for (number, fill) in fills.iter().enumerate() {
            let told = fills.iter().take(number).any(|earlier| earlier.trade_id == fill.trade_id);
            if told {
                continue;
            }
            order.intent.check(fill, unfilled)?;
            let before = portfolio.holdings.get(&fill.asset).map(|held| held.realised);
            portfolio = portfolio.after(fill, self.currency)?;
            let held = portfolio.holdings.get(&fill.asset).cloned().unwrap_or_default();
            unfilled = exact::sub(unfilled, fill.quantity)?;
            booked.push(Filled {
                order_id: order.intent.order_id,
                run_id: run.run_id,
                trigger: run.trigger,
                symbol: order.intent.symbol.clone(),
                fill: fill.clone(),
                unfilled,
                reconciled: order.state == OrderState::Unknown,
                cash_after: portfolio.cash,
                quantity_after: held.quantity,
                cost_after: held.cost,
                realised: exact::sub(held.realised, before.unwrap_or_default())?,
            });
        }
        Ok(booked)
    }

    /// What was planned to be bought, by what there is for it now. Nothing is bought on a guess.
    fn purchases(&self, run: &Run, market: &Market, at: Timestamp) -> Result<Purchases, Fault> {
        let held = self.portfolio.held().map(|(asset, _)| asset);
        for asset in held.chain(run.waiting.iter().map(|leg| leg.asset)) {
            planner::listed(market, asset, at)?;
        }
        let now = self.portfolio.valued(market, at).map_err(|_| Fault::TooLarge)?;
        if let Some(halted) = self.breach(&now) {
            return Ok(Purchases::Halted(halted));
        }
        let (legs, _) = planner::affordable(&run.waiting, self.portfolio.cash, market)?;
        Ok(Purchases::Of(legs))
    }

    /// What its next plan would follow from.
    pub fn inputs(&self, market: &Market, at: Timestamp) -> Inputs {
        let parameters = Parameters {
            band: BAND,
            cash_reserve: Decimal::ZERO,
            leg_max: self.leg_max(),
            reduce_only: self.state == SessionState::Halted,
        };
        Inputs::new(&self.portfolio, &self.targets, parameters, market, at)
    }
}
