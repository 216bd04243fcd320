use crate::house::{House, PASSWORD, new_key};
use serde_json::json;

#[tokio::test]
async fn registering_opens_a_user_and_a_wallet_in_one_step() {
    let house = House::open().await;
    let body = json!({
        "username": "ada", "email": "Ada@Example.com", "password": PASSWORD, "name": "Ada L.", "currency": "eur",
    });
    let answered = house.post("/api/v1/auth/register").json(&body).send().await;
    let registered = answered.expect(201);
    let (user, wallet) = (&registered["user"], &registered["wallet"]);
    assert_eq!(user["username"], "ada");
    assert_eq!(user["email"], "Ada@Example.com");
    assert_eq!(user["name"], "Ada L.");
    assert_eq!(user["status"], "active");
    assert_eq!(user["roles"], json!(["user"]));
    assert_eq!(user["email_verified"], false);
    assert_eq!(user["login_count"], 0);
    assert_eq!(user["version"], 1);
    assert_eq!(wallet["user_id"], user["id"]);
    assert_eq!(wallet["currency"], "EUR");
    assert_eq!(
        (&wallet["posted"], &wallet["held"], &wallet["available"]),
        (&json!("0.00"), &json!("0.00"), &json!("0.00"))
    );
    assert_eq!(registered["position"], 2);
    assert_eq!(answered.header("counterfoil-position"), Some("2"));
    assert_eq!(answered.header("etag"), Some("\"1\""));
    let location = format!("/api/v1/users/{}", user["id"].as_str().unwrap());
    assert_eq!(answered.header("location"), Some(location.as_str()));
    assert!(!answered.text().contains("password") && !answered.text().contains("argon2"));
}

#[tokio::test]
async fn an_address_and_a_name_are_taken_once() {
    let house = House::open().await;
    let first = json!({ "username": "ada", "email": "ada@example.com", "password": PASSWORD });
    house.post("/auth/register").json(&first).send().await.expect(201);
    let head = house.head().await;
    let same_email = json!({ "username": "eve", "email": "ADA@example.com", "password": PASSWORD });
    house.post("/auth/register").json(&same_email).send().await.problem(409, "email_taken");
    let same_name = json!({ "username": "ADA", "email": "eve@example.com", "password": PASSWORD });
    house.post("/auth/register").json(&same_name).send().await.problem(409, "username_taken");
    assert_eq!(house.head().await, head);
}

#[tokio::test]
async fn a_repeated_registration_is_answered_with_the_same_bytes() {
    let house = House::open().await;
    let (body, key) = (house.registration(), new_key());
    let first = house.post("/auth/register").key(&key).json(&body).send().await;
    let id = first.expect(201)["user"]["id"].clone();
    // What happened to the user since does not show.
    house.login(body["username"].as_str().unwrap()).await.expect(200);
    let again = house.post("/auth/register").key(&key).json(&body).send().await;
    again.expect(201);
    assert_eq!(again.body, first.body);
    assert_eq!(again.header("idempotency-replayed"), Some("true"));
    assert_eq!(first.header("idempotency-replayed"), None);
    assert_eq!(again.json()["user"]["id"], id);
    let mut other = body.clone();
    other["name"] = json!("Somebody Else");
    house.post("/auth/register").key(&key).json(&other).send().await.problem(422, "idempotency_key_reused");
}

#[tokio::test]
async fn what_nobody_may_choose_is_ignored() {
    let house = House::open().await;
    let mut body = house.registration();
    body["roles"] = json!(["admin"]);
    body["status"] = json!("erased");
    body["email_verified"] = json!(true);
    body["balance"] = json!("1000000");
    let registered = house.post("/auth/register").json(&body).send().await.expect(201);
    assert_eq!(registered["user"]["roles"], json!(["user"]));
    assert_eq!(registered["user"]["status"], "active");
    assert_eq!(registered["user"]["email_verified"], false);
    assert_eq!(registered["wallet"]["posted"], "0.00");
}
