//! The life of an API key: rotated, switched off, revoked, expired, and where it is used from.

use crate::api_keys::{Key, SOON, balance, change, create, in_seconds, key_with, keys_of, revoke, rotate};
use crate::client::Ask;
use crate::house::{Choices, House};
use api::Edge;
use serde_json::json;
use std::time::{Duration, SystemTime};
use testkit::{eventually, eventually_within};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

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
    sqlx::query("set local idle_in_transaction_session_timeout = 0").execute(&mut *locked).await.unwrap();
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
async fn c37_a_week_before_a_key_expires_its_owner_gets_one_mail() {
    let house = House::open().await;
    let ada = house.person().await;
    let address = format!("A{}@example.com", &ada.name[1..]);
    let week = 7 * 86_400;
    let soon = key_with(&house, &ada, &json!({ "expires_at": in_seconds(week + 2) })).await;
    for expires_in in [week - 2, 5 * week] {
        key_with(&house, &ada, &json!({ "expires_at": in_seconds(expires_in) })).await;
    }
    let mail = house.mail("api_key_expires", &address).await;
    assert!(mail.text.contains(&soon.text[..30]), "{}", mail.text);
    assert!(!mail.text.contains(&soon.text[31..63]));
    house.no_mail_is_under_way().await;
    let all = house.mails().into_iter().filter(|mail| mail.kind == "api_key_expires");
    assert_eq!(all.count(), 1);
}
