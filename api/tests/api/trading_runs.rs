//! What is read of sessions that ran. No worker runs here: a test is the worker, and the exchange it asks.

use crate::house::{House, Person};
use crate::trading::{Exchange, d, trading_house};
use commands::Done;
use domain::trading::{
    BeginRun, Fill, Intent, OrderId, Outcome, RecordOutcomes, SessionCommand, SessionEvent, Side,
};
use domain::{Event, Timestamp, TradingSessionId};
use serde_json::{Value, json};
use std::sync::atomic::Ordering::Relaxed;
use time::OffsetDateTime;
use uuid::Uuid;

/// What the exchange of a test says to an order.
type Answer = fn(&Intent) -> Outcome;

fn filled(intent: &Intent) -> Outcome {
    let worth = intent.quantity * intent.expected_price;
    let fee = (worth * d("0.001")).round_dp(8).normalize();
    Outcome::Filled {
        fills: vec![Fill {
            trade_id: format!("t-{}", intent.order_id),
            asset: intent.asset,
            side: intent.side,
            quantity: intent.quantity,
            price: intent.expected_price,
            fee,
            fee_asset: crate::trading::currency("USDT"),
            fee_in_quote: fee,
            traded_at: Timestamp::from(OffsetDateTime::now_utc()),
            quote: None,
        }],
    }
}

fn refused(_: &Intent) -> Outcome {
    Outcome::Rejected { code: "insufficient_balance".to_owned(), message: "=no \"money\", sorry".to_owned() }
}

fn intents(done: &Done) -> Vec<Intent> {
    let events = done.events.iter().map(|recorded| recorded.event().unwrap());
    let intended = events.filter_map(|event| match event {
        Event::TradingSession(SessionEvent::OrderIntended(intended)) => Some(intended.intent),
        _ => None,
    });
    intended.collect()
}

/// Asks for a run, and carries it out.
async fn run(house: &House, exchange: &Exchange, person: &Person, session: &str, answer: Answer) -> String {
    let asked = house.tell(person, session, "rebalance", &json!({})).send().await.expect(200);
    let run_id = asked["run_id"].as_str().unwrap().to_owned();
    carry_out(house, exchange, session, &run_id, answer).await;
    run_id
}

async fn carry_out(house: &House, exchange: &Exchange, session: &str, run_id: &str, answer: Answer) {
    let id = TradingSessionId(session.parse().unwrap());
    let market = || exchange.market(crate::trading::currency("USDT"));
    let at = Timestamp::default();
    let begin = SessionCommand::BeginRun(Box::new(BeginRun { fence: 1, market: market(), at }));
    let mut done = house.commands.drive_session(id, begin).await.unwrap();
    loop {
        let sent = intents(&done);
        if sent.is_empty() {
            return;
        }
        let outcomes: Vec<(OrderId, Outcome)> =
            sent.iter().map(|intent| (intent.order_id, answer(intent))).collect();
        let run_id: Uuid = run_id.parse().unwrap();
        let record = RecordOutcomes { run_id, fence: 1, outcomes, market: market().unwrap(), at };
        let record = SessionCommand::RecordOutcomes(Box::new(record));
        done = house.commands.drive_session(id, record).await.unwrap();
    }
}

async fn session(house: &House, person: &Person) -> String {
    let targets = json!({ "BTC": "0.1", "ETH": "0.1", "USDT": "0.8" });
    house.started(person, &json!({ "targets": targets, "capital": "10000" })).await
}

#[tokio::test]
async fn a_run_is_told_with_its_trades_and_what_they_left() {
    let (house, exchange) = trading_house().await;
    let ada = house.person().await;
    let id = session(&house, &ada).await;
    let run_id = run(&house, &exchange, &ada, &id, filled).await;
    let seen =
        async |what: &str| house.seen(&ada, &format!("/trading-sessions/{id}/{what}")).await.expect(200);
    let runs = seen("runs").await;
    let [told] = runs["items"].as_array().unwrap().as_slice() else { panic!("{runs}") };
    assert_eq!((&told["id"], &told["session_id"]), (&json!(run_id), &json!(id)));
    assert_eq!(
        (&told["trigger"], &told["state"], &told["result"]),
        (&json!("manual"), &json!("completed"), &json!("done"))
    );
    assert_eq!((told["legs"].as_array().unwrap().len(), &told["orders"]), (2, &json!(2)));
    assert_eq!((&told["error"], told["plan_hash"].as_str().unwrap().len()), (&Value::Null, 64));

    let trades = seen("trades").await;
    let trades = trades["items"].as_array().unwrap();
    assert_eq!(trades.len(), 2);
    for trade in trades {
        assert_eq!((&trade["run_id"], &trade["session_id"]), (&json!(run_id), &json!(id)));
        assert_eq!((&trade["trade_type"], &trade["side"]), (&json!("manual"), &json!("buy")));
        assert_eq!((&trade["success"], &trade["dry_run"]), (&json!(true), &json!(false)));
        assert_eq!((&trade["fee_currency"], &trade["error_message"]), (&json!("USDT"), &Value::Null));
    }
    let positions = seen("positions").await;
    let [btc, eth] = positions["items"].as_array().unwrap().as_slice() else { panic!("{positions}") };
    assert_eq!(
        (&btc["asset"], &btc["quantity"], &btc["mark"]),
        (&json!("BTC"), &json!("0.0166"), &json!("60000"))
    );
    assert_eq!(
        (&btc["average_cost"], &btc["value"], &btc["unrealised"]),
        (&json!("60010"), &json!("996"), &json!("-0.166"))
    );
    assert_eq!(eth["asset"], "ETH");
    let status = seen("status").await;
    assert_eq!(status["last_result"]["run_id"], json!(run_id));
    assert_eq!(status["last_portfolio"]["equity"], positions["equity"]);
    let paths: Vec<&Value> = status["last_portfolio"]["positions"].as_array().unwrap().iter().collect();
    assert_eq!(paths, [btc, eth]);

    // A price falls: what is held is worth less, and what has no price is not guessed.
    exchange.btc.store(30_000, Relaxed);
    let fallen = seen("positions").await;
    assert_eq!((&fallen["items"][0]["mark"], &fallen["items"][0]["value"]), (&json!("30000"), &json!("498")));
    exchange.age_s.store(61, Relaxed);
    let blind = seen("positions").await;
    assert_eq!((&blind["items"][0]["mark"], &blind["equity"]), (&Value::Null, &Value::Null));
    assert_eq!(blind["unpriced"], json!(["BTC", "ETH"]));
    let portfolio = house.seen(&ada, "/users/me/portfolio").await.expect(200);
    assert_eq!(portfolio["sessions"][0]["value"], Value::Null);
    assert_eq!(portfolio["totals"]["paper"], positions["cash"]);
    // It cannot be said what capital would be a gain now.
    house
        .tell(&ada, &id, "deposit", &json!({ "amount": "1" }))
        .send()
        .await
        .problem(409, "market_unavailable");
}

#[tokio::test]
async fn a_trade_says_why_it_was_made() {
    let (house, exchange) = trading_house().await;
    let (ada, eve) = (house.person().await, house.person().await);
    let id = session(&house, &ada).await;
    let run_id = run(&house, &exchange, &ada, &id, filled).await;
    let trades = house.seen(&ada, "/users/me/trades").await.expect(200);
    let trade = &trades["items"][1];
    let path = format!("/trading-sessions/current/why/{}", trade["id"].as_str().unwrap());
    let why = house.seen(&ada, &path).await.expect(200);
    assert_eq!((&why["trade"], &why["run"]["id"]), (trade, &json!(run_id)));
    assert_eq!((&why["cause"]["trigger"], &why["cause"]["actor_kind"]), (&json!("manual"), &json!("user")));
    assert_eq!(why["cause"]["actor_id"], json!(ada.id));
    assert_eq!(why["plan"]["plan_hash"], why["run"]["plan_hash"]);
    let btc = why["plan"]["assets"].as_array().unwrap().iter().find(|asset| asset["asset"] == "BTC").unwrap();
    assert_eq!((&btc["bid"], &btc["ask"]), (&json!("60000"), &json!("60010")));
    assert_eq!(
        (&why["intent"]["symbol"], &why["intent"]["order_id"]),
        (&trade["symbol"], &trade["order_id"])
    );
    assert!(why["intent"]["position"].as_i64() < trade["position"].as_i64());
    let events = why["events"].as_array().unwrap();
    let types: Vec<&str> = events.iter().map(|event| event["type"].as_str().unwrap()).collect();
    assert_eq!(
        types,
        ["RunRequested", "RunStarted", "RebalancePlanned", "OrderIntended", "OrderFilled", "RunCompleted"]
    );
    assert_eq!(
        (&events[0]["position"], &events[4]["position"]),
        (&why["cause"]["requested_position"], &trade["position"])
    );
    // Of another's session, or under another of one's own, it is none.
    let other = house.started(&ada, &json!({})).await;
    let path = format!("/trading-sessions/{other}/why/{}", trade["id"].as_str().unwrap());
    house.seen(&ada, &path).await.problem(404, "trade_not_found");
    let path = format!("/trading-sessions/{id}/why/{}", trade["id"].as_str().unwrap());
    house.seen(&eve, &path).await.problem(404, "trading_session_not_found");
}

#[tokio::test]
async fn what_came_to_nothing_and_what_was_only_planned_are_listed_too() {
    let (house, exchange) = trading_house().await;
    let ada = house.person().await;
    let id = session(&house, &ada).await;
    let failed = run(&house, &exchange, &ada, &id, refused).await;
    house.tell(&ada, &id, "dry-run", &json!({ "dry_run": true })).send().await.expect(200);
    let planned = run(&house, &exchange, &ada, &id, filled).await;
    let list = async |query: &str| {
        let path = format!("/trading-sessions/{id}/trades{query}");
        let items = house.seen(&ada, &path).await.expect(200)["items"].clone();
        items.as_array().unwrap().clone()
    };
    let all = list("").await;
    assert_eq!(all.len(), 4);
    assert!(all[..2].iter().all(|trade| trade["run_id"] == json!(planned) && trade["dry_run"] == true));
    assert!(all[..2].iter().all(|trade| trade["order_id"].is_null() && trade["success"] == true));
    for trade in &all[2..] {
        assert_eq!((&trade["run_id"], &trade["success"]), (&json!(failed), &json!(false)));
        assert_eq!((&trade["error_code"], &trade["fee"]), (&json!("insufficient_balance"), &json!("0")));
    }
    assert_eq!(list("?dry_run=true").await, all[..2]);
    assert_eq!(list("?success=false").await, all[2..]);
    assert_eq!(list(&format!("?run_id={failed}&symbol=btcusdt")).await.len(), 1);
    assert_eq!(list("?type=auto").await, [] as [Value; 0]);
    assert_eq!(list("?to=2020-01-01T00:00:00Z").await, [] as [Value; 0]);
    let first = house.seen(&ada, &format!("/trading-sessions/{id}/trades?limit=3")).await.expect(200);
    let cursor = first["next_cursor"].as_str().unwrap();
    assert_eq!(list(&format!("?cursor={cursor}")).await, all[3..]);

    let runs = house.seen(&ada, &format!("/trading-sessions/{id}/runs")).await.expect(200);
    assert_eq!(
        (&runs["items"][0]["result"], &runs["items"][1]["result"]),
        (&json!("dry_run"), &json!("failed"))
    );
    assert_eq!(runs["items"][1]["error"]["code"], "insufficient_balance");
    let error = &house.session(&ada, &id).await["last_error"];
    assert!(error.is_null(), "a later run went well: {error}");
    // What an order would have been has a reason, and no order.
    let path = format!("/trading-sessions/{id}/why/{}", all[0]["id"].as_str().unwrap());
    let why = house.seen(&ada, &path).await.expect(200);
    assert_eq!((&why["intent"], &why["trade"]), (&Value::Null, &all[0]));
}

#[tokio::test]
async fn trades_are_exported_as_csv() {
    let (house, exchange) = trading_house().await;
    let ada = house.person().await;
    let id = session(&house, &ada).await;
    run(&house, &exchange, &ada, &id, refused).await;
    run(&house, &exchange, &ada, &id, filled).await;
    let listed = house.seen(&ada, "/users/me/trades").await.expect(200);
    let listed = listed["items"].as_array().unwrap();
    let head = house.head().await;
    for (path, file) in [
        (format!("/trading-sessions/{id}/trades"), format!("trades-{id}.csv")),
        ("/users/me/trades".to_owned(), format!("trades-{}.csv", ada.id)),
    ] {
        let by_query = house.get(&format!("{path}?format=csv&min_position={head}")).token(&ada.token);
        let by_header = house.get(&path).token(&ada.token).header("accept", "text/csv");
        let (by_query, by_header) = (by_query.send().await, by_header.send().await);
        assert_eq!(by_query.text(), by_header.text());
        assert_eq!(by_query.header("content-type"), Some("text/csv; charset=utf-8"));
        let disposition = format!("attachment; filename=\"{file}\"");
        assert_eq!(by_query.header("content-disposition"), Some(disposition.as_str()));
        let lines: Vec<&str> = by_query.text().split_terminator("\r\n").collect();
        assert_eq!(lines.len(), 1 + listed.len());
        assert!(lines[0].starts_with("recorded_at,id,session_id,run_id,trade_type,"), "{}", lines[0]);
        for (line, trade) in lines[1..].iter().zip(listed) {
            for name in ["recorded_at", "id", "quantity", "price", "fee"] {
                assert!(line.contains(trade[name].as_str().unwrap()), "{name}: {line}");
            }
        }
        assert!(lines[4].contains(",\"'=no \"\"money\"\", sorry\","), "no formula: {}", lines[4]);
        let some = house.get(&format!("{path}?format=csv&success=true")).token(&ada.token).send().await;
        assert_eq!(some.text().split_terminator("\r\n").count(), 3);
    }
}

#[tokio::test]
async fn figures_are_of_gains_and_not_of_money_that_came_or_went() {
    let (house, exchange) = trading_house().await;
    let ada = house.person().await;
    let id = session(&house, &ada).await;
    run(&house, &exchange, &ada, &id, filled).await;
    let path = format!("/trading-sessions/{id}/performance");
    let before = house.seen(&ada, &path).await.expect(200);
    assert_eq!((&before["currency"], &before["opening_equity"]), (&json!("USDT"), &json!("10000")));
    for (verb, amount) in [("deposit", "5000"), ("withdraw", "3000")] {
        house.tell(&ada, &id, verb, &json!({ "amount": amount })).send().await.expect(200);
    }
    run(&house, &exchange, &ada, &id, filled).await;
    let after = house.seen(&ada, &path).await.expect(200);
    assert_eq!(after["net_flow"], "2000");
    let number = |value: &Value| d(value.as_str().unwrap());
    let gained = number(&after["closing_equity"]) - number(&after["opening_equity"]) - d("2000");
    assert_eq!(number(&after["profit"]), gained);
    assert!(gained < d("0") && gained > d("-10"), "only fees and spreads: {gained}");
    assert!(number(&after["max_drawdown"]) < d("0.001"), "{after}");

    exchange.btc.store(90_000, Relaxed);
    house.tell(&ada, &id, "targets", &json!({ "targets": { "USDT": "1" } })).send().await.expect(200);
    run(&house, &exchange, &ada, &id, filled).await;
    let sold = house.seen(&ada, &path).await.expect(200);
    assert_eq!((&sold["trades"], &sold["wins"], &sold["losses"]), (&json!(2), &json!(1), &json!(1)));
    assert_eq!(sold["win_rate"], "0.5");
    assert!(number(&sold["profit"]) > d("0"));
    let points = house.seen(&ada, &format!("/trading-sessions/{id}/equity")).await.expect(200);
    let curve = house.seen(&ada, &format!("/trading-sessions/{id}/equity?points=100")).await.expect(200);
    let mut newest_first = curve["items"].as_array().unwrap().clone();
    newest_first.reverse();
    assert_eq!(points["items"], json!(newest_first));
    assert_eq!(points["items"][0]["equity"], sold["closing_equity"]);

    // All sessions together: another one brings its capital along, and that is no gain.
    let other = house.started(&ada, &json!({ "capital": "700" })).await;
    house.tell(&ada, &other, "stop", &json!({})).send().await.expect(200);
    let all = house.seen(&ada, "/users/me/performance").await.expect(200);
    let [all] = all["items"].as_array().unwrap().as_slice() else { panic!("{all}") };
    assert_eq!(
        (&all["mode"], &all["currency"], &all["sessions"]),
        (&json!("paper"), &json!("USDT"), &json!(2))
    );
    assert_eq!((&all["profit"], &all["trades"]), (&sold["profit"], &json!(2)));
    assert_eq!(all["total_return"], sold["total_return"]);
    let stopped = house.tell(&ada, &id, "stop", &json!({})).send().await.expect(200);
    assert_eq!(stopped["session"]["state"], "stopped");
}

#[tokio::test]
async fn a_session_with_orders_out_stops_when_they_are_settled() {
    let (house, exchange) = trading_house().await;
    let ada = house.person().await;
    let id = session(&house, &ada).await;
    let asked = house.tell(&ada, &id, "rebalance", &json!({})).send().await.expect(200);
    let market = exchange.market(crate::trading::currency("USDT"));
    let begin = BeginRun { fence: 1, market, at: Timestamp::default() };
    let begin = SessionCommand::BeginRun(Box::new(begin));
    let of = TradingSessionId(id.parse().unwrap());
    let out = house.commands.drive_session(of, begin).await.unwrap();
    let status = house.seen(&ada, &format!("/trading-sessions/{id}/status")).await.expect(200);
    assert_eq!((&status["run"]["id"], &status["requested_run"]), (&asked["run_id"], &Value::Null));
    let orders = status["run"]["orders"].as_array().unwrap();
    assert_eq!((orders.len(), &orders[0]["state"]), (2, &json!("intended")));
    for (verb, body) in [
        ("dry-run", json!({ "dry_run": true })),
        ("deposit", json!({ "amount": "1" })),
        ("rebalance", json!({})),
    ] {
        let told = house.tell(&ada, &id, verb, &body).send().await;
        assert_eq!(told.problem(409, "run_under_way")["run_id"], asked["run_id"], "{verb}");
    }
    let stopping = house.tell(&ada, &id, "stop", &json!({})).send().await.expect(200)["session"].clone();
    assert_eq!((&stopping["state"], &stopping["status"]), (&json!("stopping"), &json!("active")));
    house.tell(&ada, &id, "stop", &json!({})).send().await.problem(409, "wrong_session_state");
    let outcomes = intents(&out).iter().map(|intent| (intent.order_id, filled(intent))).collect();
    let market = exchange.market(crate::trading::currency("USDT")).unwrap();
    let run_id = asked["run_id"].as_str().unwrap().parse().unwrap();
    let record = RecordOutcomes { run_id, fence: 1, outcomes, market, at: Timestamp::default() };
    let record = SessionCommand::RecordOutcomes(Box::new(record));
    house.commands.drive_session(of, record).await.unwrap();
    let stopped = house.session(&ada, &id).await;
    assert_eq!((&stopped["state"], &stopped["stop_reason"]), (&json!("stopped"), &json!("requested")));
    let trades = house.seen(&ada, &format!("/trading-sessions/{id}/trades")).await.expect(200);
    assert!(trades["items"].as_array().unwrap().iter().all(|trade| trade["side"] == json!(Side::Buy)));
}
