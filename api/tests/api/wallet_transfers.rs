//! Transfers: one step over two wallets, and nothing told of what is in another's.

use crate::client::Ask;
use crate::house::{House, Person, new_key};
use domain::{AggregateKind, AggregateRef};
use futures::future::join_all;
use serde_json::{Value, json};

fn transfer(house: &House, from: &Person, body: &Value) -> Ask {
    house.command(&from.token, &format!("/wallets/{}/transfer", from.wallet), body)
}

async fn funded(house: &House, amount: &str) -> Person {
    let person = house.person().await;
    house.deposit(&person, &json!({ "amount": amount })).send().await.expect(201);
    person
}

/// As it stands at the end of the journal.
async fn wallet(house: &House, person: &Person) -> Value {
    let path = format!("/wallets/{}?min_position={}", person.wallet, house.head().await);
    house.get(&path).token(&person.token).send().await.expect(200)
}

#[tokio::test]
async fn a_transfer_leaves_one_wallet_and_reaches_the_other_in_one_step() {
    let house = House::open().await;
    let (ada, eve) = (funded(&house, "10").await, house.person().await);
    let head = house.head().await;
    let body = json!({ "amount": "4.50", "to": eve.wallet, "reference": "rent" });
    let answered = transfer(&house, &ada, &body).send().await;
    let done = answered.expect(201);
    assert_eq!(done["position"], json!(head + 2));
    let (transaction, from) = (&done["transaction"], &done["from"]);
    assert_eq!(transaction["id"], json!(format!("{}.3", ada.wallet)));
    assert_eq!((&transaction["type"], &transaction["status"]), (&json!("transfer_out"), &json!("completed")));
    assert_eq!((&transaction["amount"], &transaction["reference"]), (&json!("4.50"), &json!("rent")));
    assert_eq!(transaction["counterparty"], json!(eve.wallet));
    assert_eq!(
        (&from["id"], &from["posted"], &from["available"]),
        (&json!(ada.wallet), &json!("5.50"), &json!("5.50"))
    );
    assert_eq!(answered.header("etag"), Some("\"3\""));
    assert_eq!(answered.header("counterfoil-position"), Some((head + 2).to_string().as_str()));
    assert_eq!(wallet(&house, &eve).await["posted"], "4.50");
    assert_eq!(wallet(&house, &ada).await["posted"], "5.50");
    let halves = house.journal.read_after(head, 2).await.unwrap();
    assert_eq!(halves[0].event_type, "TransferSent");
    assert_eq!(halves[1].event_type, "TransferReceived");
    assert_eq!(halves[0].metadata.command_id, halves[1].metadata.command_id);
}

#[tokio::test]
async fn who_receives_is_named_by_id_or_by_name() {
    let house = House::open().await;
    let (ada, eve) = (funded(&house, "10").await, house.person().await);
    for to in [eve.wallet.clone(), eve.wallet.to_uppercase(), eve.name.clone(), eve.name.to_uppercase()] {
        let done = transfer(&house, &ada, &json!({ "amount": "1", "to": to })).send().await.expect(201);
        assert_eq!(done["to"]["id"], json!(eve.wallet), "{to}");
    }
    let head = house.head().await;
    for (to, currency) in [(new_key(), "USD"), ("nobody".to_owned(), "USD")] {
        let body = json!({ "amount": "1", "to": to, "currency": currency });
        transfer(&house, &ada, &body).send().await.problem(422, "recipient_not_found");
    }
    for to in [ada.wallet.clone(), ada.name.clone()] {
        transfer(&house, &ada, &json!({ "amount": "1", "to": to })).send().await.problem(422, "same_wallet");
    }
    for to in [json!(""), json!("ad"), json!("a b c"), json!(7), json!(null)] {
        let refused = transfer(&house, &ada, &json!({ "amount": "1", "to": to })).send().await;
        assert_eq!(refused.problem(422, "validation_failed")["errors"][0]["pointer"], "/to", "{to}");
    }
    assert_eq!(house.head().await, head);
}

#[tokio::test]
async fn what_is_in_the_wallet_of_another_is_not_told() {
    let house = House::open().await;
    let (ada, eve, boss) = (funded(&house, "10").await, funded(&house, "777").await, house.admin().await);
    let body = json!({ "amount": "1", "to": eve.name });
    let done = transfer(&house, &ada, &body).send().await;
    assert_eq!(done.expect(201)["to"], json!({ "id": eve.wallet, "currency": "USD" }));
    assert!(!done.text().contains("778"));
    // A service may see everybody's, and is shown it.
    let key = house.service_key(&boss, &["wallet:transfer"]).await;
    let path = format!("/wallets/{}/transfer", ada.wallet);
    let seen = house.command(&key, &path, &body).send().await.expect(201);
    assert_eq!((&seen["to"]["posted"], &seen["from"]["posted"]), (&json!("779.00"), &json!("8.00")));
    // Whoever is refused learns of their own balance alone.
    let refused = transfer(&house, &ada, &json!({ "amount": "8.01", "to": eve.wallet })).send().await;
    let problem = refused.problem(422, "insufficient_funds");
    assert_eq!((&problem["available"], &problem["requested"]), (&json!("8.00"), &json!("8.01")));
}

#[tokio::test]
async fn nobody_sends_from_the_wallet_of_another() {
    let house = House::open().await;
    let (ada, eve, boss) = (funded(&house, "10").await, house.person().await, house.admin().await);
    let head = house.head().await;
    let path = format!("/wallets/{}/transfer", ada.wallet);
    let body = json!({ "amount": "1", "to": eve.wallet });
    // Not even an admin: it is not theirs.
    for stranger in [&eve, &boss] {
        house.command(&stranger.token, &path, &body).send().await.problem(404, "wallet_not_found");
    }
    let missing = house.post(&path).token(&ada.token).json(&body).send().await;
    missing.problem(400, "missing_idempotency_key");
    assert_eq!(house.head().await, head);
}

#[tokio::test]
async fn a_repeated_transfer_is_answered_with_the_same_bytes() {
    let house = House::open().await;
    let (ada, eve) = (funded(&house, "10").await, house.person().await);
    let (key, path) = (new_key(), format!("/wallets/{}/transfer", ada.wallet));
    let ask = |to: &str, amount: Value| {
        house.post(&path).token(&ada.token).key(&key).json(&json!({ "to": to, "amount": amount })).send()
    };
    let first = ask(&eve.name, json!("4")).await;
    first.expect(201);
    assert_eq!(first.header("idempotency-replayed"), None);
    house.withdraw(&eve, &json!({ "amount": "3" })).send().await.expect(201);
    let head = house.head().await;
    ask(&eve.name.to_uppercase(), json!(4)).await.repeats(&first);
    // The same wallet, asked for in another way, is another request.
    ask(&eve.wallet, json!("4")).await.problem(422, "idempotency_key_reused");
    assert_eq!(house.head().await, head);
}

#[tokio::test]
async fn a_transfer_may_be_bound_to_what_was_there_and_what_is_left() {
    let house = House::open().await;
    let (ada, eve) = (funded(&house, "10").await, house.person().await);
    let head = house.head().await;
    let body = |more: Value| {
        let mut body = json!({ "amount": "4", "to": eve.wallet });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        body
    };
    let stale = transfer(&house, &ada, &body(json!({ "expected_version": 1 }))).send().await;
    let problem = stale.problem(412, "version_mismatch");
    assert_eq!((&problem["expected"], &problem["actual"]), (&json!(1), &json!(2)));
    let two = transfer(&house, &ada, &body(json!({ "expected_version": 2 }))).header("if-match", "\"1\"");
    two.send().await.problem(412, "version_mismatch");
    let (low, high) = (json!({ "min_available_after": "6.01" }), json!({ "max_available_after": "5.99" }));
    for out in [low, high] {
        let problem = transfer(&house, &ada, &body(out)).send().await.problem(422, "balance_bounds");
        assert_eq!(problem["available_after"], "6.00");
    }
    let bad = transfer(&house, &ada, &body(json!({ "min_available_after": "6.001" }))).send().await;
    assert_eq!(bad.problem(422, "validation_failed")["errors"][0]["pointer"], "/min_available_after");
    assert_eq!(house.head().await, head);
    let within = json!({ "min_available_after": "6", "max_available_after": 6, "expected_version": 2 });
    transfer(&house, &ada, &body(within)).header("if-match", "\"2\"").send().await.expect(201);
    let nothing_left = json!({ "amount": "6", "to": eve.wallet, "min_available_after": "0" });
    transfer(&house, &ada, &nothing_left).send().await.expect(201);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_storm_to_and_fro_deadlocks_nobody_and_loses_nothing() {
    let house = House::open().await;
    let (ada, eve) = (funded(&house, "50").await, funded(&house, "50").await);
    let storm = (0..200).map(|n| {
        let (from, to) = if n % 2 == 0 { (&ada, &eve) } else { (&eve, &ada) };
        transfer(&house, from, &json!({ "amount": n % 7 + 1, "to": to.wallet })).send()
    });
    for answered in join_all(storm).await {
        if answered.status != 201 {
            answered.problem(422, "insufficient_funds");
        }
    }
    let cents = |wallet: Value| wallet["posted"].as_str().unwrap().replace('.', "").parse::<u32>().unwrap();
    let (ada, eve) = (cents(wallet(&house, &ada).await), cents(wallet(&house, &eve).await));
    assert_eq!(ada + eve, 10_000);
}

#[tokio::test]
async fn amounts_pass_to_the_last_digit() {
    let house = House::open().await;
    let (ada, eve) = (house.person().await, house.person().await);
    let open = async |person: &Person, currency: &str| {
        let wallet = house.command(&person.token, "/wallets", &json!({ "currency": currency }));
        let wallet = wallet.send().await.expect(201)["id"].as_str().unwrap().to_owned();
        Person { wallet, ..person.clone() }
    };
    let cases = [
        ("ETH", "9007199254.740993000000000001", "0.000000000000000001", "9007199254.740993000000000000"),
        ("CREDITS", "9007199254740993", "9007199254740992", "1"),
    ];
    for (currency, all, sent, left) in cases {
        let (ada, eve) = (open(&ada, currency).await, open(&eve, currency).await);
        let deposited = house.deposit(&ada, &json!({ "amount": all })).send().await.expect(201);
        assert_eq!(deposited["wallet"]["posted"], all);
        let body = json!({ "amount": sent, "to": eve.name, "currency": currency.to_lowercase() });
        let done = transfer(&house, &ada, &body).send().await.expect(201);
        assert_eq!((&done["transaction"]["amount"], &done["from"]["posted"]), (&json!(sent), &json!(left)));
        assert_eq!(done["to"], json!({ "id": eve.wallet, "currency": currency }));
        assert_eq!(wallet(&house, &eve).await["posted"], sent);
        let aggregate = AggregateRef { kind: AggregateKind::Wallet, id: ada.wallet.parse().unwrap() };
        let events = house.journal.read_aggregate(aggregate, 2, 1).await.unwrap();
        let data: Value = serde_json::from_str(events[0].data()).unwrap();
        assert_eq!((&data["amount"], &data["posted_after"]), (&json!(sent), &json!(left)));
    }
    // What is an integer may be a bare number, larger than a float could tell.
    let bare = house.deposit(&ada, &json!({ "amount": 9_007_199_254_740_993_i64 })).send().await.expect(201);
    assert_eq!(bare["wallet"]["posted"], "9007199254740993.00");
}
