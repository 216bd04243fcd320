//! The trial balance: for auditors, in every currency, at every position.

use crate::house::{House, Person};
use serde_json::{Value, json};

async fn balance(house: &House, token: &str, query: &str) -> Value {
    let path = format!("/audit/trial-balance?min_position={}&{query}", house.head().await);
    house.get(&path).token(token).send().await.expect(200)
}

async fn deposit_ether(house: &House, person: &Person) {
    let opened = house.command(&person.token, "/wallets", &json!({ "currency": "ETH" })).send().await;
    opened.expect(201);
    let body = json!({ "amount": "0.000000000000000001", "currency": "ETH" });
    house.command(&person.token, "/users/me/balance/deposit", &body).send().await.expect(201);
}

#[tokio::test]
async fn what_wallets_hold_and_what_the_world_gave_is_nothing_together_at_every_position() {
    let house = House::open().await;
    let admin = house.admin().await;
    let (ada, eve) = (house.person().await, house.person().await);
    house.deposit(&ada, &json!({ "amount": "10" })).send().await.expect(201);
    let transfer = json!({ "amount": "4", "to": eve.wallet });
    house
        .command(&ada.token, &format!("/wallets/{}/transfer", ada.wallet), &transfer)
        .send()
        .await
        .expect(201);
    house.withdraw(&eve, &json!({ "amount": "1.50" })).send().await.expect(201);
    deposit_ether(&house, &ada).await;
    let auditor = house.service_key(&admin, &["audit"]).await;
    let now = balance(&house, &auditor, "").await;
    assert_eq!((&now["balanced"], &now["position"]), (&json!(true), &json!(house.head().await)));
    assert_eq!(
        now["currencies"],
        json!([
            { "currency": "ETH", "wallets": "0.000000000000000001", "world": "-0.000000000000000001",
              "difference": "0.000000000000000000", "balanced": true },
            { "currency": "USD", "wallets": "8.50", "world": "-8.50", "difference": "0.00", "balanced": true },
        ])
    );
    for position in 0..=house.head().await {
        let then = balance(&house, &admin.token, &format!("as_of={position}")).await;
        assert_eq!((&then["balanced"], &then["position"]), (&json!(true), &json!(position)), "{then}");
    }
    let before = balance(&house, &admin.token, "as_of=2020-01-01T00:00:00Z").await;
    assert_eq!(before["position"], 0);
    let beyond = house.get("/audit/trial-balance?as_of=99999").token(&admin.token).send().await;
    beyond.problem(422, "position_beyond_head");
    sqlx::query("update wallets set posted = posted + 0.25 where wallet_id::text = $1")
        .bind(&ada.wallet)
        .execute(house.journal.pool())
        .await
        .unwrap();
    let torn = balance(&house, &auditor, "").await;
    assert_eq!((&torn["balanced"], &torn["currencies"][1]["difference"]), (&json!(false), &json!("0.25")));
}

#[tokio::test]
async fn it_is_for_admins_and_for_services_that_audit() {
    let house = House::open().await;
    let admin = house.admin().await;
    let ada = house.person().await;
    let ask = |token: &str| house.get("/audit/trial-balance").token(token).send();
    ask(&ada.token).await.problem(403, "admin_required");
    let service = house.service_key(&admin, &["wallet:read"]).await;
    ask(&service).await.problem(403, "insufficient_scope");
}
