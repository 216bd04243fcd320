//! What is told of a session as a whole: its curve, its figures, why it traded, and what somebody has altogether.

use super::{Desk, d};
use crate::helpers::{World, drain};
use domain::trading::performance::Performance;
use domain::trading::{Conclusion, Outcome, SessionCommand, Trigger};
use domain::{Timestamp, TradingSessionId, UserId};
use journal::Recorded;
use projections::{EquityFilter, EquityRow, Page, RunState, TradeFilter, TradeRow, TradesOf};
use rust_decimal::Decimal;
use uuid::Uuid;

async fn catch_up(world: &World, desk: &mut Desk) {
    desk.commit().await;
    drain(&mut world.follow("trading")).await;
}

async fn curve(world: &World, id: TradingSessionId, points_max: u16) -> Vec<EquityRow> {
    world.read_models.equity_curve(id, EquityFilter::default(), points_max, None).await.unwrap().value
}

async fn trades_of(world: &World, id: TradingSessionId) -> Vec<TradeRow> {
    let (of, page) = (TradesOf::Session(id), Page::default());
    world.read_models.trades(of, TradeFilter::default(), &page, None).await.unwrap().value.items
}

#[tokio::test]
async fn a_curve_begins_with_the_capital_and_ends_with_what_was_left() {
    let world = World::new().await;
    let mut desk = Desk::new(&world).await;
    let id = desk.start(UserId(Uuid::now_v7()));
    desk.rebalance(id);
    desk.wait(60).await;
    assert!(desk.put_in(id, "5000"));
    desk.prices[0] = d("55000");
    assert!(desk.mark(id, true));
    desk.wait(60).await;
    let from = desk.scribe.now;
    desk.prices[0] = d("54000");
    assert!(desk.stop(id));
    catch_up(&world, &mut desk).await;
    let all = curve(&world, id, 100).await;
    let [began, ran, marked, stopped] = all.as_slice() else { panic!("{all:?}") };
    assert_eq!((began.equity, began.drawdown, began.capital), (d("100000"), Decimal::ZERO, d("100000")));
    assert!(ran.fees > Decimal::ZERO && ran.equity < began.equity);
    assert_eq!((ran.flow_since(began), marked.flow_since(ran)), (Decimal::ZERO, d("5000")));
    assert_eq!(marked.equity, marked.high_water);
    assert!(stopped.equity < marked.equity && stopped.drawdown > Decimal::ZERO);
    for point in &all {
        let gains = point.realised + point.unrealised - point.fees;
        assert_eq!(point.equity, point.capital + gains, "{point:?}");
    }
    let filter = EquityFilter { from: Some(from), to: None };
    let last = world.read_models.equity_curve(id, filter, 100, None).await.unwrap().value;
    assert_eq!(last, all[3..]);
    let filter = EquityFilter { from: None, to: Some(from) };
    assert_eq!(world.read_models.equity_curve(id, filter, 100, None).await.unwrap().value, all[..3]);
}

#[tokio::test]
async fn a_long_curve_is_thinned_and_comes_to_the_same_figures() {
    let world = World::new().await;
    let mut desk = Desk::new(&world).await;
    let id = desk.start(UserId(Uuid::now_v7()));
    desk.rebalance(id);
    for step in 0_i64..600 {
        desk.wait(59).await;
        desk.prices[0] = Decimal::from(50_000 + step * 7_919 % 5_003);
        assert!(desk.mark(id, true));
        if step == 300 {
            assert!(desk.put_in(id, "20000"));
        }
    }
    catch_up(&world, &mut desk).await;
    let (whole, thin) = (curve(&world, id, 10_000).await, curve(&world, id, 100).await);
    assert_eq!(whole.len(), 602);
    assert!(thin.len() > 50 && thin.len() <= 110, "{}", thin.len());
    let points = |rows: &[EquityRow]| -> Vec<_> {
        let flows =
            std::iter::once(Decimal::ZERO).chain(rows.windows(2).map(|pair| pair[1].flow_since(&pair[0])));
        rows.iter()
            .zip(flows)
            .map(|(row, flow)| domain::trading::performance::EquityPoint {
                at: row.at,
                equity: row.equity,
                flow,
            })
            .collect()
    };
    let (of_whole, of_thin) =
        (Performance::of(&points(&whole), &[], d("0")), Performance::of(&points(&thin), &[], d("0")));
    let inputs = world.read_models.performance_inputs(id, None).await.unwrap().value.unwrap();
    assert_eq!(inputs.curve, points(&whole));
    assert_eq!(of_thin.max_drawdown, of_whole.max_drawdown);
    assert_eq!((of_thin.profit, of_thin.net_flow), (of_whole.profit, of_whole.net_flow));
    assert_eq!(of_thin.total_return, of_whole.total_return);
}

#[tokio::test]
async fn figures_rest_on_sales_after_their_fees() {
    let world = World::new().await;
    let mut desk = Desk::new(&world).await;
    let id = desk.start(UserId(Uuid::now_v7()));
    desk.rebalance(id);
    desk.wait(60).await;
    desk.prices = [d("60000"), d("2500")];
    desk.rebalance(id);
    catch_up(&world, &mut desk).await;
    let inputs = world.read_models.performance_inputs(id, None).await.unwrap().value.unwrap();
    let portfolio = &desk.session(id).portfolio;
    assert_eq!(inputs.fees, portfolio.fees);
    let trades = trades_of(&world, id).await;
    let sales: Vec<_> = trades.iter().filter(|trade| trade.realised > Decimal::ZERO).collect();
    let pnl: Vec<Decimal> = inputs.trades.iter().map(|trade| trade.pnl).collect();
    assert_eq!(pnl, sales.iter().map(|sale| sale.realised - sale.fee_in_quote).collect::<Vec<_>>());
    assert_eq!(pnl.len(), 1, "bitcoin alone had risen");
    let performance = inputs.performance();
    assert_eq!((performance.wins, performance.losses), (1, 0));
    let unknown = TradingSessionId(Uuid::now_v7());
    assert!(world.read_models.performance_inputs(unknown, None).await.unwrap().value.is_none());
}

fn types(events: &[Recorded]) -> Vec<&str> {
    events.iter().map(|event| event.event_type.as_ref()).collect()
}

#[tokio::test]
async fn a_trade_is_explained_by_its_run_and_its_own_order() {
    let world = World::new().await;
    let mut desk = Desk::new(&world).await;
    let id = desk.start(UserId(Uuid::now_v7()));
    let (run_id, trigger, at) = (Uuid::now_v7(), Trigger::Manual, Timestamp::default());
    assert!(desk.ask(id, SessionCommand::RequestRun { run_id, trigger, at }));
    assert!(desk.ask(id, SessionCommand::SetAutoRebalance { enabled: true, at }));
    assert!(desk.begin(id));
    catch_up(&world, &mut desk).await;
    let running = world.read_models.trading_runs(id, &Page::default(), None).await.unwrap().value.items;
    assert_eq!((running[0].state, running[0].result, running[0].legs.len()), (RunState::Running, None, 2));
    assert!(desk.record(id, |desk, intent| {
        if intent.symbol == "BTCUSDT" {
            return Outcome::Rejected { code: "lot_size".to_owned(), message: "too small".to_owned() };
        }
        Outcome::Filled { fills: vec![desk.fill(intent, intent.quantity)] }
    }));
    catch_up(&world, &mut desk).await;
    let trades = trades_of(&world, id).await;
    let trade = |symbol: &str| trades.iter().find(|trade| trade.symbol == symbol).unwrap().clone();
    let (refused, filled) = (trade("BTCUSDT"), trade("ETHUSDT"));
    assert_eq!((refused.success, refused.error_code.as_deref()), (false, Some("lot_size")));
    let why = async |trade| world.read_models.explained_trade(id, trade, None).await.unwrap().value;
    let [beginning, ending] = [
        ["RunRequested", "RunStarted", "RebalancePlanned", "OrderIntended"].as_slice(),
        ["RunCompleted"].as_slice(),
    ];
    for (trade, outcome) in [(refused, "OrderRejected"), (filled, "OrderFilled")] {
        let explained = why(trade.trade_id).await.unwrap();
        assert_eq!(types(&explained.events), [beginning, &[outcome], ending].concat());
        let told = explained.events.iter().find(|event| event.event_type == outcome).unwrap();
        assert_eq!((told.position, told.event_id), (trade.position, trade.trade_id));
        assert_eq!((explained.trade, explained.run.run_id), (trade, run_id));
        assert_eq!(
            (explained.run.state, explained.run.result),
            (RunState::Completed, Some(Conclusion::Partial))
        );
        assert_eq!(explained.run.error_code.as_deref(), Some("lot_size"));
    }
    assert!(why(Uuid::now_v7()).await.is_none());
    let elsewhere = TradingSessionId(Uuid::now_v7());
    let found = world.read_models.explained_trade(elsewhere, trades[0].trade_id, None).await.unwrap();
    assert!(found.value.is_none(), "a trade of another session is not here");
}

#[tokio::test]
async fn somebody_has_their_wallets_and_what_their_sessions_hold() {
    let world = World::new().await;
    let mut desk = Desk::new(&world).await;
    let (user, wallet) = desk.scribe.register().await;
    desk.scribe.deposit(wallet, 700).await;
    let [first, stopped, second] = [desk.start(user), desk.start(user), desk.start(user)];
    desk.rebalance(first);
    desk.rebalance(stopped);
    assert!(desk.stop(stopped));
    let position = desk.commit().await;
    for name in ["wallets", "trading"] {
        drain(&mut world.follow(name)).await;
    }
    let found = world.read_models.user_portfolio(user, Some(position)).await.unwrap();
    assert_eq!(found.position, position);
    assert_eq!(found.value.wallets.iter().map(|row| row.wallet_id).collect::<Vec<_>>(), [wallet]);
    let sessions: Vec<_> = found.value.sessions.iter().map(|row| row.session.session_id).collect();
    assert_eq!(sessions, [second, first]);
    assert_eq!(&found.value.sessions[1].session, desk.session(first));
}
