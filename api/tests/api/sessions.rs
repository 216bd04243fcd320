use crate::client::Ask;
use crate::house::{Choices, House, PASSWORD};
use serde_json::json;
use std::time::{Duration, SystemTime};
use testkit::eventually;

#[tokio::test]
async fn whoever_registered_can_sign_in_by_either_name() {
    let house = House::open().await;
    let ada = house.person().await;
    let by_email = json!({ "email": format!("{}@EXAMPLE.com", ada.name), "password": PASSWORD });
    let signed_in = house.post("/auth/login").json(&by_email).send().await.expect(200);
    assert_eq!(signed_in["token_type"], "Bearer");
    assert_eq!(signed_in["expires_in"], 900);
    assert_eq!(signed_in["user"]["id"], json!(ada.id));
    assert_eq!(signed_in["user"]["login_count"], 2);
    assert!(signed_in["user"]["last_login_at"].is_string());
    assert_eq!(signed_in["user"]["version"], 3);
    assert_eq!(signed_in["position"], json!(house.head().await));
    assert!(signed_in["refresh_token"].as_str().unwrap().starts_with("cfr_"));
}

#[tokio::test]
async fn signing_in_and_refreshing_say_where_they_stand() {
    let house = House::open().await;
    let ada = house.person().await;
    let refresh = json!({ "refresh_token": ada.refresh_token });
    let refreshed = house.post("/auth/refresh").json(&refresh).send().await;
    for answered in [refreshed, house.login(&ada.name).await] {
        let body = answered.expect(200);
        assert_eq!(answered.header("counterfoil-position"), Some(body["position"].to_string().as_str()));
        assert_eq!(answered.header("etag"), Some(format!("\"{}\"", body["user"]["version"]).as_str()));
        assert!(body["position"].as_i64() <= Some(house.head().await));
    }
}

#[tokio::test]
async fn an_access_token_does_not_outlive_its_session() {
    let choices = Choices { session_idle: Duration::from_secs(2), ..Choices::default() };
    let house = House::open_with(choices).await;
    let ada = house.person().await;
    let signed_in = house.login(&ada.name).await.expect(200);
    assert!(signed_in["expires_in"].as_u64().unwrap() <= 2, "{}", signed_in["expires_in"]);
    let over = SystemTime::now() + Duration::from_secs(2);
    eventually("the session is over", async || SystemTime::now() > over).await;
    // Another process sees the token for the first time, while the leeway of clocks still lasts.
    let elsewhere = house.door_elsewhere(Choices::default()).await;
    let refused = Ask::new(elsewhere, "GET", "/users/me").token(&ada.token).send().await;
    refused.problem(401, "session_ended");
}

#[tokio::test]
async fn a_logout_is_noticed_where_nobody_tells_of_it() {
    let house = House::open().await;
    let ada = house.person().await;
    let elsewhere = house.door_elsewhere(Choices::default()).await;
    let there = async || Ask::new(elsewhere, "GET", "/users/me").token(&ada.token).send().await;
    there().await.expect(200);
    house.post("/auth/logout").token(&ada.token).send().await.expect(200);
    eventually("the other door refuses the token", async || there().await.status == 401).await;
    there().await.problem(401, "session_ended");
}

#[tokio::test]
async fn a_wrong_password_and_an_unknown_name_look_the_same() {
    let house = House::open().await;
    let ada = house.person().await;
    let ask = async |name: &str, password: &str| {
        let body = json!({ "username": name, "password": password });
        house.post("/auth/login").header("x-request-id", "same").json(&body).send().await
    };
    let wrong = ask(&ada.name, "not the password").await;
    wrong.problem(401, "invalid_credentials");
    let unknown = ask("nobody", "not the password").await;
    assert_eq!(wrong.body, unknown.body);
    assert_eq!(wrong.header("www-authenticate"), unknown.header("www-authenticate"));
    ask(&ada.name, "").await.problem(401, "invalid_credentials");
    ask(&ada.name, &PASSWORD.to_uppercase()).await.problem(401, "invalid_credentials");
}

#[tokio::test]
async fn after_logging_out_both_tokens_are_worthless_at_once() {
    let house = House::open().await;
    let ada = house.person().await;
    house.get("/auth/me").token(&ada.token).send().await.expect(200);
    house.post("/auth/logout").token(&ada.token).send().await.expect(200);
    let refused = house.get("/auth/me").token(&ada.token).send().await;
    refused.problem(401, "session_ended");
    assert_eq!(refused.header("www-authenticate"), Some("Bearer error=\"invalid_token\""));
    let refresh = json!({ "refresh_token": ada.refresh_token });
    house.post("/auth/refresh").json(&refresh).send().await.problem(401, "invalid_refresh_token");
    house.post("/auth/logout").token(&ada.token).send().await.problem(401, "session_ended");
}

#[tokio::test]
async fn a_refresh_token_is_exchanged_once_and_a_thief_ends_the_session() {
    let house = House::open().await;
    let ada = house.person().await;
    let refresh =
        async |token: &str| house.post("/auth/refresh").json(&json!({ "refresh_token": token })).send().await;
    let second = refresh(&ada.refresh_token).await.expect(200);
    assert_ne!(second["refresh_token"], json!(ada.refresh_token));
    let token = second["access_token"].as_str().unwrap();
    house.get("/auth/me").token(token).send().await.expect(200);
    refresh(&ada.refresh_token).await.problem(401, "refresh_token_reused");
    house.get("/auth/me").token(token).send().await.problem(401, "session_ended");
    house.get("/auth/me").token(&ada.token).send().await.problem(401, "session_ended");
    refresh(second["refresh_token"].as_str().unwrap()).await.problem(401, "invalid_refresh_token");
}

#[tokio::test]
async fn a_session_that_made_room_for_a_newer_one_is_over() {
    let house = House::open().await;
    let ada = house.person().await;
    for _ in 0..5 {
        house.login(&ada.name).await.expect(200);
    }
    eventually("the replaced session is refused", async || {
        house.get("/auth/me").token(&ada.token).send().await.status == 401
    })
    .await;
}

#[tokio::test]
async fn one_kind_of_token_is_not_the_other() {
    let house = House::open().await;
    let ada = house.person().await;
    house.get("/auth/me").token(&ada.refresh_token).send().await.problem(401, "invalid_token");
    let body = json!({ "refresh_token": ada.token });
    house.post("/auth/refresh").json(&body).send().await.problem(401, "invalid_refresh_token");
}

#[tokio::test]
async fn an_expired_token_is_refused_as_such() {
    // The leeway for other clocks is five seconds: a token that lives for none is over after them.
    let house = House::open_with(Choices { token_ttl: Duration::ZERO, ..Choices::default() }).await;
    let ada = house.person().await;
    eventually("the token has expired", async || {
        house.get("/auth/me").token(&ada.token).send().await.status == 401
    })
    .await;
    house.get("/auth/me").token(&ada.token).send().await.problem(401, "token_expired");
}
