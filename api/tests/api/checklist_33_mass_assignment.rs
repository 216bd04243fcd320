//! 33: what one may not choose is not chosen by sending it along.

use crate::house::House;
use serde_json::{Value, json};

/// All that a user is, in values that nobody has.
fn greedy(body: &Value) -> Value {
    let mut body = body.clone();
    for (name, value) in [
        ("id", json!("00000000-0000-4000-8000-000000000001")),
        ("user_id", json!("00000000-0000-4000-8000-000000000001")),
        ("_id", json!("00000000-0000-4000-8000-000000000001")),
        ("role", json!("admin")),
        ("roles", json!(["admin", "service"])),
        ("is_admin", json!(true)),
        ("status", json!("erased")),
        ("email_verified", json!(true)),
        ("balance", json!("1000000")),
        ("posted", json!("1000000")),
        ("login_count", json!(99)),
        ("last_login_at", json!("2001-01-01T00:00:00Z")),
        ("created_at", json!("2001-01-01T00:00:00Z")),
        ("updated_at", json!("2001-01-01T00:00:00Z")),
        ("version", json!(99)),
        ("wallet", json!({ "posted": "1000000" })),
        ("user", json!({ "roles": ["admin"] })),
    ] {
        body[name] = value;
    }
    body
}

fn what_one_may_not_choose(user: &Value) -> Value {
    let mut user = user.clone();
    for chosen in ["username", "email", "name", "updated_at", "version"] {
        user.as_object_mut().unwrap().remove(chosen);
    }
    user
}

#[tokio::test]
async fn c33_a_registration_chooses_no_role_and_no_balance() {
    let house = House::open().await;
    let body = greedy(&house.registration());
    let registered = house.post("/auth/register").json(&body).send().await.expect(201);
    let user = &registered["user"];
    assert_ne!(user["id"], body["id"]);
    assert_eq!(user["roles"], json!(["user"]));
    assert_eq!((&user["status"], &user["email_verified"]), (&json!("active"), &json!(false)));
    assert_eq!((&user["login_count"], &user["last_login_at"]), (&json!(0), &Value::Null));
    assert_eq!(user["version"], 1);
    assert!(user["created_at"].as_str() > Some("2020"));
    assert_eq!(registered["wallet"]["posted"], "0.00");
}

#[tokio::test]
async fn c33_a_change_of_a_user_changes_what_it_may() {
    let house = House::open().await;
    let ada = house.person().await;
    let whole = json!({ "username": ada.name, "email": format!("A{}@example.com", &ada.name[1..]) });
    let path = format!("/users/me?min_position={}", house.head().await);
    let before = house.get(&path).token(&ada.token).send().await.expect(200);
    for (method, path, body) in [
        ("PATCH", "/users/me".to_owned(), json!({})),
        ("PUT", "/users/me".to_owned(), whole.clone()),
        ("PUT", "/users/me/profile".to_owned(), json!({})),
        ("PUT", format!("/auth/{}", ada.id), whole),
    ] {
        let ask = |body: &Value| house.ask(method, &path).token(&ada.token).json(body);
        let mut named = greedy(&body);
        named["name"] = json!(format!("by {method} {path}"));
        let answered = ask(&named).send().await.expect(200);
        assert_eq!(answered["user"]["name"], named["name"]);
        assert_eq!(what_one_may_not_choose(&answered["user"]), what_one_may_not_choose(&before));
    }
    let head = house.head().await;
    let nothing_else = house.ask("PATCH", "/users/me").token(&ada.token).json(&greedy(&json!({})));
    nothing_else.send().await.expect(200);
    assert_eq!(house.head().await, head, "what changes nothing leaves no event");
    let wallets = house.get("/users/me/wallets").token(&ada.token).send().await.expect(200);
    assert_eq!(wallets["items"][0]["posted"], "0.00");
}
