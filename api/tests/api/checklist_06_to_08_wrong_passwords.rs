//! A wrong password, a name that nobody has, no password at all: nothing tells one from the other.

use crate::client::Answered;
use crate::house::{House, Person};
use domain::UserId;
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use uuid::Uuid;

const WRONG: &str = "wrong horse battery staple";
const SAMPLES: usize = 100;

async fn sign_in(house: &House, username: &str, password: &str) -> Answered {
    house.post("/auth/login").json(&json!({ "username": username, "password": password })).send().await
}

/// All but what names the request.
fn said(answered: &Answered) -> (u16, Value, Vec<(String, String)>) {
    let mut body = answered.json();
    body.as_object_mut().unwrap().remove("request_id");
    let headers = answered.headers().filter(|(name, _)| !matches!(*name, "x-request-id" | "date"));
    let mut headers: Vec<_> = headers.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    headers.sort();
    (answered.status, body, headers)
}

#[tokio::test]
async fn c06_a_password_like_a_novel_is_refused_at_once_whoever_it_is_for() {
    let house = House::open().await;
    let ada = house.person().await;
    let (long, endless) = ("x".repeat(2_000), "x".repeat(1024 * 1024));
    for (password, status, code) in [(&long, 422, "validation_failed"), (&endless, 413, "body_too_large")] {
        let known = sign_in(&house, &ada.name, password).await;
        let unknown = sign_in(&house, "nobody", password).await;
        let mut times = Vec::new();
        for _ in 0..5 {
            time(&mut times, sign_in(&house, &ada.name, password), status).await;
        }
        // The best of them: what it takes, not what else the machine does.
        let best = times.into_iter().min().unwrap();
        assert!(best < Duration::from_millis(50), "{best:?}");
        assert_eq!((known.status, &known.json()["code"]), (status, &json!(code)));
        assert_eq!(said(&known), said(&unknown));
    }
    // None of these was a guess.
    house.login(&ada.name).await.expect(200);
}

#[tokio::test]
async fn c07_a_wrong_password_and_an_unknown_name_are_answered_alike() {
    let house = House::open().await;
    let ada = house.person().await;
    let wrong = sign_in(&house, &ada.name, WRONG).await;
    wrong.problem(401, "invalid_credentials");
    for other in [
        sign_in(&house, "nobody", WRONG).await,
        sign_in(&house, &ada.name, "").await,
        sign_in(&house, "nobody", "").await,
    ] {
        assert_eq!(said(&wrong), said(&other));
    }
    let by_address =
        |email: String| house.post("/auth/login").json(&json!({ "email": email, "password": WRONG })).send();
    assert_eq!(said(&wrong), said(&by_address(format!("{}@example.com", ada.name)).await));
    assert_eq!(said(&wrong), said(&by_address("nobody@example.com".to_owned()).await));
}

async fn time(into: &mut Vec<Duration>, ask: impl Future<Output = Answered>, status: u16) {
    let began = Instant::now();
    let answered = ask.await;
    into.push(began.elapsed());
    assert_eq!(answered.status, status, "{}", answered.text());
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}

/// Within a quarter or five milliseconds, whichever of the two is longer.
fn assert_alike(what: &str, one: Duration, other: Duration) {
    let (less, more) = (one.min(other), one.max(other));
    let apart = more.checked_sub(less).unwrap();
    assert!(apart <= (less / 4).max(Duration::from_millis(5)), "{what}: {one:?} and {other:?}");
}

/// Fresh ones again and again: nobody may be guessed at five times.
#[tokio::test]
async fn c08_a_wrong_password_takes_as_long_for_somebody_as_for_nobody() {
    let house = House::open().await;
    let (mut wrong, mut empty, mut unknown) = (Vec::new(), Vec::new(), Vec::new());
    let mut ada = house.person().await;
    for n in 0..SAMPLES {
        if n % 2 == 0 {
            ada = house.person().await;
        }
        let nobody = format!("nobody{}", n / 4);
        time(&mut wrong, sign_in(&house, &ada.name, WRONG), 401).await;
        time(&mut unknown, sign_in(&house, &nobody, WRONG), 401).await;
        time(&mut empty, sign_in(&house, &ada.name, ""), 401).await;
    }
    let (wrong, empty, unknown) = (median(wrong), median(empty), median(unknown));
    assert_alike("wrong and unknown", wrong, unknown);
    assert_alike("wrong and empty", wrong, empty);
    assert_alike("empty and unknown", empty, unknown);
}

/// As if it had been guessed at for a while.
async fn lock(house: &House, id: Uuid) {
    sqlx::query("insert into sign_in_failures (id, failures, last_at) values ($1, 50, now())")
        .bind(id)
        .execute(house.journal.pool())
        .await
        .unwrap();
}

#[tokio::test]
async fn c08_who_is_locked_out_is_told_so_as_fast_as_nobody_is() {
    let house = House::open().await;
    let ada: Person = house.person().await;
    lock(&house, ada.id.parse::<Uuid>().map(UserId).unwrap().0).await;
    lock(&house, house.vault.claim("username", "nobody")).await;
    let (mut known, mut unknown) = (Vec::new(), Vec::new());
    for _ in 0..SAMPLES {
        time(&mut known, sign_in(&house, &ada.name, WRONG), 429).await;
        time(&mut unknown, sign_in(&house, "nobody", WRONG), 429).await;
    }
    assert_alike("locked and locked", median(known), median(unknown));
}
