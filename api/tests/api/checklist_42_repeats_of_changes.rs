//! Point 42 for changes of an account: a repeat tells the state of then, even if it left nothing, and is not logged again.

use crate::api_keys::{create, keys_of};
use crate::client::Answered;
use crate::house::{House, Person, new_key};
use crate::logs;
use domain::Timestamp;
use projections::ApiKeyUse;
use serde_json::{Value, json};

fn address(person: &Person) -> String {
    person.name.replacen("ada", "Ada", 1) + "@example.com"
}

async fn ask(
    house: &House,
    who: &Person,
    method: &str,
    path: &str,
    key: &str,
    body: Option<&Value>,
) -> Answered {
    let ask = house.ask(method, path).token(&who.token).key(key);
    match body {
        Some(body) => ask.json(body).send().await,
        None => ask.send().await,
    }
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
async fn c42_a_change_that_changed_nothing_is_answered_again_as_it_was() {
    let house = House::open().await;
    let (ada, boss) = (house.person().await, house.admin().await);
    let status = |verb: &str| format!("/users/{}/{verb}", ada.id);
    let asked = [
        (&ada, "PATCH", "/users/me".to_owned(), Some(json!({ "name": null }))),
        (&ada, "PATCH", "/users/me/preferences".to_owned(), Some(json!({ "theme": "light" }))),
        (&boss, "POST", status("reactivate"), None),
        (&ada, "POST", "/auth/logout-all?keep_current=true".to_owned(), None),
    ];
    let mut first = Vec::new();
    let (head, keys) = (house.head().await, [(); 4].map(|()| new_key()));
    for ((who, method, path, body), key) in asked.iter().zip(&keys) {
        let answered = ask(&house, who, method, path, key, body.as_ref()).await;
        assert_eq!(answered.expect(200)["position"], json!(head));
        assert!(answered.header("etag").is_some(), "{path}");
        first.push(answered);
    }
    assert_eq!(house.head().await, head, "there was nothing to change");
    let dark = json!({ "theme": "dark" });
    ask(&house, &ada, "PATCH", "/users/me/preferences", &new_key(), Some(&dark)).await.expect(200);
    let named = json!({ "name": "Ada L." });
    ask(&house, &ada, "PATCH", "/users/me", &new_key(), Some(&named)).await.expect(200);
    for (((who, method, path, body), key), first) in asked.iter().zip(&keys).zip(&first) {
        same(first, &ask(&house, who, method, path, key, body.as_ref()).await);
    }
}

#[tokio::test]
async fn c42_asking_for_an_address_again_is_answered_whoever_has_it_by_then() {
    let house = House::open().await;
    let ada = house.person().await;
    let (key, wanted) = (new_key(), json!({ "email": "ada.l@example.org", "name": "Ada L." }));
    let again = || ask(&house, &ada, "PATCH", "/users/me", &key, Some(&wanted));
    let first = again().await;
    assert_eq!(first.expect(202)["pending_email"], "ada.l@example.org");
    same(&first, &again().await);
    // It is proved.
    let token = house.mail("verify_new_email", "ada.l@example.org").await.token();
    house.no_mail_is_under_way().await;
    let token = house
        .mails()
        .iter()
        .rfind(|mail| mail.kind == "verify_new_email")
        .map_or(token, crate::mails::Mail::token);
    house.post("/auth/email/verify").json(&json!({ "token": token })).send().await.expect(200);
    house.no_mail_is_under_way().await;
    let mails = house.mails().len();
    same(&first, &again().await);
    house.no_mail_is_under_way().await;
    assert_eq!(house.mails().len(), mails, "nobody is asked for what is so already");
    // It is given up, and somebody else has it.
    let boss = house.admin().await;
    let back = json!({ "email": address(&ada) });
    ask(&house, &boss, "PATCH", &format!("/users/{}", ada.id), &new_key(), Some(&back)).await.expect(200);
    let registration =
        json!({ "username": "eve", "email": "ada.l@example.org", "password": crate::house::PASSWORD });
    house.post("/auth/register").json(&registration).send().await.expect(201);
    same(&first, &again().await);
    ask(&house, &ada, "PATCH", "/users/me", &new_key(), Some(&wanted)).await.problem(409, "email_taken");
}

#[tokio::test]
async fn c42_that_an_address_is_taken_is_remembered_and_leaves_the_rest_undone() {
    let house = House::open().await;
    let (ada, bea, boss) = (house.person().await, house.person().await, house.admin().await);
    let (key, head) = (new_key(), house.head().await);
    let wanted = json!({ "email": address(&bea), "name": "Ada L." });
    let first = ask(&house, &ada, "PATCH", "/users/me", &key, Some(&wanted)).await;
    first.problem(409, "email_taken");
    assert_eq!(house.head().await, head);
    let moved = json!({ "email": "bea@example.org" });
    ask(&house, &boss, "PATCH", &format!("/users/{}", bea.id), &new_key(), Some(&moved)).await.expect(200);
    let again = ask(&house, &ada, "PATCH", "/users/me", &key, Some(&wanted)).await;
    again.problem(409, "email_taken");
    assert_eq!(again.header("idempotency-replayed"), Some("true"));
    ask(&house, &ada, "PATCH", "/users/me", &new_key(), Some(&wanted)).await.expect(202);
}

#[tokio::test]
async fn c42_a_repeat_is_not_written_down_again() {
    logs::keep();
    let house = House::open().await;
    let (ada, boss) = (house.person().await, house.admin().await);
    let binance = "/users/me/exchange-credentials/binance";
    let left = json!({ "key": "k".repeat(64), "secret": "s".repeat(64) });
    let named = json!({ "name": "nightly", "scopes": ["wallet:read"] });
    let keys = [(); 5].map(|()| new_key());
    for _ in 0..2 {
        ask(&house, &ada, "PUT", binance, &keys[0], Some(&left)).await.expect(200);
        create(&house, &ada, &named).key(&keys[1]).send().await.expect(201);
        ask(&house, &ada, "PATCH", "/users/me", &keys[2], Some(&json!({ "name": "Ada L." })))
            .await
            .expect(200);
    }
    ask(&house, &ada, "DELETE", binance, &keys[3], None).await.expect(200);
    ask(&house, &ada, "DELETE", binance, &keys[3], None).await.expect(200);
    assert_eq!(logs::count(&ada.id, &["ExchangeCredentialsChanged"]), 2);
    assert_eq!(logs::count(&ada.id, &["ApiKeyCreated"]), 1);
    assert_eq!(logs::count(&ada.id, &["profile_changed"]), 1);
    let path = format!("/users/{}/suspend", ada.id);
    for key in [&keys[4], &keys[4], &new_key()] {
        ask(&house, &boss, "POST", &path, key, None).await.expect(200);
    }
    assert_eq!(logs::count(&ada.id, &["user_suspended"]), 1, "neither a repeat nor what changed nothing");
}

#[tokio::test]
async fn c42_credentials_left_twice_are_left_once() {
    let house = House::open().await;
    let ada = house.person().await;
    let (binance, key) = ("/users/me/exchange-credentials/binance", new_key());
    let left = json!({ "key": "k".repeat(64), "secret": "s".repeat(64) });
    let first = ask(&house, &ada, "PUT", binance, &key, Some(&left)).await;
    first.expect(200);
    let head = house.head().await;
    same(&first, &ask(&house, &ada, "PUT", binance, &key, Some(&left)).await);
    let other = json!({ "key": "k".repeat(64), "secret": "t".repeat(64) });
    ask(&house, &ada, "PUT", binance, &key, Some(&other)).await.problem(422, "idempotency_key_reused");
    assert_eq!(house.head().await, head);
}

#[tokio::test]
async fn c42_somebody_with_other_roles_is_another_request() {
    let house = House::open().await;
    let boss = house.admin().await;
    let (key, mut new) = (new_key(), house.registration());
    new["roles"] = json!(["service"]);
    let first = ask(&house, &boss, "POST", "/users", &key, Some(&new)).await;
    first.expect(201);
    same(&first, &ask(&house, &boss, "POST", "/users", &key, Some(&new)).await);
    new["roles"] = json!(["admin"]);
    ask(&house, &boss, "POST", "/users", &key, Some(&new)).await.problem(422, "idempotency_key_reused");
}

#[tokio::test]
async fn lists_have_a_tag_like_everything_that_has_a_version() {
    let house = House::open().await;
    let ada = house.person().await;
    let list = async |path: &str, known: Option<&str>| {
        let ask = house.get(&format!("{path}?min_position={}", house.head().await)).token(&ada.token);
        match known {
            Some(tag) => ask.header("if-none-match", tag).send().await,
            None => ask.send().await,
        }
    };
    let (keys, credentials) = (keys_of(&ada), "/users/me/exchange-credentials".to_owned());
    let named = json!({ "name": "nightly", "scopes": ["wallet:read"] });
    let made = create(&house, &ada, &named).send().await.expect(201);
    let left = json!({ "key": "k".repeat(64), "secret": "s".repeat(64) });
    let changed = ask(&house, &ada, "PUT", &format!("{credentials}/binance"), &new_key(), Some(&left)).await;
    for path in [&keys, &credentials] {
        let first = list(path, None).await;
        first.expect(200);
        let tag = first.header("etag").unwrap();
        assert_eq!(Some(tag), changed.header("etag"), "{path}");
        let again = list(path, Some(tag)).await;
        assert_eq!((again.status, again.body.len(), again.header("etag")), (304, 0, Some(tag)));
        list(path, Some("\"1\"")).await.expect(200);
    }
    // When a key was used last is shown, though it is no part of the user's history.
    let before = list(&keys, None).await;
    let key_id = made["id"].as_str().unwrap().parse().unwrap();
    let used = ApiKeyUse {
        key_id,
        owner: ada.id.parse().unwrap(),
        at: Timestamp::from_micros(1_763_760_000_000_000),
    };
    house.read_models.note_api_key_uses(&[used]).await.unwrap();
    let after = list(&keys, before.header("etag")).await;
    assert!(after.expect(200)["items"][0]["last_used_at"].is_string());
    let tag = after.header("etag").unwrap();
    assert_eq!(list(&keys, Some(tag)).await.status, 304);
    let patch = house.ask("PATCH", &format!("{keys}/{}", made["id"].as_str().unwrap()));
    let patch = patch.token(&ada.token).header("if-match", tag).json(&json!({ "name": "weekly" }));
    patch.send().await.expect(200);
}
