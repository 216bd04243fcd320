//! How often API keys may be shown: each that is good, and to each client those that are not.

use crate::api_keys::{balance, key_with};
use crate::client::Answered;
use crate::house::{Choices, House};
use api::{Edge, RateLimit};
use domain::ApiKeyId;
use secrecy::ExposeSecret;
use serde_json::json;
use uuid::Uuid;

async fn house_with(keys_a_minute: u32) -> House {
    let rate_limit = RateLimit::Everybody { a_second: 1_000 };
    let edge = Edge { rate_limit, keys_a_minute: Some(keys_a_minute), ..Edge::default() };
    House::open_with(Choices { edge, ..Choices::default() }).await
}

fn nobodys() -> String {
    commands::vault::ApiKeyText::generate(ApiKeyId(Uuid::now_v7()))
        .unwrap()
        .expose()
        .expose_secret()
        .to_owned()
}

/// What is said of the second limit.
fn limits(answered: &Answered) -> (&str, &str) {
    let second = |name| answered.header(name).unwrap().split_once(", ").unwrap().1;
    (second("ratelimit-policy"), second("ratelimit"))
}

#[tokio::test]
async fn c41_who_shows_keys_that_do_not_exist_is_sent_away_and_good_keys_work_on() {
    let house = house_with(600).await;
    let ada = house.person().await;
    let key = key_with(&house, &ada, &json!({})).await;
    let wrong = async |text: &str| house.get("/users/me/balance").token(text).send().await;
    for n in (0..20).rev() {
        // Some that nobody made, and some that are not even keys.
        let text = if n % 2 == 0 { nobodys() } else { "cf_live_nonsense".to_owned() };
        let refused = wrong(&text).await;
        refused.problem(401, "invalid_api_key");
        let (policy, left) = limits(&refused);
        assert_eq!(policy, "\"api_key_failures\";q=20;w=60");
        assert!(left.starts_with(&format!("\"api_key_failures\";r={n};t=")), "{left}");
    }
    let refused = wrong(&nobodys()).await;
    refused.problem(429, "too_many_requests");
    assert!(refused.header("retry-after").unwrap().parse::<u64>().unwrap() <= 3);
    balance(&house, &key).await.expect(200);
    // Nobody has remembered this one yet.
    let cold = key_with(&house, &ada, &json!({})).await;
    balance(&house, &cold).await.expect(200);
    house.get("/users/me").token(&ada.token).send().await.expect(200);
}

#[tokio::test]
async fn c37_each_key_is_good_for_so_many_requests_a_minute() {
    let house = house_with(3).await;
    let ada = house.person().await;
    let (key, other) = (key_with(&house, &ada, &json!({})).await, key_with(&house, &ada, &json!({})).await);
    for left in (0..3).rev() {
        let answered = balance(&house, &key).await;
        answered.expect(200);
        assert_eq!(
            limits(&answered),
            ("\"api_key\";q=3;w=60", format!("\"api_key\";r={left};t=20").as_str())
        );
    }
    let refused = balance(&house, &key).await;
    refused.problem(429, "too_many_requests");
    assert!((1..=20).contains(&refused.header("retry-after").unwrap().parse::<u64>().unwrap()));
    balance(&house, &other).await.expect(200);
    house.get("/users/me").token(&ada.token).send().await.expect(200);
}

#[tokio::test]
async fn c37_where_nothing_is_limited_keys_are_not() {
    let edge = Edge { rate_limit: RateLimit::Off, keys_a_minute: Some(1), ..Edge::default() };
    let house = House::open_with(Choices { edge, ..Choices::default() }).await;
    let ada = house.person().await;
    let key = key_with(&house, &ada, &json!({})).await;
    for _ in 0..30 {
        let answered = balance(&house, &key).await;
        answered.expect(200);
        assert_eq!(answered.header("ratelimit"), None);
        house.get("/users/me/balance").token(&nobodys()).send().await.problem(401, "invalid_api_key");
    }
}
