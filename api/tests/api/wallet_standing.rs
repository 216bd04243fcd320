//! Wallets are opened, frozen and closed.

use crate::client::Ask;
use crate::house::{House, PASSWORD, Person, new_key};
use crate::logs;
use crate::recent_login::long_ago;
use serde_json::{Value, json};

fn open(house: &House, person: &Person, body: &Value) -> Ask {
    house.command(&person.token, "/wallets", body)
}

fn change(house: &House, by: &Person, wallet: &str, verb: &str) -> Ask {
    house.post(&format!("/wallets/{wallet}/{verb}")).token(&by.token)
}

#[tokio::test]
async fn a_user_has_one_open_wallet_in_each_currency() {
    let house = House::open().await;
    let (ada, eve) = (house.person().await, house.person().await);
    let (key, body) = (new_key(), json!({ "currency": "eth" }));
    let ask = || house.post("/wallets").token(&ada.token).key(&key).json(&body).send();
    let first = ask().await;
    let opened = first.expect(201);
    assert_eq!((&opened["currency"], &opened["user_id"]), (&json!("ETH"), &json!(ada.id)));
    assert_eq!((&opened["posted"], &opened["status"]), (&json!("0.000000000000000000"), &json!("active")));
    assert_eq!((&opened["version"], first.header("etag")), (&json!(1), Some("\"1\"")));
    assert_eq!(opened["position"], json!(house.head().await));
    let wallet = opened["id"].as_str().unwrap();
    assert_eq!(first.header("location"), Some(format!("/api/v1/wallets/{wallet}").as_str()));
    house
        .deposit(&Person { wallet: wallet.to_owned(), ..ada.clone() }, &json!({ "amount": 1 }))
        .send()
        .await
        .expect(201);
    ask().await.repeats(&first);
    for currency in ["ETH", "USD"] {
        open(&house, &ada, &json!({ "currency": currency })).send().await.problem(409, "wallet_exists");
    }
    for bad in [json!({}), json!({ "currency": "XYZ" }), json!({ "currency": "EUR", "user_id": "7" })] {
        open(&house, &ada, &bad).send().await.problem(422, "validation_failed");
    }
    // Somebody else's is an admin's to open.
    let theirs = json!({ "currency": "EUR", "user_id": eve.id });
    open(&house, &ada, &theirs).send().await.problem(404, "user_not_found");
    let boss = house.admin().await;
    let opened = open(&house, &boss, &theirs).send().await.expect(201);
    assert_eq!(opened["user_id"], json!(eve.id));
    let nobodys = json!({ "currency": "EUR", "user_id": new_key() });
    open(&house, &boss, &nobodys).send().await.problem(404, "user_not_found");
}

#[tokio::test]
async fn a_frozen_wallet_takes_in_and_lets_nothing_out() {
    logs::keep();
    let house = House::open().await;
    let (ada, eve, boss) = (house.person().await, house.person().await, house.admin().await);
    house.furnish(&ada).await;
    change(&house, &ada, &ada.wallet, "freeze").send().await.problem(403, "admin_required");
    let reason = json!({ "reason": "under review by our Bob", "note": 7 });
    let frozen = change(&house, &boss, &ada.wallet, "freeze").json(&reason).send().await;
    let body = frozen.expect(200);
    assert_eq!(
        (&body["status"], &body["held"], &body["id"]),
        (&json!("frozen"), &json!("1.00"), &json!(ada.wallet))
    );
    assert_eq!((frozen.header("etag"), &body["version"]), (Some("\"4\""), &json!(4)));
    let event = house.journal.read_after(house.head().await - 1, 1).await.unwrap().remove(0);
    assert!(!event.to_public().contains("Bob"), "a reason is not kept");

    let hold = ada.id_in("/holds");
    let asked = [
        (format!("/wallets/{}/withdraw", ada.wallet), json!({ "amount": "1" })),
        (format!("/wallets/{}/transfer", ada.wallet), json!({ "amount": "1", "to": eve.wallet })),
        (format!("/wallets/{}/holds", ada.wallet), json!({ "amount": "1", "ttl_seconds": 60 })),
        (format!("/holds/{hold}/capture"), json!({ "capture_id": "1" })),
        (format!("/holds/{hold}/amend"), json!({ "amount": "2" })),
        (format!("/transactions/{}/reverse", ada.id_in("/transactions")), json!({})),
    ];
    let head = house.head().await;
    for (path, body) in &asked {
        house.command(&ada.token, path, body).send().await.problem(409, "wallet_frozen");
    }
    assert_eq!(house.head().await, head);
    house.deposit(&ada, &json!({ "amount": "1" })).send().await.expect(201);
    house.command(&ada.token, &format!("/holds/{hold}/release"), &json!({})).send().await.expect(200);
    let back = change(&house, &boss, &ada.wallet, "unfreeze").send().await.expect(200);
    assert_eq!((&back["status"], &back["available"]), (&json!("active"), &json!("11.00")));
    house.withdraw(&ada, &json!({ "amount": "11" })).send().await.expect(201);
    assert_eq!(logs::count(&ada.id, &["wallet_frozen"]), 1);
    assert_eq!(logs::count(&ada.id, &["wallet_unfrozen"]), 1);
}

#[tokio::test]
async fn what_changes_nothing_is_answered_again_as_it_was() {
    let house = House::open().await;
    let (ada, boss) = (house.person().await, house.admin().await);
    let (key, head) = (new_key(), house.head().await);
    let ask = || change(&house, &boss, &ada.wallet, "unfreeze").key(&key).send();
    let first = ask().await;
    let body = first.expect(200);
    assert_eq!(
        (&body["status"], &body["version"], &body["position"]),
        (&json!("active"), &json!(1), &json!(head))
    );
    change(&house, &boss, &ada.wallet, "freeze").send().await.expect(200);
    ask().await.repeats(&first);
    let stale = change(&house, &boss, &ada.wallet, "unfreeze").header("if-match", "\"1\"").send().await;
    stale.problem(412, "version_mismatch");
    let long = json!({ "reason": "x".repeat(141) });
    let long = change(&house, &boss, &ada.wallet, "freeze").json(&long).send().await;
    long.problem(422, "validation_failed");
    change(&house, &boss, &new_key(), "freeze").send().await.problem(404, "wallet_not_found");
}

#[tokio::test]
async fn an_empty_wallet_is_closed_and_another_one_may_take_its_place() {
    let house = House::open().await;
    let (ada, eve) = (house.person().await, house.person().await);
    house.furnish(&ada).await;
    let refused = change(&house, &ada, &ada.wallet, "close").send().await;
    let problem = refused.problem(409, "wallet_not_empty");
    assert_eq!((&problem["posted"], &problem["held"]), (&json!("10.00"), &json!("1.00")));
    change(&house, &eve, &ada.wallet, "close").send().await.problem(404, "wallet_not_found");
    let long = json!({ "current_password": "x".repeat(1_025) });
    let asked = house.post(&format!("/wallets/{}/close", ada.wallet)).token(&ada.token).json(&long);
    asked.send().await.problem(422, "validation_failed");
    let release = format!("/holds/{}/release", ada.id_in("/holds"));
    house.command(&ada.token, &release, &json!({})).send().await.expect(200);
    house.withdraw(&ada, &json!({ "amount": "10" })).send().await.expect(201);
    let key = new_key();
    let ask = || change(&house, &ada, &ada.wallet, "close").key(&key).send();
    let closed = ask().await;
    assert_eq!(closed.expect(200)["status"], "closed");
    house.deposit(&ada, &json!({ "amount": "1" })).send().await.problem(409, "wallet_closed");
    let to = json!({ "amount": "1", "to": ada.name });
    house.deposit(&eve, &json!({ "amount": "1" })).send().await.expect(201);
    let transfer = format!("/wallets/{}/transfer", eve.wallet);
    house.command(&eve.token, &transfer, &to).send().await.problem(422, "recipient_not_found");
    // Another one of that currency is another wallet, and found by the same name.
    let opened = open(&house, &ada, &json!({ "currency": "USD" })).send().await.expect(201);
    assert_ne!(opened["id"], json!(ada.wallet));
    let sent = house.command(&eve.token, &transfer, &to).send().await.expect(201);
    assert_eq!(sent["to"]["id"], opened["id"]);
    let balance = house.get(&format!("/users/me/balance?min_position={}", house.head().await));
    let balance = balance.token(&ada.token).send().await.expect(200);
    assert_eq!((&balance["id"], &balance["balance"]), (&opened["id"], &json!("1.00")));
    let deposit = house.command(&ada.token, "/users/me/balance/deposit", &json!({ "amount": "1" }));
    assert_eq!(deposit.send().await.expect(201)["wallet"]["id"], opened["id"]);
    ask().await.repeats(&closed);
    let again = change(&house, &ada, &ada.wallet, "close").send().await.expect(200);
    assert_eq!((&again["status"], &again["version"]), (&json!("closed"), &closed.json()["version"]));
}

#[tokio::test]
async fn what_an_admin_does_to_the_wallets_of_others_takes_a_recent_sign_in() {
    let house = House::open().await;
    let (ada, boss) = (house.person().await, house.admin().await);
    let old = long_ago(&house, &boss);
    let first = house.deposit(&ada, &json!({ "amount": "1" })).send().await.expect(201);
    house.deposit(&ada, &json!({ "amount": "2" })).send().await.expect(201);
    let undo = |sequence: u8| format!("{}.{sequence}", ada.wallet);
    assert_eq!(first["transaction"]["id"], json!(undo(2)));
    let of = |verb: &str| format!("/wallets/{}/{verb}", ada.wallet);
    let asked = [
        ("/wallets".to_owned(), json!({ "currency": "EUR", "user_id": ada.id }), 201),
        (of("freeze"), json!({}), 200),
        (of("unfreeze"), json!({}), 200),
        (format!("/transactions/{}/reverse", undo(2)), json!({}), 201),
        (
            "/batches".to_owned(),
            json!({ "commands": [{ "type": "reverse", "transaction_id": undo(3) }] }),
            201,
        ),
        (of("close"), json!({}), 200),
    ];
    for (path, body, status) in asked {
        let head = house.head().await;
        house.command(&old.token, &path, &body).send().await.problem(403, "recent_login_required");
        assert_eq!(house.head().await, head, "{path}");
        let mut confirmed = body.clone();
        confirmed["current_password"] = json!("not the password");
        house.command(&old.token, &path, &confirmed).send().await.problem(401, "invalid_credentials");
        confirmed["current_password"] = json!(PASSWORD);
        house.command(&old.token, &path, &confirmed).send().await.expect(status);
    }
    // One's own wallets are one's own.
    house.command(&old.token, "/wallets", &json!({ "currency": "EUR" })).send().await.expect(201);
    let own = house.deposit(&old, &json!({ "amount": "1" })).send().await.expect(201);
    let own = own["transaction"]["id"].as_str().unwrap().to_owned();
    let own = format!("/transactions/{own}/reverse");
    house.command(&old.token, &own, &json!({})).send().await.expect(201);
    change(&house, &old, &old.wallet, "close").send().await.expect(200);
}
