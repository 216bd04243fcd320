//! How much may be lost, and what happens then.

use super::*;

/// Half in bitcoin, bought at 50,000: worth 10,000 less 5 of fees.
fn half_in_bitcoin() -> Story {
    let mut story =
        Story::of(StartSession { targets: targets(&[("BTC", "0.5"), ("USDT", "0.5")]), ..start() });
    story.run().wait(60);
    story
}

#[test]
fn a_crash_halts_at_the_first_mark_that_is_beyond_the_limit() {
    let mut story = half_in_bitcoin();
    // 4,995 in cash and a tenth of a bitcoin, of 10,000 at the highest: 40,050 is ten per cent to the digit.
    for price in ["49000", "45000", "40050"] {
        assert_eq!(types(&story.price("BTC", price).mark().unwrap()), ["PortfolioSnapshotTaken"], "{price}");
    }
    let halted = story.price("BTC", "40049.99999").mark().unwrap();
    let [SessionEvent::TradingSessionHalted(told)] = halted.as_slice() else { panic!("{halted:?}") };
    assert_eq!((told.high_water, told.limit, told.drawdown), (d("10000"), d("0.1"), d("0.100001")));
    assert_eq!(told.portfolio.equity, d("8999.999999"));
    assert_eq!(story.state().state, SessionState::Halted);
    assert_eq!(story.state().last_error.as_ref().unwrap().code, "drawdown_limit");
    assert_eq!(types(&story.mark().unwrap()), ["PortfolioSnapshotTaken"], "it halts once");
}

#[test]
fn losses_count_from_the_highest_there_was() {
    let mut story = half_in_bitcoin();
    story.price("BTC", "70000").mark().unwrap();
    assert_eq!(story.state().high_water, d("11995"));
    assert_eq!(types(&story.price("BTC", "58006").mark().unwrap()), ["PortfolioSnapshotTaken"]);
    assert_eq!(types(&story.price("BTC", "58004").mark().unwrap()), ["TradingSessionHalted"]);
}

#[test]
fn a_run_that_finds_too_much_lost_halts_and_intends_nothing() {
    let mut story = half_in_bitcoin();
    story.wait(3_600).price("BTC", "30000");
    let began = story.begin(2).unwrap();
    assert_eq!(types(&began), ["RunStarted", "TradingSessionHalted", "RunFailed"]);
    assert_eq!(ending(&began), (Conclusion::Failed, Some("drawdown_limit")));
    story.wait(100 * 3_600);
    assert_eq!(story.begin(3), Err(SessionRefusal::NothingDue), "its schedule rests");
}

#[test]
fn a_halted_session_sells_when_it_is_told_to_and_buys_nothing() {
    let mut story = Story::began();
    story.run().wait(60).price("BTC", "20000");
    story.mark().unwrap();
    story.must(SessionCommand::SetTargets { targets: targets(&[("BTC", "0.9"), ("USDT", "0.1")]) });
    story.request(7).unwrap();
    let began = story.begin(2).unwrap();
    assert_eq!(intents(&began), [(Side::Sell, "ETH", d("1.2"))]);
    let SessionEvent::RebalancePlanned(planned) = &began[1] else { panic!("{began:?}") };
    let skipped = planner::Skipped { asset: asset("BTC"), code: planner::SkipCode::ReduceOnly };
    assert_eq!(planned.plan.skipped, [skipped]);
    story.fill_all(2);
    assert_eq!(story.state().state, SessionState::Halted);
    assert_eq!(story.state().last_error.as_ref().unwrap().code, "drawdown_limit", "that is not mended");
}

#[test]
fn a_crash_between_sales_and_purchases_stops_the_purchases() {
    for is_marked in [false, true] {
        let mut story = Story::began();
        story.run().wait(3_600);
        story.must(SessionCommand::SetTargets { targets: targets(&[("BTC", "0.3"), ("ETH", "0.7")]) });
        story.begin(2).unwrap();
        let sold = filled(&story.open()[0]);
        story.price("BTC", "20000");
        if is_marked {
            assert_eq!(types(&story.mark().unwrap()), ["TradingSessionHalted"]);
        }
        let told = story.record(2, vec![sold]).unwrap();
        assert_eq!(intents(&told), []);
        assert_eq!(ending(&told), (Conclusion::Partial, None));
        assert_eq!(story.state().state, SessionState::Halted);
        assert!(story.state().last_error.is_some());
    }
}

#[test]
fn what_is_lost_by_the_run_itself_halts_at_its_end() {
    let mut story = Story::of(StartSession {
        limits: Limits { risk_per_trade: d("0.0001"), max_drawdown: d("0.0001") },
        ..start()
    });
    story.begin(1).unwrap();
    let outcomes = story.open().iter().map(filled).collect();
    let told = story.record(1, outcomes).unwrap();
    assert_eq!(types(&told), ["OrderFilled", "OrderFilled", "TradingSessionHalted", "RunCompleted"]);
    assert_eq!(story.state().last_error.as_ref().unwrap().code, "drawdown_limit");
}

#[test]
fn a_halt_forgets_what_was_asked_for() {
    let mut story = half_in_bitcoin();
    story.request(7).unwrap();
    story.price("BTC", "30000").mark().unwrap();
    assert_eq!(story.begin(2), Err(SessionRefusal::NothingDue));
}

#[test]
fn a_paused_session_halts_too() {
    let mut story = half_in_bitcoin();
    story.must(SessionCommand::Pause);
    assert_eq!(types(&story.price("BTC", "30000").mark().unwrap()), ["TradingSessionHalted"]);
}

#[test]
fn a_resume_counts_losses_from_today_on() {
    let mut story = half_in_bitcoin();
    story.price("BTC", "30000").mark().unwrap();
    let resumed = story.resume().unwrap();
    let [SessionEvent::TradingSessionResumed(told)] = resumed.as_slice() else { panic!("{resumed:?}") };
    assert_eq!((told.from, told.high_water), (SessionState::Halted, d("7995")));
    assert_eq!(types(&story.mark().unwrap()), ["PortfolioSnapshotTaken"]);
    story.wait(3_600).run();
    assert!(intents(&story.events).len() > 1, "it buys again");
    assert_eq!(types(&story.price("BTC", "20000").mark().unwrap()), ["TradingSessionHalted"]);
}

#[test]
fn a_resume_without_prices_counts_from_what_it_was_last_worth() {
    let mut story = half_in_bitcoin();
    story.price("BTC", "30000").mark().unwrap();
    story.flow("-3000").unwrap();
    let none = SessionCommand::Resume { market: None, at: story.now };
    let resumed = story.must(none);
    let [SessionEvent::TradingSessionResumed(told)] = resumed.as_slice() else { panic!("{resumed:?}") };
    assert_eq!(told.high_water, d("4995"), "less what was taken out since");
}

#[test]
fn a_pause_resets_nothing() {
    let mut story = half_in_bitcoin();
    story.price("BTC", "45000").mark().unwrap();
    story.must(SessionCommand::Pause);
    story.resume().unwrap();
    assert_eq!(story.state().high_water, d("10000"));
    assert_eq!(story.state().next_run_at, Some(after(NOON, 3_600)));
}

#[test]
fn money_that_comes_or_goes_moves_no_drawdown() {
    for amount in ["1", "0.00000001", "12345.678", "1000000", "-1", "-2500", "-4000.1", "-4995"] {
        let mut story = half_in_bitcoin();
        story.price("BTC", "40050").mark().unwrap();
        let before = |story: &Story| {
            let equity = story.state().last_portfolio.as_ref().unwrap().equity;
            drawdown(story.state().high_water, equity)
        };
        assert_eq!(before(&story), d("0.1"), "all that may be lost");
        story.flow(amount).unwrap();
        assert_eq!(before(&story), d("0.1"), "after {amount}");
        assert_eq!(types(&story.mark().unwrap()), ["PortfolioSnapshotTaken"], "after {amount}");
        assert_eq!(types(&story.price("BTC", "40030").mark().unwrap()), ["TradingSessionHalted"], "{amount}");
    }
}

#[test]
fn money_that_comes_in_is_no_gain() {
    let mut story = half_in_bitcoin();
    let told = story.flow("5000").unwrap();
    let [SessionEvent::CapitalChanged { capital_after, cash_after, .. }] = told.as_slice() else {
        panic!("{told:?}")
    };
    assert_eq!((*capital_after, *cash_after), (d("15000"), d("9995")));
    story.mark().unwrap();
    let now = story.state().last_portfolio.clone().unwrap();
    assert_eq!((now.equity, now.realised, now.unrealised, now.fees), (d("14995"), d("0"), d("0"), d("5")));
    // As far below it as before: a twentieth of a per cent.
    assert_eq!(story.state().high_water, d("15002.50125062"));
    assert_eq!(story.flow("0").unwrap(), []);
}

#[test]
fn no_more_can_be_taken_out_than_is_there_in_cash() {
    let mut story = half_in_bitcoin();
    let refusal = SessionRefusal::InsufficientCash { available: d("4995"), requested: d("4995.01") };
    assert_eq!(story.flow("-4995.01"), Err(refusal));
    story.flow("-4995").unwrap();
    assert_eq!(story.state().portfolio.cash, d("0"));
}

#[test]
fn no_more_can_be_put_in_than_stays_exact_however_often() {
    let mut story = Story::began();
    story.flow("999999990000").unwrap();
    let too_large = Err(SessionRefusal::Book(BookError::TooLarge));
    assert_eq!(story.flow("0.00000001"), too_large);
    story.flow("-1").unwrap();
    story.flow("1").unwrap();
    assert_eq!(story.flow("1"), too_large);
}

#[test]
fn all_of_it_can_be_taken_out_and_put_in_again() {
    let mut story = Story::began();
    story.flow("-10000").unwrap();
    assert_eq!((story.state().high_water, story.state().capital), (d("0"), d("0")));
    story.flow("300").unwrap();
    assert_eq!(story.state().high_water, d("300"));
    assert_eq!(types(&story.mark().unwrap()), ["PortfolioSnapshotTaken"]);
}

#[test]
fn money_waits_for_the_end_of_a_run_and_for_prices() {
    let mut story = half_in_bitcoin();
    let old = Flow { amount: d("1"), market: Some(story.market.clone()), at: story.now };
    story.now = after(story.now, 61);
    let unpriced = Err(SessionRefusal::Book(BookError::Unpriced { asset: asset("BTC") }));
    assert_eq!(story.ask(SessionCommand::ChangeCapital(Box::new(old))), unpriced);
    story.wait(3_600).price("BTC", "60000");
    story.begin(2).unwrap();
    let run_id = story.state().run_id().unwrap();
    assert_eq!(story.flow("1"), Err(SessionRefusal::RunUnderWay { run_id }));
}

/// Half in bitcoin, three tenths in ether, and nobody quotes ether any more.
fn without_ether(is_listed: bool) -> Story {
    let mut story = Story::began();
    story.run().wait(60);
    story.mark().unwrap();
    let old = story.now;
    story.wait(600);
    if is_listed {
        story.market.listed.get_mut(&asset("ETH")).unwrap().quote.as_of = old;
    } else {
        story.market.listed.remove(&asset("ETH"));
    }
    story
}

#[test]
fn what_is_lost_beside_a_holding_without_a_price_halts_all_the_same() {
    for is_listed in [true, false] {
        let mut story = without_ether(is_listed);
        let [at, priced_at] = [story.now, after(NOON, 60)];
        assert_eq!(types(&story.price("BTC", "41000").mark().unwrap()), ["PortfolioSnapshotTaken"]);
        let halted = story.price("BTC", "40000").mark().unwrap();
        let [SessionEvent::TradingSessionHalted(told)] = halted.as_slice() else { panic!("{halted:?}") };
        let ether = told.portfolio.positions.iter().find(|position| position.asset == asset("ETH")).unwrap();
        assert_eq!((ether.mark, ether.priced_at), (d("2500"), Some(priced_at)));
        let unpriced: Vec<_> = told.portfolio.unpriced().collect();
        assert_eq!(unpriced, [(asset("ETH"), priced_at)], "and bitcoin has a price");
        let error = story.state().last_error.clone().unwrap();
        assert_eq!((error.code.as_str(), error.at), ("drawdown_limit", at));
        assert!(error.message.ends_with(&format!("; ETH was last priced at {priced_at}")), "{error:?}");
    }
}

#[test]
fn a_price_of_the_past_is_told_and_nothing_but_a_halt_rests_on_it() {
    for is_listed in [true, false] {
        let mut story = without_ether(is_listed);
        story.must(SessionCommand::SetDrift { threshold: Some(d("0.01")) });
        let high_water = story.state().high_water;
        story.price("BTC", "70000");
        let quiet = Box::new(story.market.clone());
        let quiet = SessionCommand::Mark { market: quiet, snapshot: false, at: story.now };
        assert_eq!(story.must(quiet), [], "neither the highest, nor a drift");
        assert_eq!(types(&story.mark().unwrap()), ["PortfolioSnapshotTaken"]);
        assert_eq!(story.state().high_water, high_water);
        let error = story.state().last_error.clone().unwrap();
        assert_eq!(error.code, "valuation_stale");
        assert!(error.message.contains("ETH was last priced at"), "{error:?}");
        story.request(7).unwrap();
        let began = story.begin(2).unwrap();
        let code = if is_listed { "price_stale" } else { "price_missing" };
        assert_eq!(ending(&began), (Conclusion::Failed, Some(code)), "a run goes by no such price");
    }
}

#[test]
fn once_everything_has_a_price_again_nothing_is_said_of_it() {
    let mut story = without_ether(true);
    story.mark().unwrap();
    assert!(story.state().last_error.is_some());
    story.wait(60).mark().unwrap();
    assert_eq!(story.state().last_error, None);
    assert!(story.state().last_portfolio.as_ref().unwrap().is_priced());
}

#[test]
fn what_never_was_valued_is_worth_what_it_cost() {
    let mut story = Story::began();
    story.begin(1).unwrap();
    let outcomes = story.open().iter().map(filled).collect();
    story.market = Market::without_quotes(USDT);
    story.record(1, outcomes).unwrap();
    assert_eq!(story.state().last_portfolio, None);
    let told = story.mark().unwrap();
    let [SessionEvent::PortfolioSnapshotTaken(taken)] = told.as_slice() else { panic!("{told:?}") };
    assert_eq!((taken.portfolio.equity, taken.portfolio.unrealised), (d("9992"), d("0")));
    assert_eq!(taken.portfolio.unpriced().count(), 2);
}

#[test]
fn one_order_puts_no_more_at_risk_than_it_may() {
    let limits = Limits { risk_per_trade: d("0.02"), max_drawdown: d("0.1") };
    let mut story = Story::of(StartSession { limits, ..start() });
    let began = story.begin(1).unwrap();
    assert_eq!(intents(&began), [(Side::Buy, "BTC", d("0.04")), (Side::Buy, "ETH", d("0.8"))]);
    let SessionEvent::RebalancePlanned(planned) = &began[1] else { panic!("{began:?}") };
    assert!(planned.plan.legs.iter().all(|leg| leg.clipped_by == Some(planner::Clip::RiskPerTrade)));
    story.fill_all(1);
    for fence in 2..=4 {
        story.wait(3_600).begin(fence).unwrap();
        story.fill_all(fence);
    }
    assert_eq!(story.state().portfolio.quantity(asset("BTC")), d("0.0999"), "the rest comes later");
}
