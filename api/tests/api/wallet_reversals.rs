//! Reversals: linked, whole, once, and by whoever may do what the reversal does.

use crate::client::{Answered, Ask};
use crate::house::{Choices, House, Person, new_key};
use serde_json::{Value, json};

fn reverse(house: &House, token: &str, transaction: &str) -> Ask {
    house.command(token, &format!("/transactions/{transaction}/reverse"), &json!({}))
}

fn id(done: &Value) -> String {
    done["transaction"]["id"].as_str().unwrap().to_owned()
}

async fn deposited(house: &House, person: &Person, amount: &str) -> String {
    id(&house.deposit(person, &json!({ "amount": amount })).send().await.expect(201))
}

async fn sent(house: &House, from: &Person, to: &Person, amount: &str) -> String {
    let path = format!("/wallets/{}/transfer", from.wallet);
    let body = json!({ "amount": amount, "to": to.wallet });
    id(&house.command(&from.token, &path, &body).send().await.expect(201))
}

/// The hold after a step of its life.
async fn hold(house: &House, person: &Person, steps: &[(&str, Value)]) -> String {
    let path = format!("/wallets/{}/holds", person.wallet);
    let placed = json!({ "amount": "4", "ttl_seconds": 3600 });
    let placed = house.command(&person.token, &path, &placed).send().await.expect(201);
    let id = placed["hold"]["id"].as_str().unwrap().to_owned();
    for (verb, body) in steps {
        house.command(&person.token, &format!("/holds/{id}/{verb}"), body).send().await.expect(200);
    }
    id
}

async fn balance(house: &House, person: &Person) -> String {
    let path = format!("/wallets/{}?min_position={}", person.wallet, house.head().await);
    let wallet = house.get(&path).token(&person.token).send().await.expect(200);
    wallet["posted"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_transaction_is_undone_once_by_a_new_one_that_names_it() {
    let house = House::open().await;
    let ada = house.person().await;
    let deposit = deposited(&house, &ada, "10").await;
    let withdrawal = id(&house.withdraw(&ada, &json!({ "amount": "4" })).send().await.expect(201));
    let (key, path) = (new_key(), format!("/transactions/{withdrawal}/reverse"));
    let body = json!({ "reference": "wrong account" });
    let ask = || house.post(&path).token(&ada.token).key(&key).json(&body).send();
    let first = ask().await;
    let done = first.expect(201);
    let transaction = &done["transaction"];
    assert_eq!((&transaction["type"], &transaction["status"]), (&json!("reversal"), &json!("completed")));
    assert_eq!((&transaction["reverses"], &transaction["amount"]), (&json!(withdrawal), &json!("4.00")));
    assert_eq!(transaction["reference"], "wrong account");
    assert_eq!((&done["wallet"]["posted"], first.header("etag")), (&json!("10.00"), Some("\"4\"")));
    reverse(&house, &ada.token, &withdrawal).send().await.problem(409, "already_reversed");
    let again = reverse(&house, &ada.token, &id(&done)).send().await;
    assert!(again.problem(409, "not_reversible")["detail"].as_str().unwrap().contains("reversal itself"));
    // Without a body at all.
    let undone = house.post(&format!("/transactions/{deposit}/reverse")).token(&ada.token).key(&new_key());
    assert_eq!(undone.send().await.expect(201)["wallet"]["posted"], "0.00");
    ask().await.repeats(&first);
}

#[tokio::test]
async fn what_is_spent_cannot_be_taken_back() {
    let house = House::open().await;
    let ada = house.person().await;
    let deposit = deposited(&house, &ada, "10").await;
    house.withdraw(&ada, &json!({ "amount": "1" })).send().await.expect(201);
    let head = house.head().await;
    let stale = reverse(&house, &ada.token, &deposit).header("if-match", "\"2\"").send().await;
    stale.problem(412, "version_mismatch");
    let refused = reverse(&house, &ada.token, &deposit).send().await;
    let problem = refused.problem(422, "insufficient_funds");
    assert_eq!((&problem["available"], &problem["requested"]), (&json!("9.00"), &json!("10.00")));
    assert_eq!(house.head().await, head);
    // Nothing was taken by trying.
    house.deposit(&ada, &json!({ "amount": "1" })).send().await.expect(201);
    reverse(&house, &ada.token, &deposit).send().await.expect(201);
}

#[tokio::test]
async fn a_hold_is_undone_when_it_has_been_captured() {
    let house = House::open().await;
    let ada = house.person().await;
    deposited(&house, &ada, "20").await;
    let part = ("capture", json!({ "capture_id": "1", "amount": "1.50" }));
    let rest = ("capture", json!({ "capture_id": "2", "amount": "0.50", "final": true }));
    for (steps, detail) in [
        (vec![], "not ended yet"),
        (vec![part.clone()], "not ended yet"),
        (vec![("release", json!({}))], "not captured"),
    ] {
        let hold = hold(&house, &ada, &steps).await;
        let refused = reverse(&house, &ada.token, &hold).send().await.problem(409, "not_reversible");
        assert!(refused["detail"].as_str().unwrap().contains(detail), "{refused}");
    }
    let captured = hold(&house, &ada, &[part, rest]).await;
    let before = balance(&house, &ada).await;
    let done = reverse(&house, &ada.token, &captured).send().await.expect(201);
    assert_eq!(
        (&done["transaction"]["amount"], &done["transaction"]["reverses"]),
        (&json!("2.00"), &json!(captured))
    );
    assert_eq!((before.as_str(), &done["wallet"]["posted"]), ("16.50", &json!("18.50")));
    reverse(&house, &ada.token, &captured).send().await.problem(409, "already_reversed");
}

#[tokio::test]
async fn a_transfer_is_given_back_and_never_pulled_back() {
    let house = House::open().await;
    let (ada, eve) = (house.person().await, house.person().await);
    deposited(&house, &ada, "10").await;
    let out = sent(&house, &ada, &eve, "4").await;
    let received = format!("{}.2", eve.wallet);
    let head = house.head().await;
    reverse(&house, &ada.token, &out).send().await.problem(403, "reversal_not_allowed");
    // Each knows their own half alone.
    reverse(&house, &ada.token, &received).send().await.problem(404, "transaction_not_found");
    reverse(&house, &eve.token, &out).send().await.problem(404, "transaction_not_found");
    assert_eq!(house.head().await, head);
    let answered = reverse(&house, &eve.token, &received).send().await;
    let done = answered.expect(201);
    assert_eq!((&done["wallet"]["id"], &done["wallet"]["posted"]), (&json!(eve.wallet), &json!("0.00")));
    assert_eq!(done["transaction"]["counterparty"], json!(ada.wallet));
    assert_eq!((&done["position"], house.head().await), (&json!(head + 2), head + 2));
    assert!(!answered.text().contains("10.00"), "what the other one has is theirs");
    assert_eq!(balance(&house, &ada).await, "10.00");
    reverse(&house, &eve.token, &received).send().await.problem(409, "already_reversed");
    // What the receiver has spent, nobody gives back.
    let out = sent(&house, &ada, &eve, "4").await;
    house.withdraw(&eve, &json!({ "amount": "1" })).send().await.expect(201);
    let boss = house.admin().await;
    reverse(&house, &boss.token, &out).send().await.problem(422, "insufficient_funds");
}

#[tokio::test]
async fn admins_undo_anything_and_services_what_their_scopes_say() {
    let house = House::open_with(Choices { self_deposit: false, ..Choices::default() }).await;
    let (ada, eve, boss) = (house.person().await, house.person().await, house.admin().await);
    let deposits = house.service_key(&boss, &["wallet:deposit"]).await;
    let withdraws = house.service_key(&boss, &["wallet:withdraw"]).await;
    let transfers = house.service_key(&boss, &["wallet:transfer"]).await;
    let reads = house.service_key(&boss, &["wallet:read"]).await;
    let path = format!("/wallets/{}/deposit", ada.wallet);
    let deposit =
        async || id(&house.command(&deposits, &path, &json!({ "amount": "10" })).send().await.expect(201));
    let (one, two, three) = (deposit().await, deposit().await, deposit().await);
    let scope = |answered: Answered| answered.problem(403, "insufficient_scope")["required"].clone();
    assert_eq!(scope(reverse(&house, &deposits, &one).send().await), "wallet:withdraw");
    reverse(&house, &withdraws, &one).send().await.expect(201);
    reverse(&house, &boss.token, &two).send().await.expect(201);
    // An owner takes out what was put in, and does not put back what was taken out.
    let withdrawal = id(&house.withdraw(&ada, &json!({ "amount": "1" })).send().await.expect(201));
    reverse(&house, &ada.token, &withdrawal).send().await.problem(403, "deposit_not_allowed");
    assert_eq!(scope(reverse(&house, &withdraws, &withdrawal).send().await), "wallet:deposit");
    reverse(&house, &deposits, &withdrawal).send().await.expect(201);
    let out = sent(&house, &ada, &eve, "1").await;
    assert_eq!(scope(reverse(&house, &deposits, &out).send().await), "wallet:transfer");
    let done = reverse(&house, &transfers, &out).send().await.expect(201);
    assert_eq!((&done["wallet"]["id"], &done["wallet"]["posted"]), (&json!(ada.wallet), &json!("10.00")));
    // Who may undo nothing learns nothing.
    for transaction in [&three, &format!("{}.2", new_key())] {
        reverse(&house, &reads, transaction).send().await.problem(403, "insufficient_scope");
    }
    reverse(&house, &ada.token, &three).send().await.expect(201);
}

#[tokio::test]
async fn what_is_no_transaction_is_not_found() {
    let house = House::open().await;
    let ada = house.person().await;
    deposited(&house, &ada, "10").await;
    let hold = hold(&house, &ada, &[("extend", json!({ "ttl_seconds": 60 }))]).await;
    assert_eq!(hold, format!("{}.3", ada.wallet));
    let head = house.head().await;
    // The opening, a step of a hold, and what is not there.
    for sequence in ["1", "4", "5", "0", "02", "9223372036854775807"] {
        let missing = reverse(&house, &ada.token, &format!("{}.{sequence}", ada.wallet)).send().await;
        missing.problem(404, "transaction_not_found");
    }
    let without_key = house.post(&format!("/transactions/{}.2/reverse", ada.wallet)).token(&ada.token);
    without_key.send().await.problem(400, "missing_idempotency_key");
    assert_eq!(house.head().await, head);
}
