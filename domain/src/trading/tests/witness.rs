//! Somebody who knows nothing but the events, keeps books of their own from them, and says so when one cannot be.

use super::*;
use std::collections::{BTreeMap, BTreeSet};

#[derive(Debug, Default)]
pub(super) struct Witness {
    state: Option<SessionState>,
    is_dry: bool,
    max_drawdown: Decimal,
    next_run_at: Option<Timestamp>,
    cash: Decimal,
    held: BTreeMap<Currency, Decimal>,
    put_in: Decimal,
    high_water: Decimal,
    fence: i64,
    run: Option<Uuid>,
    runs: BTreeSet<Uuid>,
    /// Every order there ever was: how much of it was filled, and whether it is out.
    orders: BTreeMap<OrderId, Known>,
    trades: BTreeSet<(String, String)>,
}

#[derive(Debug)]
struct Known {
    intent: Intent,
    filled: Decimal,
    is_out: bool,
}

impl Witness {
    /// What one command brought about: nothing can come between.
    pub(super) fn sees(&mut self, events: &[SessionEvent]) {
        let mut settling = None;
        for event in events {
            assert_ne!(self.state, Some(SessionState::Stopped), "after the end: {event:?}");
            match event {
                SessionEvent::OrderFilled(filled) => {
                    self.filled(filled, settling);
                    settling = Some(filled.order_id);
                }
                other => self.sees_other(other),
            }
        }
    }

    fn is(&self, states: &[SessionState]) -> bool {
        self.state.is_some_and(|state| states.contains(&state))
    }

    fn sees_other(&mut self, event: &SessionEvent) {
        use SessionState::{Halted, Paused, Running, Stopped, Stopping};
        match event {
            SessionEvent::TradingSessionStarted(started) => {
                assert_eq!(self.state, None);
                self.state = Some(started.state);
                (self.is_dry, self.max_drawdown) = (started.dry_run, started.max_drawdown);
                self.next_run_at = started.next_run_at;
                (self.cash, self.put_in, self.high_water) =
                    (started.capital, started.capital, started.capital);
            }
            SessionEvent::TradingSessionPaused(paused) => {
                assert!(self.is(&[Running]) && paused.from == Running);
                self.state = Some(Paused);
            }
            SessionEvent::TradingSessionResumed(resumed) => {
                assert!(self.is(&[Paused, Halted]) && Some(resumed.from) == self.state);
                assert!(resumed.from == Halted || resumed.high_water == self.high_water);
                (self.state, self.high_water) = (Some(Running), resumed.high_water);
            }
            SessionEvent::TradingSessionHalted(halted) => {
                assert!(self.is(&[Running, Paused]), "{:?}", self.state);
                assert_eq!(halted.high_water, self.high_water);
                let lost = halted.high_water - halted.portfolio.equity;
                assert!(lost > halted.high_water * self.max_drawdown && halted.drawdown > halted.limit);
                self.valued(&halted.portfolio);
                self.state = Some(Halted);
            }
            SessionEvent::TradingSessionStopping { .. } => {
                assert!(self.run.is_some() && !self.is(&[Stopping]));
                self.state = Some(Stopping);
            }
            SessionEvent::TradingSessionStopped(_) => {
                assert_eq!(self.run, None, "an order is out");
                self.state = Some(Stopped);
            }
            SessionEvent::ScheduleChanged { next_run_at, .. } => self.next_run_at = *next_run_at,
            SessionEvent::DryRunChanged { dry_run } => {
                assert_eq!(self.run, None);
                self.is_dry = *dry_run;
            }
            SessionEvent::RiskLimitsChanged { max_drawdown, .. } => self.max_drawdown = *max_drawdown,
            SessionEvent::CapitalChanged { amount, capital_after, cash_after, high_water_after } => {
                assert_eq!(self.run, None);
                self.cash += amount;
                self.put_in += amount;
                assert_eq!((*cash_after, *capital_after), (self.cash, self.put_in));
                assert!(self.cash >= Decimal::ZERO);
                self.high_water = *high_water_after;
            }
            SessionEvent::PortfolioSnapshotTaken(taken) => {
                if taken.portfolio.is_priced() {
                    self.high_water = self.high_water.max(taken.portfolio.equity);
                }
                assert_eq!(taken.high_water, self.high_water);
                let lost = self.high_water - taken.portfolio.equity;
                let may_go_on = lost <= self.high_water * self.max_drawdown;
                assert!(may_go_on || !self.is(&[Running, Paused]), "too much is lost, and it goes on");
                self.valued(&taken.portfolio);
            }
            of_a_run => self.sees_of_a_run(of_a_run),
        }
    }

    fn sees_of_a_run(&mut self, event: &SessionEvent) {
        use SessionState::{Halted, Running};
        match event {
            SessionEvent::RunRequested { trigger, .. } => {
                assert!(self.run.is_none());
                assert!(self.is(&[Running]) || (self.is(&[Halted]) && *trigger == Trigger::Manual));
            }
            SessionEvent::RunStarted(run) => {
                assert!(self.run.is_none() && self.runs.insert(run.run_id), "a run is one run");
                assert!(run.fence >= self.fence && run.due_at <= run.started_at);
                if run.trigger == Trigger::Scheduled {
                    assert!(self.is(&[Running]) && self.next_run_at == Some(run.due_at));
                }
                assert!(self.is(&[Running, Halted]));
                (self.run, self.fence) = (Some(run.run_id), run.fence);
            }
            SessionEvent::RunTakenOver { run_id, fence } => {
                assert!(self.run == Some(*run_id) && *fence > self.fence);
                self.fence = *fence;
            }
            SessionEvent::RebalancePlanned(planned) => {
                assert_eq!(self.run, Some(planned.run_id));
                assert_eq!(planned.inputs.cash, self.cash);
                assert_eq!(planned.inputs.quantities, self.not_nothing());
                assert!(!self.is(&[Halted]) || planned.plan.legs.iter().all(|leg| leg.side == Side::Sell));
            }
            SessionEvent::OrderIntended(intended) => self.intended(&intended.intent),
            SessionEvent::OrderRejected(rejected) => self.never_was(rejected.order_id),
            SessionEvent::OrderOutcomeResolved(resolved) => self.never_was(resolved.order_id),
            SessionEvent::OrderOutcomeUnbookable(unbookable) => {
                assert!(!unbookable.fills.is_empty());
                self.never_was(unbookable.order_id);
                if !self.is(&[SessionState::Stopping]) {
                    self.state = Some(Halted);
                }
            }
            SessionEvent::OrderOutcomeUnknown(unknown) => assert!(self.orders[&unknown.order_id].is_out),
            SessionEvent::RunCompleted(ended) | SessionEvent::RunFailed(ended) => {
                assert_eq!(self.run.take(), Some(ended.run_id));
                assert!(self.orders.values().all(|known| !known.is_out), "an order is out");
                let failed = matches!(event, SessionEvent::RunFailed(_));
                assert_eq!(failed, ended.result == Conclusion::Failed);
                self.next_run_at = ended.next_run_at;
            }
            _ => {}
        }
    }

    fn intended(&mut self, intent: &Intent) {
        assert!(self.run == Some(intent.run_id) && !self.is_dry);
        let may = match intent.side {
            Side::Buy => self.is(&[SessionState::Running]),
            Side::Sell => self.is(&[SessionState::Running, SessionState::Halted]),
        };
        assert!(may, "{:?} while {:?}", intent.side, self.state);
        assert!(intent.quantity > Decimal::ZERO && intent.limit_price > Decimal::ZERO);
        let known = Known { intent: intent.clone(), filled: Decimal::ZERO, is_out: true };
        assert!(self.orders.insert(intent.order_id, known).is_none(), "an order is intended once");
        let out = |side| self.orders.values().filter(move |known| known.is_out && known.intent.side == side);
        let may_cost: Decimal =
            out(Side::Buy).map(|known| known.intent.quantity * known.intent.limit_price * d("1.001")).sum();
        assert!(may_cost <= self.cash, "{may_cost} of {}", self.cash);
        let sells = out(Side::Sell).filter(|known| known.intent.asset == intent.asset);
        let may_go: Decimal = sells.map(|known| known.intent.quantity).sum();
        assert!(may_go <= self.held.get(&intent.asset).copied().unwrap_or_default());
    }

    fn never_was(&mut self, order_id: OrderId) {
        let known = self.orders.get_mut(&order_id).unwrap();
        assert!(known.is_out && known.filled.is_zero());
        known.is_out = false;
    }

    /// The trades of one order are told together.
    fn filled(&mut self, filled: &Filled, settling: Option<OrderId>) {
        let Filled { order_id, fill, .. } = filled;
        assert_eq!(self.run, Some(filled.run_id));
        assert!(self.trades.insert((filled.symbol.clone(), fill.trade_id.clone())), "a trade is one trade");
        let known = self.orders.get_mut(order_id).unwrap();
        assert!(known.is_out || settling == Some(*order_id), "it was settled");
        known.is_out = false;
        known.filled += fill.quantity;
        assert!(known.filled <= known.intent.quantity);
        assert_eq!(filled.unfilled, known.intent.quantity - known.filled);
        assert_eq!((fill.asset, fill.side), (known.intent.asset, known.intent.side));
        let sign = if fill.side == Side::Buy { Decimal::ONE } else { Decimal::NEGATIVE_ONE };
        self.cash -= sign * fill.quantity * fill.price;
        *self.held.entry(fill.asset).or_default() += sign * fill.quantity;
        let paid_from = if fill.fee_asset == USDT {
            &mut self.cash
        } else {
            self.held.entry(fill.fee_asset).or_default()
        };
        *paid_from -= fill.fee;
        assert!(self.cash >= Decimal::ZERO && self.held[&fill.asset] >= Decimal::ZERO);
        assert_eq!((filled.cash_after, filled.quantity_after), (self.cash, self.held[&fill.asset]));
    }

    fn not_nothing(&self) -> BTreeMap<Currency, Decimal> {
        let held = self.held.iter().filter(|(_, quantity)| !quantity.is_zero());
        held.map(|(asset, quantity)| (*asset, *quantity)).collect()
    }

    /// What is told to be there is there, and what is told to have been made was.
    fn valued(&self, told: &Valuation) {
        assert_eq!(told.cash, self.cash);
        let positions: BTreeMap<_, _> =
            told.positions.iter().map(|position| (position.asset, position.quantity)).collect();
        assert_eq!(positions, self.not_nothing());
        let worth: Decimal = told.positions.iter().map(|position| position.quantity * position.mark).sum();
        assert_eq!(told.equity, told.cash + worth);
        let made = told.realised + told.unrealised - told.fees;
        assert_eq!(made, told.equity - self.put_in, "to the last digit");
    }

    /// The session thinks of itself what its events told.
    pub(super) fn agrees(&self, session: &Session) {
        assert_eq!(Some(session.state), self.state);
        assert_eq!((session.dry_run, session.limits.max_drawdown), (self.is_dry, self.max_drawdown));
        assert_eq!(
            (session.next_run_at, session.fence),
            (self.next_run_at.filter(|_| session.state.is_active()), self.fence)
        );
        assert_eq!((session.portfolio.cash, session.capital), (self.cash, self.put_in));
        assert_eq!((session.high_water, session.run_id()), (self.high_water, self.run));
        let quantities = session.portfolio.held().map(|(asset, holding)| (asset, holding.quantity));
        assert_eq!(quantities.collect::<BTreeMap<_, _>>(), self.not_nothing());
        let out: BTreeSet<_> =
            self.orders.iter().filter(|(_, known)| known.is_out).map(|(id, _)| *id).collect();
        let open: BTreeSet<_> =
            session.run.iter().flat_map(|run| &run.orders).map(|order| order.intent.order_id).collect();
        assert_eq!(open, out);
        assert!(session.targets.shares().map(|(_, share)| share).sum::<Decimal>() == Decimal::ONE);
    }
}

/// A history in which things were bought, and everything went down.
fn fallen() -> Vec<SessionEvent> {
    let mut story = Story::began();
    story.run().wait(60).price("BTC", "30000");
    story.mark().unwrap();
    story.events
}

fn notices(forge: impl Fn(&mut Vec<SessionEvent>)) -> bool {
    let watch = |events: &[SessionEvent]| {
        let mut witness = Witness::default();
        for event in events {
            witness.sees(std::slice::from_ref(event));
        }
    };
    let believed = |events: &[SessionEvent]| std::panic::catch_unwind(|| watch(events)).is_ok();
    let mut events = fallen();
    assert!(believed(&events));
    forge(&mut events);
    !believed(&events)
}

fn position(events: &[SessionEvent], name: &str) -> usize {
    events.iter().position(|event| event.type_name() == name).unwrap()
}

#[test]
fn the_witness_notices_what_cannot_be() {
    assert!(notices(|events| {
        let at = position(events, "OrderIntended");
        events.insert(at, events[at].clone());
    }));
    assert!(notices(|events| {
        let at = position(events, "OrderFilled");
        events.insert(at, events[at].clone());
    }));
    assert!(notices(|events| {
        let at = position(events, "OrderFilled");
        let SessionEvent::OrderFilled(filled) = &mut events[at] else { return };
        filled.cash_after += d("0.00000001");
    }));
    assert!(notices(|events| {
        let at = position(events, "PortfolioSnapshotTaken");
        let SessionEvent::PortfolioSnapshotTaken(taken) = &mut events[at] else { return };
        taken.portfolio.realised += d("0.00000001");
    }));
    assert!(notices(|events| {
        let at = position(events, "RunStarted");
        events.push(events[at].clone());
    }));
    assert!(notices(|events| {
        let at = position(events, "TradingSessionHalted");
        let SessionEvent::TradingSessionHalted(halted) = events[at].clone() else { return };
        let Halted { portfolio, high_water, drawdown, .. } = *halted;
        let goes_on = Snapshot { portfolio, high_water, drawdown };
        events[at] = SessionEvent::PortfolioSnapshotTaken(Box::new(goes_on));
    }));
    assert!(notices(|events| {
        let [at, after] = ["RunStarted", "RebalancePlanned"].map(|name| position(events, name));
        let (mut run, mut plan) = (events[at].clone(), events[after].clone());
        let other = Uuid::from_u128(9);
        if let (SessionEvent::RunStarted(run), SessionEvent::RebalancePlanned(plan)) = (&mut run, &mut plan) {
            (run.run_id, run.trigger, plan.run_id) = (other, Trigger::Manual, other);
        }
        events.extend([run, plan]);
    }));
}
