//! What is read of sessions that have not run yet: lists, the past, what they hold, what a run would do.

use crate::trading::{d, trading_house};
use rust_decimal::Decimal;
use serde_json::{Value, json};
use std::sync::atomic::Ordering::Relaxed;

fn ids(list: &Value) -> Vec<String> {
    let items = list["items"].as_array().unwrap().iter();
    items.map(|item| item["id"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn sessions_are_listed_newest_first_and_filtered() {
    let (house, _) = trading_house().await;
    let (ada, eve, admin) = (house.person().await, house.person().await, house.admin().await);
    let mut started = Vec::new();
    for _ in 0..5 {
        started.insert(0, house.started(&ada, &json!({})).await);
    }
    let hers = house.started(&eve, &json!({})).await;
    house.tell(&ada, &started[1], "stop", &json!({})).send().await.expect(200);
    house.tell(&ada, &started[2], "pause", &json!({})).send().await.expect(200);
    let list =
        async |query: &str| ids(&house.seen(&ada, &format!("/trading-sessions{query}")).await.expect(200));
    assert_eq!(list("").await, started);
    let without = |out: &[usize]| -> Vec<String> {
        let kept = started.iter().enumerate().filter(|(n, _)| !out.contains(n));
        kept.map(|(_, id)| id.clone()).collect()
    };
    assert_eq!(list("?status=active").await, without(&[1]));
    assert_eq!(list("?status=stopped").await, [started[1].clone()]);
    assert_eq!(list("?state=running").await, without(&[1, 2]));
    assert_eq!(list("?state=paused&status=active").await, [started[2].clone()]);
    assert_eq!(list("?state=paused&status=stopped").await, Vec::<String>::new());

    let first = house.seen(&ada, "/trading-sessions?status=active&limit=3").await.expect(200);
    assert_eq!(ids(&first), without(&[1])[..3]);
    let cursor = first["next_cursor"].as_str().unwrap();
    let second = house.seen(&ada, &format!("/trading-sessions?limit=3&cursor={cursor}")).await.expect(200);
    assert_eq!((ids(&second), &second["next_cursor"]), (without(&[1])[3..].to_vec(), &Value::Null));
    for bad in ["status=open", "state=on", "limit=0", "limit=201"] {
        let seen = house.seen(&ada, &format!("/trading-sessions?{bad}")).await;
        seen.problem(422, "validation_failed");
    }
    let garbage = house.seen(&ada, "/trading-sessions?cursor=x").await;
    garbage.problem(400, "invalid_cursor");
    let wrong = house.seen(&eve, &format!("/trading-sessions?cursor={cursor}")).await;
    wrong.problem(400, "invalid_cursor");

    let mine = house.seen(&ada, "/users/me/trading-sessions?status=active").await.expect(200);
    assert_eq!(ids(&mine), without(&[1]));
    let all = house.seen(&admin, "/trading-sessions").await.expect(200);
    assert_eq!(ids(&all).len(), 6);
    let of_eve = house.seen(&admin, &format!("/users/{}/trading-sessions", eve.id)).await.expect(200);
    assert_eq!(ids(&of_eve), [hers]);
    for what in ["trading-sessions", "trades", "performance", "portfolio"] {
        let path = format!("/users/{}/{what}", crate::house::new_key());
        house.seen(&admin, &path).await.problem(404, "user_not_found");
        let path = format!("/users/{}/{what}", eve.id);
        house.seen(&ada, &path).await.problem(404, "user_not_found");
    }
}

#[tokio::test]
async fn a_session_is_read_as_it_was_and_not_again_if_it_is_known() {
    let (house, _) = trading_house().await;
    let ada = house.person().await;
    let before = house.head().await;
    let id = house.started(&ada, &json!({})).await;
    let first = house.session(&ada, &id).await;
    let at = house.head().await;
    let started_at = first["started_at"].as_str().unwrap().to_owned();
    house.tell(&ada, &id, "interval", &json!({ "interval_s": 60 })).send().await.expect(200);
    let path = format!("/trading-sessions/{id}");
    for as_of in [at.to_string(), started_at] {
        let then = house.seen(&ada, &format!("{path}?as_of={as_of}")).await;
        assert_eq!((then.expect(200), then.header("etag")), (first.clone(), Some("\"1\"")), "{as_of}");
    }
    let path_then = format!("{path}?as_of={before}");
    house.seen(&ada, &path_then).await.problem(404, "trading_session_not_found");
    house.seen(&ada, &format!("{path}?as_of=soon")).await.problem(422, "validation_failed");
    let beyond = house.get(&format!("{path}?as_of=99999")).token(&ada.token).send().await;
    beyond.problem(422, "position_beyond_head");
    let now = house.seen(&ada, "/trading-sessions/current").await;
    assert_eq!((now.header("etag"), &now.expect(200)["interval_s"]), (Some("\"2\""), &json!(60)));
    let known = house.get(&path).token(&ada.token).header("if-none-match", "\"2\"").send().await;
    assert_eq!((known.status, known.body.len()), (304, 0));
    let known = house.get(&path).token(&ada.token).header("if-none-match", "\"1\"").send().await;
    known.expect(200);
}

#[tokio::test]
async fn a_preview_plans_as_a_run_would_and_changes_nothing() {
    let (house, exchange) = trading_house().await;
    let ada = house.person().await;
    let targets = json!({ "BTC": "0.1", "ETH": "0.5", "USDT": "0.4" });
    let start = json!({ "targets": targets, "capital": "10000", "dry_run": true });
    let id = house.started(&ada, &start).await;
    let head = house.head().await;
    let path = format!("/trading-sessions/{id}/preview");
    let preview = house.seen(&ada, &path).await.expect(200);
    assert_eq!((&preview["session_id"], &preview["dry_run"]), (&json!(id), &json!(true)));
    assert_eq!((&preview["cash"], &preview["equity"]), (&json!("10000"), &json!("10000")));
    assert_eq!(preview["source"], "a test");
    let legs = preview["legs"].as_array().unwrap();
    let of = |asset: &str| legs.iter().find(|leg| leg["asset"] == asset).unwrap();
    assert_eq!((&of("BTC")["symbol"], &of("BTC")["side"]), (&json!("BTCUSDT"), &json!("buy")));
    assert_eq!((&of("BTC")["quantity"], &of("BTC")["expected_price"]), (&json!("0.0166"), &json!("60010")));
    // A fifth of the whole is the most that one order may add, by what may be lost on it.
    assert_eq!(of("ETH")["clipped_by"], "risk_per_trade");
    assert!(d(of("ETH")["notional"].as_str().unwrap()) <= Decimal::from(2_000));
    let sum = |name: &str| legs.iter().map(|leg| d(leg[name].as_str().unwrap())).sum::<Decimal>();
    assert_eq!(d(preview["turnover"].as_str().unwrap()), sum("notional"));
    assert_eq!(d(preview["expected_fees"].as_str().unwrap()), sum("expected_fee"));
    assert_eq!(preview["plan_hash"].as_str().unwrap().len(), 64);
    let assets = preview["assets"].as_array().unwrap();
    assert_eq!(assets.len(), 2);
    assert_eq!(
        (&assets[0]["asset"], &assets[0]["target"], &assets[0]["bid"]),
        (&json!("BTC"), &json!("0.1"), &json!("60000"))
    );

    exchange.age_s.store(61, Relaxed);
    let stale = house.seen(&ada, &path).await.problem(409, "market_unavailable");
    assert_eq!((&stale["fault"], &stale["asset"]), (&json!("price_stale"), &json!("BTC")));
    exchange.age_s.store(0, Relaxed);
    exchange.btc.store(0, Relaxed);
    let missing = house.seen(&ada, &path).await.problem(409, "market_unavailable");
    assert_eq!((&missing["fault"], &missing["asset"]), (&json!("price_missing"), &json!("BTC")));
    exchange.is_open.store(false, Relaxed);
    house.seen(&ada, &path).await.problem(409, "market_unavailable");
    assert_eq!(house.head().await, head);
    assert_eq!(house.session(&ada, &id).await["version"], 1);
}

#[tokio::test]
async fn what_never_ran_has_a_beginning_and_nothing_else() {
    let (house, _) = trading_house().await;
    let ada = house.person().await;
    let id = house.started(&ada, &json!({ "capital": "500" })).await;
    let seen =
        async |what: &str| house.seen(&ada, &format!("/trading-sessions/{id}/{what}")).await.expect(200);
    for list in ["trades", "runs"] {
        let seen = seen(list).await;
        assert_eq!((&seen["items"], &seen["next_cursor"]), (&json!([]), &Value::Null), "{list}");
    }
    let equity = seen("equity").await;
    assert_eq!(equity["items"].as_array().unwrap().len(), 1);
    assert_eq!(
        (&equity["items"][0]["equity"], &equity["items"][0]["capital"]),
        (&json!("500"), &json!("500"))
    );
    assert_eq!(seen("equity?points=5").await["items"], equity["items"]);
    let positions = seen("positions").await;
    assert_eq!((&positions["items"], &positions["cash"]), (&json!([]), &json!("500")));
    assert_eq!(positions["equity"], "500");
    let performance = seen("performance").await;
    assert_eq!((&performance["opening_equity"], &performance["profit"]), (&json!("500"), &json!("0")));
    assert_eq!((&performance["total_return"], &performance["sharpe"]), (&json!("0"), &Value::Null));
    for bad in
        ["equity?points=4", "equity?points=2001", "equity?from=x", "trades?type=x", "trades?format=xml"]
    {
        let path = format!("/trading-sessions/{id}/{bad}");
        house.seen(&ada, &path).await.problem(422, "validation_failed");
    }
    for trade in [crate::house::new_key(), "7".to_owned()] {
        let path = format!("/trading-sessions/{id}/why/{trade}");
        house.seen(&ada, &path).await.problem(404, "trade_not_found");
    }
}

#[tokio::test]
async fn a_portfolio_values_what_has_a_price_and_names_what_has_none() {
    let (house, exchange) = trading_house().await;
    let ada = house.person().await;
    house.deposit(&ada, &json!({ "amount": "12.34" })).send().await.expect(201);
    let eth = house.command(&ada.token, "/wallets", &json!({ "currency": "ETH" })).send().await.expect(201);
    let into = format!("/wallets/{}/deposit", eth["id"].as_str().unwrap());
    house.command(&ada.token, &into, &json!({ "amount": "2.5" })).send().await.expect(201);
    house.started(&ada, &json!({ "capital": "500" })).await;
    let portfolio = house.seen(&ada, "/users/me/portfolio").await.expect(200);
    assert_eq!((&portfolio["currency"], &portfolio["user_id"]), (&json!("USDT"), &json!(ada.id)));
    assert_eq!(portfolio["unpriced"], json!(["USD"]));
    assert_eq!(portfolio["totals"], json!({ "wallets": "7500", "live": "0", "paper": "500" }));
    let wallets = portfolio["wallets"].as_array().unwrap();
    let of = |code: &str| wallets.iter().find(|wallet| wallet["currency"] == code).unwrap();
    assert_eq!((&of("USD")["posted"], &of("USD")["value"]), (&json!("12.34"), &Value::Null));
    assert_eq!((&of("ETH")["posted"], &of("ETH")["value"]), (&json!("2.500000000000000000"), &json!("7500")));
    assert_eq!(portfolio["sessions"][0]["value"], "500");
    assert_eq!(
        portfolio["positions"],
        json!([{ "mode": "paper", "asset": "USDT", "quantity": "500", "value": "500" }])
    );
    let in_usd = house.seen(&ada, "/users/me/portfolio?currency=usd").await.expect(200);
    assert_eq!(in_usd["unpriced"], json!(["USDT"]));
    assert_eq!(in_usd["totals"], json!({ "wallets": "7512.34", "live": "0", "paper": "0" }));
    exchange.is_open.store(false, Relaxed);
    let blind = house.seen(&ada, "/users/me/portfolio").await.expect(200);
    assert_eq!(blind["unpriced"], json!(["ETH", "USD"]));
    let unknown = house.seen(&ada, "/users/me/portfolio?currency=XXX").await;
    unknown.problem(422, "validation_failed");
}

#[tokio::test]
async fn a_portfolio_is_in_the_currency_that_was_preferred_by_then() {
    let (house, _) = trading_house().await;
    let ada = house.person().await;
    for currency in ["EUR", "ETH", "USDT", "USD"].repeat(5) {
        let change = house.ask("PATCH", "/users/me/preferences").token(&ada.token);
        let changed = change.json(&json!({ "default_currency": currency })).send().await.expect(200);
        let path = format!("/users/me/portfolio?min_position={}", changed["position"]);
        let portfolio = house.get(&path).token(&ada.token).send().await.expect(200);
        assert_eq!(portfolio["currency"], currency);
        assert!(portfolio["position"].as_i64() >= changed["position"].as_i64());
    }
}

#[tokio::test]
async fn a_status_that_is_known_is_not_sent_again_and_is_of_one_session() {
    let (house, _) = trading_house().await;
    let ada = house.person().await;
    let first = house.started(&ada, &json!({})).await;
    let ask = async |tag: &str| {
        let path = format!("/trading-sessions/current/status?min_position={}", house.head().await);
        house.get(&path).token(&ada.token).header("if-none-match", tag).send().await
    };
    let seen = ask("\"1\"").await;
    assert_eq!(seen.expect(200)["version"], 1);
    let tag = seen.header("etag").unwrap();
    let known = ask(tag).await;
    assert_eq!((known.status, known.body.len(), known.header("etag")), (304, 0, Some(tag)));
    // Whoever sends it back with a command means the version.
    let paused = house.tell(&ada, &first, "pause", &json!({})).header("if-match", tag).send().await;
    paused.expect(200);
    assert_eq!(ask(tag).await.expect(200)["state"], "paused");
    house.tell(&ada, &first, "stop", &json!({})).send().await.expect(200);
    let second = house.started(&ada, &json!({})).await;
    let other = ask(tag).await.expect(200);
    assert_eq!((&other["session_id"], &other["version"]), (&json!(second), &json!(1)));
}
