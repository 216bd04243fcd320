//! Repeats and preconditions: the same key is the same answer, a stale version changes nothing.

use crate::house::{House, new_key};
use futures::future::join_all;
use serde_json::json;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c42_a_key_has_one_effect_however_often_it_is_sent() {
    let house = House::open().await;
    let (ada, eve) = (house.person().await, house.person().await);
    let (key, head) = (new_key(), house.head().await);
    let deposit = |amount: &str| {
        let path = format!("/wallets/{}/deposit", ada.wallet);
        house.post(&path).token(&ada.token).key(&key).json(&json!({ "amount": amount })).send()
    };
    let first = deposit("5").await;
    first.expect(201);
    let again = deposit("5").await;
    assert_eq!((again.status, &again.body), (201, &first.body));
    assert_eq!(again.header("idempotency-replayed"), Some("true"));
    deposit("6").await.problem(422, "idempotency_key_reused");
    // Another's key of the same letters is another key.
    let path = format!("/wallets/{}/deposit", eve.wallet);
    let theirs = house.post(&path).token(&eve.token).key(&key).json(&json!({ "amount": "7" })).send().await;
    assert_eq!((theirs.status, theirs.header("idempotency-replayed")), (201, None));
    assert_eq!(house.head().await, head + 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c42_of_many_with_one_key_at_once_one_is_done() {
    let house = House::open().await;
    let ada = house.person().await;
    let (key, head) = (new_key(), house.head().await);
    let path = format!("/wallets/{}/deposit", ada.wallet);
    let one = |_| house.post(&path).token(&ada.token).key(&key).json(&json!({ "amount": "5" })).send();
    let answers = join_all((0..20).map(one)).await;
    for answered in &answers {
        match answered.status {
            201 => {}
            _ => drop(answered.problem(409, "in_flight")),
        }
    }
    let fresh = answers.iter().filter(|a| a.status == 201 && a.header("idempotency-replayed").is_none());
    assert_eq!(fresh.count(), 1);
    assert_eq!(house.head().await, head + 1);
}

#[tokio::test]
async fn c42_a_stale_version_changes_nothing() {
    let house = House::open().await;
    let ada = house.person().await;
    let first = house.deposit(&ada, &json!({ "amount": "5" })).send().await;
    let tag = first.header("etag").unwrap().to_owned();
    house.deposit(&ada, &json!({ "amount": "5" })).header("if-match", &tag).send().await.expect(201);
    let head = house.head().await;
    let stale = house.deposit(&ada, &json!({ "amount": "5" })).header("if-match", &tag).send().await;
    stale.problem(412, "version_mismatch");
    assert_eq!(house.head().await, head);
}
