//! Point 39, before the erasure: whoever asks gets everything that is known of them, and nobody else does.

use crate::house::{House, new_key};
use serde_json::json;

#[tokio::test]
async fn c39_the_export_has_everything_of_oneself_and_no_secret() {
    let house = House::open().await;
    let (ada, eve) = (house.person().await, house.person().await);
    let binance = json!({ "key": "some-exchange-key", "secret": "some-exchange-secret" });
    let path = "/users/me/exchange-credentials/binance";
    house.ask("PUT", path).token(&ada.token).key(&new_key()).json(&binance).send().await.expect(200);
    let new = json!({ "name": "nightly", "scopes": ["wallet:read"] });
    let made = house.post("/users/me/api-keys").token(&ada.token).json(&new).send().await.expect(201);
    let position = house.head().await;

    let answered =
        house.get(&format!("/users/me/export?min_position={position}")).token(&ada.token).send().await;
    let export = answered.expect(200);
    assert_eq!(export["user"]["username"], json!(ada.name));
    assert_eq!(export["preferences"]["theme"], "light");
    assert_eq!(export["sessions"][0]["current"], true);
    assert_eq!(export["api_keys"][0]["name"], "nightly");
    assert_eq!(export["exchange_credentials"][0]["exchange"], "binance");
    assert_eq!(export["wallets"][0]["id"], json!(ada.wallet));
    assert_eq!(export["trading_sessions"], json!([]));
    assert_eq!(export["events"][0]["data"]["username"], json!(ada.name), "in plain words");
    assert_eq!(export["events"].as_array().unwrap().len(), 5);
    assert!(export["events_continue_after"].is_null());
    assert!(export["position"].as_i64().unwrap() >= position);
    for secret in ["some-exchange-secret", made["key"].as_str().unwrap(), &ada.refresh_token] {
        assert!(!answered.text().contains(secret));
    }

    let others = format!("/users/{}/export", ada.id);
    house.get(&others).token(&eve.token).send().await.problem(404, "user_not_found");
    let key = made["key"].as_str().unwrap();
    house.get("/users/me/export").token(key).send().await.problem(403, "person_required");
}
