//! Signing out and refreshing: what a token is good for, and until when.

use crate::house::{Choices, House};
use futures::future::join_all;
use serde_json::{Value, json};
use std::collections::HashSet;
use std::time::Duration;

async fn refresh(house: &House, token: &str) -> crate::client::Answered {
    house.post("/auth/refresh").json(&json!({ "refresh_token": token })).send().await
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

#[tokio::test]
async fn c24_after_signing_out_nothing_of_the_session_is_good() {
    let house = House::open().await;
    let ada = house.person().await;
    house.post("/auth/logout").token(&ada.token).send().await.expect(200);
    house.get("/auth/me").token(&ada.token).send().await.problem(401, "session_ended");
    refresh(&house, &ada.refresh_token).await.problem(401, "invalid_refresh_token");
    house.post("/auth/logout").token(&ada.token).send().await.problem(401, "session_ended");
}

#[tokio::test]
async fn c25_a_refresh_token_shown_again_ends_the_session_and_leaves_a_trace() {
    let house = House::open().await;
    let ada = house.person().await;
    let second = refresh(&house, &ada.refresh_token).await.expect(200);
    // This house gives no grace.
    refresh(&house, &ada.refresh_token).await.problem(401, "refresh_token_reused");
    refresh(&house, &text(&second["refresh_token"])).await.problem(401, "invalid_refresh_token");
    house.get("/auth/me").token(&text(&second["access_token"])).send().await.problem(401, "session_ended");
    let again = house.login(&ada.name).await.expect(200);
    let events = house.get("/events?type=RefreshTokenReused").token(&text(&again["access_token"]));
    let events = events.send().await.expect(200);
    assert_eq!(events["items"].as_array().unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c26_twenty_refreshes_at_once_are_one_and_nobody_is_signed_out() {
    let grace = Duration::from_secs(10);
    let house = House::open_with(Choices { refresh_grace: grace, ..Choices::default() }).await;
    let ada = house.person().await;
    let answers = join_all((0..20).map(|_| refresh(&house, &ada.refresh_token))).await;
    let tokens: HashSet<String> =
        answers.iter().map(|answered| text(&answered.expect(200)["refresh_token"])).collect();
    assert_eq!(tokens.len(), 1, "all got the same next token");
    let next = refresh(&house, &tokens.into_iter().next().unwrap()).await.expect(200);
    house.get("/auth/me").token(&text(&next["access_token"])).send().await.expect(200);
}

#[tokio::test]
async fn c27_each_kind_of_token_opens_its_own_door_only() {
    let house = House::open().await;
    let ada = house.person().await;
    house.get("/auth/me").token(&ada.refresh_token).send().await.problem(401, "invalid_token");
    refresh(&house, &ada.token).await.problem(401, "invalid_refresh_token");
    let at = ada.refresh_token.len() / 2;
    let other = if ada.refresh_token.as_bytes()[at] == b'A' { "B" } else { "A" };
    let mut flipped = ada.refresh_token.clone();
    flipped.replace_range(at..=at, other);
    refresh(&house, &flipped).await.problem(401, "invalid_refresh_token");
    // None of it cost the session anything.
    refresh(&house, &ada.refresh_token).await.expect(200);
}
