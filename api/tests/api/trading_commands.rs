//! What is told to a session: what it does, and what it declines.

use crate::house::new_key;
use crate::logs;
use crate::trading::trading_house;
use serde_json::{Value, json};
use std::sync::atomic::Ordering::Relaxed;

#[tokio::test]
async fn what_cannot_be_told_changes_nothing() {
    let (house, _) = trading_house().await;
    let ada = house.person().await;
    let id = house.started(&ada, &json!({})).await;
    let head = house.head().await;
    let long = "x".repeat(141);
    for (verb, body, pointer, code) in [
        ("stop", json!({ "reason": "" }), "/reason", "empty"),
        ("stop", json!({ "reason": long }), "/reason", "too_long"),
        ("stop", json!({ "reason": 7 }), "/reason", "wrong_type"),
        ("next-run", json!({}), "/at", "required"),
        ("next-run", json!({ "at": "noon" }), "/at", "not_a_time"),
        ("schedule", json!({ "at": 1_700_000_000 }), "/at", "wrong_type"),
        ("interval", json!({}), "/interval_s", "required"),
        ("interval", json!({ "interval_s": 0 }), "/interval_s", "out_of_range"),
        ("interval", json!({ "interval_s": 60.5 }), "/interval_s", "not_an_integer"),
        ("dry-run", json!({}), "/dry_run", "required"),
        ("dry-run", json!({ "dry_run": "true" }), "/dry_run", "wrong_type"),
        ("auto-rebalance", json!({ "enabled": null }), "/enabled", "required"),
        ("drift", json!({}), "/threshold", "required"),
        ("drift", json!({ "threshold": 2 }), "/threshold", "out_of_range"),
        ("targets", json!({}), "/targets", "required"),
        ("targets", json!({ "targets": {} }), "/targets", "empty"),
        ("targets", json!({ "targets": { "BTC": "0.5", "ETH": "0.4" } }), "/targets", "not_one"),
        ("targets", json!({ "targets": { "SOL": 1 } }), "/targets/SOL", "not_traded"),
        ("risk", json!({}), "/risk_per_trade", "required"),
        ("risk", json!({ "risk_per_trade": "2%" }), "/risk_per_trade", "not_a_decimal"),
        ("risk", json!({ "max_drawdown": 0 }), "/max_drawdown", "out_of_range"),
        ("deposit", json!({}), "/amount", "required"),
        ("deposit", json!({ "amount": "0" }), "/amount", "not_positive"),
        ("deposit", json!({ "amount": "0.0000001" }), "/amount", "too_many_decimals"),
        ("deposit", json!({ "amount": "1000000000000.5" }), "/amount", "too_large"),
        ("withdraw", json!({ "amount": -1 }), "/amount", "not_a_decimal"),
        ("withdraw", json!({ "amount": 1.5 }), "/amount", "not_an_integer"),
    ] {
        let problem = house.tell(&ada, &id, verb, &body).send().await.problem(422, "validation_failed");
        let [error] = problem["errors"].as_array().unwrap().as_slice() else { panic!("{body}: {problem}") };
        assert_eq!((&error["pointer"], &error["code"]), (&json!(pointer), &json!(code)), "{verb} {body}");
    }
    for verb in ["deposit", "withdraw"] {
        let path = format!("/trading-sessions/{id}/{verb}");
        let unkeyed = house.post(&path).token(&ada.token).json(&json!({ "amount": "1" })).send().await;
        unkeyed.problem(400, "missing_idempotency_key");
    }
    assert_eq!(house.head().await, head);
    assert_eq!(house.session(&ada, &id).await["version"], 1);
}

#[tokio::test]
async fn a_session_belongs_to_its_owner() {
    let (house, _) = trading_house().await;
    let (ada, eve) = (house.person().await, house.person().await);
    let id = house.started(&ada, &json!({})).await;
    let head = house.head().await;
    for other in [id.clone(), new_key(), "7".to_owned(), "current".to_owned()] {
        for verb in ["stop", "pause", "resume", "rebalance"] {
            let told = house.tell(&eve, &other, verb, &json!({})).send().await;
            told.problem(404, "trading_session_not_found");
        }
        for what in ["", "/status", "/trades", "/positions", "/runs", "/equity", "/performance", "/preview"] {
            let seen = house.seen(&eve, &format!("/trading-sessions/{other}{what}")).await;
            seen.problem(404, "trading_session_not_found");
        }
    }
    assert_eq!(house.head().await, head);
}

#[tokio::test]
async fn each_state_allows_what_it_allows() {
    let (house, _) = trading_house().await;
    let ada = house.person().await;
    let id = house.started(&ada, &json!({})).await;
    let state = async |verb: &str| {
        let told = house.tell(&ada, &id, verb, &json!({})).send().await;
        told.expect(200)["session"]["state"].as_str().unwrap().to_owned()
    };
    assert_eq!(state("pause").await, "paused");
    let head = house.head().await;
    assert_eq!(state("pause").await, "paused", "which changes nothing");
    let problem = house.tell(&ada, &id, "rebalance", &json!({})).send().await;
    assert_eq!(problem.problem(409, "wrong_session_state")["state"], "paused");
    assert_eq!(house.head().await, head);
    assert_eq!(state("resume").await, "running");
    assert_eq!(state("rebalance").await, "running");
    let again = house.tell(&ada, &id, "rebalance", &json!({})).send().await;
    let run = house.seen(&ada, &format!("/trading-sessions/{id}/status")).await.expect(200);
    let problem = again.problem(409, "run_under_way");
    assert_eq!(problem["run_id"], run["requested_run"]["id"]);
    assert_eq!(state("stop").await, "stopped");
    let head = house.head().await;
    for (verb, body) in [
        ("stop", json!({})),
        ("pause", json!({})),
        ("resume", json!({})),
        ("rebalance", json!({})),
        ("next-run", json!({ "at": "2030-01-31T12:00:00Z" })),
        ("interval", json!({ "interval_s": 60 })),
        ("dry-run", json!({ "dry_run": true })),
        ("auto-rebalance", json!({ "enabled": true })),
        ("drift", json!({ "threshold": null })),
        ("targets", json!({ "targets": { "BTC": 1 } })),
        ("risk", json!({ "max_drawdown": "0.5" })),
        ("deposit", json!({ "amount": "1" })),
        ("withdraw", json!({ "amount": "1" })),
    ] {
        let told = house.tell(&ada, &id, verb, &body).send().await;
        assert_eq!(told.problem(409, "wrong_session_state")["state"], "stopped", "{verb}");
    }
    let preview = house.seen(&ada, &format!("/trading-sessions/{id}/preview")).await;
    preview.problem(409, "wrong_session_state");
    assert_eq!(house.head().await, head);
}

#[tokio::test]
async fn each_setting_is_changed_by_itself() {
    let (house, _) = trading_house().await;
    let ada = house.person().await;
    let id = house.started(&ada, &json!({})).await;
    let mut before = house.session(&ada, &id).await;
    for (verb, body, changed) in [
        ("interval", json!({ "interval_s": 60 }), json!({ "interval_s": 60 })),
        ("drift", json!({ "threshold": "0.050" }), json!({ "drift_threshold": "0.05" })),
        ("drift", json!({ "threshold": null }), json!({ "drift_threshold": null })),
        ("dry-run", json!({ "dry_run": true }), json!({ "dry_run": true })),
        (
            "targets",
            json!({ "targets": { "ETH": 0.5, "USDT": 0.5 } }),
            json!({ "targets": { "ETH": "0.5", "USDT": "0.5" } }),
        ),
        ("risk", json!({ "risk_per_trade": 0.05 }), json!({ "risk_per_trade": "0.05" })),
        (
            "risk",
            json!({ "max_drawdown": "0.25", "risk_per_trade": null }),
            json!({ "max_drawdown": "0.25" }),
        ),
        ("deposit", json!({ "amount": "0.5" }), json!({ "capital": "100000.5" })),
        ("withdraw", json!({ "amount": "100000" }), json!({ "capital": "0.5" })),
        (
            "next-run",
            json!({ "at": "2000-01-01T00:00:00Z" }),
            json!({ "next_run_at": "2000-01-01T00:00:00.000000Z" }),
        ),
        (
            "schedule",
            json!({ "at": "2030-01-01T02:00:00+02:00" }),
            json!({ "next_run_at": "2030-01-01T00:00:00.000000Z" }),
        ),
    ] {
        let done = house.tell(&ada, &id, verb, &body).send().await.expect(200);
        for (name, value) in changed.as_object().unwrap() {
            before[name] = value.clone();
        }
        before["version"] = json!(before["version"].as_i64().unwrap() + 1);
        assert_eq!(done["session"], before, "{verb} {body}");
        assert_eq!(house.session(&ada, &id).await, before);
        // The same again is nothing new, except for money.
        if !["deposit", "withdraw"].contains(&verb) {
            let head = house.head().await;
            let again = house.tell(&ada, &id, verb, &body).send().await.expect(200);
            assert_eq!((&again["session"], again["position"].as_i64()), (&before, Some(head)));
        }
    }
    let automatic = house.tell(&ada, &id, "auto-rebalance", &json!({ "enabled": true })).send().await;
    assert_eq!(automatic.expect(200)["session"]["auto_rebalance"], true);
    let manual = house.tell(&ada, &id, "auto-rebalance", &json!({ "enabled": false })).send().await;
    assert_eq!(manual.expect(200)["session"]["next_run_at"], Value::Null);
}

#[tokio::test]
async fn capital_goes_in_and_out_as_far_as_there_is_cash() {
    let (house, exchange) = trading_house().await;
    let ada = house.person().await;
    let id = house.started(&ada, &json!({ "capital": "100" })).await;
    let head = house.head().await;
    let too_much = house.tell(&ada, &id, "withdraw", &json!({ "amount": "100.000001" })).send().await;
    let problem = too_much.problem(422, "insufficient_cash");
    assert_eq!((&problem["available"], &problem["requested"]), (&json!("100"), &json!("100.000001")));
    exchange.is_open.store(false, Relaxed);
    for (verb, body) in
        [("deposit", json!({ "amount": "1" })), ("targets", json!({ "targets": { "BTC": "1" } }))]
    {
        house.tell(&ada, &id, verb, &body).send().await.problem(409, "market_unavailable");
    }
    assert_eq!(house.head().await, head);
    exchange.is_open.store(true, Relaxed);
    let all = house.tell(&ada, &id, "withdraw", &json!({ "amount": "100" })).send().await.expect(200);
    assert_eq!(all["session"]["capital"], "0");
    let status = house.seen(&ada, &format!("/trading-sessions/{id}/status")).await.expect(200);
    assert_eq!(status["high_water"], "0");
}

#[tokio::test]
async fn what_changed_is_logged_and_no_value_of_it() {
    logs::keep();
    let (house, _) = trading_house().await;
    let ada = house.person().await;
    let id = house.started(&ada, &json!({ "capital": "4711.25" })).await;
    let risk = json!({ "max_drawdown": "0.123456" });
    let ask = house.tell(&ada, &id, "risk", &risk);
    ask.clone().send().await.expect(200);
    // A repeat is none, and neither is what changes nothing.
    ask.send().await.expect(200);
    house.tell(&ada, &id, "risk", &risk).send().await.expect(200);
    house.tell(&ada, &id, "deposit", &json!({ "amount": "815.75" })).send().await.expect(200);
    house.tell(&ada, &id, "pause", &json!({})).send().await.expect(200);
    house.tell(&ada, &id, "stop", &json!({ "reason": "a secret reason" })).send().await.expect(200);
    for event in [
        "trading_session_started",
        "trading_session_limits_changed",
        "trading_session_capital_added",
        "trading_session_paused",
        "trading_session_stopped",
    ] {
        assert_eq!(logs::count(&ada.id, &[event]), 1, "{event}");
    }
    for value in ["4711", "0.123456", "815.75", "a secret reason"] {
        assert!(!logs::tells(&ada.id, value), "{value}");
    }
    assert!(logs::tells(&ada.id, "updated_fields=\"max_drawdown\""));
}
