//! What an API key may do: what its scopes say, with what is its owner's, and nothing about accounts.

use crate::api_keys::{Key, balance, change, create, key_with, keys_of, revoke, service};
use crate::house::{Choices, House, Person, new_key};
use domain::Scope;
use serde_json::{Value, json};

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
    let mut keys = Vec::new();
    for scope in ["audit", "profile:read"] {
        keys.push((scope, key_with(&house, &shop, &json!({ "scopes": [scope] })).await));
    }
    let document = house.get("/openapi.json").send().await.expect(200);
    let mut seen = 0;
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let Some(ways) = operation["security"].as_array() else { continue };
            let documented: Vec<&Value> = ways.iter().filter_map(|way| way.get("api_key")).collect();
            let id = if path.starts_with("/wallets") { &ada.wallet } else { &ada.id };
            let at = path
                .replace("{id}", id)
                .replace("{key}", "k")
                .replace("{sid}", "s")
                .replace("{exchange}", "binance");
            // One that does not do here.
            let lacks = |(scope, _): &&(&str, Key)| !documented.iter().any(|taken| taken[0] == *scope);
            let (_, key) = keys.iter().find(lacks).unwrap();
            let asked = house.ask(&method.to_uppercase(), &at).token(&key.text).key(&new_key());
            let answered = asked.send().await;
            let code = answered.json()["code"].clone();
            let expected = match documented.first().map(|scopes| scopes[0].as_str()) {
                None => json!("person_required"),
                Some(Some(_)) if documented.len() > 1 => {
                    let one_of: Vec<&Value> = documented.iter().map(|scopes| &scopes[0]).collect();
                    assert_eq!(answered.json()["required_one_of"], json!(one_of), "{method} {path}");
                    json!("insufficient_scope")
                }
                Some(Some(scope)) => {
                    assert_eq!(answered.json()["required"], scope, "{method} {path}");
                    json!("insufficient_scope")
                }
                // Each command of a batch takes its own, and there is none in here.
                Some(None) if path == "/batches" => json!("unsupported_media_type"),
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
