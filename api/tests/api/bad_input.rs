//! What must not be taken, and that it leaves no trace.

use crate::client::Ask;
use crate::house::{House, Person, new_key};
use serde_json::{Value, json};

fn deposit(house: &House, ada: &Person) -> Ask {
    house.post(&format!("/wallets/{}/deposit", ada.wallet)).token(&ada.token).key(&new_key())
}

#[tokio::test]
async fn an_amount_that_is_none_is_refused_with_its_reason() {
    let house = House::open().await;
    let ada = house.person().await;
    let head = house.head().await;
    let forty = "9".repeat(40);
    let quoted_forty = format!("\"{forty}\"");
    for (amount, code) in [
        ("\"12.345\"", "too_many_decimals"),
        ("\"0\"", "not_positive"),
        ("\"0.00\"", "not_positive"),
        ("\"-1\"", "not_a_decimal"),
        ("\"+1\"", "not_a_decimal"),
        ("\"1e3\"", "not_a_decimal"),
        ("\" 1\"", "not_a_decimal"),
        ("\"1,5\"", "not_a_decimal"),
        ("\"\"", "not_a_decimal"),
        ("1e3", "not_an_integer"),
        ("12.5", "not_an_integer"),
        ("12.0", "not_an_integer"),
        ("-1", "not_a_decimal"),
        ("0", "not_positive"),
        (forty.as_str(), "too_many_digits"),
        (quoted_forty.as_str(), "too_many_digits"),
        ("null", "required"),
        ("true", "wrong_type"),
        ("[\"1\"]", "wrong_type"),
    ] {
        let answered = deposit(&house, &ada).text(&format!("{{\"amount\":{amount}}}")).send().await;
        let problem = answered.problem(422, "validation_failed");
        let error = &problem["errors"][0];
        assert_eq!((&error["pointer"], &error["code"]), (&json!("/amount"), &json!(code)), "{amount}");
    }
    assert_eq!(house.head().await, head, "the journal has not moved");
}

#[tokio::test]
async fn a_body_that_is_not_what_it_should_be_is_refused() {
    let house = House::open().await;
    let ada = house.person().await;
    let head = house.head().await;
    let send = async |body: &str| deposit(&house, &ada).text(body).send().await;
    for broken in
        ["{\"amount\":", "{\"amount\":+1}", "{'amount':1}", "", "{\"amount\":\"1\"} {}", "\u{feff}{}"]
    {
        send(broken).await.problem(400, "malformed_json");
    }
    deposit(&house, &ada)
        .header("content-type", "application/json")
        .bytes(b"{\"amount\":\"\xff\"}")
        .send()
        .await
        .problem(400, "malformed_json");
    for other in ["[]", "\"1\"", "null", "[\"1.00\"]"] {
        send(other).await.problem(422, "validation_failed");
    }
    let unknown = send(r#"{"amount":"1","currency":"XYZ"}"#).await.problem(422, "validation_failed");
    assert_eq!(unknown["errors"][0]["code"], "unknown_currency");
    let nul = send(r#"{"amount":"1","reference":"a\u0000b"}"#).await.problem(422, "validation_failed");
    assert_eq!(nul["errors"][0]["pointer"], "/reference");
    assert_eq!(nul["errors"][0]["code"], "control_character");
    let long = json!({ "amount": "1", "reference": "x".repeat(141) });
    assert_eq!(
        send(&long.to_string()).await.problem(422, "validation_failed")["errors"][0]["code"],
        "too_long"
    );
    let form = deposit(&house, &ada).header("content-type", "application/x-www-form-urlencoded");
    form.bytes(b"amount=1").send().await.problem(415, "unsupported_media_type");
    deposit(&house, &ada).bytes(b"{\"amount\":\"1\"}").send().await.problem(415, "unsupported_media_type");
    assert_eq!(house.head().await, head, "the journal has not moved");
}

#[tokio::test]
async fn all_flaws_of_a_request_are_named_in_one_answer() {
    let house = House::open().await;
    let ada = house.person().await;
    let body = json!({ "amount": "1.001", "reference": "" });
    let problem = house.deposit(&ada, &body).send().await.problem(422, "validation_failed");
    let pointers: Vec<&Value> =
        problem["errors"].as_array().unwrap().iter().map(|error| &error["pointer"]).collect();
    assert_eq!(pointers, ["/amount", "/reference"]);
}

#[tokio::test]
async fn money_needs_a_key() {
    let house = House::open().await;
    let ada = house.person().await;
    let head = house.head().await;
    let send = async |key: Option<&str>| {
        let ask = house.post(&format!("/wallets/{}/deposit", ada.wallet)).token(&ada.token);
        let ask = key.map_or(ask.clone(), |key| ask.key(key));
        ask.json(&json!({ "amount": "1" })).send().await
    };
    send(None).await.problem(400, "missing_idempotency_key");
    for bad in ["", "\"\"", "a b", "\"open", &"k".repeat(256)] {
        send(Some(bad)).await.problem(400, "invalid_idempotency_key");
    }
    send(Some("schl\u{fc}ssel")).await.problem(400, "invalid_header");
    let twice = house.post(&format!("/wallets/{}/deposit", ada.wallet)).token(&ada.token).key("a").key("b");
    twice.json(&json!({ "amount": "1" })).send().await.problem(400, "invalid_header");
    assert_eq!(house.head().await, head, "the journal has not moved");
}

#[tokio::test]
async fn a_registration_that_cannot_be_is_refused() {
    let house = House::open().await;
    let head = house.head().await;
    let try_with = async |field: &str, value: Value| {
        let mut body = house.registration();
        body[field] = value;
        let problem = house.post("/auth/register").json(&body).send().await.problem(422, "validation_failed");
        let error = &problem["errors"][0];
        assert_eq!(error["pointer"], json!(format!("/{field}")));
        error["code"].as_str().unwrap().to_owned()
    };
    assert_eq!(try_with("username", json!("ad")).await, "too_short");
    assert_eq!(try_with("username", json!("ada lovelace")).await, "not_a_username");
    assert_eq!(try_with("email", json!("ada@nowhere")).await, "not_an_email");
    assert_eq!(try_with("email", json!("a\r\nb@example.com")).await, "control_character");
    assert_eq!(try_with("email", json!(7)).await, "wrong_type");
    assert_eq!(try_with("password", json!("short")).await, "too_short");
    assert_eq!(try_with("password", json!("x".repeat(129))).await, "too_long");
    assert_eq!(try_with("password", json!("password123")).await, "too_common");
    assert_eq!(try_with("name", json!("a\u{202e}b")).await, "control_character");
    assert_eq!(try_with("currency", json!("ZZZ")).await, "unknown_currency");
    assert_eq!(house.head().await, head, "the journal has not moved");
}

#[tokio::test]
async fn a_wallet_does_not_hold_more_than_can_be_written_down() {
    let house = House::open().await;
    let ada = house.person().await;
    let most = json!({ "amount": format!("{}.99", "9".repeat(26)) });
    deposit(&house, &ada).json(&most).send().await.expect(201);
    deposit(&house, &ada).json(&most).send().await.problem(422, "balance_too_large");
}

#[tokio::test]
async fn a_query_that_says_two_things_is_refused() {
    let house = House::open().await;
    let ada = house.person().await;
    house.get("/events?limit=1&limit=2").token(&ada.token).send().await.problem(400, "invalid_query");
    house.get("/users/7").token(&ada.token).send().await.problem(404, "user_not_found");
}
