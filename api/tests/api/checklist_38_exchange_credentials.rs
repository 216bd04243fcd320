//! Point 38: credentials for exchanges are left, told of, used, and never shown.

use crate::house::{House, Person, new_key};
use commands::users::ExchangeCredentials;
use domain::UserId;
use domain::user::Exchange;
use secrecy::ExposeSecret;
use serde_json::{Value, json};

const KEY: &str = "vmPUZE6mv9SD5VNHk4HlWFsOr6aKE2zvsw0MuIgwCIPy6utIco14y7Ju91duEhA8";
const SECRET: &str = "NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j";

fn path(exchange: &str) -> String {
    format!("/users/me/exchange-credentials/{exchange}")
}

async fn leave(house: &House, person: &Person, exchange: &str, body: &Value) -> crate::client::Answered {
    house.ask("PUT", &path(exchange)).token(&person.token).key(&new_key()).json(body).send().await
}

fn id(person: &Person) -> UserId {
    person.id.parse().unwrap()
}

/// As who trades with them gets them.
async fn taken_out(house: &House, of: UserId) -> Option<ExchangeCredentials> {
    house.commands.exchange_credentials(of, Exchange::Binance, "test").await.unwrap()
}

#[tokio::test]
async fn c38_credentials_are_told_of_and_never_shown() {
    let house = House::open().await;
    let ada = house.person().await;
    let at = |exchange: &str| house.get(&path(exchange)).token(&ada.token);
    at("binance").send().await.problem(404, "credentials_not_found");
    at("kraken").send().await.problem(404, "credentials_not_found");

    let answered = leave(&house, &ada, "binance", &json!({ "key": KEY, "secret": SECRET })).await;
    let left = answered.expect(200);
    assert_eq!((&left["exchange"], &left["key_hint"]), (&json!("binance"), &json!("vmPU…EhA8")));
    assert_eq!((&left["verified"], &left["permissions"]), (&json!(false), &json!([])));
    assert!(left["updated_at"].is_string());
    assert_eq!(left["position"], json!(house.head().await));

    let told = at("binance").header("counterfoil-min-position", &left["position"].to_string()).send().await;
    assert_eq!(told.header("etag"), answered.header("etag"));
    for field in ["exchange", "key_hint", "verified", "permissions", "updated_at"] {
        assert_eq!(told.expect(200)[field], left[field], "{field}");
    }
    let tag = told.header("etag").unwrap();
    assert_eq!(at("binance").header("if-none-match", tag).send().await.status, 304);
    let list = house.get("/users/me/exchange-credentials").token(&ada.token).send().await;
    assert_eq!(list.expect(200)["items"].as_array().unwrap().len(), 1);
    let events = house.get("/events?type=ExchangeCredentialsChanged").token(&ada.token).send().await;
    assert_eq!(events.expect(200)["items"][0]["data"]["credentials"]["key_hint"], "vmPU…EhA8");
    for said in [&answered, &told, &list, &events] {
        assert!(!said.text().contains(KEY) && !said.text().contains(SECRET));
    }

    let eve = house.person().await;
    let others = format!("/users/{}/exchange-credentials/binance", ada.id);
    house.get(&others).token(&eve.token).send().await.problem(404, "user_not_found");
    house.ask("DELETE", &others).token(&eve.token).send().await.problem(404, "user_not_found");
}

#[tokio::test]
async fn c38_only_who_trades_with_them_gets_them_as_they_were_left() {
    let house = House::open().await;
    let ada = house.person().await;
    assert!(taken_out(&house, id(&ada)).await.is_none());
    leave(&house, &ada, "binance", &json!({ "key": KEY, "secret": SECRET })).await.expect(200);
    let credentials = taken_out(&house, id(&ada)).await.unwrap();
    assert_eq!(credentials.key.expose_secret(), KEY);
    assert_eq!(credentials.secret.unwrap().expose_secret(), SECRET);

    let newer = json!({ "key": "another-key", "secret": "another-secret" });
    leave(&house, &ada, "binance", &newer).await.expect(200);
    assert_eq!(taken_out(&house, id(&ada)).await.unwrap().key.expose_secret(), "another-key");

    let removed = house.ask("DELETE", &path("binance")).token(&ada.token).send().await;
    let removed = removed.expect(200);
    assert_eq!(removed["removed"], true);
    assert!(taken_out(&house, id(&ada)).await.is_none());
    let since = format!("{}?min_position={}", path("binance"), removed["position"]);
    house.get(&since).token(&ada.token).send().await.problem(404, "credentials_not_found");
    let again = house.ask("DELETE", &path("binance")).token(&ada.token).send().await;
    again.problem(404, "credentials_not_found");
}

#[tokio::test]
async fn c38_credentials_moved_to_another_user_or_exchange_do_not_open() {
    let house = House::open().await;
    let (ada, eve) = (house.person().await, house.person().await);
    leave(&house, &ada, "binance", &json!({ "key": KEY, "secret": SECRET })).await.expect(200);
    let copy = "insert into secrets (owner, kind, name, version, value) \
                select $2, kind, $3, version, value from secrets where owner = $1 and kind = 'exchange'";
    for (owner, exchange) in [(&eve, Exchange::Binance), (&ada, Exchange::Coinmarketcap)] {
        sqlx::query(copy)
            .bind(id(&ada).0)
            .bind(id(owner).0)
            .bind(exchange.as_str())
            .execute(house.journal.pool())
            .await
            .unwrap();
        let opened = house.commands.exchange_credentials(id(owner), exchange, "test").await;
        let failure = opened.unwrap_err().to_string();
        assert!(failure.contains("cannot be opened where it stands"), "{failure}");
        sqlx::query("delete from secrets where kind = 'exchange' and name = $1 and owner = $2")
            .bind(exchange.as_str())
            .bind(id(owner).0)
            .execute(house.journal.pool())
            .await
            .unwrap();
    }
}

#[tokio::test]
async fn c38_what_is_no_key_is_refused_without_saying_what_it_was() {
    let house = House::open().await;
    let ada = house.person().await;
    let refused = async |exchange: &str, body: Value| {
        let answered = leave(&house, &ada, exchange, &body).await;
        let problem = answered.problem(422, "validation_failed");
        assert!(!answered.text().contains("canary"), "{problem}");
        problem["errors"].as_array().unwrap().iter().map(|error| error["code"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(refused("binance", json!({})).await, ["required", "required"]);
    assert_eq!(refused("binance", json!({ "key": KEY })).await, ["required"]);
    assert_eq!(refused("coinmarketcap", json!({ "key": "canary with spaces" })).await, ["not_visible_ascii"]);
    assert_eq!(refused("coinmarketcap", json!({ "key": "" })).await, ["too_short"]);
    assert_eq!(refused("coinmarketcap", json!({ "key": "canary".repeat(50) })).await, ["too_long"]);
    assert_eq!(refused("coinmarketcap", json!({ "key": 12 })).await, ["wrong_type"]);
    leave(&house, &ada, "coinmarketcap", &json!({ "key": KEY })).await.expect(200);
    leave(&house, &ada, "kraken", &json!({ "key": KEY })).await.problem(404, "credentials_not_found");
}

#[tokio::test]
async fn c38_of_a_short_key_little_is_told() {
    let house = House::open().await;
    let ada = house.person().await;
    let longest = "k".repeat(256);
    for (key, hint) in [("k", "…"), ("key-7", "k…7"), ("key-wxyz", "ke…yz"), (longest.as_str(), "kkkk…kkkk")]
    {
        let left = leave(&house, &ada, "binance", &json!({ "key": key, "secret": "s" })).await.expect(200);
        assert_eq!(left["key_hint"], hint, "{key}");
        assert_eq!(taken_out(&house, id(&ada)).await.unwrap().key.expose_secret(), key);
    }
}

#[tokio::test]
async fn c38_whoever_is_signed_in_is_told_whether_there_are_any() {
    let house = House::open().await;
    let ada = house.person().await;
    let are_there = async || {
        let path = format!("/auth/me?min_position={}", house.head().await);
        let me = house.get(&path).token(&ada.token).send().await.expect(200);
        me["setup"]["exchange_credentials"].clone()
    };
    assert_eq!(are_there().await, false);
    leave(&house, &ada, "coinmarketcap", &json!({ "key": KEY })).await.expect(200);
    assert_eq!(are_there().await, true);
    house.ask("DELETE", &path("coinmarketcap")).token(&ada.token).send().await.expect(200);
    assert_eq!(are_there().await, false);
}

#[tokio::test]
async fn c38_a_repeat_is_answered_as_the_first_and_another_secret_is_another_request() {
    let house = House::open().await;
    let ada = house.person().await;
    let key = new_key();
    let put = async |secret: &str| {
        let body = json!({ "key": KEY, "secret": secret });
        house.ask("PUT", &path("binance")).token(&ada.token).key(&key).json(&body).send().await
    };
    let first = put(SECRET).await.expect(200);
    let head = house.head().await;
    let again = put(SECRET).await;
    assert_eq!((again.expect(200), again.header("idempotency-replayed")), (first, Some("true")));
    put("another-secret").await.problem(422, "idempotency_key_reused");
    assert_eq!(house.head().await, head);
}

#[tokio::test]
async fn c38_credentials_open_after_their_users_key_was_wrapped_anew() {
    let house = House::open().await;
    let ada = house.person().await;
    leave(&house, &ada, "binance", &json!({ "key": KEY, "secret": SECRET })).await.expect(200);
    let now = time::OffsetDateTime::now_utc().into();
    let old = house.keys.ring();
    let next = old.with_new_wrapping_key(now).unwrap();
    house.keys.put(&next);
    let done = commands::vault::rewrap(&next, &house.journal, |_| ()).await.unwrap();
    assert_eq!((done.looked_at, done.rewrapped), (1, 1));
    let wrapped = commands::vault::count_by_wrapping_key(&house.journal).await.unwrap();
    assert_eq!(wrapped, [(next.active_wrapping_id().to_owned(), 1)]);
    assert_eq!(commands::vault::rewrap(&next, &house.journal, |_| ()).await.unwrap().rewrapped, 0);

    // Without the old key, and by a process that begins now: nothing is left that needs it.
    let dropped = next.without_wrapping_keys(&[old.active_wrapping_id().to_owned()]);
    let vault = commands::vault::Vault::new(dropped, house.journal.clone());
    assert!(vault.user_key(id(&ada)).await.unwrap().is_some());
    assert_eq!(taken_out(&house, id(&ada)).await.unwrap().key.expose_secret(), KEY);
}
