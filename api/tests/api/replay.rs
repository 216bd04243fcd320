use crate::house::{House, Person, new_key};
use serde_json::json;

fn deposit_of(house: &House, person: &Person, key: &str, body: &str) -> crate::client::Ask {
    house.post(&format!("/wallets/{}/deposit", person.wallet)).token(&person.token).key(key).text(body)
}

#[tokio::test]
async fn a_repeat_is_answered_with_the_same_bytes_and_happens_once() {
    let house = House::open().await;
    let ada = house.person().await;
    let key = new_key();
    let first = deposit_of(&house, &ada, &key, r#"{"amount":"5.00","reference":"a \"b\""}"#).send().await;
    first.expect(201);
    house.deposit(&ada, &json!({ "amount": "1" })).send().await.expect(201);
    let head = house.head().await;
    // The same request, spelled differently, and its key quoted.
    let again = deposit_of(&house, &ada, &format!("\"{key}\""), r#"{ "reference": "a \"b\"", "amount": 5 }"#);
    let again = again.send().await;
    assert_eq!(again.status, 201);
    assert_eq!(again.text(), first.text());
    for header in ["etag", "counterfoil-position", "content-type"] {
        assert_eq!(again.header(header), first.header(header), "{header}");
    }
    assert_eq!(first.header("idempotency-replayed"), None);
    assert_eq!(again.header("idempotency-replayed"), Some("true"));
    assert_eq!(house.head().await, head);
}

#[tokio::test]
async fn a_key_stands_for_one_request() {
    let house = House::open().await;
    let ada = house.person().await;
    let key = new_key();
    deposit_of(&house, &ada, &key, r#"{"amount":"5"}"#).send().await.expect(201);
    deposit_of(&house, &ada, &key, r#"{"amount":"6"}"#).send().await.problem(422, "idempotency_key_reused");
    let withdraw = house.post(&format!("/wallets/{}/withdraw", ada.wallet)).token(&ada.token).key(&key);
    withdraw.text(r#"{"amount":"5"}"#).send().await.problem(422, "idempotency_key_reused");
}

#[tokio::test]
async fn everybody_has_keys_of_their_own() {
    let house = House::open().await;
    let (ada, eve) = (house.person().await, house.person().await);
    let key = new_key();
    let first = deposit_of(&house, &ada, &key, r#"{"amount":"5"}"#).send().await.expect(201);
    let second = deposit_of(&house, &eve, &key, r#"{"amount":"5"}"#).send().await.expect(201);
    assert_ne!(first["position"], second["position"]);
}

#[tokio::test]
async fn a_refusal_is_remembered_too() {
    let house = House::open().await;
    let ada = house.person().await;
    let key = new_key();
    let withdraw = || {
        let ask = house.post(&format!("/wallets/{}/withdraw", ada.wallet)).token(&ada.token).key(&key);
        ask.json(&json!({ "amount": "5" }))
    };
    let first = withdraw().send().await;
    first.problem(422, "insufficient_funds");
    house.deposit(&ada, &json!({ "amount": "100" })).send().await.expect(201);
    let again = withdraw().send().await;
    again.problem(422, "insufficient_funds");
    assert_eq!(again.header("idempotency-replayed"), Some("true"));
    assert_eq!(again.header("counterfoil-position"), first.header("counterfoil-position"));
}

#[tokio::test]
async fn a_lost_answer_can_be_asked_for_by_its_key() {
    let house = House::open().await;
    let (ada, eve) = (house.person().await, house.person().await);
    let key = new_key();
    let status = |person: &Person| house.get(&format!("/commands/{key}")).token(&person.token);
    let unknown = status(&ada).send().await.problem(404, "command_not_found");
    assert!(unknown["final_after"].is_string());
    let done = deposit_of(&house, &ada, &key, r#"{"amount":"5"}"#).send().await.expect(201);
    let committed = status(&ada).send().await.expect(200);
    assert_eq!(committed["status"], "committed");
    assert_eq!((&committed["position"], &committed["events"]), (&done["position"], &json!(1)));
    status(&eve).send().await.problem(404, "command_not_found");

    let refused_key = new_key();
    let withdraw =
        house.post(&format!("/wallets/{}/withdraw", ada.wallet)).token(&ada.token).key(&refused_key);
    withdraw.json(&json!({ "amount": "500" })).send().await.problem(422, "insufficient_funds");
    let refused = house.get(&format!("/commands/{refused_key}")).token(&ada.token).send().await.expect(200);
    assert_eq!((&refused["status"], &refused["refusal"]), (&json!("refused"), &json!("insufficient_funds")));
}
