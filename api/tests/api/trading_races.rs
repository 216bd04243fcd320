//! Many who want the same of trading sessions, at once.

use crate::client::Answered;
use crate::trading::{id_of, trading_house};
use futures::future::join_all;
use serde_json::{Value, json};

fn of_status(answers: &[Answered], status: u16) -> Vec<Value> {
    answers.iter().filter(|answered| answered.status == status).map(Answered::json).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_twenty_starts_at_once_ten_find_a_place() {
    let (house, _) = trading_house().await;
    let ada = house.person().await;
    let answers = join_all((0..20).map(|_| house.start(&ada, &json!({})).send())).await;
    assert_eq!(of_status(&answers, 201).len(), 10);
    for refused in of_status(&answers, 409) {
        assert_eq!(refused["code"], "too_many_trading_sessions");
    }
    assert_eq!(of_status(&answers, 409).len(), 10);
    let active = house.seen(&ada, "/trading-sessions?status=active").await.expect(200);
    assert_eq!(active["items"].as_array().unwrap().len(), 10);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_twenty_starts_under_one_key_there_is_one() {
    let (house, _) = trading_house().await;
    let ada = house.person().await;
    let ask = house.start(&ada, &json!({}));
    let answers = join_all((0..20).map(|_| ask.clone().send())).await;
    let started: Vec<String> = of_status(&answers, 201).iter().map(id_of).collect();
    assert!(!started.is_empty() && started.iter().all(|id| *id == started[0]), "{started:?}");
    // The others came while the first was on its way.
    assert_eq!(started.len() + of_status(&answers, 409).len(), 20);
    let listed = house.seen(&ada, "/trading-sessions").await.expect(200);
    assert_eq!(listed["items"].as_array().unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_twenty_stops_at_once_one_stops_it_and_lets_its_reserve_go() {
    let (house, _) = trading_house().await;
    let ada = house.person().await;
    house.deposit(&ada, &json!({ "amount": "50" })).send().await.expect(201);
    let reserve = json!({ "capital": "50", "currency": "USD", "reserve_from": ada.wallet });
    let id = house.started(&ada, &reserve).await;
    let head = house.head().await;
    let answers = join_all((0..20).map(|_| house.tell(&ada, &id, "stop", &json!({})).send())).await;
    assert_eq!(of_status(&answers, 200).len(), 1);
    for answered in answers.iter().filter(|answered| answered.status != 200) {
        answered.problem(409, "wrong_session_state");
    }
    let events = house.journal.read_after(head, 10).await.unwrap();
    let types: Vec<&str> = events.iter().map(|recorded| recorded.event_type.as_ref()).collect();
    assert_eq!(types, ["TradingSessionStopped", "HoldReleased"]);
    let wallet = house.seen(&ada, &format!("/wallets/{}", ada.wallet)).await.expect(200);
    assert_eq!((&wallet["posted"], &wallet["held"]), (&json!("50.00"), &json!("0.00")));
    // The place is free once.
    let answers = join_all((0..11).map(|_| house.start(&ada, &json!({})).send())).await;
    assert_eq!(of_status(&answers, 201).len(), 10);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_a_hundred_live_starts_on_one_account_by_two_there_is_one() {
    let (house, _) = trading_house().await;
    let (ada, eve) = (house.person().await, house.person().await);
    for person in [&ada, &eve] {
        let put = house.ask("PUT", &format!("/users/{}/exchange-credentials/binance", person.id));
        let same = json!({ "key": "vmPUZE6mv9SD5VNHk4HlWFsOr6aKE2zv", "secret": "NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP" });
        put.token(&person.token).json(&same).send().await.expect(200);
    }
    let head = house.head().await;
    let live = json!({ "mode": "live" });
    let both = [&ada, &eve];
    let answers = join_all((0..100).map(|n| house.start(both[n % 2], &live).send())).await;
    assert_eq!(of_status(&answers, 201).len(), 1);
    for answered in answers.iter().filter(|answered| answered.status != 201) {
        answered.problem(409, "session_conflict");
    }
    assert_eq!(house.head().await, head + 1);
}
