//! Guessing passwords: the fifth wrong one in a row is the last that is free, one after the other or all at once.

use crate::client::{Answered, Ask};
use crate::house::{Choices, House, PASSWORD, Person};
use futures::future::join_all;
use serde_json::json;
use testkit::eventually;
use uuid::Uuid;

fn guess(house: &House, username: &str, password: &str) -> Ask {
    house.post("/auth/login").json(&json!({ "username": username, "password": password }))
}

async fn fail(house: &House, username: &str, times: usize) {
    for _ in 0..times {
        guess(house, username, "wrong").send().await.problem(401, "invalid_credentials");
    }
}

fn retry_after(answered: &Answered) -> u64 {
    answered.problem(429, "too_many_attempts");
    answered.header("retry-after").unwrap().parse().unwrap()
}

/// Of the span that so many failures cost, some may have passed by now.
#[track_caller]
fn assert_waits(answered: &Answered, span: u64) {
    let left = retry_after(answered);
    assert!(span / 2 < left && left <= span, "{left} of {span}");
}

/// How many wrong ones in a row the database knows of.
async fn counted(house: &House, id: Uuid) -> Option<i32> {
    sqlx::query_scalar("select failures from sign_in_failures where id = $1")
        .bind(id)
        .fetch_optional(house.journal.pool())
        .await
        .unwrap()
}

fn id(person: &Person) -> Uuid {
    person.id.parse().unwrap()
}

/// So that the wait is longer than a slow machine takes for a test.
async fn pretend(house: &House, id: Uuid, failures: i32) {
    sqlx::query(
        "insert into sign_in_failures (id, failures, last_at) values ($1, $2, now()) \
         on conflict (id) do update set failures = excluded.failures, last_at = excluded.last_at",
    )
    .bind(id)
    .bind(failures)
    .execute(house.journal.pool())
    .await
    .unwrap();
}

#[tokio::test]
async fn c09_after_five_wrong_ones_even_the_right_password_has_to_wait() {
    let house = House::open().await;
    let ada = house.person().await;
    fail(&house, &ada.name, 5).await;
    assert_eq!(counted(&house, id(&ada)).await, Some(5), "written before it was answered");
    pretend(&house, id(&ada), 10).await;
    assert_waits(&guess(&house, &ada.name, "wrong").send().await, 32);
    assert_waits(&guess(&house, &ada.name, PASSWORD).send().await, 32);
    // Another name of hers is no way around, and neither is another process.
    let by_address = json!({ "email": format!("{}@EXAMPLE.com", ada.name), "password": PASSWORD });
    assert_waits(&house.post("/auth/login").json(&by_address).send().await, 32);
    let elsewhere = house.door_elsewhere(Choices::default()).await;
    let there = Ask::new(elsewhere, "POST", "/auth/login");
    assert_waits(&there.json(&by_address).send().await, 32);
    assert_eq!(counted(&house, id(&ada)).await, Some(10), "who is sent away has not guessed");
}

#[tokio::test]
async fn c09_the_wait_ends_and_the_right_password_forgives_all() {
    let house = House::open().await;
    let ada = house.person().await;
    fail(&house, &ada.name, 5).await;
    eventually("she may try again", async || guess(&house, &ada.name, PASSWORD).send().await.status == 200)
        .await;
    assert_eq!(counted(&house, id(&ada)).await, None);
    fail(&house, &ada.name, 4).await;
    house.login(&ada.name).await.expect(200);
    fail(&house, &ada.name, 5).await;
}

#[tokio::test]
async fn c09_a_name_that_nobody_has_is_counted_like_any_other() {
    let house = House::open().await;
    let ada = house.person().await;
    let mut answers = Vec::new();
    for (name, id) in [(ada.name.as_str(), id(&ada)), ("nobody", house.vault.claim("username", "nobody"))] {
        fail(&house, name, 5).await;
        assert_eq!(counted(&house, id).await, Some(5));
        pretend(&house, id, 10).await;
        let refused = guess(&house, name, "wrong").send().await;
        let mut body = refused.problem(429, "too_many_attempts");
        body.as_object_mut().unwrap().remove("request_id");
        assert_waits(&refused, 32);
        answers.push(body);
    }
    assert_eq!(answers[0], answers[1]);
}

#[tokio::test]
async fn c09_after_a_hundred_a_password_is_not_enough() {
    let house = House::open().await;
    let ada = house.person().await;
    pretend(&house, id(&ada), 99).await;
    sqlx::query("update sign_in_failures set last_at = now() - interval '1 hour'")
        .execute(house.journal.pool())
        .await
        .unwrap();
    guess(&house, &ada.name, "wrong").send().await.problem(401, "invalid_credentials");
    sqlx::query("update sign_in_failures set last_at = now() - interval '1 year'")
        .execute(house.journal.pool())
        .await
        .unwrap();
    let elsewhere = house.door_elsewhere(Choices::default()).await;
    let right = json!({ "username": ada.name, "password": PASSWORD });
    let there = Ask::new(elsewhere, "POST", "/auth/login").json(&right).send().await;
    assert_eq!((retry_after(&there), retry_after(&house.login(&ada.name).await)), (900, 900));
}

#[tokio::test]
async fn c10_fifty_guesses_at_once_are_five() {
    let house = House::open().await;
    let ada = house.person().await;
    for name in [ada.name.as_str(), "nobody"] {
        let guesses = (0..50).map(|n| guess(&house, name, &format!("wrong{n}")).send());
        let answers = join_all(guesses).await;
        let wrong = answers.iter().filter(|answered| answered.status == 401).count();
        assert_eq!(wrong, 5, "{name}");
        for refused in answers.iter().filter(|answered| answered.status != 401) {
            refused.problem(429, "too_many_attempts");
        }
    }
}

#[tokio::test]
async fn c10_a_right_guess_among_fifty_is_seen_only_if_it_is_one_of_the_first() {
    let house = House::open().await;
    let ada = house.person().await;
    let wrong = (0..5).map(|n| guess(&house, &ada.name, &format!("wrong{n}")).send());
    join_all(wrong).await;
    pretend(&house, id(&ada), 10).await;
    let answers = join_all((0..20).map(|_| guess(&house, &ada.name, PASSWORD).send())).await;
    assert!(answers.iter().all(|answered| answered.status == 429), "{answers:?}");
}

#[tokio::test]
async fn c11_who_signs_in_rightly_many_times_at_once_is_let_in() {
    let house = House::open().await;
    let ada = house.person().await;
    for answered in join_all((0..5).map(|_| house.login(&ada.name))).await {
        answered.expect(200);
    }
    fail(&house, &ada.name, 3).await;
    // More than there are free failures: those behind wait for those in front.
    for answered in join_all((0..12).map(|_| house.login(&ada.name))).await {
        answered.expect(200);
    }
}

#[tokio::test]
async fn c12_an_admin_lets_somebody_sign_in_again() {
    let house = House::open().await;
    let (ada, root) = (house.person().await, house.admin().await);
    pretend(&house, id(&ada), 100).await;
    house.login(&ada.name).await.problem(429, "too_many_attempts");
    let path = format!("/users/{}/unlock", ada.id);
    house.post(&path).send().await.problem(401, "missing_token");
    house.post(&path).token(&ada.token).send().await.problem(403, "admin_required");
    house.login(&ada.name).await.problem(429, "too_many_attempts");
    let stale = house.post(&path).token(&root.token).header("if-match", "\"999\"").send().await;
    stale.problem(412, "version_mismatch");
    let unlocked = house.post(&path).token(&root.token).send().await;
    let body = unlocked.expect(200);
    assert_eq!(body["user"]["id"], json!(ada.id));
    assert_eq!(unlocked.header("etag"), Some(format!("\"{}\"", body["user"]["version"]).as_str()));
    assert_eq!(unlocked.header("counterfoil-position"), Some(body["position"].to_string().as_str()));
    house.login(&ada.name).await.expect(200);
    fail(&house, &ada.name, 5).await;
    let nobody = house.post(&format!("/users/{}/unlock", Uuid::new_v4())).token(&root.token).send().await;
    nobody.problem(404, "user_not_found");
}

#[tokio::test]
async fn c12_a_session_too_many_is_no_failure() {
    let house = House::open().await;
    let ada = house.person().await;
    for _ in 0..12 {
        house.login(&ada.name).await.expect(200);
    }
    fail(&house, &ada.name, 5).await;
}
