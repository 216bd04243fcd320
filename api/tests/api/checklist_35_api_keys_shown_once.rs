//! API keys are shown once, and nothing else opens anything.

use crate::api_keys::{Key, balance, change, create, key_with, keys_of, revoke, rotate};
use crate::house::{House, new_key};
use domain::ApiKeyId;
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use uuid::Uuid;

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
