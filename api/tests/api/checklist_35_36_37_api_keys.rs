//! API keys: shown once, bound to their scopes, and gone when they are.

use crate::client::{Answered, Ask};
use crate::house::{Choices, House, Person, new_key};
use api::Edge;
use commands::{Context, Principal};
use domain::user::Role;
use domain::{ApiKeyId, Scope, UserId};
use serde_json::{Value, json};
use std::time::{Duration, Instant, SystemTime};
use testkit::{eventually, eventually_within};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use uuid::Uuid;

/// A change on another node is known here by then: it looks once a second, and this machine has other things to do.
const SOON: Duration = Duration::from_secs(3);

/// A key as its holder got it.
#[derive(Clone, Debug)]
struct Key {
    id: String,
    text: String,
}

impl Key {
    fn of(body: &Value) -> Self {
        let text = |name: &str| body[name].as_str().unwrap().to_owned();
        Self { id: text("id"), text: text("key") }
    }
}

fn keys_of(person: &Person) -> String {
    format!("/users/{}/api-keys", person.id)
}

fn create(house: &House, person: &Person, body: &Value) -> Ask {
    house.post(&keys_of(person)).token(&person.token).json(body)
}

async fn key_with(house: &House, person: &Person, body: &Value) -> Key {
    let mut asked = json!({ "name": "nightly", "scopes": ["wallet:read"] });
    for (name, value) in body.as_object().unwrap() {
        asked[name] = value.clone();
    }
    Key::of(&create(house, person, &asked).send().await.expect(201))
}

fn change(house: &House, person: &Person, key: &Key, body: &Value) -> Ask {
    house.ask("PATCH", &format!("{}/{}", keys_of(person), key.id)).token(&person.token).json(body)
}

fn rotate(house: &House, person: &Person, key: &Key, overlap_seconds: u64) -> Ask {
    let path = format!("{}/{}/rotate", keys_of(person), key.id);
    house.post(&path).token(&person.token).json(&json!({ "overlap_seconds": overlap_seconds }))
}

fn revoke(house: &House, person: &Person, key: &Key) -> Ask {
    house.ask("DELETE", &format!("{}/{}", keys_of(person), key.id)).token(&person.token)
}

async fn balance(house: &House, key: &Key) -> Answered {
    house.get("/users/me/balance").token(&key.text).send().await
}

fn context() -> Context {
    Context {
        principal: Principal::System,
        key: None,
        correlation_id: Uuid::new_v4(),
        expected_version: None,
        received: Instant::now(),
    }
}

fn user_id(person: &Person) -> UserId {
    UserId(person.id.parse().unwrap())
}

/// A service, signed in to make its keys.
async fn service(house: &House) -> Person {
    let person = house.person().await;
    house.commands.give_role(context(), user_id(&person), Role::Service).await.unwrap();
    let token = house.login(&person.name).await.expect(200)["access_token"].as_str().unwrap().to_owned();
    Person { token, ..person }
}

fn in_seconds(seconds: i64) -> String {
    (OffsetDateTime::now_utc() + time::Duration::seconds(seconds)).format(&Rfc3339).unwrap()
}

#[tokio::test]
async fn c35_a_key_is_shown_once() {
    let house = House::open().await;
    let ada = house.person().await;
    let asked = json!({ "name": "nightly", "scopes": ["wallet:read"], "cidrs": ["10.1.2.3/8", "127.0.0.1"] });
    let answered = create(&house, &ada, &asked).send().await;
    let made = answered.expect(201);
    let key = Key::of(&made);
    assert!(key.text.starts_with(made["prefix"].as_str().unwrap()));
    assert_eq!(answered.header("counterfoil-position"), Some(made["position"].to_string().as_str()));
    assert_eq!(answered.header("etag"), Some("\"3\""));
    assert!(answered.header("location").unwrap().ends_with(&format!("/api-keys/{}", key.id)));
    assert_eq!(made["cidrs"], json!(["10.0.0.0/8", "127.0.0.1/32"]));
    assert_eq!((&made["is_active"], &made["last_used_at"]), (&json!(true), &Value::Null));
    let year = made["expires_at"].as_str().unwrap();
    let year = OffsetDateTime::parse(year, &Rfc3339).unwrap() - OffsetDateTime::now_utc();
    assert!((364..=365).contains(&year.whole_days()), "{year}");

    let list = format!("{}?min_position={}", keys_of(&ada), made["position"]);
    let listed = house.get(&list).token(&ada.token).send().await;
    assert!(!listed.text().contains(&key.text[31..]), "no part of the secret is shown again");
    let mut shown = made.clone();
    for once in ["key", "position"] {
        shown.as_object_mut().unwrap().remove(once);
    }
    assert_eq!(listed.expect(200)["items"], json!([shown]));
}

#[tokio::test]
async fn c35_a_repeat_of_the_request_shows_everything_but_the_key() {
    let house = House::open().await;
    let ada = house.person().await;
    let (asked, name) = (json!({ "name": "n", "scopes": ["wallet:read"] }), new_key());
    let first = create(&house, &ada, &asked).key(&name).send().await.expect(201);
    let again = create(&house, &ada, &asked).key(&name).send().await;
    assert_eq!(again.header("idempotency-replayed"), Some("true"));
    let again = again.expect(201);
    assert_eq!(
        (&again["key"], &again["id"], &again["position"]),
        (&Value::Null, &first["id"], &first["position"])
    );
    let other = json!({ "name": "n", "scopes": ["wallet:deposit"] });
    create(&house, &ada, &other).key(&name).send().await.problem(422, "idempotency_key_reused");

    let key = Key::of(&first);
    let name = new_key();
    let rotated = Key::of(&rotate(&house, &ada, &key, 0).key(&name).send().await.expect(200));
    let again = rotate(&house, &ada, &key, 0).key(&name).send().await;
    assert_eq!(again.header("idempotency-replayed"), Some("true"));
    assert_eq!(again.expect(200)["key"], Value::Null);
    balance(&house, &rotated).await.expect(200);
    // A repeat of what was done to a key that has gone since.
    let name = new_key();
    revoke(&house, &ada, &key).key(&name).send().await.expect(200);
    let again = revoke(&house, &ada, &key).key(&name).send().await;
    assert_eq!(again.header("idempotency-replayed"), Some("true"));
    revoke(&house, &ada, &key).send().await.problem(404, "api_key_not_found");
    rotate(&house, &ada, &key, 0).send().await.problem(404, "api_key_not_found");
    change(&house, &ada, &key, &json!({ "name": "m" })).send().await.problem(404, "api_key_not_found");
}

#[tokio::test]
async fn c35_typos_garbage_and_foreign_keys_open_nothing() {
    let house = House::open().await;
    let ada = house.person().await;
    let key = key_with(&house, &ada, &json!({})).await;
    let other = key_with(&house, &ada, &json!({})).await;
    // Anything but the very key: a letter changed, one short, one more, and another key's secret under this id.
    let last = if key.text.ends_with('0') { "1" } else { "0" };
    let mixed = format!("{}{}", &key.text[..31], &other.text[31..]);
    let made_up = commands::vault::ApiKeyText::generate(ApiKeyId(key.id.parse().unwrap())).unwrap();
    let made_up = secrecy::ExposeSecret::expose_secret(&made_up.expose()).to_owned();
    let nobodys = commands::vault::ApiKeyText::generate(ApiKeyId(Uuid::now_v7())).unwrap();
    let nobodys = secrecy::ExposeSecret::expose_secret(&nobodys.expose()).to_owned();
    for wrong in [
        format!("{}{last}", &key.text[..key.text.len() - 1]),
        key.text[..key.text.len() - 1].to_owned(),
        format!("{}0", key.text),
        mixed,
        made_up,
        nobodys,
        "cf_".to_owned(),
        "cf_live_".to_owned(),
    ] {
        let refused = house.get("/users/me/balance").token(&wrong).send().await;
        refused.problem(401, "invalid_api_key");
        assert!(refused.header("www-authenticate").unwrap().starts_with("Bearer"));
        house
            .get("/users/me/balance")
            .header("x-api-key", &wrong)
            .send()
            .await
            .problem(401, "invalid_api_key");
    }
    house.get("/users/me/balance").header("x-api-key", &key.text).send().await.expect(200);
    let query = format!("/users/me/balance?api_key={}&access_token={}", key.text, key.text);
    house.get(&query).send().await.problem(401, "missing_token");
}

#[tokio::test]
async fn c35_no_secret_is_in_the_database() {
    let house = House::open().await;
    let ada = house.person().await;
    let first = key_with(&house, &ada, &json!({ "name": "canary of ada" })).await;
    let second = Key::of(&rotate(&house, &ada, &first, 60).send().await.expect(200));
    let pool = house.journal.pool();
    let tables: Vec<String> =
        sqlx::query_scalar("select tablename::text from pg_tables where schemaname = 'public'")
            .fetch_all(pool)
            .await
            .unwrap();
    assert!(tables.len() > 8, "{tables:?}");
    for text in [&first.text[31..63], &second.text[31..63]] {
        for table in &tables {
            // As text, or as bytes.
            let sql = format!(
                "select count(*) from {table} t where t::text like '%' || $1 || '%' \
                 or t::text like '%' || encode(convert_to($1, 'UTF8'), 'hex') || '%'"
            );
            let found: i64 = sqlx::query_scalar(&sql).bind(text).fetch_one(pool).await.unwrap();
            assert_eq!(found, 0, "{table} holds a secret");
        }
    }
    let in_events: i64 =
        sqlx::query_scalar("select count(*) from events where payload::text like '%canary of ada%'")
            .fetch_one(pool)
            .await
            .unwrap();
    assert_eq!(in_events, 0, "a name is sealed");
}

#[tokio::test]
async fn c36_a_key_does_what_its_scopes_say_with_what_is_its_owners() {
    let house = House::open().await;
    let (ada, eve) = (house.person().await, house.person().await);
    let key = key_with(&house, &ada, &json!({ "scopes": ["wallet:deposit"] })).await;
    let lacking = balance(&house, &key).await.problem(403, "insufficient_scope");
    assert_eq!(lacking["required"], "wallet:read");
    let deposit = |wallet: &str| {
        let ask = house.post(&format!("/wallets/{wallet}/deposit")).token(&key.text).key(&new_key());
        ask.json(&json!({ "amount": "7" }))
    };
    let moved = deposit(&ada.wallet).send().await.expect(201);
    assert_eq!(moved["wallet"]["posted"], "7.00");
    deposit(&eve.wallet).send().await.problem(404, "wallet_not_found");
    change(&house, &ada, &key, &json!({ "scopes": ["wallet:read"] })).send().await.expect(200);
    balance(&house, &key).await.expect(200);
    deposit(&ada.wallet).send().await.problem(403, "insufficient_scope");
}

#[tokio::test]
async fn c36_a_key_manages_no_account() {
    let house = House::open().await;
    let ada = service(&house).await;
    let every: Vec<&str> = Scope::ALL.iter().map(|scope| scope.as_str()).collect();
    let key = key_with(&house, &ada, &json!({ "scopes": every })).await;
    let one = format!("{}/{}", keys_of(&ada), key.id);
    let head = house.head().await;
    for (method, path) in [
        ("GET", keys_of(&ada)),
        ("POST", keys_of(&ada)),
        ("PATCH", one.clone()),
        ("DELETE", one.clone()),
        ("POST", format!("{one}/rotate")),
        ("POST", "/auth/password".to_owned()),
        ("GET", "/auth/sessions".to_owned()),
        ("POST", "/auth/logout".to_owned()),
        ("POST", "/auth/logout-all".to_owned()),
    ] {
        let body =
            json!({ "name": "n", "scopes": ["wallet:read"], "current_password": "a", "new_password": "b" });
        let ask = house.ask(method, &path).token(&key.text);
        let ask = if method == "GET" { ask } else { ask.json(&body) };
        ask.send().await.problem(403, "person_required");
    }
    assert_eq!(house.head().await, head);
    house.get("/users/me").token(&key.text).send().await.expect(200);
}

#[tokio::test]
async fn c36_the_document_says_which_scope_each_operation_takes() {
    let house = House::open().await;
    let (ada, shop) = (house.person().await, service(&house).await);
    let key = key_with(&house, &shop, &json!({ "scopes": ["trading:read"] })).await;
    let document = house.get("/openapi.json").send().await.expect(200);
    let mut seen = 0;
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let Some(ways) = operation["security"].as_array() else { continue };
            let documented = ways.iter().find_map(|way| way.get("api_key"));
            let id = if path.starts_with("/wallets") { &ada.wallet } else { &ada.id };
            let at = path
                .replace("{id}", id)
                .replace("{key}", "k")
                .replace("{sid}", "s")
                .replace("{exchange}", "binance");
            let asked = house.ask(&method.to_uppercase(), &at).token(&key.text).key(&new_key());
            let answered = asked.send().await;
            let code = answered.json()["code"].clone();
            let expected = match documented.map(|scopes| scopes[0].as_str()) {
                None => json!("person_required"),
                Some(Some(scope)) => {
                    assert_eq!(answered.json()["required"], scope, "{method} {path}");
                    json!("insufficient_scope")
                }
                // Whoever may do anything may do this.
                Some(None) => json!("command_not_found"),
            };
            assert_eq!(code, expected, "{method} {path}");
            seen += 1;
        }
    }
    assert!(seen > 30, "{seen}");
}

#[tokio::test]
async fn c36_an_admins_key_has_no_more_power_than_anybodys() {
    let house = House::open().await;
    let (ada, root) = (house.person().await, house.admin().await);
    let key = key_with(&house, &root, &json!({ "scopes": ["wallet:read", "profile:read"] })).await;
    house.get(&format!("/wallets/{}", ada.wallet)).token(&root.token).send().await.expect(200);
    house
        .get(&format!("/wallets/{}", ada.wallet))
        .token(&key.text)
        .send()
        .await
        .problem(404, "wallet_not_found");
    house.get(&format!("/users/{}", ada.id)).token(&key.text).send().await.problem(404, "user_not_found");
    let audit = json!({ "name": "n", "scopes": ["audit"] });
    let refused = create(&house, &root, &audit).send().await.problem(422, "validation_failed");
    assert_eq!(refused["errors"][0]["pointer"], "/scopes");
    change(&house, &root, &Key { id: key.id, text: String::new() }, &json!({ "scopes": ["audit"] }))
        .send()
        .await
        .problem(422, "validation_failed");
}

#[tokio::test]
async fn c36_an_admin_sees_to_the_keys_of_services_and_of_nobody_else() {
    let house = House::open().await;
    let (ada, shop, root) = (house.person().await, service(&house).await, house.admin().await);
    let as_root = |person: &Person| Person { token: root.token.clone(), ..person.clone() };
    let asked = json!({ "name": "n", "scopes": ["wallet:deposit", "audit"] });
    create(&house, &as_root(&ada), &asked).send().await.problem(404, "user_not_found");
    let key = Key::of(&create(&house, &as_root(&shop), &asked).send().await.expect(201));
    house.get(&keys_of(&shop)).token(&root.token).send().await.expect(200);
    house.get(&keys_of(&shop)).token(&ada.token).send().await.problem(404, "user_not_found");
    revoke(&house, &as_root(&shop), &key).send().await.expect(200);
}

#[tokio::test]
async fn c36_a_service_deposits_where_owners_may_not() {
    let house = House::open_with(Choices { self_deposit: false, ..Choices::default() }).await;
    let (ada, shop) = (house.person().await, service(&house).await);
    let body = json!({ "amount": "7" });
    house.deposit(&ada, &body).send().await.problem(403, "deposit_not_allowed");
    let own = key_with(&house, &ada, &json!({ "scopes": ["wallet:deposit"] })).await;
    let with = |key: &Key| Person { token: key.text.clone(), ..ada.clone() };
    house.deposit(&with(&own), &body).send().await.problem(403, "deposit_not_allowed");
    let key = key_with(&house, &shop, &json!({ "scopes": ["wallet:deposit"] })).await;
    let moved = house.deposit(&with(&key), &body).send().await.expect(201);
    assert_eq!(moved["wallet"]["posted"], "7.00");
    let path = format!("/users/{}/balance/deposit", ada.id);
    house.post(&path).token(&key.text).key(&new_key()).json(&body).send().await.expect(201);
    house.withdraw(&with(&key), &body).send().await.problem(403, "insufficient_scope");
}

#[tokio::test]
async fn c36_the_key_of_somebody_suspended_is_refused_everywhere_within_a_second() {
    let house = House::open().await;
    let ada = house.person().await;
    let key = key_with(&house, &ada, &json!({})).await;
    let elsewhere = house.door_elsewhere(Choices::default()).await;
    let there = async || Ask::new(elsewhere, "GET", "/users/me/balance").token(&key.text).send().await;
    there().await.expect(200);
    balance(&house, &key).await.expect(200);
    house.commands.suspend(context(), user_id(&ada)).await.unwrap();
    eventually_within(SOON, "both doors refuse the key", async || {
        balance(&house, &key).await.status == 401 && there().await.status == 401
    })
    .await;
    there().await.problem(401, "invalid_api_key");
    house.commands.reactivate(context(), user_id(&ada)).await.unwrap();
    eventually_within(SOON, "both doors take it again", async || {
        balance(&house, &key).await.status == 200 && there().await.status == 200
    })
    .await;
}

#[tokio::test]
async fn c36_while_changes_may_go_unnoticed_the_database_is_asked() {
    let house = House::open().await;
    let ada = house.person().await;
    let key = key_with(&house, &ada, &json!({})).await;
    balance(&house, &key).await.expect(200);
    // Nobody can see where the journal ends, and the key goes without a word.
    let pool = house.journal.pool();
    let mut locked = pool.begin().await.unwrap();
    sqlx::query("lock table journal_head in access exclusive mode").execute(&mut *locked).await.unwrap();
    sqlx::query("delete from secrets where kind = 'api_key'").execute(pool).await.unwrap();
    balance(&house, &key).await.expect(200);
    eventually("what is remembered is not trusted any more", async || {
        balance(&house, &key).await.status == 401
    })
    .await;
    locked.rollback().await.unwrap();
}

#[tokio::test]
async fn c36_what_a_service_could_its_keys_cannot_once_it_is_none() {
    let house = House::open().await;
    let (ada, shop) = (house.person().await, service(&house).await);
    let key = key_with(&house, &shop, &json!({})).await;
    let read = async || house.get(&format!("/wallets/{}", ada.wallet)).token(&key.text).send().await;
    read().await.expect(200);
    let demote =
        domain::user::UserCommand::ChangeRoles { roles: vec![Role::User], at: domain::Timestamp::default() };
    let change = commands::UserChange {
        user_id: user_id(&shop),
        command: demote,
        beside: commands::Beside::default(),
        empty_wallets: Vec::new(),
    };
    let now = domain::Timestamp::from(OffsetDateTime::now_utc());
    let envelope = commands::Envelope {
        command: commands::Command::User(Box::new(change)),
        actor: domain::Actor::SYSTEM,
        key: None,
        command_id: Uuid::now_v7(),
        correlation_id: Uuid::now_v7(),
        causation_id: None,
        expected_version: None,
        deadline: now.plus(Duration::from_secs(8)),
    };
    house.commands.submit(envelope).await.unwrap();
    eventually_within(SOON, "the key reaches its owner only", async || read().await.status == 404).await;
}

#[tokio::test]
async fn c37_after_a_rotation_both_keys_work_for_a_while_and_then_the_new_one() {
    let house = House::open().await;
    let ada = house.person().await;
    let first = key_with(&house, &ada, &json!({})).await;
    let rotated = rotate(&house, &ada, &first, 2).send().await.expect(200);
    let second = Key::of(&rotated);
    assert_eq!(second.id, first.id);
    assert!(rotated["previous_until"].is_string());
    assert_eq!(rotated["prefix"].as_str(), Some(&first.text[..30]));
    balance(&house, &first).await.expect(200);
    balance(&house, &second).await.expect(200);
    eventually("the overlap is over", async || balance(&house, &first).await.status == 401).await;
    balance(&house, &first).await.problem(401, "invalid_api_key");
    balance(&house, &second).await.expect(200);
    // Without an overlap the one before stops at once, and a body is not needed for the usual one.
    let third = Key::of(&rotate(&house, &ada, &second, 0).send().await.expect(200));
    balance(&house, &second).await.problem(401, "invalid_api_key");
    let path = format!("{}/{}/rotate", keys_of(&ada), first.id);
    let fourth = Key::of(&house.post(&path).token(&ada.token).send().await.expect(200));
    for good in [&third, &fourth] {
        balance(&house, good).await.expect(200);
    }
    // Of three only the newest two are good.
    let fifth = Key::of(&rotate(&house, &ada, &first, 604_800).send().await.expect(200));
    balance(&house, &third).await.problem(401, "invalid_api_key");
    balance(&house, &fifth).await.expect(200);
    rotate(&house, &ada, &first, 604_801).send().await.problem(422, "validation_failed");
}

#[tokio::test]
async fn c37_of_two_rotations_at_once_one_may_come_too_late_and_says_so() {
    let house = House::open().await;
    let ada = house.person().await;
    let key = key_with(&house, &ada, &json!({})).await;
    eventually("two rotations meet", async || {
        let asks = (0..8).map(|_| rotate(&house, &ada, &key, 60).send());
        let answers = futures::future::join_all(asks).await;
        let (won, late): (Vec<_>, Vec<_>) = answers.into_iter().partition(|answered| answered.status == 200);
        assert!(!won.is_empty());
        for answered in &late {
            answered.problem(409, "api_key_rotated");
        }
        !late.is_empty()
    })
    .await;
}

#[tokio::test]
async fn c37_a_revoked_key_is_refused_at_once_and_elsewhere_within_a_second() {
    let house = House::open().await;
    let ada = house.person().await;
    let [revoked, off] = [key_with(&house, &ada, &json!({})).await, key_with(&house, &ada, &json!({})).await];
    let elsewhere = house.door_elsewhere(Choices::default()).await;
    let there =
        async |key: &Key| Ask::new(elsewhere, "GET", "/users/me/balance").token(&key.text).send().await;
    for key in [&revoked, &off] {
        balance(&house, key).await.expect(200);
        there(key).await.expect(200);
    }
    let body = revoke(&house, &ada, &revoked).send().await.expect(200);
    assert_eq!((&body["id"], &body["is_active"]), (&json!(revoked.id), &json!(false)));
    balance(&house, &revoked).await.problem(401, "invalid_api_key");
    let changed = change(&house, &ada, &off, &json!({ "is_active": false })).send().await.expect(200);
    assert_eq!(changed["is_active"], false);
    balance(&house, &off).await.problem(401, "invalid_api_key");
    eventually_within(SOON, "the other door refuses both", async || {
        there(&revoked).await.status == 401 && there(&off).await.status == 401
    })
    .await;
    let back = json!({ "is_active": true, "name": "back again" });
    let back = change(&house, &ada, &off, &back).send().await.expect(200);
    balance(&house, &off).await.expect(200);
    let list = format!("{}?min_position={}", keys_of(&ada), back["position"]);
    let listed = house.get(&list).token(&ada.token).send().await.expect(200);
    assert_eq!(listed["items"].as_array().unwrap().len(), 1, "a revoked key is no more");
    assert_eq!(
        (&listed["items"][0]["id"], &listed["items"][0]["name"]),
        (&json!(off.id), &json!("back again"))
    );
    change(&house, &ada, &off, &json!({})).send().await.problem(422, "validation_failed");
}

#[tokio::test]
async fn c37_a_key_ends_when_it_was_said_to() {
    let house = House::open().await;
    let ada = house.person().await;
    let key = key_with(&house, &ada, &json!({ "expires_at": in_seconds(2) })).await;
    balance(&house, &key).await.expect(200);
    let over = SystemTime::now() + Duration::from_secs(2);
    eventually("the key has expired", async || SystemTime::now() > over).await;
    let refused = balance(&house, &key).await.problem(401, "invalid_api_key");
    assert_eq!(refused["detail"], "the key has expired");
    change(&house, &ada, &key, &json!({ "expires_at": in_seconds(600) })).send().await.expect(200);
    balance(&house, &key).await.expect(200);
    for wrong in [in_seconds(-1), in_seconds(4_000 * 86_400)] {
        let asked = json!({ "name": "n", "scopes": ["wallet:read"], "expires_at": wrong });
        create(&house, &ada, &asked).send().await.problem(422, "validation_failed");
    }
}

#[tokio::test]
async fn c37_a_key_works_from_its_networks_only() {
    let proxies = vec!["127.0.0.1".parse().unwrap()];
    let edge = Edge { trusted_proxies: proxies, ..Edge::default() };
    let house = House::open_with(Choices { edge, ..Choices::default() }).await;
    let ada = house.person().await;
    let cidrs = json!({ "cidrs": ["192.0.2.0/24", "2001:db8::/32"] });
    let key = key_with(&house, &ada, &cidrs).await;
    balance(&house, &key).await.problem(403, "network_not_allowed");
    let from = async |address: &str| {
        let ask = house.get("/users/me/balance").token(&key.text);
        ask.header("x-forwarded-for", address).send().await.status
    };
    for (address, status) in [
        ("192.0.2.9", 200),
        ("192.0.3.9", 403),
        ("::ffff:192.0.2.9", 200),
        ("2001:db8:7::1", 200),
        ("2001:db9::1", 403),
        // Only the nearest hop is known; the rest anybody can have written.
        ("192.0.2.9, 203.0.113.1", 403),
    ] {
        assert_eq!(from(address).await, status, "{address}");
    }
    change(&house, &ada, &key, &json!({ "cidrs": ["127.0.0.0/8"] })).send().await.expect(200);
    balance(&house, &key).await.expect(200);
    change(&house, &ada, &key, &json!({ "cidrs": [] })).send().await.expect(200);
    assert_eq!(from("203.0.113.1").await, 200);
    change(&house, &ada, &key, &json!({ "cidrs": ["10/8"] })).send().await.problem(422, "validation_failed");
}

#[tokio::test]
async fn c37_a_thousand_calls_make_few_writes_and_no_reads_of_secrets() {
    let house = House::open().await;
    let ada = house.person().await;
    let key = key_with(&house, &ada, &json!({})).await;
    let pool = house.journal.pool();
    for sql in [
        "create table writes (at timestamptz not null default clock_timestamp())",
        "create function count_write() returns trigger language plpgsql as \
         $$ begin insert into writes default values; return null; end $$",
        "create trigger count_writes after insert or update on api_key_uses \
         for each row execute function count_write()",
    ] {
        sqlx::query(sql).execute(pool).await.unwrap();
    }
    balance(&house, &key).await.expect(200);
    let last_used = async || {
        let listed = house.get(&keys_of(&ada)).token(&ada.token).send().await.expect(200);
        listed["items"][0]["last_used_at"].as_str().map(str::to_owned)
    };
    eventually("it is seen that the key was used", async || last_used().await.is_some()).await;

    // Nobody can read a secret now, so nobody does.
    let mut locked = pool.begin().await.unwrap();
    sqlx::query("lock table secrets in access exclusive mode").execute(&mut *locked).await.unwrap();
    for _ in 0..50 {
        let asks = (0..20).map(|_| balance(&house, &key));
        for answered in futures::future::join_all(asks).await {
            answered.expect(200);
        }
    }
    locked.rollback().await.unwrap();
    let first = last_used().await;
    house.close_door.cancel();
    eventually("the rest is written when the door closes", async || {
        let used: OffsetDateTime =
            sqlx::query_scalar("select last_used_at from api_key_uses").fetch_one(pool).await.unwrap();
        used > OffsetDateTime::parse(first.as_ref().unwrap(), &Rfc3339).unwrap()
    })
    .await;
    let writes: i64 = sqlx::query_scalar("select count(*) from writes").fetch_one(pool).await.unwrap();
    assert!((2..=3).contains(&writes), "{writes}");
}

#[tokio::test]
async fn c37_there_are_25_keys_at_most() {
    let house = House::open().await;
    let ada = house.person().await;
    let mut last = None;
    for _ in 0..25 {
        last = Some(key_with(&house, &ada, &json!({})).await);
    }
    let asked = json!({ "name": "one more", "scopes": ["wallet:read"] });
    create(&house, &ada, &asked).send().await.problem(409, "too_many_api_keys");
    revoke(&house, &ada, &last.unwrap()).send().await.expect(200);
    create(&house, &ada, &asked).send().await.expect(201);
}

#[tokio::test]
async fn c37_what_was_read_of_a_user_before_holds_for_a_change_only_if_it_is_still_so() {
    let house = House::open().await;
    let ada = house.person().await;
    let key = key_with(&house, &ada, &json!({})).await;
    let stale = change(&house, &ada, &key, &json!({ "name": "m" })).header("if-match", "\"1\"");
    stale.send().await.problem(412, "version_mismatch");
    change(&house, &ada, &key, &json!({ "name": "m" })).header("if-match", "\"3\"").send().await.expect(200);
}

#[tokio::test]
async fn c36_sealed_values_stay_sealed_for_a_key_that_may_not_read_profiles() {
    let house = House::open().await;
    let ada = house.person().await;
    let read = async |scopes: &[&str]| {
        let key = key_with(&house, &ada, &json!({ "scopes": scopes })).await;
        let page = house.get("/events?type=UserRegistered").token(&key.text).send().await.expect(200);
        page["items"][0]["data"]["username"].clone()
    };
    assert_eq!(read(&["events:read", "profile:read"]).await, json!(ada.name));
    assert!(read(&["events:read"]).await["sealed"].is_string());
}
