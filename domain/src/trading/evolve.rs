//! What each event leaves of a session. Nothing is decided here, and nothing is computed that an event does not tell, but
//! the portfolio after a trade, which has one way to follow from it.

use super::event::{Filled, RunBegun, RunEnded, SessionEvent, Started, Unbookable};
use super::exact;
use super::order::OrderId;
use super::portfolio::{Portfolio, Valuation};
use super::run::{Order, OrderState, Requested, Run, Trigger};
use super::session::{LastError, LastResult, Limits, Session, SessionState};
use rust_decimal::Decimal;
use uuid::Uuid;

/// The last error of a session that is valued by prices of the past.
const VALUATION_STALE: &str = "valuation_stale";

/// Which prices a valuation rests on that are none any more.
fn old_prices(now: &Valuation) -> String {
    let told = now.unpriced().map(|(asset, at)| format!("; {asset} was last priced at {at}"));
    told.collect::<Vec<_>>().concat()
}

impl Run {
    fn begun(begun: &RunBegun) -> Self {
        Self {
            run_id: begun.run_id,
            trigger: begun.trigger,
            due_at: begun.due_at,
            started_at: begun.started_at,
            fence: begun.fence,
            waiting: Vec::new(),
            orders: Vec::new(),
            turnover: Decimal::ZERO,
            fees: Decimal::ZERO,
            filled: 0,
            in_part: 0,
            rejected: 0,
            unbooked: 0,
        }
    }
}

impl Session {
    pub(super) fn started(started: &Started) -> Self {
        Self {
            session_id: started.session_id,
            user_id: started.user_id,
            mode: started.mode,
            dry_run: started.dry_run,
            state: started.state,
            exchange: started.exchange,
            capital: started.capital,
            currency: started.currency,
            targets: started.targets.clone(),
            interval_s: started.interval_s,
            auto_rebalance: started.auto_rebalance,
            limits: Limits { risk_per_trade: started.risk_per_trade, max_drawdown: started.max_drawdown },
            drift_threshold: started.drift_threshold,
            hold_id: started.hold_id,
            next_run_at: started.next_run_at,
            last_run_at: None,
            last_due_at: None,
            requested: None,
            run: None,
            fence: 0,
            portfolio: Portfolio::of_cash(started.capital),
            high_water: started.capital,
            last_portfolio: None,
            last_result: None,
            last_error: None,
            stop_reason: None,
            started_at: started.started_at,
            ended_at: None,
        }
    }

    pub(super) fn evolve(&mut self, event: &SessionEvent) {
        match event {
            SessionEvent::TradingSessionStarted(_) => {}
            SessionEvent::TradingSessionPaused(_) => self.state = SessionState::Paused,
            SessionEvent::TradingSessionResumed(resumed) => {
                self.state = SessionState::Running;
                self.high_water = resumed.high_water;
                self.next_run_at = resumed.next_run_at;
            }
            SessionEvent::TradingSessionHalted(halted) => {
                if self.state != SessionState::Stopping {
                    self.state = SessionState::Halted;
                }
                self.high_water = halted.high_water;
                self.last_portfolio = Some(halted.portfolio.clone());
                self.requested = None;
                self.last_error = Some(LastError {
                    code: "drawdown_limit".to_owned(),
                    message: format!(
                        "the drawdown is {} and may be {}{}",
                        halted.drawdown,
                        halted.limit,
                        old_prices(&halted.portfolio)
                    ),
                    at: halted.portfolio.as_of,
                });
            }
            SessionEvent::TradingSessionStopping { reason } => {
                self.state = SessionState::Stopping;
                self.stop_reason = Some(reason.clone());
                self.requested = None;
            }
            SessionEvent::TradingSessionStopped(stopped) => {
                self.state = SessionState::Stopped;
                self.stop_reason = Some(stopped.reason.clone());
                self.ended_at = Some(stopped.ended_at);
                self.next_run_at = None;
                self.requested = None;
            }
            SessionEvent::ScheduleChanged { interval_s, auto_rebalance, next_run_at } => {
                self.interval_s = *interval_s;
                self.auto_rebalance = *auto_rebalance;
                self.next_run_at = *next_run_at;
            }
            SessionEvent::DriftThresholdChanged { drift_threshold } => {
                self.drift_threshold = *drift_threshold;
            }
            SessionEvent::DryRunChanged { dry_run } => self.dry_run = *dry_run,
            SessionEvent::TargetsChanged { targets } => self.targets = targets.clone(),
            SessionEvent::RiskLimitsChanged { risk_per_trade, max_drawdown } => {
                self.limits = Limits { risk_per_trade: *risk_per_trade, max_drawdown: *max_drawdown };
            }
            SessionEvent::CapitalChanged { amount, capital_after, cash_after, high_water_after } => {
                self.capital = *capital_after;
                self.portfolio.cash = *cash_after;
                self.high_water = *high_water_after;
                // What it was last worth is compared with the highest it was: both know of the flow, or neither.
                if let Some(last) = &mut self.last_portfolio {
                    last.cash = exact::add(last.cash, *amount).unwrap_or(last.cash);
                    last.equity = exact::add(last.equity, *amount).unwrap_or(last.equity);
                }
            }
            SessionEvent::PortfolioSnapshotTaken(snapshot) => {
                self.high_water = snapshot.high_water;
                self.last_portfolio = Some(snapshot.portfolio.clone());
                self.tell_of_prices(&snapshot.portfolio);
            }
            of_a_run => self.evolve_run(of_a_run),
        }
    }

    /// Says so where something is valued at a price of the past, until nothing is; worse news stand.
    fn tell_of_prices(&mut self, now: &Valuation) {
        if self.last_error.as_ref().is_some_and(|error| error.code != VALUATION_STALE) {
            return;
        }
        self.last_error = (!now.is_priced()).then(|| LastError {
            code: VALUATION_STALE.to_owned(),
            message: format!("not everything has a price{}", old_prices(now)),
            at: now.as_of,
        });
    }

    fn evolve_run(&mut self, event: &SessionEvent) {
        match event {
            SessionEvent::RunRequested { run_id, trigger, requested_at } => {
                self.requested =
                    Some(Requested { run_id: *run_id, trigger: *trigger, requested_at: *requested_at });
            }
            SessionEvent::RunStarted(begun) => {
                self.fence = self.fence.max(begun.fence);
                self.last_run_at = Some(begun.started_at);
                if begun.trigger == Trigger::Scheduled {
                    self.last_due_at = self.last_due_at.max(Some(begun.due_at));
                }
                if self.requested.as_ref().is_some_and(|requested| requested.run_id == begun.run_id) {
                    self.requested = None;
                }
                self.run = Some(Run::begun(begun));
            }
            SessionEvent::RebalancePlanned(planned) => {
                if let Some(run) = &mut self.run {
                    let buys = planned.plan.legs.iter().filter(|leg| leg.side == super::Side::Buy);
                    run.waiting = buys.cloned().collect();
                }
            }
            SessionEvent::RunTakenOver { fence, .. } => {
                self.fence = self.fence.max(*fence);
                if let Some(run) = &mut self.run {
                    run.fence = *fence;
                    // Whether whoever intended them also sent them is not known: they are asked for.
                    run.orders.iter_mut().for_each(|order| order.state = OrderState::Unknown);
                }
            }
            SessionEvent::OrderIntended(intended) => {
                if let Some(run) = &mut self.run {
                    run.waiting.retain(|leg| leg.asset != intended.intent.asset);
                    let order = Order { intent: intended.intent.clone(), state: OrderState::Intended };
                    run.orders.push(order);
                }
            }
            SessionEvent::OrderFilled(filled) => self.fill(filled),
            SessionEvent::OrderRejected(rejected) => self.decline(rejected.order_id),
            SessionEvent::OrderOutcomeResolved(resolved) => self.decline(resolved.order_id),
            SessionEvent::OrderOutcomeUnbookable(unbookable) => self.leave_unbooked(unbookable),
            SessionEvent::OrderOutcomeUnknown(unresolved) => {
                let orders = self.run.iter_mut().flat_map(|run| &mut run.orders);
                for order in orders.filter(|order| order.intent.order_id == unresolved.order_id) {
                    order.state = OrderState::Unknown;
                }
                self.fail("outcome_unknown", &unresolved.cause, None);
            }
            SessionEvent::RunCompleted(ended) => self.end_run(ended),
            SessionEvent::RunFailed(ended) => {
                let is_unbooked = self.run.as_ref().is_some_and(|run| run.unbooked > 0);
                self.end_run(ended);
                if is_unbooked {
                    return;
                }
                let code = ended.code.as_deref().unwrap_or("failed");
                self.fail(code, ended.message.as_deref().unwrap_or_default(), Some(ended));
            }
            _ => {}
        }
    }

    fn fill(&mut self, filled: &Filled) {
        // It was decided on the portfolio after it.
        if let Ok(after) = self.portfolio.after(&filled.fill, self.currency) {
            self.portfolio = after;
        }
        if let Some(run) = &mut self.run {
            let worth = exact::mul(filled.fill.quantity, filled.fill.price).unwrap_or_default();
            run.turnover = exact::add(run.turnover, worth).unwrap_or(run.turnover);
            run.fees = exact::add(run.fees, filled.fill.fee_paid(self.currency)).unwrap_or(run.fees);
            // The first trade of an order settles it; those that are told with it may make it whole.
            let is_first = run.order(filled.order_id).is_some();
            let is_part = !filled.unfilled.is_zero();
            run.filled += u32::from(is_first);
            run.in_part += u32::from(is_first && is_part);
            run.in_part -= u32::from(!is_first && !is_part).min(run.in_part);
            run.orders.retain(|order| order.intent.order_id != filled.order_id);
        }
    }

    fn decline(&mut self, order_id: OrderId) {
        if let Some(run) = &mut self.run {
            run.rejected += 1;
            run.orders.retain(|order| order.intent.order_id != order_id);
        }
    }

    /// The books are not what the exchange has: nothing is bought on them until somebody has looked.
    fn leave_unbooked(&mut self, unbookable: &Unbookable) {
        if let Some(run) = &mut self.run {
            run.unbooked += 1;
            run.orders.retain(|order| order.intent.order_id != unbookable.order_id);
        }
        if self.state != SessionState::Stopping {
            self.state = SessionState::Halted;
        }
        self.requested = None;
        let Unbookable { order_id, message, .. } = unbookable;
        let message = format!("what became of the order {order_id} is not in the books: {message}");
        self.fail("outcome_unbookable", &message, None);
    }

    fn end_run(&mut self, ended: &RunEnded) {
        let is_booked = self.run.take().is_none_or(|run| run.unbooked == 0);
        self.next_run_at = ended.next_run_at;
        self.last_result = Some(LastResult {
            run_id: ended.run_id,
            trigger: ended.trigger,
            result: ended.result.as_str().to_owned(),
            orders: ended.orders,
            turnover: ended.turnover,
            fees: ended.fees,
            ended_at: ended.ended_at,
        });
        let is_well = ended.result != super::Conclusion::Failed && self.state != SessionState::Halted;
        if is_well && is_booked {
            self.last_error = None;
        }
    }

    fn fail(&mut self, code: &str, message: &str, ended: Option<&RunEnded>) {
        let at = ended.map(|ended| ended.ended_at).or(self.last_run_at).unwrap_or(self.started_at);
        self.last_error = Some(LastError { code: code.to_owned(), message: message.to_owned(), at });
    }

    /// Of the run that is under way.
    pub fn run_id(&self) -> Option<Uuid> {
        self.run.as_ref().map(|run| run.run_id)
    }
}
