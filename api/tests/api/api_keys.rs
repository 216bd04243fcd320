//! API keys as tests use them: made, changed, rotated, revoked, and shown at the door.

use crate::client::{Answered, Ask};
use crate::house::{House, Person};
use commands::{Context, Principal};
use domain::UserId;
use domain::user::Role;
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use uuid::Uuid;

/// A change on another node is known here by then: it looks once a second, and this machine has other things to do.
pub(crate) const SOON: Duration = Duration::from_secs(3);

/// A key as its holder got it.
#[derive(Clone, Debug)]
pub(crate) struct Key {
    pub(crate) id: String,
    pub(crate) text: String,
}

impl Key {
    pub(crate) fn of(body: &Value) -> Self {
        let text = |name: &str| body[name].as_str().unwrap().to_owned();
        Self { id: text("id"), text: text("key") }
    }
}

pub(crate) fn keys_of(person: &Person) -> String {
    format!("/users/{}/api-keys", person.id)
}

pub(crate) fn create(house: &House, person: &Person, body: &Value) -> Ask {
    house.post(&keys_of(person)).token(&person.token).json(body)
}

pub(crate) async fn key_with(house: &House, person: &Person, body: &Value) -> Key {
    let mut asked = json!({ "name": "nightly", "scopes": ["wallet:read"] });
    for (name, value) in body.as_object().unwrap() {
        asked[name] = value.clone();
    }
    Key::of(&create(house, person, &asked).send().await.expect(201))
}

pub(crate) fn change(house: &House, person: &Person, key: &Key, body: &Value) -> Ask {
    house.ask("PATCH", &format!("{}/{}", keys_of(person), key.id)).token(&person.token).json(body)
}

pub(crate) fn rotate(house: &House, person: &Person, key: &Key, overlap_seconds: u64) -> Ask {
    let path = format!("{}/{}/rotate", keys_of(person), key.id);
    house.post(&path).token(&person.token).json(&json!({ "overlap_seconds": overlap_seconds }))
}

pub(crate) fn revoke(house: &House, person: &Person, key: &Key) -> Ask {
    house.ask("DELETE", &format!("{}/{}", keys_of(person), key.id)).token(&person.token)
}

pub(crate) async fn balance(house: &House, key: &Key) -> Answered {
    house.get("/users/me/balance").token(&key.text).send().await
}

pub(crate) fn context() -> Context {
    Context {
        principal: Principal::System,
        key: None,
        correlation_id: Uuid::new_v4(),
        expected_version: None,
        received: Instant::now(),
    }
}

pub(crate) fn user_id(person: &Person) -> UserId {
    UserId(person.id.parse().unwrap())
}

/// A service, signed in to make its keys.
pub(crate) async fn service(house: &House) -> Person {
    let person = house.person().await;
    house.commands.give_role(context(), user_id(&person), Role::Service).await.unwrap();
    let token = house.login(&person.name).await.expect(200)["access_token"].as_str().unwrap().to_owned();
    Person { token, ..person }
}

pub(crate) fn in_seconds(seconds: i64) -> String {
    (OffsetDateTime::now_utc() + time::Duration::seconds(seconds)).format(&Rfc3339).unwrap()
}
