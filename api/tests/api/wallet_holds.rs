//! Holds: kept back, captured in parts, let go; one ending each, and whoever comes second is told who was first.

use crate::client::{Answered, Ask};
use crate::house::{House, Person, new_key};
use futures::future::join_all;
use serde_json::{Value, json};
use testkit::eventually;

fn place(house: &House, person: &Person, body: &Value) -> Ask {
    house.command(&person.token, &format!("/wallets/{}/holds", person.wallet), body)
}

fn ask(house: &House, person: &Person, hold: &str, verb: &str, body: &Value) -> Ask {
    house.command(&person.token, &format!("/holds/{hold}/{verb}"), body)
}

/// Somebody with so much money, of which so much is held.
async fn holding(house: &House, money: &str, held: &str) -> (Person, String) {
    let person = house.person().await;
    house.deposit(&person, &json!({ "amount": money })).send().await.expect(201);
    let id = held_of(house, &person, held).await;
    (person, id)
}

async fn held_of(house: &House, person: &Person, amount: &str) -> String {
    let placed = place(house, person, &json!({ "amount": amount, "ttl_seconds": 3600 })).send().await;
    placed.expect(201)["hold"]["id"].as_str().unwrap().to_owned()
}

fn amounts(hold: &Value) -> [&str; 5] {
    ["amount", "captured", "released", "remaining", "status"].map(|name| hold[name].as_str().unwrap())
}

fn balances(wallet: &Value) -> [&str; 3] {
    ["posted", "held", "available"].map(|name| wallet[name].as_str().unwrap())
}

#[tokio::test]
async fn a_hold_is_captured_in_parts_and_the_last_one_lets_the_rest_go() {
    let house = House::open().await;
    let ada = house.person().await;
    house.deposit(&ada, &json!({ "amount": "100" })).send().await.expect(201);
    let body = json!({ "amount": "40", "ttl_seconds": 60, "reference": "order 7" });
    let placed = place(&house, &ada, &body).send().await;
    let done = placed.expect(201);
    let id = format!("{}.3", ada.wallet);
    assert_eq!((&done["hold"]["id"], &done["hold"]["wallet_id"]), (&json!(id), &json!(ada.wallet)));
    assert_eq!((&done["hold"]["reference"], &done["hold"]["currency"]), (&json!("order 7"), &json!("USD")));
    assert_eq!(amounts(&done["hold"]), ["40.00", "0.00", "0.00", "40.00", "active"]);
    assert_eq!(balances(&done["wallet"]), ["100.00", "40.00", "60.00"]);
    assert!(done["hold"]["expires_at"].as_str().unwrap().ends_with('Z'));
    assert_eq!((placed.header("etag"), &done["hold"]["version"]), (Some("\"3\""), &json!(3)));
    assert_eq!(placed.header("location"), Some(format!("/api/v1/holds/{id}").as_str()));
    assert_eq!(placed.header("counterfoil-position"), Some(done["position"].to_string().as_str()));

    let part = json!({ "capture_id": "fill-1", "amount": "15" });
    let captured = ask(&house, &ada, &id, "capture", &part).send().await;
    let done = captured.expect(200);
    assert_eq!(amounts(&done["hold"]), ["40.00", "15.00", "0.00", "25.00", "active"]);
    assert_eq!(balances(&done["wallet"]), ["85.00", "25.00", "60.00"]);
    assert_eq!(captured.header("etag"), Some("\"4\""));
    let last = json!({ "capture_id": "fill-2", "amount": "5", "final": true });
    let done = ask(&house, &ada, &id, "capture", &last).send().await.expect(200);
    assert_eq!(amounts(&done["hold"]), ["40.00", "20.00", "20.00", "0.00", "captured"]);
    assert_eq!(balances(&done["wallet"]), ["80.00", "0.00", "80.00"]);
}

#[tokio::test]
async fn all_that_is_left_is_captured_unless_it_is_said() {
    let house = House::open().await;
    let (ada, id) = holding(&house, "10", "4").await;
    let part = json!({ "capture_id": "1", "amount": "1.50" });
    ask(&house, &ada, &id, "capture", &part).send().await.expect(200);
    let too_much = ask(&house, &ada, &id, "capture", &json!({ "capture_id": "2", "amount": "2.51" }));
    let problem = too_much.send().await.problem(422, "capture_too_large");
    assert_eq!((&problem["remaining"], &problem["requested"]), (&json!("2.50"), &json!("2.51")));
    let below = ask(&house, &ada, &id, "amend", &json!({ "amount": "1.49" })).send().await;
    let problem = below.problem(422, "amend_below_captured");
    assert_eq!((&problem["captured"], &problem["requested"]), (&json!("1.50"), &json!("1.49")));
    let rest = ask(&house, &ada, &id, "capture", &json!({ "capture_id": "3" })).send().await.expect(200);
    assert_eq!(amounts(&rest["hold"]), ["4.00", "4.00", "0.00", "0.00", "captured"]);
    assert_eq!(balances(&rest["wallet"]), ["6.00", "0.00", "6.00"]);
}

#[tokio::test]
async fn what_is_held_cannot_be_spent_and_is_free_once_it_is_let_go() {
    let house = House::open().await;
    let (ada, id) = holding(&house, "10", "8").await;
    house.withdraw(&ada, &json!({ "amount": "2.01" })).send().await.problem(422, "insufficient_funds");
    place(&house, &ada, &json!({ "amount": "2.01", "ttl_seconds": 1 }))
        .send()
        .await
        .problem(422, "insufficient_funds");
    let released = house.post(&format!("/holds/{id}/release")).token(&ada.token).key(&new_key()).send().await;
    let done = released.expect(200);
    assert_eq!(amounts(&done["hold"]), ["8.00", "0.00", "8.00", "0.00", "released"]);
    assert_eq!(balances(&done["wallet"]), ["10.00", "0.00", "10.00"]);
    house.withdraw(&ada, &json!({ "amount": "10" })).send().await.expect(201);
}

#[tokio::test]
async fn a_hold_is_amended_and_extended_without_being_let_go() {
    let house = House::open().await;
    let (ada, id) = holding(&house, "10", "4").await;
    let amend = |amount: &str| ask(&house, &ada, &id, "amend", &json!({ "amount": amount })).send();
    let more = amend("9.99").await.expect(200);
    assert_eq!(amounts(&more["hold"]), ["9.99", "0.00", "0.00", "9.99", "active"]);
    assert_eq!(balances(&more["wallet"]), ["10.00", "9.99", "0.01"]);
    let problem = amend("10.01").await.problem(422, "insufficient_funds");
    assert_eq!((&problem["available"], &problem["requested"]), (&json!("0.01"), &json!("0.02")));
    let less = amend("1").await.expect(200);
    assert_eq!(balances(&less["wallet"]), ["10.00", "1.00", "9.00"]);
    let extend = |seconds: i64| ask(&house, &ada, &id, "extend", &json!({ "ttl_seconds": seconds })).send();
    let longer = extend(7200).await.expect(200);
    assert!(longer["hold"]["expires_at"].as_str() > less["hold"]["expires_at"].as_str());
    let not_shorter = extend(1).await.expect(200);
    assert_eq!(not_shorter["hold"]["expires_at"], longer["hold"]["expires_at"]);
    assert_eq!(not_shorter["hold"]["version"], json!(longer["hold"]["version"].as_i64().unwrap() + 1));
    for (verb, body) in [("amend", json!({ "amount": "0" })), ("extend", json!({})), ("capture", json!({}))] {
        ask(&house, &ada, &id, verb, &body).send().await.problem(422, "validation_failed");
    }
}

#[tokio::test]
async fn if_match_on_a_hold_means_the_hold() {
    let house = House::open().await;
    let (ada, id) = holding(&house, "10", "4").await;
    // The wallet goes on, the hold is as it was.
    house.deposit(&ada, &json!({ "amount": "1" })).send().await.expect(201);
    let capture = |tag: &str, name: &str| {
        let body = json!({ "capture_id": name, "amount": "1" });
        ask(&house, &ada, &id, "capture", &body).header("if-match", tag).send()
    };
    capture("\"3\"", "1").await.expect(200);
    let problem = capture("\"3\"", "2").await.problem(412, "version_mismatch");
    assert_eq!((&problem["expected"], &problem["actual"]), (&json!(3), &json!(5)));
    let body = json!({ "expected_version": 4 });
    ask(&house, &ada, &id, "release", &body).send().await.problem(412, "version_mismatch");
    ask(&house, &ada, &id, "release", &json!({ "expected_version": 5 })).send().await.expect(200);
}

#[tokio::test]
async fn whoever_comes_second_is_told_who_was_first() {
    let house = House::open().await;
    let (ada, id) = holding(&house, "10", "4").await;
    let released = ask(&house, &ada, &id, "release", &json!({})).send().await.expect(200);
    let first = house.journal.read_after(house.head().await - 1, 1).await.unwrap().remove(0);
    let (key, path) = (new_key(), format!("/holds/{id}/capture"));
    let late = || house.post(&path).token(&ada.token).key(&key).json(&json!({ "capture_id": "late" })).send();
    let refused = late().await;
    let problem = refused.problem(409, "hold_ended");
    assert_eq!(problem["hold_id"], json!(id));
    let winner =
        json!({ "status": "released", "position": released["position"], "event_id": first.event_id });
    assert_eq!(problem["ended_by"], winner);
    house.deposit(&ada, &json!({ "amount": "1" })).send().await.expect(201);
    let again = late().await;
    assert_eq!(again.header("idempotency-replayed"), Some("true"));
    let without_id = |answered: &Answered| {
        let mut body = answered.json();
        body["request_id"] = Value::Null;
        (body, answered.header("counterfoil-position").map(str::to_owned))
    };
    assert_eq!(without_id(&again), without_id(&refused));
    for (verb, body) in
        [("release", json!({})), ("amend", json!({ "amount": "1" })), ("extend", json!({ "ttl_seconds": 9 }))]
    {
        let problem = ask(&house, &ada, &id, verb, &body).send().await.problem(409, "hold_ended");
        assert_eq!(problem["ended_by"], winner, "{verb}");
    }
    let known = house.get(&format!("/commands/{key}")).token(&ada.token).send().await.expect(200);
    assert_eq!(known["refusal"], "hold_ended");
}

#[tokio::test]
async fn what_is_no_hold_is_not_found() {
    let house = House::open().await;
    let (ada, id) = holding(&house, "10", "4").await;
    let eve = house.person().await;
    let head = house.head().await;
    // The opening, the deposit, and what is not there yet.
    for other in ["1", "2", "4", "99"] {
        let id = format!("{}.{other}", ada.wallet);
        ask(&house, &ada, &id, "release", &json!({})).send().await.problem(404, "hold_not_found");
    }
    for other in [format!("{}.3", eve.wallet), "7".to_owned(), format!("{}.03", ada.wallet), new_key()] {
        ask(&house, &ada, &other, "release", &json!({})).send().await.problem(404, "hold_not_found");
    }
    for verb in ["capture", "release", "amend", "extend"] {
        let body = json!({ "capture_id": "1", "amount": "1", "ttl_seconds": 60 });
        ask(&house, &eve, &id, verb, &body).send().await.problem(404, "hold_not_found");
        let missing = house.post(&format!("/holds/{id}/{verb}")).token(&ada.token).json(&body).send().await;
        missing.problem(400, "missing_idempotency_key");
    }
    assert_eq!(house.head().await, head);
}

#[tokio::test]
async fn a_capture_is_known_by_its_id_whatever_key_it_comes_with() {
    let house = House::open().await;
    let (ada, id) = holding(&house, "10", "4").await;
    let capture = |body: Value| ask(&house, &ada, &id, "capture", &body).send();
    let first = capture(json!({ "capture_id": "fill", "amount": "1.50" })).await;
    first.expect(200);
    let head = house.head().await;
    capture(json!({ "amount": "1.5", "capture_id": " fill ", "final": false })).await.repeats(&first);
    for other in [
        json!({ "capture_id": "fill", "amount": "1.51" }),
        json!({ "capture_id": "fill" }),
        json!({ "capture_id": "fill", "amount": "1.50", "final": true }),
    ] {
        capture(other).await.problem(422, "capture_id_reused");
    }
    assert_eq!(house.head().await, head);
    capture(json!({ "capture_id": "last" })).await.expect(200);
    // The hold has ended, and the answer stays what it was.
    capture(json!({ "capture_id": "fill", "amount": "1.50" })).await.repeats(&first);
    capture(json!({ "capture_id": "another" })).await.problem(409, "hold_ended");
    // Another hold has captures of its own.
    let id = held_of(&house, &ada, "2").await;
    let body = json!({ "capture_id": "fill", "amount": "1.50" });
    ask(&house, &ada, &id, "capture", &body).send().await.expect(200);
}

#[tokio::test]
async fn a_hold_whose_time_is_over_takes_nothing_any_more() {
    let house = House::open().await;
    let ada = house.person().await;
    house.deposit(&ada, &json!({ "amount": "10" })).send().await.expect(201);
    let placed = place(&house, &ada, &json!({ "amount": "4", "ttl_seconds": 1 })).send().await.expect(201);
    let id = placed["hold"]["id"].as_str().unwrap();
    let too_much = json!({ "capture_id": "probe", "amount": "5" });
    eventually("the lease is over", async || {
        ask(&house, &ada, id, "capture", &too_much).send().await.status == 409
    })
    .await;
    let head = house.head().await;
    let late = ask(&house, &ada, id, "capture", &json!({ "capture_id": "late", "amount": "1" })).send().await;
    let problem = late.problem(409, "hold_expired");
    assert_eq!((&problem["hold_id"], &problem["expires_at"]), (&json!(id), &placed["hold"]["expires_at"]));
    for (verb, body) in
        [("release", json!({})), ("amend", json!({ "amount": "1" })), ("extend", json!({ "ttl_seconds": 9 }))]
    {
        ask(&house, &ada, id, verb, &body).send().await.problem(409, "hold_expired");
    }
    assert_eq!(house.head().await, head);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wallet_has_no_more_holds_than_it_may_have() {
    let house = House::open().await;
    let ada = house.person().await;
    house.deposit(&ada, &json!({ "amount": "5000" })).send().await.expect(201);
    let hold = json!({ "type": "hold", "wallet_id": ada.wallet, "amount": "1", "ttl_seconds": 3600 });
    let many = json!({ "commands": vec![hold; 200] });
    for _ in 0..10 {
        house.command(&ada.token, "/batches", &many).send().await.expect(201);
    }
    let one_more = json!({ "amount": "1", "ttl_seconds": 60 });
    place(&house, &ada, &one_more).send().await.problem(409, "too_many_holds");
    let first = format!("{}.3", ada.wallet);
    ask(&house, &ada, &first, "release", &json!({})).send().await.expect(200);
    let done = place(&house, &ada, &one_more).send().await.expect(201);
    assert_eq!(balances(&done["wallet"]), ["5000.00", "2000.00", "3000.00"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_who_end_a_hold_at_once_one_wins() {
    let house = House::open().await;
    let (ada, first) = holding(&house, "20", "1").await;
    let mut holds = vec![first];
    for _ in 0..9 {
        holds.push(held_of(&house, &ada, "1").await);
    }
    let storm = holds.iter().flat_map(|id| {
        (0..6).map(|n| match n % 2 {
            0 => ask(&house, &ada, id, "capture", &json!({ "capture_id": format!("fill-{n}") })).send(),
            _ => ask(&house, &ada, id, "release", &json!({})).send(),
        })
    });
    let answers = join_all(storm).await;
    let mut captured = 0;
    for (id, answers) in holds.iter().zip(answers.chunks(6)) {
        let winners: Vec<Value> = answers.iter().filter(|a| a.status == 200).map(Answered::json).collect();
        assert_eq!(winners.len(), 1, "{id}");
        captured += usize::from(winners[0]["hold"]["status"] == "captured");
        for loser in answers.iter().filter(|a| a.status != 200) {
            let problem = loser.problem(409, "hold_ended");
            assert_eq!(problem["ended_by"]["position"], winners[0]["position"], "{id}");
            assert_eq!(problem["ended_by"]["status"], winners[0]["hold"]["status"], "{id}");
        }
    }
    let path = format!("/wallets/{}?min_position={}", ada.wallet, house.head().await);
    let wallet = house.get(&path).token(&ada.token).send().await.expect(200);
    let left = format!("{}.00", 20 - captured);
    assert_eq!(balances(&wallet), [left.as_str(), "0.00", left.as_str()]);
}
