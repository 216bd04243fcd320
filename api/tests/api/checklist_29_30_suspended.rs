//! 29 and 30, as far as users go: what an admin may do with others, and how soon a token is worth nothing.

use crate::client::{Answered, Ask};
use crate::house::{Choices, House, PASSWORD, Person, new_key};
use commands::{Context, Principal};
use domain::UserId;
use domain::user::Role;
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use testkit::eventually;
use uuid::Uuid;

/// How long a token may outlive what ended it: a second where nobody tells of it, and a moment to look.
const AT_LAST: Duration = Duration::from_millis(1_500);

async fn tell(house: &House, admin: &Person, verb: &str, whom: &str) -> Answered {
    house.post(&format!("/users/{whom}/{verb}")).token(&admin.token).send().await
}

#[tokio::test]
async fn c29_an_admin_reads_everybody_and_nobody_else_does() {
    let house = House::open().await;
    let (ada, eve, admin) = (house.person().await, house.person().await, house.admin().await);
    for path in [format!("/users/{}", ada.id), format!("/users/{}/profile", ada.id)] {
        let found = house.get(&path).token(&admin.token).send().await.expect(200);
        assert_eq!(found["username"], json!(ada.name));
        house.get(&path).token(&eve.token).send().await.problem(404, "user_not_found");
    }
    let head = house.head().await;
    for (method, path) in [
        ("PATCH", format!("/users/{}", ada.id)),
        ("PUT", format!("/users/{}", ada.id)),
        ("PUT", format!("/auth/{}", ada.id)),
        ("PUT", format!("/users/{}/profile", ada.id)),
    ] {
        let body = json!({ "username": "mallory", "email": "mallory@example.com" });
        let refused = house.ask(method, &path).token(&eve.token).json(&body).send().await;
        refused.problem(404, "user_not_found");
    }
    for verb in ["suspend", "reactivate"] {
        tell(&house, &eve, verb, &ada.id).await.problem(403, "admin_required");
        tell(&house, &ada, verb, "me").await.problem(403, "admin_required");
        tell(&house, &admin, verb, &new_key()).await.problem(404, "user_not_found");
    }
    assert_eq!(house.head().await, head);
}

#[tokio::test]
async fn c30_a_suspended_user_is_out_at_once_and_stays_out() {
    let house = House::open().await;
    let (ada, admin) = (house.person().await, house.admin().await);
    let suspended = tell(&house, &admin, "suspend", &ada.id).await;
    let body = suspended.expect(200);
    assert_eq!(body["user"]["status"], "suspended");
    assert_eq!(suspended.header("etag"), Some(format!("\"{}\"", body["user"]["version"]).as_str()));
    // Before anybody could look.
    house.get("/users/me").token(&ada.token).send().await.problem(401, "session_ended");
    let refresh = json!({ "refresh_token": ada.refresh_token });
    house.post("/auth/refresh").json(&refresh).send().await.problem(401, "invalid_refresh_token");

    house.login(&ada.name).await.problem(403, "user_suspended");
    let wrong = json!({ "username": ada.name, "password": "not the password" });
    let wrong = house.post("/auth/login").header("x-request-id", "same").json(&wrong).send().await;
    let unknown = json!({ "username": "nobody", "password": "not the password" });
    let unknown = house.post("/auth/login").header("x-request-id", "same").json(&unknown).send().await;
    wrong.problem(401, "invalid_credentials");
    assert_eq!(wrong.body, unknown.body, "without the password nobody learns of it");

    let head = house.head().await;
    assert_eq!(tell(&house, &admin, "suspend", &ada.id).await.expect(200)["user"]["status"], "suspended");
    assert_eq!(house.head().await, head, "a second time is nothing new");

    assert_eq!(tell(&house, &admin, "reactivate", &ada.id).await.expect(200)["user"]["status"], "active");
    house.get("/users/me").token(&ada.token).send().await.problem(401, "session_ended");
    house.login(&ada.name).await.expect(200);
    let head = house.head().await;
    tell(&house, &admin, "reactivate", &ada.id).await.expect(200);
    assert_eq!(house.head().await, head);
}

#[tokio::test]
async fn c30_suspension_takes_a_key_and_a_version() {
    let house = House::open().await;
    let (ada, admin) = (house.person().await, house.admin().await);
    let path = format!("/users/{}/suspend", ada.id);
    let ask = || house.post(&path).token(&admin.token);
    ask().header("if-match", "\"1\"").send().await.problem(412, "version_mismatch");
    house.get("/users/me").token(&ada.token).send().await.expect(200);
    let key = new_key();
    let first = ask().header("if-match", "\"2\"").key(&key).send().await;
    first.expect(200);
    tell(&house, &admin, "reactivate", &ada.id).await.expect(200);
    let again = ask().header("if-match", "\"2\"").key(&key).send().await;
    assert_eq!(again.body, first.body);
    house.login(&ada.name).await.expect(200);
}

#[tokio::test]
async fn c30_where_nobody_tells_of_it_a_token_lives_a_second_at_most() {
    let house = House::open().await;
    let (ada, eve, admin) = (house.person().await, house.person().await, house.admin().await);
    let elsewhere = house.door_elsewhere(Choices::default()).await;
    let there =
        async |person: &Person| Ask::new(elsewhere, "GET", "/users/me").token(&person.token).send().await;
    there(&ada).await.expect(200);
    there(&eve).await.expect(200);
    tell(&house, &admin, "suspend", &ada.id).await.expect(200);
    let context = Context {
        principal: Principal::System,
        key: None,
        correlation_id: Uuid::new_v4(),
        expected_version: None,
        received: Instant::now(),
    };
    let eves_id = UserId(eve.id.parse().unwrap());
    house.commands.give_role(context, eves_id, Role::Admin).await.unwrap();
    let changed = Instant::now();
    for person in [&ada, &eve] {
        eventually("the other door refuses the token", async || there(person).await.status == 401).await;
        there(person).await.problem(401, "session_ended");
    }
    assert!(changed.elapsed() < AT_LAST, "{:?}", changed.elapsed());
    // Here, where it happened past the door, the feed tells of it.
    let here = async || house.get("/users/me").token(&eve.token).send().await;
    eventually("and this one too", async || here().await.status == 401).await;
    let body: Value = json!({ "username": eve.name, "password": PASSWORD });
    let signed_in = house.post("/auth/login").json(&body).send().await.expect(200);
    assert_eq!(signed_in["user"]["roles"], json!(["user", "admin"]));
}
