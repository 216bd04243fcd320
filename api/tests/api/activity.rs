//! What happened to an account: who did it, when, and from where.

use crate::api_keys::{key_with, service};
use crate::house::{Choices, House, Person};
use serde_json::{Value, json};

async fn activity(house: &House, person: &Person, query: &str) -> Value {
    let path = format!("/users/me/activity?min_position={}{query}", house.head().await);
    house.get(&path).token(&person.token).send().await.expect(200)
}

fn types(page: &Value) -> Vec<&str> {
    page["items"].as_array().unwrap().iter().map(|item| item["type"].as_str().unwrap()).collect()
}

/// Somebody to whom something has happened.
async fn lively(house: &House) -> Person {
    let ada = house.person().await;
    let second = house.login(&ada.name).await.expect(200);
    let token = second["access_token"].as_str().unwrap();
    house.post("/auth/logout").token(token).send().await.expect(200);
    let dark = json!({ "theme": "dark" });
    house.ask("PATCH", "/users/me/preferences").token(&ada.token).json(&dark).send().await.expect(200);
    ada
}

const HAPPENED: [&str; 6] = [
    "PreferencesChanged",
    "LoginSessionEnded",
    "LoginSessionOpened",
    "LoginSessionOpened",
    "WalletOpened",
    "UserRegistered",
];

#[tokio::test]
async fn everything_that_happened_is_listed_with_who_and_where() {
    let house = House::open().await;
    let ada = lively(&house).await;
    house.deposit(&ada, &json!({ "amount": "5.00" })).send().await.expect(201);
    let page = activity(&house, &ada, "").await;
    assert_eq!(types(&page)[0], "WalletDeposited");
    assert_eq!(types(&page)[1..5], HAPPENED[..4]);
    assert_eq!(types(&page)[5..], ["WalletOpened", "UserRegistered"]);
    assert_eq!(page["next_cursor"], Value::Null);
    let items = page["items"].as_array().unwrap();
    assert_eq!(
        (&items[0]["wallet_id"], &items[1]["wallet_id"], &items[5]["wallet_id"]),
        (&json!(ada.wallet), &Value::Null, &json!(ada.wallet))
    );
    // Both were done in the session that opened first.
    let actor =
        json!({ "kind": "user", "id": ada.id, "session_id": items[4]["session_id"], "api_key_id": null });
    for item in &items[..2] {
        assert_eq!((&item["actor"], &item["ip"]), (&actor, &json!("127.0.0.1")), "{item}");
        assert_eq!(item["session_id"], Value::Null, "it was about no session");
    }
    assert_eq!((&items[2]["reason"], &items[2]["ip"]), (&json!("logout"), &json!("127.0.0.1")));
    assert_eq!(items[2]["session_id"], items[3]["session_id"]);
    let nobody = json!({ "kind": "anonymous", "id": null, "session_id": null, "api_key_id": null });
    assert_eq!((&items[4]["actor"], &items[4]["ip"]), (&nobody, &json!("127.0.0.1")));
    assert_eq!((&items[5]["actor"], &items[5]["ip"]), (&nobody, &Value::Null));
    assert!(items.windows(2).all(|pair| pair[0]["position"].as_i64() > pair[1]["position"].as_i64()));
    assert!(items.windows(2).all(|pair| pair[0]["recorded_at"].as_str() >= pair[1]["recorded_at"].as_str()));
}

#[tokio::test]
async fn a_refreshed_token_is_nothing_that_happened_but_a_stolen_one_is() {
    let house = House::open().await;
    let ada = house.person().await;
    let refresh = json!({ "refresh_token": ada.refresh_token });
    house.post("/auth/refresh").json(&refresh).send().await.expect(200);
    house.post("/auth/refresh").json(&refresh).send().await.problem(401, "refresh_token_reused");
    let signed_in = house.login(&ada.name).await.expect(200);
    let ada = Person { token: signed_in["access_token"].as_str().unwrap().to_owned(), ..ada };
    let page = activity(&house, &ada, "").await;
    let happened = [
        "LoginSessionOpened",
        "LoginSessionEnded",
        "RefreshTokenReused",
        "LoginSessionOpened",
        "WalletOpened",
        "UserRegistered",
    ];
    assert_eq!(types(&page), happened);
    let items = page["items"].as_array().unwrap();
    assert_eq!((&items[1]["reason"], &items[2]["ip"]), (&json!("token_reused"), &json!("127.0.0.1")));
}

#[tokio::test]
async fn it_is_filtered_by_type_and_time_and_goes_on_page_by_page() {
    let house = House::open().await;
    let ada = lively(&house).await;
    let all = activity(&house, &ada, "").await;
    let opened = activity(&house, &ada, "&type=LoginSessionOpened&limit=1").await;
    assert_eq!(opened["items"], json!([all["items"][2]]));
    let next = opened["next_cursor"].as_str().unwrap();
    let opened = activity(&house, &ada, &format!("&cursor={next}")).await;
    assert_eq!(opened["items"], json!([all["items"][3]]), "a cursor brings its filters along");
    let at = |n: usize| all["items"][n]["recorded_at"].as_str().unwrap();
    assert_eq!(types(&activity(&house, &ada, &format!("&from={}", at(1))).await), HAPPENED[..2]);
    assert_eq!(types(&activity(&house, &ada, &format!("&to={}", at(1))).await), HAPPENED[2..]);
    let between = format!("&from={}&to={}", at(3), at(1));
    assert_eq!(types(&activity(&house, &ada, &between).await), HAPPENED[2..4]);
    for bad in
        ["type=WalletBurnt", "type=LoginSessionRefreshed", "from=yesterday", "to=2026-01-01", "limit=0"]
    {
        let refused = house.get(&format!("/users/me/activity?{bad}")).token(&ada.token).send().await;
        refused.problem(422, "validation_failed");
    }
    let eve = house.person().await;
    let stolen = house.get(&format!("/users/me/activity?cursor={next}")).token(&eve.token).send().await;
    stolen.problem(400, "invalid_cursor");
}

#[tokio::test]
async fn it_is_for_oneself_and_for_admins() {
    let house = House::open().await;
    let (ada, eve, boss) = (lively(&house).await, house.person().await, house.admin().await);
    let path = format!("/users/{}/activity", ada.id);
    house.get(&path).send().await.problem(401, "missing_token");
    house.get(&path).token(&eve.token).send().await.problem(404, "user_not_found");
    let seen = house.get(&path).token(&boss.token).send().await.expect(200);
    assert_eq!(types(&seen), HAPPENED);
    let unknown = format!("/users/{}/activity", uuid::Uuid::new_v4());
    house.get(&unknown).token(&boss.token).send().await.problem(404, "user_not_found");
}

#[tokio::test]
async fn what_others_did_says_who_and_not_from_where() {
    let house = House::open_with(Choices { self_deposit: false, ..Choices::default() }).await;
    let (ada, boss) = (house.person().await, house.admin().await);
    let shop = service(&house).await;
    let key = key_with(&house, &shop, &json!({ "scopes": ["wallet:deposit"] })).await;
    let own = key_with(&house, &ada, &json!({ "scopes": ["wallet:withdraw"] })).await;
    let body = json!({ "amount": "5" });
    let with = |token: &str| Person { token: token.to_owned(), ..ada.clone() };
    house.deposit(&with(&key.text), &body).send().await.expect(201);
    let name = json!({ "name": "Ada" });
    house.ask("PATCH", &format!("/users/{}", ada.id)).token(&boss.token).json(&name).send().await.expect(200);
    house.withdraw(&with(&own.text), &body).send().await.expect(201);
    let page = activity(&house, &ada, "&limit=3").await;
    let who = |kind: &str, id: &str, key: Value| json!({ "kind": kind, "id": id, "session_id": null, "api_key_id": key });
    assert_eq!(types(&page), ["WalletWithdrawn", "ProfileChanged", "WalletDeposited"]);
    for (item, actor) in page["items"].as_array().unwrap().iter().zip([
        who("user", &ada.id, json!(own.id)),
        who("user", &boss.id, Value::Null),
        who("service", &shop.id, Value::Null),
    ]) {
        assert_eq!((&item["actor"], &item["ip"]), (&actor, &Value::Null));
    }
    // Nor do their events say in which session an admin was.
    let events = house.get("/events?type=ProfileChanged").token(&ada.token).send().await.expect(200);
    assert_eq!(events["items"][0]["actor"], json!({ "kind": "user", "id": boss.id }));
    let own = house.get("/events?type=WalletWithdrawn").token(&ada.token).send().await.expect(200);
    assert!(own["items"][0]["actor"]["api_key_id"].is_string());
}

#[tokio::test]
async fn what_was_done_in_a_session_that_has_ended_still_says_from_where_until_one_is_erased() {
    let house = House::open().await;
    let (ada, boss) = (house.person().await, house.admin().await);
    for ask in
        [house.deposit(&ada, &json!({ "amount": "5" })), house.withdraw(&ada, &json!({ "amount": "5" }))]
    {
        ask.send().await.expect(201);
    }
    house.post("/auth/logout").token(&ada.token).send().await.expect(200);
    let read = async || {
        let path =
            format!("/users/{}/activity?type=WalletWithdrawn&min_position={}", ada.id, house.head().await);
        house.get(&path).token(&boss.token).send().await.expect(200)["items"].clone()
    };
    assert_eq!(read().await[0]["ip"], "127.0.0.1");
    house.ask("DELETE", &format!("/users/{}", ada.id)).token(&boss.token).send().await.expect(200);
    let left = read().await;
    assert_eq!((left.as_array().unwrap().len(), &left[0]["ip"]), (1, &Value::Null));
}
