//! Problems are told in Ukrainian or in English: as the request asks, else as its sender prefers. Nothing else changes.

use crate::api_keys::{SOON, key_with};
use crate::client::{Answered, Ask};
use crate::house::{Choices, House, Person};
use serde_json::{Value, json};
use testkit::eventually_within;

fn is_ukrainian(text: &Value) -> bool {
    text.as_str().unwrap().chars().any(|c| ('а'..='я').contains(&c) || "іїєґ".contains(c))
}

/// In one language from the header to the last flaw.
#[track_caller]
fn is_in(language: &str, answered: &Answered) {
    let problem = answered.json();
    assert_eq!(answered.header("content-language"), Some(language), "{problem}");
    let says_it = answered.headers().any(|(name, value)| name == "vary" && value.contains("accept-language"));
    assert!(says_it, "{:?}", answered.headers().collect::<Vec<_>>());
    for text in [&problem["title"], &problem["detail"], &problem["error"]] {
        assert_eq!(is_ukrainian(text), language == "uk", "{problem}");
    }
    for error in problem["errors"].as_array().unwrap() {
        assert_eq!(is_ukrainian(&error["detail"]), language == "uk", "{problem}");
    }
}

async fn prefer(house: &House, person: &Person, locale: &str) {
    let change = house.ask("PATCH", "/users/me/preferences").token(&person.token);
    change.json(&json!({ "locale": locale })).send().await.expect(200);
}

#[tokio::test]
async fn a_request_says_which_language_its_problem_is_told_in() {
    let house = House::open().await;
    let ada = house.person().await;
    let broken = [
        house.get("/nowhere"),
        house.get("/auth/me"),
        house.ask("DELETE", "/auth/login"),
        house.post("/auth/login").json(&json!({ "username": "nobody", "password": "not the password" })),
        house.post("/auth/register").json(&json!({ "username": "a", "email": "b", "password": "c" })),
        house.post("/auth/register").text("{"),
        house.get("/events?limit=1&limit=2").token(&ada.token),
        house.withdraw(&ada, &json!({ "amount": "999999.00" })),
        house.deposit(&ada, &json!({ "amount": "1.234" })),
        house.get("/wallets?min_position=99999999").token(&ada.token),
    ];
    for ask in broken {
        let told = async |accepted: &str| ask.clone().header("accept-language", accepted).send().await;
        let (english, ukrainian) = (told("en-GB, uk;q=0.5").await, told("de, uk-UA;q=0.9, en;q=0.8").await);
        is_in("en", &english);
        is_in("uk", &ukrainian);
        is_in("en", &told("de").await);
        is_in("en", &told("*").await);
        is_in("en", &ask.clone().send().await);
        let same = |answered: &Answered| {
            let mut problem = answered.json();
            let all = problem.as_object_mut().unwrap();
            for words in ["title", "detail", "error", "request_id"] {
                all.remove(words).unwrap();
            }
            for error in all["errors"].as_array_mut().unwrap() {
                error.as_object_mut().unwrap().remove("detail").unwrap();
            }
            (answered.status, problem)
        };
        assert_eq!(same(&english), same(&ukrainian));
    }
    let unharmed =
        house.get("/users/me/balance").token(&ada.token).header("accept-language", "uk").send().await;
    assert_eq!((unharmed.status, unharmed.header("content-language")), (200, None));
}

#[tokio::test]
async fn who_prefers_ukrainian_is_told_so_unless_the_request_says_otherwise() {
    let house = House::open().await;
    let (ada, bob) = (house.person().await, house.person().await);
    let key = key_with(&house, &ada, &json!({})).await;
    let missing = |token: &str| house.get("/wallets/nothing").token(token);
    is_in("en", &missing(&ada.token).send().await);
    prefer(&house, &ada, "uk").await;
    is_in("uk", &missing(&ada.token).send().await);
    is_in("uk", &missing(&key.text).send().await);
    let refused = house.withdraw(&ada, &json!({ "amount": "999999.00" })).send().await;
    refused.problem(422, "insufficient_funds");
    is_in("uk", &refused);
    is_in("uk", &missing(&ada.token).header("accept-language", "de").send().await);
    is_in("en", &missing(&ada.token).header("accept-language", "en").send().await);
    is_in("en", &missing(&bob.token).send().await);
    is_in("en", &missing("nobody's").send().await);
    prefer(&house, &ada, "en").await;
    is_in("en", &missing(&ada.token).send().await);
}

#[tokio::test]
async fn every_door_learns_which_language_somebody_prefers() {
    let house = House::open().await;
    let ada = house.person().await;
    prefer(&house, &ada, "uk").await;
    let elsewhere = house.door_elsewhere(Choices::default()).await;
    let missing = async || Ask::new(elsewhere, "GET", "/wallets/nothing").token(&ada.token).send().await;
    is_in("uk", &missing().await);
    prefer(&house, &ada, "en").await;
    eventually_within(SOON, "the other door speaks English", async || {
        missing().await.header("content-language") == Some("en")
    })
    .await;
}
