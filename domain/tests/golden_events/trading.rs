//! A session's life: started with a reserve, run once, taken over, halted and stopped.

use super::{USER, WALLET, at};
use domain::trading::market::{Listed, Market, Quote, Rules};
use domain::trading::planner::{self, Inputs, Parameters};
use domain::trading::{
    Conclusion, ExchangeName, Fill, FillQuote, Filled, Halted, Intended, Intent, OrderId, Paused, Planned,
    Position, Rejected, Resolved, Resumed, RunBegun, RunEnded, SessionEvent, SessionState, Side, Snapshot,
    Started, Stopped, Targets, Trigger, Unbookable, Unresolved, Valuation,
};
use domain::user::TradingMode;
use domain::{Currency, EntryId, Event, TradingSessionId};
use rust_decimal::Decimal;
use uuid::{Uuid, uuid};

pub(super) const TRADING_SESSION: TradingSessionId =
    TradingSessionId(uuid!("0199f3b0-11aa-7c3e-9a41-2e9b7d6c5f06"));
const RUN: Uuid = uuid!("8c1f6d0a-3b52-8e47-a6d9-0f7e4c2b1a07");

pub(super) fn goldens() -> Vec<(&'static str, Event)> {
    let events = [lifecycle(), controls(), runs(), orders()].into_iter().flatten();
    events.map(|(name, event)| (name, event.into())).collect()
}

fn lifecycle() -> Vec<(&'static str, SessionEvent)> {
    let started = Started {
        session_id: TRADING_SESSION,
        user_id: USER,
        mode: TradingMode::Paper,
        dry_run: false,
        state: SessionState::Running,
        exchange: ExchangeName::Paper,
        capital: d("10000"),
        currency: Currency::USDT,
        targets: targets(),
        interval_s: 3600,
        auto_rebalance: true,
        risk_per_trade: d("0.02"),
        max_drawdown: d("0.1"),
        drift_threshold: None,
        next_run_at: Some(at("2025-11-24T11:00:12.345678Z")),
        hold_id: Some(EntryId { wallet: WALLET, sequence: 13 }),
        started_at: at("2025-11-24T10:00:00Z"),
    };
    let resumed = Resumed {
        from: SessionState::Halted,
        high_water: d("8953.8702001"),
        next_run_at: Some(at("2025-11-24T12:00:12.345678Z")),
    };
    let halted = Halted {
        rule: "max_drawdown".to_owned(),
        drawdown: d("0.104613"),
        limit: d("0.1"),
        high_water: d("10000"),
        portfolio: valuation("2025-11-24T11:30:00Z", "24000"),
    };
    let stopped = Stopped {
        reason: "requested".to_owned(),
        equity: d("8953.8702001"),
        realised: d("90"),
        fees: d("5.9898999"),
        ended_at: at("2025-11-24T11:45:00Z"),
    };
    vec![
        ("TradingSessionStarted.1.0", SessionEvent::TradingSessionStarted(Box::new(started))),
        (
            "TradingSessionPaused.1.0",
            SessionEvent::TradingSessionPaused(Paused { from: SessionState::Running }),
        ),
        ("TradingSessionResumed.1.0", SessionEvent::TradingSessionResumed(resumed)),
        ("TradingSessionHalted.1.0", SessionEvent::TradingSessionHalted(Box::new(halted))),
        (
            "TradingSessionStopping.1.0",
            SessionEvent::TradingSessionStopping { reason: "requested".to_owned() },
        ),
        ("TradingSessionStopped.1.0", SessionEvent::TradingSessionStopped(Box::new(stopped))),
    ]
}

fn controls() -> Vec<(&'static str, SessionEvent)> {
    let schedule = SessionEvent::ScheduleChanged {
        interval_s: 86_400,
        auto_rebalance: false,
        next_run_at: Some(at("2025-11-25T06:00:00Z")),
    };
    let limits = SessionEvent::RiskLimitsChanged { risk_per_trade: d("0.01"), max_drawdown: d("0.25") };
    let capital = SessionEvent::CapitalChanged {
        amount: d("-500"),
        capital_after: d("9500"),
        cash_after: d("7494.1102001"),
        high_water_after: d("9499.68030572"),
    };
    let requested = SessionEvent::RunRequested {
        run_id: RUN,
        trigger: Trigger::Manual,
        requested_at: at("2025-11-24T10:15:00Z"),
    };
    vec![
        ("ScheduleChanged.1.0", schedule),
        (
            "DriftThresholdChanged.1.0",
            SessionEvent::DriftThresholdChanged { drift_threshold: Some(d("0.05")) },
        ),
        ("DryRunChanged.1.0", SessionEvent::DryRunChanged { dry_run: true }),
        ("TargetsChanged.1.0", SessionEvent::TargetsChanged { targets: targets() }),
        ("RiskLimitsChanged.1.0", limits),
        ("CapitalChanged.1.0", capital),
        ("RunRequested.1.0", requested),
    ]
}

fn runs() -> Vec<(&'static str, SessionEvent)> {
    let begun = RunBegun {
        run_id: RUN,
        trigger: Trigger::Scheduled,
        due_at: at("2025-11-24T11:00:12.345678Z"),
        started_at: at("2025-11-24T11:00:12.4Z"),
        late_ms: 54,
        fence: 3,
        dry_run: false,
    };
    let ended = RunEnded {
        run_id: RUN,
        trigger: Trigger::Scheduled,
        result: Conclusion::Done,
        orders: 2,
        turnover: d("5989.8999"),
        fees: d("5.9898999"),
        code: None,
        message: None,
        next_run_at: Some(at("2025-11-24T12:00:12.345678Z")),
        ended_at: at("2025-11-24T11:00:12.9Z"),
    };
    let failed = RunEnded {
        result: Conclusion::Failed,
        orders: 0,
        turnover: d("0"),
        fees: d("0"),
        code: Some("price_stale".to_owned()),
        message: Some("the price of BTC is 97 s old".to_owned()),
        ..ended.clone()
    };
    let snapshot = Snapshot {
        portfolio: valuation("2025-11-24T11:00:12.9Z", "50000"),
        high_water: d("10000"),
        drawdown: d("0.000639"),
    };
    vec![
        ("RunStarted.1.0", SessionEvent::RunStarted(begun)),
        ("RebalancePlanned.1.0", SessionEvent::RebalancePlanned(Box::new(planned()))),
        ("RunTakenOver.1.0", SessionEvent::RunTakenOver { run_id: RUN, fence: 4 }),
        ("RunCompleted.1.0", SessionEvent::RunCompleted(ended)),
        ("RunFailed.1.0", SessionEvent::RunFailed(failed)),
        ("PortfolioSnapshotTaken.1.0", SessionEvent::PortfolioSnapshotTaken(Box::new(snapshot))),
    ]
}

fn orders() -> Vec<(&'static str, SessionEvent)> {
    let order_id = OrderId::of(RUN, 1);
    let intent = Intent {
        order_id,
        run_id: RUN,
        leg: 1,
        symbol: "BTCUSDT".to_owned(),
        asset: asset("BTC"),
        side: Side::Buy,
        quantity: d("0.03999"),
        limit_price: d("50260.05"),
        expected_price: d("50010"),
        expected_fee: d("1.9998999"),
        valid_until: at("2025-11-24T11:00:17.4Z"),
    };
    let intended = Intended { intent, client_order_id: order_id.client_order_id() };
    let filled = Filled {
        order_id,
        run_id: RUN,
        trigger: Trigger::Scheduled,
        symbol: "BTCUSDT".to_owned(),
        fill: fill(),
        unfilled: d("0"),
        reconciled: false,
        cash_after: d("7994.1102001"),
        quantity_after: d("0.03999"),
        cost_after: d("1999.8999"),
        realised: d("0"),
    };
    let rejected = Rejected {
        order_id,
        run_id: RUN,
        code: "price_moved".to_owned(),
        message: "the price is beyond the limit of the order".to_owned(),
    };
    let unknown = Unresolved { order_id, run_id: RUN, cause: "timeout".to_owned() };
    let resolved = Resolved {
        order_id,
        run_id: RUN,
        resolution: "never_accepted".to_owned(),
        evidence: "asked 10 s after it could have been taken: not known".to_owned(),
    };
    let unbookable = Unbookable {
        order_id,
        run_id: RUN,
        flaw: "overspent".to_owned(),
        message: "more was spent than there was".to_owned(),
        fills: vec![Fill { price: d("5001000"), ..fill() }],
    };
    vec![
        ("OrderIntended.1.0", SessionEvent::OrderIntended(Box::new(intended))),
        ("OrderFilled.1.0", SessionEvent::OrderFilled(Box::new(filled))),
        ("OrderRejected.1.0", SessionEvent::OrderRejected(rejected)),
        ("OrderOutcomeUnknown.1.0", SessionEvent::OrderOutcomeUnknown(unknown)),
        ("OrderOutcomeResolved.1.0", SessionEvent::OrderOutcomeResolved(resolved)),
        ("OrderOutcomeUnbookable.1.0", SessionEvent::OrderOutcomeUnbookable(Box::new(unbookable))),
    ]
}

fn fill() -> Fill {
    Fill {
        trade_id: "0199f3b0-5d20-7a3c-8f41-2e9b7d6c5f08-1".to_owned(),
        asset: asset("BTC"),
        side: Side::Buy,
        quantity: d("0.03999"),
        price: d("50010"),
        fee: d("1.9998999"),
        fee_asset: Currency::USDT,
        fee_in_quote: d("1.9998999"),
        traded_at: at("2025-11-24T11:00:12.8Z"),
        quote: Some(FillQuote {
            bid: d("50000"),
            ask: d("50010"),
            as_of: at("2025-11-24T11:00:11Z"),
            source: "scripted".to_owned(),
        }),
    }
}

/// All ether is sold, and as much bitcoin bought as may be put at risk at once.
fn planned() -> Planned {
    let listed = |bid, ask, step| Listed {
        quote: Quote { bid: d(bid), ask: d(ask), as_of: at("2025-11-24T11:00:11Z") },
        rules: Rules {
            step: d(step),
            tick: d("0.01"),
            min_quantity: d(step),
            max_quantity: Some(d("9000")),
            min_notional: d("5"),
            max_notional: None,
        },
    };
    let market = Market {
        source: "scripted".to_owned(),
        currency: Currency::USDT,
        fee_rate: d("0.001"),
        slippage: d("0.005"),
        listed: [
            (asset("BTC"), listed("50000", "50010", "0.00001")),
            (asset("ETH"), listed("3990", "3991", "0.0001")),
        ]
        .into(),
    };
    let parameters =
        Parameters { band: d("0.005"), cash_reserve: d("0"), leg_max: d("0.2"), reduce_only: false };
    let inputs = Inputs {
        planned_at: at("2025-11-24T11:00:12.4Z"),
        cash: d("6010"),
        quantities: [(asset("ETH"), d("1"))].into(),
        targets: targets(),
        parameters,
        market,
    };
    let plan = planner::plan(&inputs).unwrap();
    Planned { run_id: RUN, inputs, plan }
}

fn valuation(as_of: &str, mark: &str) -> Valuation {
    let value = d("0.03999") * d(mark);
    let position = Position {
        asset: asset("BTC"),
        quantity: d("0.03999"),
        average_cost: d("50010"),
        mark: d(mark),
        priced_at: None,
        value: value.normalize(),
        unrealised: (value - d("1999.8999")).normalize(),
        realised: d("0"),
    };
    Valuation {
        as_of: at(as_of),
        cash: d("7994.1102001"),
        equity: (d("7994.1102001") + value).normalize(),
        unrealised: position.unrealised,
        positions: vec![position],
        realised: d("90"),
        fees: d("5.9898999"),
    }
}

fn targets() -> Targets {
    Targets::new([(asset("BTC"), d("0.5")), (Currency::USDT, d("0.5"))].into()).unwrap()
}

fn asset(code: &str) -> Currency {
    Currency::parse(code).unwrap()
}

fn d(text: &str) -> Decimal {
    Decimal::from_str_exact(text).unwrap()
}

/// What was planned once is planned again, to the same hash, by every version to come.
#[test]
fn a_plan_of_then_follows_from_its_inputs_of_then() {
    let stored = super::stored("RebalancePlanned.1.0");
    let SessionEvent::RebalancePlanned(planned) = serde_json::from_str(&stored).unwrap() else {
        panic!("not a plan");
    };
    assert_eq!(planner::plan(&planned.inputs), Ok(planned.plan));
}
