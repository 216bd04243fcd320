use crate::house::{Choices, House, new_key};
use serde_json::{Value, json};

#[tokio::test]
async fn a_deposit_is_answered_with_the_transaction_and_the_wallet_after_it() {
    let house = House::open().await;
    let ada = house.person().await;
    let body = json!({ "amount": "12.34", "reference": "invoice 7" });
    let answered = house.deposit(&ada, &body).send().await;
    let deposited = answered.expect(201);
    let (transaction, wallet) = (&deposited["transaction"], &deposited["wallet"]);
    assert_eq!(transaction["id"], json!(format!("{}.2", ada.wallet)));
    assert_eq!(transaction["wallet_id"], json!(ada.wallet));
    assert_eq!((&transaction["type"], &transaction["status"]), (&json!("deposit"), &json!("completed")));
    assert_eq!((&transaction["amount"], &transaction["currency"]), (&json!("12.34"), &json!("USD")));
    assert_eq!(transaction["reference"], "invoice 7");
    for nothing in ["hold_id", "counterparty"] {
        assert_eq!(transaction.get(nothing), Some(&Value::Null), "{nothing}");
    }
    assert!(transaction["recorded_at"].as_str().unwrap().ends_with('Z'));
    assert_eq!(wallet["id"], json!(ada.wallet));
    assert_eq!((&wallet["posted"], &wallet["available"]), (&json!("12.34"), &json!("12.34")));
    assert_eq!(wallet["version"], 2);
    assert_eq!(answered.header("etag"), Some("\"2\""));
    let position = deposited["position"].to_string();
    assert_eq!(answered.header("counterfoil-position"), Some(position.as_str()));
}

#[tokio::test]
async fn money_goes_out_as_far_as_it_came_in() {
    let house = House::open().await;
    let ada = house.person().await;
    house.deposit(&ada, &json!({ "amount": 10 })).send().await.expect(201);
    let withdrawn = house.withdraw(&ada, &json!({ "amount": "9.99" })).send().await.expect(201);
    assert_eq!(withdrawn["transaction"]["type"], "withdrawal");
    assert_eq!(withdrawn["wallet"]["posted"], "0.01");
    let head = house.head().await;
    let refused = house.withdraw(&ada, &json!({ "amount": "0.02" })).send().await;
    let problem = refused.problem(422, "insufficient_funds");
    assert_eq!((&problem["available"], &problem["requested"]), (&json!("0.01"), &json!("0.02")));
    assert_eq!(refused.header("counterfoil-position"), Some(head.to_string().as_str()));
    assert_eq!(house.head().await, head);
}

#[tokio::test]
async fn the_users_balance_is_the_default_wallet() {
    let house = House::open().await;
    let ada = house.person().await;
    let deposit = |user: &str| {
        house
            .post(&format!("/users/{user}/balance/deposit"))
            .token(&ada.token)
            .key(&new_key())
            .json(&json!({ "amount": "5", "currency": "usd" }))
    };
    deposit("me").send().await.expect(201);
    let position = deposit(&ada.id).send().await.expect(201)["position"].clone();
    let balance = house.get(&format!("/users/me/balance?min_position={position}")).token(&ada.token);
    let balance = balance.send().await.expect(200);
    assert_eq!((&balance["balance"], &balance["posted"]), (&json!("10.00"), &json!("10.00")));
    assert_eq!(balance["id"], json!(ada.wallet));
    let withdraw = house.post("/users/me/balance/withdraw").token(&ada.token).key(&new_key());
    withdraw.json(&json!({ "amount": "1" })).send().await.expect(201);
    let other = house.get("/users/me/balance?currency=EUR").token(&ada.token).send().await;
    other.problem(404, "wallet_not_found");
}

#[tokio::test]
async fn a_wallet_has_one_currency() {
    let house = House::open().await;
    let ada = house.person().await;
    let head = house.head().await;
    let refused = house.deposit(&ada, &json!({ "amount": "1", "currency": "EUR" })).send().await;
    let problem = refused.problem(422, "wrong_currency");
    assert_eq!(problem["currency"], "USD");
    assert_eq!(house.head().await, head);
}

#[tokio::test]
async fn a_command_may_be_meant_for_one_version_only() {
    let house = House::open().await;
    let ada = house.person().await;
    let body = json!({ "amount": "1" });
    house.deposit(&ada, &body).header("if-match", "\"1\"").send().await.expect(201);
    let stale = house.deposit(&ada, &body).header("if-match", "\"1\"").send().await;
    let problem = stale.problem(412, "version_mismatch");
    assert_eq!((&problem["expected"], &problem["actual"]), (&json!(1), &json!(2)));
    house.deposit(&ada, &body).header("if-match", "*").send().await.expect(201);
    house.deposit(&ada, &body).header("if-match", "\"x\"").send().await.problem(412, "version_mismatch");
    house.deposit(&ada, &body).header("if-match", "W/\"3\"").send().await.problem(400, "invalid_header");
}

#[tokio::test]
async fn owners_deposit_only_where_they_may() {
    let house = House::open_with(Choices { self_deposit: false, ..Choices::default() }).await;
    let ada = house.person().await;
    let head = house.head().await;
    house.deposit(&ada, &json!({ "amount": "1" })).send().await.problem(403, "deposit_not_allowed");
    let by_user = house.post("/users/me/balance/deposit").token(&ada.token).key(&new_key());
    by_user.json(&json!({ "amount": "1" })).send().await.problem(403, "deposit_not_allowed");
    house.withdraw(&ada, &json!({ "amount": "1" })).send().await.problem(422, "insufficient_funds");
    assert_eq!(house.head().await, head);
}

#[tokio::test]
async fn wallets_of_nobody_are_not_found() {
    let house = House::open().await;
    let (ada, eve, admin) = (house.person().await, house.person().await, house.admin().await);
    let service = house.service_key(&admin, &["wallet:read"]).await;
    let ask = |id: &str, token: &str| house.get(&format!("/users/{id}/wallets")).token(token).send();
    for token in [&admin.token, &service] {
        ask(&new_key(), token).await.problem(404, "user_not_found");
        assert_eq!(ask(&ada.id, token).await.expect(200)["items"][0]["id"], json!(ada.wallet));
    }
    ask(&ada.id, &eve.token).await.problem(404, "user_not_found");
}
