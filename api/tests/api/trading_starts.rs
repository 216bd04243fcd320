//! What a session starts with, and what it cannot start with.

use crate::house::{House, PASSWORD, Person, new_key};
use crate::recent_login::long_ago;
use crate::trading::{id_of, trading_house};
use serde_json::{Value, json};
use std::sync::atomic::Ordering::Relaxed;

async fn prefer(house: &House, person: &Person, body: &Value) {
    let patch = house.ask("PATCH", &format!("/users/{}/preferences", person.id)).token(&person.token);
    patch.json(body).send().await.expect(200);
}

#[tokio::test]
async fn what_a_start_leaves_open_the_preferences_say() {
    let (house, _) = trading_house().await;
    let ada = house.person().await;
    prefer(
        &house,
        &ada,
        &json!({
            "default_capital": "1234.56", "default_currency": "USD", "risk_per_trade": "0.05", "max_drawdown": "0.30",
            "default_interval_s": 120, "auto_rebalance": true,
        }),
    )
    .await;
    let session = house.start(&ada, &json!({})).send().await.expect(201)["session"].clone();
    for (name, value) in [
        ("capital", json!("1234.56")),
        ("currency", json!("USD")),
        ("targets", json!({ "USD": "1" })),
        ("risk_per_trade", json!("0.05")),
        ("max_drawdown", json!("0.3")),
        ("interval_s", json!(120)),
        ("auto_rebalance", json!(true)),
    ] {
        assert_eq!(session[name], value, "{name}");
    }
    assert!(session["next_run_at"].is_string(), "it runs by itself");
    let said = json!({
        "mode": "paper", "exchange": "paper", "dry_run": true, "capital": 500, "currency": "usdt",
        "targets": { "btc": 0.25, "USDT": "0.75" }, "interval_s": 60, "auto_rebalance": false, "risk_per_trade": 0.01,
        "max_drawdown": "0.2", "drift_threshold": "0.05", "next_run_at": "2030-01-31T12:00:00Z",
    });
    let session = house.start(&ada, &said).send().await.expect(201)["session"].clone();
    for (name, value) in [
        ("dry_run", json!(true)),
        ("capital", json!("500")),
        ("currency", json!("USDT")),
        ("targets", json!({ "BTC": "0.25", "USDT": "0.75" })),
        ("interval_s", json!(60)),
        ("auto_rebalance", json!(false)),
        ("risk_per_trade", json!("0.01")),
        ("max_drawdown", json!("0.2")),
        ("drift_threshold", json!("0.05")),
        ("next_run_at", json!("2030-01-31T12:00:00.000000Z")),
    ] {
        assert_eq!(session[name], value, "{name}");
    }
}

#[tokio::test]
async fn what_cannot_be_started_changes_nothing() {
    let (house, _) = trading_house().await;
    let ada = house.person().await;
    let head = house.head().await;
    for (body, pointer, code) in [
        (json!({ "mode": "real" }), "/mode", "unknown"),
        (json!({ "mode": 1 }), "/mode", "wrong_type"),
        (json!({ "exchange": "kraken" }), "/exchange", "unknown"),
        (json!({ "mode": "paper", "exchange": "binance" }), "/exchange", "one_of"),
        (json!({ "mode": "live", "exchange": "paper" }), "/exchange", "one_of"),
        (json!({ "dry_run": "yes" }), "/dry_run", "wrong_type"),
        (json!({ "capital": "0" }), "/capital", "not_positive"),
        (json!({ "capital": "-5" }), "/capital", "not_a_decimal"),
        (json!({ "capital": 10.5 }), "/capital", "not_an_integer"),
        (json!({ "capital": "1e5" }), "/capital", "not_a_decimal"),
        (json!({ "currency": "XXX" }), "/currency", "unknown_currency"),
        (json!({ "currency": "EUR" }), "/currency", "not_traded"),
        (json!({ "targets": { "BTC": "0.5" } }), "/targets", "not_one"),
        (json!({ "targets": { "SOL": "1" } }), "/targets/SOL", "not_traded"),
        (json!({ "targets": { "NONE": "1" } }), "/targets/NONE", "unknown_currency"),
        (json!({ "targets": [] }), "/targets", "wrong_type"),
        (json!({ "interval_s": 59 }), "/interval_s", "out_of_range"),
        (json!({ "interval_s": 604_801 }), "/interval_s", "out_of_range"),
        (json!({ "interval_s": "60" }), "/interval_s", "wrong_type"),
        (json!({ "auto_rebalance": 1 }), "/auto_rebalance", "wrong_type"),
        (json!({ "risk_per_trade": "0" }), "/risk_per_trade", "out_of_range"),
        (json!({ "max_drawdown": 1.5 }), "/max_drawdown", "out_of_range"),
        (json!({ "drift_threshold": "0.0000001" }), "/drift_threshold", "too_many_decimals"),
        (json!({ "next_run_at": "tomorrow" }), "/next_run_at", "not_a_time"),
        (json!({ "reserve_from": "7" }), "/reserve_from", "not_an_id"),
        (json!({ "user_id": "ada" }), "/user_id", "not_an_id"),
    ] {
        let problem = house.start(&ada, &body).send().await.problem(422, "validation_failed");
        let [error] = problem["errors"].as_array().unwrap().as_slice() else { panic!("{body}: {problem}") };
        assert_eq!((&error["pointer"], &error["code"]), (&json!(pointer), &json!(code)), "{body}");
    }
    let unkeyed = house.post("/trading-sessions").token(&ada.token).json(&json!({})).send().await;
    unkeyed.problem(400, "missing_idempotency_key");
    let wallet = json!({ "reserve_from": new_key() });
    house.start(&ada, &wallet).send().await.problem(404, "wallet_not_found");
    house.start(&ada, &json!({ "user_id": new_key() })).send().await.problem(404, "user_not_found");
    assert_eq!(house.head().await, head);
    assert_eq!(house.seen(&ada, "/trading-sessions").await.expect(200)["items"], json!([]));
}

#[tokio::test]
async fn the_stake_currency_speaks_where_request_and_preferences_are_silent() {
    let (house, _) = trading_house().await;
    let started = async |stake: &str, preferences: Value, body: Value| {
        let ada = house.person().await;
        let settings = json!({ "stake_currency": stake });
        house.ask("PATCH", "/users/settings").token(&ada.token).json(&settings).send().await.expect(200);
        let preferring = house.ask("PATCH", "/users/me/preferences").token(&ada.token).json(&preferences);
        preferring.send().await.expect(200);
        let session = &house.start(&ada, &body).send().await.expect(201)["session"];
        (session["currency"].as_str().unwrap().to_owned(), session["capital"].as_str().unwrap().to_owned())
    };
    for (stake, preferences, body, currency, capital) in [
        ("USD", json!({}), json!({}), "USD", "100000"),
        ("USD", json!({}), json!({ "capital": "70" }), "USD", "70"),
        ("USD", json!({}), json!({ "currency": "USDT" }), "USDT", "100000"),
        // A capital is of a currency: who chose the one did not mean another of the other.
        ("USD", json!({ "default_capital": "500" }), json!({}), "USDT", "500"),
        ("USD", json!({ "default_capital": "500" }), json!({ "capital": "70" }), "USD", "70"),
        // Nothing is kept in it.
        ("BTC", json!({}), json!({}), "USDT", "100000"),
        ("USDT", json!({ "default_currency": "USD" }), json!({}), "USD", "100000"),
    ] {
        let said = format!("{stake}, {preferences}, {body}");
        let (in_currency, with) = started(stake, preferences, body).await;
        let number = |text: &str| text.parse::<f64>().unwrap();
        assert_eq!((in_currency.as_str(), number(&with)), (currency, number(capital)), "{said}");
    }
}

#[tokio::test]
async fn capital_has_to_be_an_amount_that_can_be_traded() {
    let (house, _) = trading_house().await;
    let ada = house.person().await;
    for (body, code) in [
        (json!({ "capital": "1.005", "currency": "USD" }), "too_many_decimals"),
        (json!({ "capital": "1.0000001", "currency": "USDT" }), "too_many_decimals"),
        (json!({ "capital": "1000000000001", "currency": "USDT" }), "too_large"),
    ] {
        let (ask, head) = (house.start(&ada, &body), house.head().await);
        let refused = ask.clone().send().await;
        let problem = refused.problem(422, "validation_failed");
        assert_eq!(
            (&problem["errors"][0]["pointer"], &problem["errors"][0]["code"]),
            (&json!("/capital"), &json!(code))
        );
        let again = ask.send().await;
        assert_eq!(again.header("idempotency-replayed"), Some("true"));
        assert_eq!(again.problem(422, "validation_failed")["errors"], problem["errors"]);
        assert_eq!(house.head().await, head);
    }
}

#[tokio::test]
async fn what_is_not_traded_any_more_does_not_change_what_was_started() {
    let (house, exchange) = trading_house().await;
    let ada = house.person().await;
    let ask = house.start(&ada, &json!({ "targets": { "BTC": "1" } }));
    let started = ask.clone().send().await;
    let id = id_of(&started.expect(201));
    let aim = house.tell(&ada, &id, "targets", &json!({ "targets": { "ETH": "1" } }));
    let aimed = aim.clone().send().await;
    aimed.expect(200);
    exchange.is_open.store(false, Relaxed);
    ask.send().await.repeats(&started);
    aim.send().await.repeats(&aimed);
    let problem = house.start(&ada, &json!({})).send().await.problem(422, "validation_failed");
    assert_eq!(problem["errors"][0]["code"], "not_traded");
}

#[tokio::test]
async fn there_are_ten_sessions_on_paper_and_not_one_more() {
    let (house, _) = trading_house().await;
    let ada = house.person().await;
    for n in 0..10 {
        let ask = house.start(&ada, &json!({ "capital": 1000 + n }));
        ask.send().await.expect(201);
    }
    let ask = house.start(&ada, &json!({}));
    let refused = ask.clone().send().await;
    refused.problem(409, "too_many_trading_sessions");
    house.tell(&ada, "current", "stop", &json!({})).send().await.expect(200);
    let again = ask.send().await;
    assert_eq!(again.header("idempotency-replayed"), Some("true"));
    house.start(&ada, &json!({})).send().await.expect(201);
    house.start(&ada, &json!({})).send().await.problem(409, "too_many_trading_sessions");
    let eve = house.person().await;
    house.start(&eve, &json!({})).send().await.expect(201);
}

#[tokio::test]
async fn a_live_session_takes_credentials_and_has_their_account_to_itself() {
    let (house, _) = trading_house().await;
    let (ada, eve) = (house.person().await, house.person().await);
    let head = house.head().await;
    for body in [json!({ "mode": "live" }), json!({ "exchange": "binance" })] {
        house.start(&ada, &body).send().await.problem(409, "credentials_missing");
    }
    assert_eq!(house.head().await, head);
    for person in [&ada, &eve] {
        let put = house.ask("PUT", &format!("/users/{}/exchange-credentials/binance", person.id));
        let same = json!({ "key": "vmPUZE6mv9SD5VNHk4HlWFsOr6aKE2zv", "secret": "NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP" });
        put.token(&person.token).json(&same).send().await.expect(200);
    }
    let session = house.start(&ada, &json!({ "mode": "live" })).send().await.expect(201)["session"].clone();
    assert_eq!((&session["mode"], &session["exchange"]), (&json!("live"), &json!("binance")));
    assert_eq!((&session["state"], &session["is_running"]), (&json!("starting"), &json!(false)));
    assert_eq!(session["dry_run"], true, "for real only when that was said");
    for person in [&ada, &eve] {
        let another = house.start(person, &json!({ "mode": "live" })).send().await;
        another.problem(409, "session_conflict");
    }
    let flow = json!({ "amount": "1" });
    for verb in ["deposit", "withdraw"] {
        let told = house.tell(&ada, "current", verb, &flow).send().await;
        told.problem(409, "wrong_session_state");
    }
    house.tell(&ada, "current", "stop", &json!({})).send().await.expect(200);
    house.start(&eve, &json!({ "mode": "live", "dry_run": false })).send().await.expect(201);
}

#[tokio::test]
async fn capital_is_kept_back_in_a_wallet_until_the_session_stops() {
    let (house, _) = trading_house().await;
    let (ada, eve) = (house.person().await, house.person().await);
    house.deposit(&ada, &json!({ "amount": "100" })).send().await.expect(201);
    let wallet = async || {
        let wallet = house.seen(&ada, &format!("/wallets/{}", ada.wallet)).await.expect(200);
        ["posted", "held", "available"].map(|name| wallet[name].as_str().unwrap().to_owned())
    };
    let of = |capital: &str, wallet: &str| json!({ "capital": capital, "currency": "USD", "reserve_from": wallet });
    let head = house.head().await;
    let problem =
        house.start(&ada, &of("100.01", &ada.wallet)).send().await.problem(422, "insufficient_funds");
    assert_eq!((&problem["available"], &problem["requested"]), (&json!("100.00"), &json!("100.01")));
    let wrong = json!({ "capital": "1", "currency": "USDT", "reserve_from": ada.wallet });
    house.start(&ada, &wrong).send().await.problem(422, "wrong_currency");
    house.start(&ada, &of("1", &eve.wallet)).send().await.problem(404, "wallet_not_found");
    assert_eq!(house.head().await, head);

    let started = house.start(&ada, &of("60", &ada.wallet)).send().await.expect(201);
    assert_eq!(house.head().await, head + 2, "a hold and a session, in one append");
    assert_eq!(wallet().await, ["100.00", "60.00", "40.00"]);
    let hold = started["session"]["hold_id"].as_str().unwrap().to_owned();
    let id = id_of(&started);
    for (verb, body) in [
        ("capture", json!({ "capture_id": "1" })),
        ("release", json!({})),
        ("amend", json!({ "amount": "1" })),
        ("extend", json!({ "ttl_seconds": 60 })),
    ] {
        let ask = house.command(&ada.token, &format!("/holds/{hold}/{verb}"), &body);
        let problem = ask.send().await.problem(409, "hold_of_trading_session");
        assert_eq!(
            (&problem["hold_id"], &problem["trading_session_id"]),
            (&json!(hold), &json!(id)),
            "{verb}"
        );
    }
    house.withdraw(&ada, &json!({ "amount": "40.01" })).send().await.problem(422, "insufficient_funds");
    // Capital on paper comes and goes without it.
    house.tell(&ada, &id, "deposit", &json!({ "amount": "1000" })).send().await.expect(200);
    assert_eq!(wallet().await, ["100.00", "60.00", "40.00"]);
    let head = house.head().await;
    house.tell(&ada, &id, "stop", &json!({})).send().await.expect(200);
    assert_eq!(house.head().await, head + 2, "the end of both, in one append");
    assert_eq!(wallet().await, ["100.00", "0.00", "100.00"]);
    let hold = house.seen(&ada, &format!("/holds/{hold}")).await.expect(200);
    assert_eq!(hold["status"], "released");
}

#[tokio::test]
async fn money_is_kept_back_by_whoever_may_hold_it() {
    let (house, _) = trading_house().await;
    let (ada, admin) = (house.person().await, house.admin().await);
    house.deposit(&ada, &json!({ "amount": "100" })).send().await.expect(201);
    let body = json!({ "capital": "60", "currency": "USD", "reserve_from": ada.wallet, "user_id": ada.id });
    let head = house.head().await;
    house.start(&admin, &body).send().await.problem(404, "wallet_not_found");
    let trades = house.service_key(&admin, &["trading:write"]).await;
    let holds = house.service_key(&admin, &["trading:write", "wallet:hold"]).await;
    let start = |key: &str| house.command(key, "/trading-sessions", &body).send();
    let made = house.head().await;
    assert!(made > head);
    let problem = start(&trades).await.problem(403, "insufficient_scope");
    assert_eq!((problem["required"].as_str(), house.head().await), (Some("wallet:hold"), made));
    start(&holds).await.expect(201);
}

#[tokio::test]
async fn who_has_a_session_is_not_erased() {
    let (house, _) = trading_house().await;
    let ada = house.person().await;
    house.started(&ada, &json!({})).await;
    let erase = || house.ask("DELETE", &format!("/users/{}", ada.id)).token(&ada.token);
    let erase = || erase().json(&json!({ "current_password": PASSWORD })).send();
    erase().await.problem(409, "trading_session_active");
    house.tell(&ada, "current", "stop", &json!({})).send().await.expect(200);
    erase().await.expect(200);
}

#[tokio::test]
async fn admins_and_services_start_for_others_and_nobody_for_who_is_suspended() {
    let (house, _) = trading_house().await;
    let (admin, ada, eve) = (house.admin().await, house.person().await, house.person().await);
    let service = house.service_key(&admin, &["trading:write"]).await;
    let for_ada = json!({ "user_id": ada.id });
    house.start(&eve, &for_ada).send().await.problem(404, "user_not_found");
    for token in [&service, &admin.token] {
        let started = house.command(token, "/trading-sessions", &for_ada).send().await.expect(201);
        assert_eq!(started["session"]["user_id"], json!(ada.id));
        // The current one of theirs is none.
        let current = house.command(token, "/trading-sessions/current/stop", &json!({})).send().await;
        current.problem(404, "trading_session_not_found");
        let path = format!("/trading-sessions/{}/pause", id_of(&started));
        let paused = house.command(token, &path, &json!({})).send().await.expect(200);
        assert_eq!(paused["session"]["state"], "paused");
        house.command(&eve.token, &path, &json!({})).send().await.problem(404, "trading_session_not_found");
    }
    let suspend = house.post(&format!("/users/{}/suspend", ada.id)).token(&admin.token);
    suspend.send().await.expect(200);
    let head = house.head().await;
    for token in [&service, &admin.token] {
        let refused = house.command(token, "/trading-sessions", &for_ada).send().await;
        refused.problem(403, "user_suspended");
    }
    assert_eq!(house.head().await, head);
}

#[tokio::test]
async fn an_admin_who_signed_in_long_ago_says_the_password_for_what_is_anothers() {
    let (house, _) = trading_house().await;
    let (admin, ada) = (house.admin().await, house.person().await);
    let id = house.started(&ada, &json!({})).await;
    let own = house.started(&admin, &json!({})).await;
    let old = long_ago(&house, &admin);
    let head = house.head().await;
    let interval = json!({ "interval_s": 60 });
    for (path, body) in [
        ("/trading-sessions".to_owned(), json!({ "user_id": ada.id })),
        (format!("/trading-sessions/{id}/interval"), interval.clone()),
        (format!("/trading-sessions/{id}/rebalance"), json!({})),
    ] {
        house.command(&old.token, &path, &body).send().await.problem(403, "recent_login_required");
    }
    assert_eq!(house.head().await, head);
    let confirmed = json!({ "interval_s": 60, "current_password": PASSWORD });
    house.tell(&old, &id, "interval", &confirmed).send().await.expect(200);
    house.tell(&old, &own, "interval", &interval).send().await.expect(200);
    for verb in ["pause", "stop"] {
        house.tell(&old, &id, verb, &json!({})).send().await.expect(200);
    }
}
