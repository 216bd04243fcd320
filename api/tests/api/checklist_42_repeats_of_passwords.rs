//! Point 42 where a repeat cannot be prepared again: the first attempt has changed the password, or used the token up.

use crate::client::Answered;
use crate::house::{House, PASSWORD, Person, new_key};
use futures::future::join_all;
use serde_json::{Value, json};

const NEW_PASSWORD: &str = "a staple of quite another horse";

fn address(person: &Person) -> String {
    person.name.replacen("ada", "Ada", 1) + "@example.com"
}

async fn change(house: &House, person: &Person, key: &str, current: &str, new: &str) -> Answered {
    let body = json!({ "current_password": current, "new_password": new });
    house.post("/auth/password").token(&person.token).key(key).json(&body).send().await
}

async fn reset(house: &House, key: &str, token: &str, password: &str) -> Answered {
    let body = json!({ "token": token, "new_password": password });
    house.post("/auth/password/reset").key(key).json(&body).send().await
}

async fn verify(house: &House, key: &str, token: &str) -> Answered {
    house.post("/auth/email/verify").key(key).json(&json!({ "token": token })).send().await
}

async fn reset_token(house: &House, person: &Person) -> String {
    let body = json!({ "email": address(person) });
    house.post("/auth/password/forgot").json(&body).send().await.expect(202);
    house.mail("reset_password", &address(person)).await.token()
}

async fn sign_in(house: &House, person: &Person, password: &str) -> Answered {
    house.post("/auth/login").json(&json!({ "username": person.name, "password": password })).send().await
}

#[track_caller]
fn same(first: &Answered, again: &Answered) {
    assert_eq!((again.status, again.text()), (first.status, first.text()));
    for header in ["etag", "counterfoil-position", "content-type"] {
        assert_eq!(again.header(header), first.header(header), "{header}");
    }
    assert_eq!(first.header("idempotency-replayed"), None);
    assert_eq!(again.header("idempotency-replayed"), Some("true"));
}

#[tokio::test]
async fn c42_a_password_is_changed_once_under_a_key() {
    let house = House::open().await;
    let ada = house.person().await;
    let key = new_key();
    let first = change(&house, &ada, &key, PASSWORD, NEW_PASSWORD).await;
    first.expect(200);
    let head = house.head().await;
    same(&first, &change(&house, &ada, &key, PASSWORD, NEW_PASSWORD).await);
    for (current, new) in [(PASSWORD, PASSWORD), (NEW_PASSWORD, NEW_PASSWORD)] {
        change(&house, &ada, &key, current, new).await.problem(422, "idempotency_key_reused");
    }
    assert_eq!(house.head().await, head);
    sign_in(&house, &ada, NEW_PASSWORD).await.expect(200);
    // Without the key it is a request of its own, and the password is not the present one any more.
    change(&house, &ada, &new_key(), PASSWORD, NEW_PASSWORD).await.problem(401, "invalid_credentials");
    // Later changes do not change what was answered.
    let later = change(&house, &ada, &new_key(), NEW_PASSWORD, PASSWORD).await;
    later.expect(200);
    same(&first, &change(&house, &ada, &key, PASSWORD, NEW_PASSWORD).await);
    sign_in(&house, &ada, PASSWORD).await.expect(200);
}

#[tokio::test]
async fn c42_whoever_guesses_under_a_known_key_waits_like_everybody_who_guesses() {
    let house = House::open().await;
    let ada = house.person().await;
    let key = new_key();
    change(&house, &ada, &key, PASSWORD, NEW_PASSWORD).await.expect(200);
    for n in 0..5 {
        let guess = change(&house, &ada, &key, PASSWORD, &format!("a guess of number {n}")).await;
        guess.problem(422, "idempotency_key_reused");
    }
    let right = change(&house, &ada, &key, PASSWORD, NEW_PASSWORD).await;
    right.problem(429, "too_many_attempts");
    assert_eq!(sign_in(&house, &ada, NEW_PASSWORD).await.status, 429);
}

#[tokio::test]
async fn c42_a_wrong_password_is_not_remembered_under_a_key() {
    let house = House::open().await;
    let ada = house.person().await;
    let key = new_key();
    change(&house, &ada, &key, "not the password", NEW_PASSWORD).await.problem(401, "invalid_credentials");
    change(&house, &ada, &key, PASSWORD, "short").await.problem(422, "validation_failed");
    let right = change(&house, &ada, &key, PASSWORD, NEW_PASSWORD).await;
    assert_eq!((right.status, right.header("idempotency-replayed")), (200, None));
}

#[tokio::test]
async fn c42_a_reset_is_answered_again_though_its_token_is_used_up() {
    let house = House::open().await;
    let ada = house.person().await;
    let token = reset_token(&house, &ada).await;
    let key = new_key();
    let first = reset(&house, &key, &token, NEW_PASSWORD).await;
    first.expect(200);
    let head = house.head().await;
    same(&first, &reset(&house, &key, &token, NEW_PASSWORD).await);
    reset(&house, &key, &token, PASSWORD).await.problem(422, "idempotency_key_reused");
    reset(&house, &new_key(), &token, NEW_PASSWORD).await.problem(422, "invalid_mail_token");
    let verifies = house.mail("verify_email", &address(&ada)).await.token();
    reset(&house, &key, &verifies, NEW_PASSWORD).await.problem(422, "invalid_mail_token");
    assert_eq!(house.head().await, head);
    sign_in(&house, &ada, NEW_PASSWORD).await.expect(200);
    // Another token under that key is another request.
    let second = reset_token_number(&house, &ada, 2).await;
    reset(&house, &key, &second, NEW_PASSWORD).await.problem(422, "idempotency_key_reused");
    reset(&house, &new_key(), &second, PASSWORD).await.expect(200);
    same(&first, &reset(&house, &key, &token, NEW_PASSWORD).await);
    sign_in(&house, &ada, PASSWORD).await.expect(200);
}

async fn reset_token_number(house: &House, person: &Person, number: usize) -> String {
    let body = json!({ "email": address(person) });
    house.post("/auth/password/forgot").json(&body).send().await.expect(202);
    house.mail_number(number, "reset_password", &address(person)).await.token()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c42_of_many_resets_with_one_key_at_once_one_is_done() {
    let house = House::open().await;
    let ada = house.person().await;
    let token = reset_token(&house, &ada).await;
    let key = new_key();
    let answers = join_all((0..12).map(|_| reset(&house, &key, &token, NEW_PASSWORD))).await;
    for answered in &answers {
        match answered.status {
            200 => {}
            503 => drop(answered.problem(503, "unavailable")),
            _ => drop(answered.problem(409, "in_flight")),
        }
    }
    let fresh = answers.iter().filter(|a| a.status == 200 && a.header("idempotency-replayed").is_none());
    assert_eq!(fresh.count(), 1);
    let mut bodies: Vec<Value> = answers.iter().filter(|a| a.status == 200).map(Answered::json).collect();
    bodies.dedup();
    assert_eq!(bodies.len(), 1);
}

#[tokio::test]
async fn c42_an_address_is_proved_once_under_a_key() {
    let house = House::open().await;
    let (ada, bea) = (house.person().await, house.person().await);
    let token = house.mail("verify_email", &address(&ada)).await.token();
    let others = house.mail("verify_email", &address(&bea)).await.token();
    let key = new_key();
    let first = verify(&house, &key, &token).await;
    assert_eq!(first.expect(200)["user"]["email_verified"], true);
    let head = house.head().await;
    same(&first, &verify(&house, &key, &token).await);
    verify(&house, &new_key(), &token).await.problem(422, "invalid_mail_token");
    // Who is not signed in shares keys with everybody else who is not.
    verify(&house, &key, &others).await.problem(422, "idempotency_key_reused");
    assert_eq!(house.head().await, head);
    verify(&house, &new_key(), &others).await.expect(200);
}

#[tokio::test]
async fn c42_a_mail_with_a_link_may_be_asked_for_again_with_or_without_a_key() {
    let house = House::open().await;
    let ada = house.person().await;
    let key = new_key();
    let forgot = |key: &str| {
        let body = json!({ "email": address(&ada) });
        house.post("/auth/password/forgot").key(key).json(&body).send()
    };
    let resend = |key: &str| house.post("/auth/email/resend").token(&ada.token).key(key).send();
    let head = house.head().await;
    for answered in [forgot(&key).await, forgot(&key).await, resend(&key).await, resend(&key).await] {
        assert_eq!(answered.expect(202), json!({ "accepted": true }));
    }
    forgot("a b").await.problem(400, "invalid_idempotency_key");
    resend("\"open").await.problem(400, "invalid_idempotency_key");
    house.no_mail_is_under_way().await;
    assert_eq!(house.head().await, head);
    // However often it was asked for, one link is good: the newest.
    let mails: Vec<_> = house.mails().into_iter().filter(|mail| mail.kind == "reset_password").collect();
    let newest = mails.last().unwrap().token();
    for older in &mails[..mails.len() - 1] {
        reset(&house, &new_key(), &older.token(), NEW_PASSWORD).await.problem(422, "invalid_mail_token");
    }
    reset(&house, &new_key(), &newest, NEW_PASSWORD).await.expect(200);
}

#[tokio::test]
async fn c42_nothing_of_a_password_or_a_token_is_kept_with_a_key() {
    let house = House::open().await;
    let ada = house.person().await;
    let token = reset_token(&house, &ada).await;
    reset(&house, &new_key(), &token, NEW_PASSWORD).await.expect(200);
    let rows: Vec<String> =
        sqlx::query_scalar("select c::text from commands c").fetch_all(house.journal.pool()).await.unwrap();
    assert!(!rows.is_empty());
    for row in rows {
        assert!(!row.contains(&token[4..]) && !row.contains("horse") && !row.contains("argon2"), "{row}");
    }
}
