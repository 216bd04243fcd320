//! What became of orders, who may say so, and who goes on.

use super::*;

/// A run that sold, and whose purchase waits for an answer about the sale.
fn selling() -> Story {
    let mut story = Story::began();
    story.run().wait(3_600);
    story.must(SessionCommand::SetTargets { targets: targets(&[("BTC", "0.2"), ("ETH", "0.8")]) });
    story.begin(2).unwrap();
    story
}

#[test]
fn a_stale_lease_begins_nothing_and_takes_nothing_over() {
    let mut story = Story::began();
    story.begin(5).unwrap();
    story.fill_all(5);
    story.wait(3_600).price("BTC", "60000");
    let fenced = SessionRefusal::Fenced { fence: 4, newest: 5 };
    assert_eq!(story.begin(4), Err(fenced.clone()));
    story.begin(5).unwrap();
    assert_eq!(story.ask(SessionCommand::TakeOver { fence: 4 }), Err(fenced));
    assert_eq!(story.must(SessionCommand::TakeOver { fence: 5 }), [], "it is its own");
    assert_eq!(types(&story.must(SessionCommand::TakeOver { fence: 6 })), ["RunTakenOver"]);
    assert_eq!(story.state().fence, 6);
}

#[test]
fn a_run_is_begun_once() {
    let mut story = Story::began();
    story.begin(1).unwrap();
    let run_id = story.state().run_id().unwrap();
    assert_eq!(story.begin(2), Err(SessionRefusal::RunUnderWay { run_id }));
}

#[test]
fn a_stale_lease_may_say_what_it_saw_and_intends_nothing_more() {
    let mut story = selling();
    story.must(SessionCommand::TakeOver { fence: 3 });
    let sold = filled(&story.open()[0]);
    let told = story.record(2, vec![sold]).unwrap();
    assert_eq!(types(&told), ["OrderFilled"], "and no purchase");
    assert_eq!(story.record(2, Vec::new()), Ok(Vec::new()));
    let gone_on = story.record(3, Vec::new()).unwrap();
    assert_eq!(types(&gone_on), ["OrderIntended"], "that is for whoever took over");
    story.fill_all(3);
    assert_eq!(story.state().last_result.as_ref().unwrap().result, "done");
}

#[test]
fn what_is_known_after_a_take_over_was_found_out_by_asking() {
    for (taken_over, is_reconciled) in [(false, false), (true, true)] {
        let mut story = selling();
        if taken_over {
            story.must(SessionCommand::TakeOver { fence: 3 });
        }
        let sold = filled(&story.open()[0]);
        let told = story.record(3, vec![sold]).unwrap();
        let Some(SessionEvent::OrderFilled(filled)) = told.first() else { panic!("{told:?}") };
        assert_eq!(filled.reconciled, is_reconciled);
    }
}

#[test]
fn a_stale_lease_without_prices_does_not_end_what_another_one_goes_on_with() {
    let mut story = selling();
    story.must(SessionCommand::TakeOver { fence: 3 });
    let sold = filled(&story.open()[0]);
    let market = std::mem::replace(&mut story.market, Market::without_quotes(USDT));
    assert_eq!(types(&story.record(2, vec![sold]).unwrap()), ["OrderFilled"]);
    story.market = market;
    assert_eq!(types(&story.record(3, Vec::new()).unwrap()), ["OrderIntended"]);
}

#[test]
fn what_is_settled_is_settled_however_often_and_however_else_it_is_told() {
    let mut story = selling();
    let order = story.open().remove(0);
    story.record(2, vec![filled(&order)]).unwrap();
    let before = story.state().clone();
    for again in [filled(&order), rejected(&order), unknown(&order), never(&order)] {
        assert_eq!(story.record(2, vec![again]), Ok(Vec::new()));
    }
    assert_eq!(story.state(), &before);
}

#[test]
fn what_is_told_twice_in_one_breath_happened_once() {
    let mut story = selling();
    let order = story.open().remove(0);
    let told = story.record(2, vec![filled(&order), rejected(&order), filled(&order)]).unwrap();
    assert_eq!(types(&told), ["OrderFilled", "OrderIntended"]);
}

#[test]
fn a_trade_that_is_told_twice_happened_once() {
    let mut story = selling();
    let order = story.open().remove(0);
    let trade = fill(&order, order.quantity, order.expected_price);
    let outcome = Outcome::Filled { fills: vec![trade.clone(), trade] };
    let told = story.record(2, vec![(order.order_id, outcome)]).unwrap();
    assert_eq!(types(&told), ["OrderFilled", "OrderIntended"]);
}

#[test]
fn a_trade_that_cannot_be_of_the_order_is_not_booked() {
    let story = selling();
    let order = story.open().remove(0);
    let whole = fill(&order, order.quantity, order.expected_price);
    let wrong = [
        Fill { quantity: order.quantity + d("0.0001"), ..whole.clone() },
        Fill { quantity: d("0"), ..whole.clone() },
        Fill { price: d("0"), ..whole.clone() },
        Fill { fee: d("-1"), ..whole.clone() },
        Fill { side: Side::Buy, ..whole.clone() },
        Fill { asset: asset("ETH"), ..whole },
    ];
    for fill in wrong {
        let mut story = selling();
        let before = story.state().portfolio.clone();
        let told = story.record(2, vec![(order.order_id, Outcome::Filled { fills: vec![fill.clone()] })]);
        let told = told.unwrap();
        let ends = ["OrderOutcomeUnbookable", "PortfolioSnapshotTaken", "RunFailed"];
        assert_eq!(types(&told), ends);
        let SessionEvent::OrderOutcomeUnbookable(unbookable) = &told[0] else { panic!("{told:?}") };
        assert_eq!((unbookable.flaw.as_str(), &unbookable.fills), ("not_of_the_order", &vec![fill]));
        assert_eq!(story.state().portfolio, before, "none of it is in the books");
        assert_eq!(ending(&told), (Conclusion::Failed, Some("outcome_unbookable")));
    }
}

/// Trades at a price that takes more than all there is.
fn overspent(intent: &Intent) -> (OrderId, Outcome) {
    let half = intent.quantity / d("2");
    let trade = |name: &str, price| Fill { trade_id: name.to_owned(), ..fill(intent, half, price) };
    let fills = vec![trade("dear", intent.expected_price), trade("dearer", d("5000000"))];
    (intent.order_id, Outcome::Filled { fills })
}

#[test]
fn what_cannot_be_booked_closes_the_order_and_halts_the_session() {
    let mut story = Story::began();
    story.begin(1).unwrap();
    story.request(7).unwrap_err();
    let [first, second] = story.open().try_into().unwrap();
    let told = story.record(1, vec![overspent(&first)]).unwrap();
    assert_eq!(types(&told), ["OrderOutcomeUnbookable"], "the other one is out yet");
    assert_eq!(story.state().portfolio, Portfolio::of_cash(d("10000")), "all of an order, or none of it");
    assert_eq!((story.state().state, story.open().len()), (SessionState::Halted, 1));
    let told = story.record(1, vec![overspent(&first), rejected(&second)]).unwrap();
    assert_eq!(types(&told), ["OrderRejected", "PortfolioSnapshotTaken", "RunFailed"]);
    let ended = story.state().last_result.as_ref().unwrap();
    assert_eq!((ended.orders, story.state().run.as_ref()), (2, None));
    let error = story.state().last_error.as_ref().unwrap();
    assert_eq!(error.code, "outcome_unbookable", "whatever became of the others");
    assert!(error.message.contains("more was spent than there was"), "{}", error.message);
    story.wait(3_600);
    assert_eq!(story.begin(2), Err(SessionRefusal::NothingDue));
    story.resume().unwrap();
    story.run();
    assert_eq!(story.state().last_result.as_ref().unwrap().result, "done", "once somebody has looked");
    assert_eq!(story.state().last_error, None);
}

#[test]
fn a_number_that_does_not_fit_can_be_told_of_an_order() {
    let mut story = Story::began();
    story.begin(1).unwrap();
    let order = story.open().remove(0);
    let trade = fill(&order, order.quantity, d("1"));
    let fills = vec![Fill { price: d("7922816251426433759354395033.5"), ..trade }];
    let told = story.record(1, vec![(order.order_id, Outcome::Filled { fills })]).unwrap();
    let SessionEvent::OrderOutcomeUnbookable(unbookable) = &told[0] else { panic!("{told:?}") };
    assert_eq!(unbookable.flaw, "number_too_large");
}

#[test]
fn a_stop_waits_for_no_order_that_cannot_be_booked() {
    let mut story = Story::began();
    story.begin(1).unwrap();
    story.stop().unwrap();
    let outcomes = story.open().iter().map(overspent).collect();
    let told = story.record(1, outcomes).unwrap();
    let both = ["OrderOutcomeUnbookable", "OrderOutcomeUnbookable"];
    let ends = ["PortfolioSnapshotTaken", "RunFailed", "TradingSessionStopped"];
    assert_eq!(types(&told), [both.as_slice(), ends.as_slice()].concat());
    assert_eq!(story.state().last_error.as_ref().unwrap().code, "outcome_unbookable");
}

#[test]
fn a_fill_without_a_trade_is_a_rejection() {
    let mut story = Story::began();
    story.begin(1).unwrap();
    let none = |intent: &Intent| (intent.order_id, Outcome::Filled { fills: Vec::new() });
    let outcomes = story.open().iter().map(none).collect();
    let told = story.record(1, outcomes).unwrap();
    assert_eq!(ending(&told), (Conclusion::Failed, Some("unfilled")));
}

#[test]
fn an_order_of_another_run_is_nobodys() {
    let mut story = selling();
    let other = OrderId::of(Uuid::from_u128(99), 0);
    let outcome = Outcome::Rejected { code: "x".to_owned(), message: String::new() };
    assert_eq!(story.record(2, vec![(other, outcome)]), Ok(Vec::new()));
    let record = RecordOutcomes {
        run_id: Uuid::from_u128(99),
        fence: 2,
        outcomes: Vec::new(),
        market: story.market.clone(),
        at: story.now,
    };
    let told = story.ask(SessionCommand::RecordOutcomes(Box::new(record)));
    assert_eq!(told, Err(SessionRefusal::NoSuchRun));
}

#[test]
fn what_nobody_knows_keeps_the_run_open_until_it_is_found_filled() {
    let mut story = selling();
    let order = story.open().remove(0);
    assert_eq!(types(&story.record(2, vec![unknown(&order)]).unwrap()), ["OrderOutcomeUnknown"]);
    assert_eq!(story.record(2, vec![unknown(&order)]), Ok(Vec::new()), "that is no news");
    assert_eq!(story.state().last_error.as_ref().unwrap().code, "outcome_unknown");
    let run_id = story.state().run_id().unwrap();
    story.wait(3_600);
    assert_eq!(story.begin(3), Err(SessionRefusal::RunUnderWay { run_id }));
    story.must(SessionCommand::TakeOver { fence: 3 });
    let found = story.record(3, vec![filled(&order)]).unwrap();
    assert_eq!(types(&found), ["OrderFilled", "OrderIntended"]);
    let SessionEvent::OrderFilled(fill) = &found[0] else { panic!("{found:?}") };
    assert!(fill.reconciled);
    story.fill_all(3);
    assert_eq!(story.state().last_error, None);
}

#[test]
fn what_nobody_knows_can_be_found_never_to_have_been_taken() {
    let mut story = Story::began();
    story.begin(1).unwrap();
    let orders = story.open();
    story.record(1, orders.iter().map(unknown).collect()).unwrap();
    story.must(SessionCommand::TakeOver { fence: 2 });
    let told = story.record(2, orders.iter().map(never).collect()).unwrap();
    assert_eq!(
        types(&told),
        ["OrderOutcomeResolved", "OrderOutcomeResolved", "PortfolioSnapshotTaken", "RunFailed"]
    );
    assert_eq!(ending(&told), (Conclusion::Failed, Some("never_accepted")));
    assert_eq!(story.state().portfolio, Portfolio::of_cash(d("10000")));
}

#[test]
fn an_order_is_intended_once_and_known_by_one_name() {
    let mut story = selling();
    story.fill_all(2);
    let mut names = std::collections::BTreeSet::new();
    for event in &story.events {
        if let SessionEvent::OrderIntended(intended) = event {
            assert_eq!(intended.client_order_id, intended.intent.order_id.client_order_id());
            assert!(intended.client_order_id.len() <= 36);
            assert!(names.insert(intended.client_order_id.clone()));
        }
    }
    assert_eq!(names.len(), 4);
}

#[test]
fn a_pause_lets_orders_settle_and_buys_nothing_more() {
    let mut story = selling();
    story.must(SessionCommand::Pause);
    let sold = filled(&story.open()[0]);
    let told = story.record(2, vec![sold]).unwrap();
    assert_eq!(types(&told), ["OrderFilled", "PortfolioSnapshotTaken", "RunCompleted"]);
    assert_eq!(ending(&told), (Conclusion::Partial, None));
    assert_eq!(story.state().state, SessionState::Paused);
}

#[test]
fn a_stop_waits_for_the_orders_that_are_out() {
    let mut story = selling();
    assert_eq!(types(&story.stop().unwrap()), ["TradingSessionStopping"]);
    assert_eq!(story.stop(), Err(SessionRefusal::WrongState { state: SessionState::Stopping }));
    let order = story.open().remove(0);
    assert_eq!(types(&story.record(2, vec![unknown(&order)]).unwrap()), ["OrderOutcomeUnknown"]);
    let told = story.record(2, vec![filled(&order)]).unwrap();
    let ends = ["OrderFilled", "PortfolioSnapshotTaken", "RunCompleted", "TradingSessionStopped"];
    assert_eq!(types(&told), ends, "and buys nothing any more");
    assert_eq!(story.state().state, SessionState::Stopped);
    assert_eq!(story.state().stop_reason.as_deref(), Some("requested"));
    assert_eq!(story.record(2, vec![filled(&order)]), Err(SessionRefusal::NoSuchRun));
}

#[test]
fn a_stop_without_orders_is_a_stop() {
    let mut story = Story::began();
    story.run().wait(60).price("BTC", "60000");
    let stopped = story.stop().unwrap();
    let [SessionEvent::TradingSessionStopped(told)] = stopped.as_slice() else { panic!("{stopped:?}") };
    assert_eq!((told.equity, told.fees, told.realised), (d("10992"), d("8"), d("0")));
    assert_eq!(told.ended_at, story.now);
    assert_eq!((story.state().next_run_at, story.state().requested.as_ref()), (None, None));
    assert_eq!(story.stop(), Err(SessionRefusal::WrongState { state: SessionState::Stopped }));
}

#[test]
fn a_stop_without_prices_tells_what_was_last_known() {
    let mut story = Story::began();
    let nothing = SessionCommand::Stop { reason: "erased".to_owned(), market: None, at: NOON };
    let SessionEvent::TradingSessionStopped(told) = &story.session.decide(nothing.clone()).unwrap()[0] else {
        panic!("not stopped");
    };
    assert_eq!(told.equity, d("10000"));
    story.run();
    story.flow("500").unwrap();
    let SessionEvent::TradingSessionStopped(told) = &story.session.decide(nothing).unwrap()[0] else {
        panic!("not stopped");
    };
    assert_eq!(told.equity, d("10492"), "and what came in since");
}
