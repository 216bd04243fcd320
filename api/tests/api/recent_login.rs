//! What a token that was left open is not enough for: it takes a sign-in of the last minutes, or the password.

use crate::api_keys::{balance, change, create, key_with, keys_of, revoke};
use crate::client::Ask;
use crate::house::{Choices, House, PASSWORD, Person, new_key};
use crate::signing::{now, own_key, parts, signed, with};
use serde_json::{Value, json};
use std::time::Duration;
use testkit::eventually;

const NEW_PASSWORD: &str = "a staple of quite another horse";
const EXCHANGE_KEY: &str = "b54bcf4d-1bca-4e8e-9a24-22ff2c3d462c";

/// The same person in the same login session, who signed in so many seconds ago.
fn seconds_ago(house: &House, person: &Person, seconds: u64) -> Person {
    let (header, claims) = parts(&person.token);
    let claims = with(&claims, "auth_time", json!(now() - seconds));
    Person { token: signed(&own_key(&house.keys.ring()), &header, &claims), ..person.clone() }
}

/// Five minutes are over.
pub(crate) fn long_ago(house: &House, person: &Person) -> Person {
    seconds_ago(house, person, 300)
}

fn confirmed(body: &Value, password: &str) -> Value {
    with(body, "current_password", json!(password))
}

fn ask(house: &House, person: &Person, (method, path): (&str, &str), body: &Value) -> Ask {
    house.ask(method, path).token(&person.token).json(body)
}

fn address(person: &Person) -> String {
    person.name.replacen("ada", "Ada", 1) + "@example.com"
}

/// Each of them takes it, does nothing without it, and is done with the password.
async fn take_it(house: &House, person: &Person, asked: &[(&str, String, Value, u16)]) {
    for (method, path, body, status) in asked {
        let what = (*method, path.as_str());
        let head = house.head().await;
        let refused = ask(house, person, what, body).send().await;
        assert_eq!(refused.status, 403, "{what:?}: {}", refused.text());
        let problem = refused.problem(403, "recent_login_required");
        assert_eq!(problem["max_age_seconds"], 300);
        assert!(problem["detail"].as_str().unwrap().ends_with("sign in again, or send current_password"));
        let guess = ask(house, person, what, &confirmed(body, "not the password")).send().await;
        assert_eq!(guess.status, 401, "{what:?}: {}", guess.text());
        guess.problem(401, "invalid_credentials");
        assert_eq!(house.head().await, head, "{what:?}");
        let done = ask(house, person, what, &confirmed(body, PASSWORD)).send().await;
        assert_eq!(done.status, *status, "{what:?}: {}", done.text());
    }
}

#[tokio::test]
async fn keys_addresses_and_credentials_take_a_recent_sign_in_or_the_password() {
    let house = House::open().await;
    let ada = house.person().await;
    let key = key_with(&house, &ada, &json!({})).await;
    let of_key = format!("{}/{}", keys_of(&ada), key.id);
    let whole = |email: &str| json!({ "username": ada.name, "email": email });
    let old = long_ago(&house, &ada);
    let asked = [
        ("POST", keys_of(&ada), json!({ "name": "n", "scopes": ["wallet:read"] }), 201),
        ("POST", format!("{of_key}/rotate"), json!({}), 200),
        ("PATCH", of_key.clone(), json!({ "scopes": ["wallet:read", "wallet:withdraw"] }), 200),
        ("PATCH", of_key.clone(), json!({ "expires_at": "2030-01-01T00:00:00Z" }), 200),
        ("PATCH", of_key.clone(), json!({ "cidrs": [] }), 200),
        ("PATCH", of_key.clone(), json!({ "name": "again", "is_active": true }), 200),
        (
            "PUT",
            "/users/me/exchange-credentials/coinmarketcap".to_owned(),
            json!({ "key": EXCHANGE_KEY }),
            200,
        ),
        ("PATCH", "/users/me".to_owned(), json!({ "email": "one@example.com" }), 202),
        ("PUT", "/users/me".to_owned(), whole("two@example.com"), 202),
        ("PUT", "/users/me/profile".to_owned(), json!({ "email": "three@example.com" }), 202),
        ("PUT", format!("/auth/{}", ada.id), whole("four@example.com"), 202),
    ];
    take_it(&house, &old, &asked).await;

    // A little younger it is recent, and so it is after another sign-in.
    let asked = json!({ "name": "n", "scopes": ["wallet:read"] });
    create(&house, &seconds_ago(&house, &ada, 290), &asked).send().await.expect(201);
    create(&house, &old, &asked).send().await.problem(403, "recent_login_required");
    let token = house.login(&ada.name).await.expect(200)["access_token"].as_str().unwrap().to_owned();
    create(&house, &Person { token, ..ada }, &asked).send().await.expect(201);
}

#[tokio::test]
async fn a_rotation_without_a_body_takes_a_recent_sign_in_too() {
    let house = House::open().await;
    let ada = house.person().await;
    let key = key_with(&house, &ada, &json!({})).await;
    let path = format!("{}/{}/rotate", keys_of(&ada), key.id);
    let rotate = |person: &Person| house.post(&path).token(&person.token).send();
    rotate(&long_ago(&house, &ada)).await.problem(403, "recent_login_required");
    rotate(&ada).await.expect(200);
}

#[tokio::test]
async fn erasing_oneself_takes_a_recent_sign_in_or_the_password() {
    let house = House::open().await;
    let ada = house.person().await;
    let asked = [("DELETE", "/users/me".to_owned(), json!({}), 200)];
    take_it(&house, &long_ago(&house, &ada), &asked).await;
}

#[tokio::test]
async fn what_takes_power_away_is_never_made_harder() {
    let house = House::open().await;
    let ada = house.person().await;
    let key = key_with(&house, &ada, &json!({})).await;
    let credentials = "/users/me/exchange-credentials/coinmarketcap";
    ask(&house, &ada, ("PUT", credentials), &json!({ "key": EXCHANGE_KEY })).send().await.expect(200);
    let old = long_ago(&house, &ada);
    change(&house, &old, &key, &json!({ "name": "renamed" })).send().await.expect(200);
    change(&house, &old, &key, &json!({ "is_active": false })).send().await.expect(200);
    revoke(&house, &old, &key).send().await.expect(200);
    house.ask("DELETE", credentials).token(&old.token).send().await.expect(200);
    for (method, path, body) in [
        ("PATCH", "/users/me", json!({ "name": "Ada L." })),
        ("PATCH", "/users/me", json!({ "email": address(&ada), "name": "Ada" })),
        ("PUT", "/users/me", json!({ "username": ada.name, "email": address(&ada) })),
        ("PUT", "/users/me/profile", json!({ "username": format!("{}b", ada.name) })),
        ("PATCH", "/users/me/preferences", json!({ "language": "uk" })),
    ] {
        ask(&house, &old, (method, path), &body).send().await.expect(200);
    }
    house.get(&keys_of(&ada)).token(&old.token).send().await.expect(200);
    house.post("/auth/logout-all").token(&old.token).send().await.expect(200);
}

#[tokio::test]
async fn an_admin_changes_others_with_a_recent_sign_in_or_their_own_password() {
    let house = House::open().await;
    let (ada, bob, admin) = (house.person().await, house.person().await, house.admin().await);
    let old = long_ago(&house, &admin);
    let of = |verb: &str| format!("/users/{}{verb}", ada.id);
    let whole = json!({ "username": ada.name, "email": address(&ada) });
    let asked = [
        ("POST", "/users".to_owned(), house.registration(), 201),
        ("PATCH", of(""), json!({ "name": "Ada" }), 200),
        ("PUT", of(""), whole.clone(), 200),
        ("PUT", of("/profile"), json!({ "name": "Ada L." }), 200),
        ("PUT", format!("/auth/{}", ada.id), whole, 200),
        ("POST", of("/suspend"), json!({}), 200),
        ("POST", of("/reactivate"), json!({}), 200),
        ("POST", of("/unlock"), json!({}), 200),
        ("DELETE", of(""), json!({}), 200),
        ("DELETE", format!("/auth/{}", bob.id), json!({}), 200),
    ];
    take_it(&house, &old, &asked).await;

    let eve = house.person().await;
    for verb in ["suspend", "reactivate", "unlock"] {
        let ask = || house.post(&format!("/users/{}/{verb}", eve.id));
        ask().token(&old.token).send().await.problem(403, "recent_login_required");
        ask().token(&admin.token).send().await.expect(200);
    }
    let nobody = house.ask("DELETE", &format!("/users/{}", eve.id)).token(&old.token);
    nobody.send().await.problem(403, "recent_login_required");

    // To read is to read, and one's own name is one's own.
    house.get(&format!("/users/{}", eve.id)).token(&old.token).send().await.expect(200);
    ask(&house, &old, ("POST", "/users/search"), &json!({})).send().await.expect(200);
    ask(&house, &old, ("PATCH", "/users/me"), &json!({ "name": "Boss" })).send().await.expect(200);
    let moved = ask(&house, &old, ("PATCH", "/users/me"), &json!({ "email": "boss@example.com" }));
    moved.send().await.problem(403, "recent_login_required");

    // It is not the other's password that is asked for.
    let body = json!({ "current_password": PASSWORD, "new_password": NEW_PASSWORD });
    ask(&house, &admin, ("POST", "/auth/password"), &body).send().await.expect(200);
    let suspend = |password: &str| {
        ask(&house, &old, ("POST", &format!("/users/{}/suspend", eve.id)), &confirmed(&json!({}), password))
            .send()
    };
    suspend(PASSWORD).await.problem(401, "invalid_credentials");
    suspend(NEW_PASSWORD).await.expect(200);
}

#[tokio::test]
async fn who_may_not_is_told_so_whenever_they_signed_in() {
    let house = House::open().await;
    let (ada, eve) = (house.person().await, house.person().await);
    let key = key_with(&house, &ada, &json!({ "scopes": ["profile:read", "wallet:withdraw"] })).await;
    let asked = confirmed(&json!({ "name": "n", "scopes": ["wallet:read"] }), PASSWORD);
    let by_key = house.post(&keys_of(&ada)).token(&key.text).json(&asked);
    by_key.send().await.problem(403, "person_required");
    let old = long_ago(&house, &eve);
    let suspend = house.post(&format!("/users/{}/suspend", ada.id)).token(&old.token).json(&asked);
    suspend.send().await.problem(403, "admin_required");
    let theirs = house.post(&keys_of(&ada)).token(&old.token).json(&asked);
    theirs.send().await.problem(404, "user_not_found");
}

#[tokio::test]
async fn a_wrong_password_there_counts_like_a_wrong_sign_in() {
    let house = House::open().await;
    let ada = house.person().await;
    let asked = json!({ "name": "n", "scopes": ["wallet:read"] });
    let with = |password: &str| create(&house, &ada, &confirmed(&asked, password)).send();
    // Even where nothing asks for it: what is sent is looked at.
    let head = house.head().await;
    for n in 0..5 {
        with(&format!("guess {n}")).await.problem(401, "invalid_credentials");
    }
    with("guess 6").await.problem(429, "too_many_attempts");
    with(PASSWORD).await.problem(429, "too_many_attempts");
    house.login(&ada.name).await.problem(429, "too_many_attempts");
    assert_eq!(house.head().await, head);
    create(&house, &ada, &asked).send().await.expect(201);

    let unfit =
        |password: Value| create(&house, &ada, &crate::signing::with(&asked, "current_password", password));
    for (password, code) in [(json!("x".repeat(2_000)), "too_long"), (json!(7), "wrong_type")] {
        let problem = unfit(password).send().await.problem(422, "validation_failed");
        assert_eq!(problem["errors"][0]["pointer"], "/current_password");
        assert_eq!(problem["errors"][0]["code"], code);
    }
    unfit(Value::Null).send().await.expect(201);
}

#[tokio::test]
async fn a_token_that_was_exchanged_is_as_old_as_its_login() {
    let house =
        House::open_with(Choices { recent_login: Duration::from_secs(1), ..Choices::default() }).await;
    let ada = house.person().await;
    let asked = json!({ "name": "n", "scopes": ["wallet:read"] });
    // Left again and again they are still the same credentials.
    let credentials = ("PUT", "/users/me/exchange-credentials/coinmarketcap");
    eventually("the sign-in is too long ago", async || {
        ask(&house, &ada, credentials, &json!({ "key": EXCHANGE_KEY })).send().await.status == 403
    })
    .await;
    let refresh = json!({ "refresh_token": ada.refresh_token });
    let refreshed = house.post("/auth/refresh").json(&refresh).send().await.expect(200);
    let token = refreshed["access_token"].as_str().unwrap().to_owned();
    assert_eq!(parts(&token).1["auth_time"], parts(&ada.token).1["auth_time"]);
    let ada = Person { token, ..ada };
    create(&house, &ada, &asked).send().await.problem(403, "recent_login_required");
    create(&house, &ada, &confirmed(&asked, PASSWORD)).send().await.expect(201);
}

#[tokio::test]
async fn where_no_sign_in_is_recent_the_password_is_asked_for_every_time() {
    let house = House::open_with(Choices { recent_login: Duration::ZERO, ..Choices::default() }).await;
    let ada = house.person().await;
    let asked = json!({ "name": "n", "scopes": ["wallet:read"] });
    let refused = create(&house, &ada, &asked).send().await.problem(403, "recent_login_required");
    assert_eq!(refused["detail"], "send current_password");
    create(&house, &ada, &confirmed(&asked, PASSWORD)).send().await.expect(201);
}

#[tokio::test]
async fn the_password_is_no_part_of_the_request_that_is_repeated() {
    let house = House::open().await;
    let ada = house.person().await;
    let asked = json!({ "name": "n", "scopes": ["wallet:read"] });
    let key = new_key();
    let first = create(&house, &long_ago(&house, &ada), &confirmed(&asked, PASSWORD)).key(&key).send().await;
    let again = create(&house, &ada, &asked).key(&key).send().await;
    assert_eq!(again.header("idempotency-replayed"), Some("true"));
    assert_eq!(again.expect(201)["id"], first.expect(201)["id"]);
    let made = crate::api_keys::Key::of(&first.json());
    balance(&house, &made).await.expect(200);
}
