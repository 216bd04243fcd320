//! A run, from what is due to what it came to.

use super::*;

#[test]
fn a_run_buys_at_once_where_there_is_nothing_to_sell() {
    let mut story = Story::began();
    let began = story.begin(1).unwrap();
    assert_eq!(types(&began), ["RunStarted", "RebalancePlanned", "OrderIntended", "OrderIntended"]);
    assert_eq!(intents(&began), [(Side::Buy, "BTC", d("0.1")), (Side::Buy, "ETH", d("1.2"))]);
    let outcomes = story.open().iter().map(filled).collect();
    let told = story.record(1, outcomes).unwrap();
    assert_eq!(types(&told), ["OrderFilled", "OrderFilled", "PortfolioSnapshotTaken", "RunCompleted"]);
    assert_eq!(ending(&told), (Conclusion::Done, None));
    let session = story.state();
    assert_eq!(session.portfolio.cash, d("1992"));
    assert_eq!((session.run.as_ref(), session.last_run_at), (None, Some(NOON)));
    let last = session.last_result.as_ref().unwrap();
    assert_eq!((last.orders, last.turnover, last.fees), (2, d("8000"), d("8")));
}

#[test]
fn sales_come_first_and_purchases_are_made_of_what_they_brought() {
    let mut story = Story::began();
    story.run().wait(3_600);
    story.must(SessionCommand::SetTargets { targets: targets(&[("BTC", "0.2"), ("ETH", "0.8")]) });
    let began = story.begin(2).unwrap();
    assert_eq!(intents(&began), [(Side::Sell, "BTC", d("0.06"))]);
    let sold = story.open().iter().map(filled).collect();
    let told = story.record(2, sold).unwrap();
    assert_eq!(types(&told), ["OrderFilled", "OrderIntended"]);
    // Planned with 1,992 and the 2,982.015 that the sale brings at least, at 2,512.5 and fees each.
    assert_eq!(intents(&told), [(Side::Buy, "ETH", d("1.9777"))]);
    story.fill_all(2);
    assert_eq!(story.state().last_result.as_ref().unwrap().result, "done");
    assert!(story.state().portfolio.cash >= Decimal::ZERO);
}

#[test]
fn what_a_run_writes_down_grows_with_what_it_is_about_and_not_with_the_market() {
    let mut story = Story::began();
    story.run();
    let told = [("BTC", "0.5"), ("ETH", "0.3"), ("SOL", "0"), ("USDT", "0.2")];
    story.must(SessionCommand::SetTargets { targets: targets(&told) });
    let bitcoin = story.market.listed[&asset("BTC")].clone();
    let others =
        ["AAVE", "ADA", "ALGO", "APT", "ATOM", "AVAX", "BCH", "BNB", "DOGE", "DOT", "LTC", "SOL", "USDT"];
    story.market.listed.extend(others.map(|code| (asset(code), bitcoin.clone())));
    story.wait(3_600);
    let written = story.begin(2).unwrap();
    assert_eq!(ending(&written), (Conclusion::NothingToDo, None));
    let SessionEvent::RebalancePlanned(planned) = &written[1] else { panic!("{written:?}") };
    let listed: Vec<_> = planned.inputs.market.listed.keys().map(|asset| asset.code()).collect();
    assert_eq!(listed, ["BTC", "ETH"], "neither the rest of the market, nor what is not meant to be held");
    let bytes: usize = written.iter().map(|event| serde_json::to_vec(event).unwrap().len()).sum();
    assert!(bytes < 2_600, "{bytes}");
}

#[test]
fn purchases_wait_until_every_sale_is_known() {
    let mut story = Story::began();
    story.run().wait(3_600);
    story.must(SessionCommand::SetTargets { targets: targets(&[("XRP", "1")]) });
    let xrp = market(story.now, &[("XRP", "2", "2")]).listed;
    story.market.listed.extend(xrp);
    let began = story.begin(2).unwrap();
    assert_eq!(intents(&began), [(Side::Sell, "BTC", d("0.1")), (Side::Sell, "ETH", d("1.2"))]);
    let open = story.open();
    assert_eq!(types(&story.record(2, vec![filled(&open[0])]).unwrap()), ["OrderFilled"]);
    let told = story.record(2, vec![filled(&open[1])]).unwrap();
    assert_eq!(types(&told), ["OrderFilled", "OrderIntended"]);
}

#[test]
fn purchases_shrink_when_sales_brought_less() {
    let mut story = Story::began();
    story.run().wait(3_600);
    story.must(SessionCommand::SetTargets { targets: targets(&[("BTC", "0.2"), ("ETH", "0.8")]) });
    story.begin(2).unwrap();
    let sold = rejected(&story.open()[0]);
    let told = story.record(2, vec![sold]).unwrap();
    assert_eq!(intents(&told), [(Side::Buy, "ETH", d("0.792"))], "of 1,992 in cash");
    let bought = story.open().iter().map(filled).collect();
    let ended = story.record(2, bought).unwrap();
    assert_eq!(ending(&ended), (Conclusion::Partial, None));
}

#[test]
fn a_run_that_came_to_nothing_has_failed_and_says_why() {
    let mut story = Story::began();
    story.begin(1).unwrap();
    let outcomes = story.open().iter().map(rejected).collect();
    let told = story.record(1, outcomes).unwrap();
    assert_eq!(ending(&told), (Conclusion::Failed, Some("price_moved")));
    assert_eq!(story.state().last_error.as_ref().unwrap().code, "price_moved");
    assert_eq!(story.state().next_run_at, Some(after(NOON, 3_600)));
    story.wait(3_600).run();
    assert_eq!(story.state().last_error, None, "the next one went well");
}

#[test]
fn a_part_of_an_order_is_a_part_of_the_run() {
    let mut story = Story::began();
    story.begin(1).unwrap();
    let [bitcoin, ether] = <[Intent; 2]>::try_from(story.open()).unwrap();
    let part = vec![fill(&bitcoin, d("0.04"), d("50000"))];
    let told = story.record(1, vec![(bitcoin.order_id, Outcome::Filled { fills: part }), filled(&ether)]);
    assert_eq!(ending(&told.unwrap()), (Conclusion::Partial, None));
}

#[test]
fn many_trades_can_make_one_order_whole() {
    let mut story = Story::began();
    story.begin(1).unwrap();
    let [bitcoin, ether] = <[Intent; 2]>::try_from(story.open()).unwrap();
    let trade = |name: &str, quantity: &str, price: &str| {
        let trade_id = name.to_owned();
        Fill { trade_id, ..fill(&bitcoin, d(quantity), d(price)) }
    };
    let fills = vec![trade("a", "0.04", "50000"), trade("b", "0.06", "50100")];
    let told = story.record(1, vec![(bitcoin.order_id, Outcome::Filled { fills }), filled(&ether)]).unwrap();
    let left: Vec<_> = told
        .iter()
        .filter_map(|event| match event {
            SessionEvent::OrderFilled(filled) => Some((filled.unfilled, filled.quantity_after)),
            _ => None,
        })
        .collect();
    assert_eq!(left, [(d("0.06"), d("0.04")), (d("0"), d("0.1")), (d("0"), d("1.2"))]);
    assert_eq!(ending(&told), (Conclusion::Done, None));
    assert_eq!(story.state().last_result.as_ref().unwrap().orders, 2);
}

#[test]
fn ticks_that_were_missed_are_one_run() {
    let mut story = Story::began();
    story.wait(10 * 3_600 + 60);
    let began = story.begin(1).unwrap();
    let SessionEvent::RunStarted(run) = &began[0] else { panic!("{began:?}") };
    assert_eq!((run.due_at, run.late_ms, run.trigger), (NOON, 36_060_000, Trigger::Scheduled));
    story.fill_all(1);
    assert_eq!(story.state().next_run_at, Some(after(NOON, 11 * 3_600)));
    assert_eq!(story.begin(2), Err(SessionRefusal::NothingDue));
}

#[test]
fn a_run_is_due_at_its_time_and_not_before() {
    let mut story = Story::began();
    story.run().wait(3_599);
    assert_eq!(story.begin(2), Err(SessionRefusal::NothingDue));
    story.wait(1);
    assert_eq!(types(&story.begin(2).unwrap())[0], "RunStarted");
}

#[test]
fn a_single_run_that_was_asked_for_is_the_last_one() {
    let mut story = Story::of(StartSession { auto_rebalance: false, ..start() });
    story.run().wait(100 * 3_600);
    assert_eq!(story.state().next_run_at, None);
    assert_eq!(story.begin(2), Err(SessionRefusal::NothingDue));
}

#[test]
fn what_somebody_asks_for_goes_first_and_moves_no_schedule() {
    let mut story = Story::began();
    story.request(77).unwrap();
    let under_way = SessionRefusal::RunUnderWay { run_id: Uuid::from_u128(77) };
    assert_eq!(story.request(78), Err(under_way), "one is enough");
    let began = story.begin(1).unwrap();
    let SessionEvent::RunStarted(run) = &began[0] else { panic!("{began:?}") };
    assert_eq!((run.run_id, run.trigger), (Uuid::from_u128(77), Trigger::Manual));
    story.fill_all(1);
    assert_eq!(story.state().next_run_at, Some(NOON), "and is due yet");
    let next = story.begin(2).unwrap();
    let SessionEvent::RunStarted(run) = &next[0] else { panic!("{next:?}") };
    assert_eq!(run.run_id, scheduled_run(story.state().session_id, NOON));
}

#[test]
fn a_time_set_while_a_run_goes_on_stands() {
    let mut story = Story::began();
    story.begin(1).unwrap();
    let tomorrow = after(NOON, 86_400);
    story.must(SessionCommand::SetNextRun { next_run_at: tomorrow });
    story.fill_all(1);
    assert_eq!(story.state().next_run_at, Some(tomorrow));
}

#[test]
fn a_time_that_is_set_again_is_another_run_with_other_orders() {
    let mut story = Story::began();
    let mut runs = std::collections::BTreeSet::new();
    let mut orders = Vec::new();
    for fence in 1..5 {
        story.must(SessionCommand::SetNextRun { next_run_at: NOON });
        story.price("BTC", ["50000", "40000", "60000", "30000"][usize::try_from(fence - 1).unwrap()]);
        story.must(SessionCommand::SetLimits { risk_per_trade: None, max_drawdown: Some(d("1")) });
        story.begin(fence).unwrap();
        runs.insert(story.state().run_id().unwrap());
        orders.extend(story.open().iter().map(|intent| intent.order_id));
        story.fill_all(fence);
    }
    assert_eq!(runs.len(), 4);
    let names: std::collections::BTreeSet<_> = orders.iter().collect();
    assert_eq!(names.len(), orders.len());
}

#[test]
fn a_dry_run_intends_nothing() {
    let mut story = Story::of(StartSession { dry_run: true, ..start() });
    let began = story.begin(1).unwrap();
    assert_eq!(types(&began), ["RunStarted", "RebalancePlanned", "PortfolioSnapshotTaken", "RunCompleted"]);
    assert_eq!(ending(&began), (Conclusion::DryRun, None));
    assert_eq!(story.state().portfolio, Portfolio::of_cash(d("10000")));
}

#[test]
fn a_missing_or_old_price_refuses_the_run_with_a_code_and_the_next_one_is_tried() {
    let mut story = Story::began();
    story.market.listed.remove(&asset("ETH"));
    assert_eq!(ending(&story.begin(1).unwrap()), (Conclusion::Failed, Some("price_missing")));
    story.wait(3_600);
    story.market.listed = market(story.now, &[("BTC", "50000", "50000"), ("ETH", "2500", "2500")]).listed;
    story.now = after(story.now, 61);
    assert_eq!(ending(&story.begin(2).unwrap()), (Conclusion::Failed, Some("price_stale")));
    assert_eq!(story.state().last_error.as_ref().unwrap().message, "the price of BTC is 61 s old");
    story.wait(3_600);
    let begin = BeginRun { fence: 3, market: None, at: story.now };
    let none = story.must(SessionCommand::BeginRun(Box::new(begin)));
    assert_eq!(ending(&none), (Conclusion::Failed, Some("market_unavailable")));
    assert_eq!(story.state().portfolio, Portfolio::of_cash(d("10000")));
    story.wait(3_600).run();
    assert_eq!(story.state().last_error, None);
}

#[test]
fn a_price_that_makes_no_sense_is_none() {
    for (bid, ask) in [("0", "0"), ("-1", "1"), ("50001", "50000")] {
        let mut story = Story::began();
        let quote = &mut story.market.listed.get_mut(&asset("BTC")).unwrap().quote;
        (quote.bid, quote.ask) = (d(bid), d(ask));
        assert_eq!(ending(&story.begin(1).unwrap()), (Conclusion::Failed, Some("price_missing")), "{bid}");
    }
}

#[test]
fn purchases_are_not_made_on_old_prices_however_they_were_planned() {
    for is_missing in [false, true] {
        let mut story = Story::began();
        story.run().wait(3_600);
        story.must(SessionCommand::SetTargets { targets: targets(&[("BTC", "0.2"), ("ETH", "0.8")]) });
        story.begin(2).unwrap();
        let sold = filled(&story.open()[0]);
        if is_missing {
            story.market = Market::without_quotes(USDT);
        } else {
            story.now = after(story.now, 61);
        }
        let told = story.record(2, vec![sold]).unwrap();
        let code = if is_missing { "price_missing" } else { "price_stale" };
        assert_eq!(types(&told), ["OrderFilled", "RunCompleted"]);
        assert_eq!(ending(&told), (Conclusion::Partial, Some(code)));
    }
}

#[test]
fn a_run_that_cannot_reach_a_minimum_does_nothing_and_waits_for_its_next_tick() {
    let mut story = Story::of(StartSession { capital: d("5"), ..start() });
    let began = story.begin(1).unwrap();
    assert_eq!(types(&began), ["RunStarted", "RebalancePlanned", "PortfolioSnapshotTaken", "RunCompleted"]);
    assert_eq!(ending(&began), (Conclusion::NothingToDo, None));
    let SessionEvent::RebalancePlanned(planned) = &began[1] else { panic!("{began:?}") };
    let skipped: Vec<_> = planned.plan.skipped.iter().map(|skipped| skipped.code).collect();
    assert_eq!(skipped, [planner::SkipCode::BelowMinQuantity, planner::SkipCode::BelowMinNotional]);
    assert_eq!(story.begin(2), Err(SessionRefusal::NothingDue));
    assert_eq!(story.state().next_run_at, Some(after(NOON, 3_600)));
}

#[test]
fn drift_asks_for_a_run_unless_nothing_can_be_done_about_it() {
    let drift_threshold = Some(d("0.05"));
    let mut story = Story::of(StartSession { drift_threshold, ..start() });
    story.run().wait(120);
    assert_eq!(types(&story.mark().unwrap()), ["PortfolioSnapshotTaken"]);
    story.price("BTC", "65000");
    assert_eq!(types(&story.mark().unwrap()), ["PortfolioSnapshotTaken", "RunRequested"]);
    assert_eq!(types(&story.mark().unwrap()), ["PortfolioSnapshotTaken"], "it was asked for");
    story.run();
    assert_eq!(types(&story.mark().unwrap()), ["PortfolioSnapshotTaken"]);

    let mut tiny = Story::of(StartSession { capital: d("5"), drift_threshold, ..start() });
    tiny.run().wait(120);
    assert_eq!(types(&tiny.mark().unwrap()), ["PortfolioSnapshotTaken"], "too little for any order");
}

#[test]
fn a_portfolio_near_its_targets_is_left_alone() {
    let mut story = Story::began();
    story.run().wait(3_600).price("BTC", "50100");
    assert_eq!(ending(&story.begin(2).unwrap()), (Conclusion::NothingToDo, None));
}
