//! Sessions, trades and runs, page by page, while others go on.

use super::{Desk, d};
use crate::helpers::{World, drain};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::trading::{SessionCommand, SessionState};
use domain::{TradingSessionId, UserId};
use projections::{
    EquityFilter, Items, Page, QueryError, SessionFilter, SessionStatus, TradeFilter, TradeRow, TradeType,
    TradesOf, TradingSessionRow,
};
use std::collections::BTreeSet;
use uuid::Uuid;

fn somebody() -> UserId {
    UserId(Uuid::now_v7())
}

fn ids(found: &Items<TradingSessionRow>) -> Vec<TradingSessionId> {
    found.items.iter().map(|row| row.session.session_id).collect()
}

#[tokio::test]
async fn sessions_are_listed_newest_first_and_by_what_they_are() {
    let world = World::new().await;
    let (mut desk, ada, grace) = (Desk::new(&world).await, somebody(), somebody());
    let [first, second, third] = [desk.start(ada), desk.start(ada), desk.start(ada)];
    let other = desk.start(grace);
    assert!(desk.ask(first, SessionCommand::Pause));
    assert!(desk.stop(third));
    let position = desk.commit().await;
    let mut live = world.follow("trading");
    drain(&mut live).await;
    let list = async |of, filter, page: &Page| {
        world.read_models.trading_sessions(of, filter, page, Some(position)).await.map(|found| found.value)
    };
    let (all, page) = (SessionFilter::default(), Page::default());
    let of_status = |status| SessionFilter { status: Some(status), state: None };
    let of_state = |state| SessionFilter { status: None, state: Some(state) };
    for (of, filter, expected) in [
        (Some(ada), all, vec![third, second, first]),
        (None, all, vec![other, third, second, first]),
        (Some(ada), of_status(SessionStatus::Active), vec![second, first]),
        (Some(ada), of_status(SessionStatus::Stopped), vec![third]),
        (None, of_status(SessionStatus::Active), vec![other, second, first]),
        (Some(ada), of_state(SessionState::Paused), vec![first]),
        (None, of_state(SessionState::Running), vec![other, second]),
        (
            None,
            SessionFilter { status: Some(SessionStatus::Active), state: Some(SessionState::Stopped) },
            vec![],
        ),
    ] {
        assert_eq!(ids(&list(of, filter, &page).await.unwrap()), expected, "{filter:?}");
    }

    let (mut seen, mut page) = (Vec::new(), Page { cursor: None, limit: 1 });
    loop {
        let found = list(Some(ada), all, &page).await.unwrap();
        seen.extend(ids(&found));
        desk.start(ada);
        desk.commit().await;
        drain(&mut live).await;
        let Some(cursor) = found.next_cursor else { break };
        page.cursor = Some(cursor);
    }
    assert_eq!(seen, [third, second, first], "whatever is started meanwhile");
    assert!(matches!(list(Some(grace), all, &page).await, Err(QueryError::BadCursor)));
    assert!(matches!(
        list(Some(ada), of_state(SessionState::Paused), &page).await,
        Err(QueryError::BadCursor)
    ));
}

/// Two sessions of one user: one bought two assets, sold one of them and then only pretended; the other has no run.
async fn with_trades(world: &World) -> (Desk, UserId, TradingSessionId) {
    let (mut desk, user) = (Desk::new(world).await, somebody());
    let session = desk.start(user);
    desk.start(user);
    desk.rebalance(session);
    desk.wait(60).await;
    desk.prices[0] = d("100000");
    desk.rebalance(session);
    desk.wait(60).await;
    desk.prices = [d("50000"), d("5000")];
    assert!(desk.ask(session, SessionCommand::SetDryRun { dry_run: true }));
    desk.rebalance(session);
    desk.commit().await;
    drain(&mut world.follow("trading")).await;
    (desk, user, session)
}

async fn all_trades(world: &World, of: TradesOf, filter: TradeFilter) -> Vec<TradeRow> {
    let (mut trades, mut page) = (Vec::new(), Page { cursor: None, limit: 1 });
    loop {
        let found = world.read_models.trades(of, filter.clone(), &page, None).await.unwrap().value;
        trades.extend(found.items);
        let Some(cursor) = found.next_cursor else { return trades };
        page.cursor = Some(cursor);
    }
}

#[tokio::test]
async fn trades_are_filtered_and_those_of_a_dry_run_say_so() {
    let world = World::new().await;
    let (desk, user, session) = with_trades(&world).await;
    let all = all_trades(&world, TradesOf::User(user), TradeFilter::default()).await;
    assert_eq!(all, all_trades(&world, TradesOf::Session(session), TradeFilter::default()).await);
    assert_eq!(all_trades(&world, TradesOf::User(somebody()), TradeFilter::default()).await, []);
    let places: Vec<_> = all.iter().map(|trade| (trade.position, trade.leg)).collect();
    assert!(places.is_sorted_by(|one, next| one > next), "{places:?}");
    let ids: BTreeSet<Uuid> = all.iter().map(|trade| trade.trade_id).collect();
    assert_eq!(ids.len(), all.len());
    assert!(all.iter().all(|trade| trade.success && trade.trade_type == TradeType::Manual));

    let of = async |filter| all_trades(&world, TradesOf::Session(session), filter).await;
    let dry = of(TradeFilter { dry_run: Some(true), ..TradeFilter::default() }).await;
    assert!(dry.len() > 1 && dry.iter().all(|trade| trade.dry_run && trade.order_id.is_none()));
    let real = of(TradeFilter { dry_run: Some(false), ..TradeFilter::default() }).await;
    assert_eq!(real.len() + dry.len(), all.len());
    assert!(real.iter().all(|trade| trade.order_id.is_some()));
    let symbol = Some("ETHUSDT".to_owned());
    let ether = of(TradeFilter { symbol, ..TradeFilter::default() }).await;
    assert!(!ether.is_empty() && ether.len() < all.len());
    assert!(of(TradeFilter { success: Some(false), ..TradeFilter::default() }).await.is_empty());
    assert!(of(TradeFilter { trade_type: Some(TradeType::Auto), ..TradeFilter::default() }).await.is_empty());
    let run_id = Some(dry[0].run_id);
    assert_eq!(of(TradeFilter { run_id, ..TradeFilter::default() }).await, dry);
    let since = Some(desk.scribe.now);
    assert_eq!(of(TradeFilter { from: since, ..TradeFilter::default() }).await, dry, "a minute later");
    assert_eq!(of(TradeFilter { to: since, ..TradeFilter::default() }).await, real);

    let mut page = Page { cursor: None, limit: 1 };
    let filter = TradeFilter { dry_run: Some(false), ..TradeFilter::default() };
    let trades = async |of, filter, page: &Page| world.read_models.trades(of, filter, page, None).await;
    page.cursor = trades(TradesOf::Session(session), filter, &page).await.unwrap().value.next_cursor;
    let unfiltered = trades(TradesOf::Session(session), TradeFilter::default(), &page).await.unwrap().value;
    assert_eq!(unfiltered.items, real[1..2], "a cursor brings its filters");
    let another = TradeFilter { dry_run: Some(true), ..TradeFilter::default() };
    assert!(matches!(trades(TradesOf::Session(session), another, &page).await, Err(QueryError::BadCursor)));
    let of_user = trades(TradesOf::User(user), TradeFilter::default(), &page).await;
    assert!(matches!(of_user, Err(QueryError::BadCursor)));
    let of = TradesOf::Session(session);
    let forged =
        serde_json::json!({"trades_of": of, "before": [9, 0], "filter": {"symbol": "BTC\0"}}).to_string();
    page.cursor = Some(URL_SAFE_NO_PAD.encode(forged));
    assert!(matches!(trades(of, TradeFilter::default(), &page).await, Err(QueryError::BadCursor)));
}

#[tokio::test]
async fn runs_and_points_go_on_where_a_page_ended_whatever_is_written() {
    let world = World::new().await;
    let (mut desk, _, session) = with_trades(&world).await;
    let mut live = world.follow("trading");
    let page = Page::default();
    let before = world.read_models.trading_runs(session, &page, None).await.unwrap().value.items;
    let filter = EquityFilter::default();
    let points = world.read_models.equity_points(session, filter, &page, None).await.unwrap().value.items;
    assert_eq!(before.len(), 3);
    assert!(before.iter().all(|run| run.last_position > run.first_position && run.plan_hash.is_some()));
    let mut runs_page = Page { cursor: None, limit: 1 };
    let mut points_page = runs_page.clone();
    let (mut runs_seen, mut points_seen) = (Vec::new(), Vec::new());
    for _ in 0..points.len().max(before.len()) {
        if runs_seen.len() < before.len() {
            let found = world.read_models.trading_runs(session, &runs_page, None).await.unwrap().value;
            runs_seen.extend(found.items);
            runs_page.cursor = found.next_cursor;
        }
        let filter = EquityFilter::default();
        let found = world.read_models.equity_points(session, filter, &points_page, None).await.unwrap().value;
        points_seen.extend(found.items);
        points_page.cursor = found.next_cursor;
        desk.rebalance(session);
        desk.wait(1).await;
        drain(&mut live).await;
    }
    assert_eq!(runs_seen, before);
    assert_eq!((points_seen, points_page.cursor), (points, None));
    let elsewhere = TradingSessionId(Uuid::now_v7());
    let page = Page { cursor: runs_page.cursor.or(Some("e30".to_owned())), limit: 1 };
    let found = world.read_models.trading_runs(elsewhere, &page, None).await;
    assert!(matches!(found, Err(QueryError::BadCursor)));
}
