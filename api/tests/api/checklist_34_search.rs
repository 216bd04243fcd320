//! 34: an admin finds users, by what is written and nothing else.

use crate::house::{House, Person, new_key};
use serde_json::{Value, json};

async fn search(house: &House, admin: &Person, body: &Value) -> Value {
    let head = house.head().await;
    let path = format!("/users/search?min_position={head}");
    house.post(&path).token(&admin.token).json(body).send().await.expect(200)
}

fn names(page: &Value) -> Vec<&str> {
    page["items"].as_array().unwrap().iter().map(|user| user["username"].as_str().unwrap()).collect()
}

async fn register(house: &House, username: &str, email: &str) {
    let body = json!({ "username": username, "email": email, "password": "correct horse battery staple" });
    house.post("/auth/register").json(&body).send().await.expect(201);
}

#[tokio::test]
async fn c34_only_an_admin_searches() {
    let house = House::open().await;
    let ada = house.person().await;
    house.post("/users/search").json(&json!({})).send().await.problem(401, "missing_token");
    house
        .post("/users/search")
        .token(&ada.token)
        .json(&json!({}))
        .send()
        .await
        .problem(403, "admin_required");
}

#[tokio::test]
async fn c34_a_search_is_literal_and_begins_at_the_beginning() {
    let house = House::open().await;
    let admin = house.admin().await;
    for (username, email) in [
        ("john", "john@x.org"),
        ("John_Doe", "jd@x.org"),
        ("johnny", "j.o%hn@x.org"),
        ("big-john", "big@john.org"),
    ] {
        register(&house, username, email).await;
    }
    let by = async |body: Value| {
        let page = search(&house, &admin, &body).await;
        names(&page).iter().map(|name| (*name).to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(by(json!({ "username": "john" })).await, ["johnny", "John_Doe", "john"], "newest first");
    assert_eq!(by(json!({ "username": "JOHN_" })).await, ["John_Doe"]);
    assert_eq!(by(json!({ "email": "john@" })).await, ["john"]);
    assert_eq!(by(json!({ "email": "J.O%" })).await, ["johnny"]);
    assert_eq!(by(json!({ "username": "john", "email": "jd@" })).await, ["John_Doe"]);
    for text in
        ["%", "_", "%john", "j%n", "_ohn", "'", "' or 1=1 --", "\\", "\"", "*", ".*", "\u{10ffff}", "j\u{e4}"]
    {
        assert_eq!(by(json!({ "username": text })).await, Vec::<String>::new(), "{text:?}");
        assert_eq!(by(json!({ "email": text })).await, Vec::<String>::new(), "{text:?}");
    }
}

#[tokio::test]
async fn c34_a_search_knows_status_and_time() {
    let house = House::open().await;
    let (ada, admin) = (house.person().await, house.admin().await);
    house.post(&format!("/users/{}/suspend", ada.id)).token(&admin.token).send().await.expect(200);
    assert_eq!(names(&search(&house, &admin, &json!({ "status": "suspended" })).await), [&ada.name]);
    assert_eq!(names(&search(&house, &admin, &json!({ "status": "active" })).await), [&admin.name]);
    assert_eq!(names(&search(&house, &admin, &json!({ "status": "erased" })).await), [""; 0]);
    let all = search(&house, &admin, &json!({})).await;
    let since = &all["items"][0]["created_at"];
    assert_eq!(names(&search(&house, &admin, &json!({ "created_from": since })).await), [&admin.name]);
    assert_eq!(names(&search(&house, &admin, &json!({ "created_to": since })).await), [&ada.name]);
    let bad = json!({ "status": "gone", "created_from": "yesterday", "username": "a\u{0}", "limit": 0 });
    let refused = house.post("/users/search").token(&admin.token).json(&bad).send().await;
    let problem = refused.problem(422, "validation_failed");
    let pointers: Vec<_> =
        problem["errors"].as_array().unwrap().iter().map(|error| &error["pointer"]).collect();
    assert_eq!(pointers, ["/limit", "/username", "/status", "/created_from"]);
}

#[tokio::test]
async fn c34_what_is_found_holds_no_secret() {
    let house = House::open().await;
    let (_, admin) = (house.person().await, house.admin().await);
    let found = search(&house, &admin, &json!({})).await;
    let me = house.get("/users/me").token(&admin.token).send().await.expect(200);
    assert_eq!(found["items"][0], me, "a user and nothing more");
    let text = found.to_string();
    for secret in ["password", "argon2", "hash", "sealed", "token", "secret"] {
        assert!(!text.contains(secret), "{secret} in {text}");
    }
}

#[tokio::test]
async fn c34_a_cursor_carries_its_search_and_cannot_be_made_up() {
    let house = House::open().await;
    let admin = house.admin().await;
    for n in 0..5 {
        register(&house, &format!("john{n}"), &format!("j{n}@x.org")).await;
    }
    register(&house, "eve", "eve@x.org").await;
    let head = house.head().await;
    let mut path = format!("/users/search?limit=2&min_position={head}");
    let mut body = json!({ "username": "john" });
    let mut seen: Vec<String> = Vec::new();
    let cursor = loop {
        let page = house.post(&path).token(&admin.token).json(&body).send().await.expect(200);
        seen.extend(names(&page).iter().map(|name| (*name).to_owned()));
        let Some(next) = page["next_cursor"].as_str() else { break path };
        path = format!("/users/search?limit=2&cursor={next}");
        body = json!({});
    };
    assert_eq!(seen, ["john4", "john3", "john2", "john1", "john0"]);
    let again = json!({ "cursor": cursor.split('=').next_back().unwrap(), "limit": 1 });
    assert_eq!(names(&search(&house, &admin, &again).await), ["john0"], "in the body as well");

    let ask = async |cursor: &str| {
        let path = format!("/users/search?cursor={cursor}");
        house.post(&path).token(&admin.token).json(&json!({})).send().await
    };
    let cursor = cursor.split('=').next_back().unwrap();
    let events = house.get("/events?limit=1").token(&admin.token).send().await.expect(200);
    let foreign = events["next_cursor"].as_str().unwrap();
    for made_up in ["x", "e30", &cursor[1..], &format!("A{cursor}"), &new_key(), foreign] {
        ask(made_up).await.problem(400, "invalid_cursor");
    }
}
