//! Transactions as they are listed: filters, pages under concurrent writes, and what has become of holds.

use crate::client::Ask;
use crate::house::{House, Person};
use serde_json::{Value, json};

async fn list(house: &House, person: &Person, query: &str) -> Value {
    ask(house, person, query).await.send().await.expect(200)
}

async fn ask(house: &House, person: &Person, query: &str) -> Ask {
    let path = format!("/wallets/{}/transactions?min_position={}&{query}", person.wallet, house.head().await);
    house.get(&path).token(&person.token)
}

fn sequences(page: &Value) -> Vec<i64> {
    let ids = page["items"].as_array().unwrap().iter().map(|item| item["id"].as_str().unwrap());
    ids.map(|id| id.split_once('.').unwrap().1.parse().unwrap()).collect()
}

async fn hold(house: &House, person: &Person, amount: &str) -> String {
    let body = json!({ "amount": amount, "ttl_seconds": 3600 });
    let path = format!("/wallets/{}/holds", person.wallet);
    let placed = house.command(&person.token, &path, &body).send().await.expect(201);
    placed["hold"]["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_hold_is_pending_at_once_and_ends_as_what_became_of_it() {
    let house = House::open().await;
    let ada = house.person().await;
    house.deposit(&ada, &json!({ "amount": "100" })).send().await.expect(201);
    let (captured, released) = (hold(&house, &ada, "30").await, hold(&house, &ada, "20").await);
    let page = list(&house, &ada, "").await;
    assert_eq!(sequences(&page), [4, 3, 2]);
    for item in &page["items"].as_array().unwrap()[..2] {
        assert_eq!((&item["type"], &item["status"]), (&json!("hold"), &json!("pending")));
        assert_eq!((&item["captured"], &item["hold_id"]), (&json!("0.00"), &item["id"]));
    }
    let capture = json!({ "capture_id": "a", "amount": "10" });
    house.command(&ada.token, &format!("/holds/{captured}/capture"), &capture).send().await.expect(200);
    assert_eq!(list(&house, &ada, "status=pending").await["items"][1]["captured"], "10.00");
    let rest = json!({ "capture_id": "b", "amount": "5", "final": true });
    house.command(&ada.token, &format!("/holds/{captured}/capture"), &rest).send().await.expect(200);
    house.command(&ada.token, &format!("/holds/{released}/release"), &json!({})).send().await.expect(200);
    let page = list(&house, &ada, "type=hold").await;
    assert_eq!(sequences(&page), [4, 3], "captures are not listed");
    let said: Vec<_> =
        page["items"].as_array().unwrap().iter().map(|item| (&item["status"], &item["captured"])).collect();
    assert_eq!(said, [(&json!("cancelled"), &json!("0.00")), (&json!("completed"), &json!("15.00"))]);
    assert_eq!(sequences(&list(&house, &ada, &format!("hold_id={captured}")).await), [3]);
    let by_user =
        format!("/users/me/balance/transactions?min_position={}&status=cancelled", house.head().await);
    assert_eq!(sequences(&house.get(&by_user).token(&ada.token).send().await.expect(200)), [4]);
}

#[tokio::test]
async fn every_filter_finds_what_it_says_and_what_cannot_be_meant_is_refused() {
    let house = House::open().await;
    let (ada, eve) = (house.person().await, house.person().await);
    let mut moments = Vec::new();
    for (amount, reference) in [("5", "rent"), ("7.50", "food"), ("9", "rent")] {
        let body = json!({ "amount": amount, "reference": reference });
        let done = house.deposit(&ada, &body).send().await.expect(201);
        moments.push(done["transaction"]["recorded_at"].as_str().unwrap().to_owned());
    }
    let to_eve = json!({ "amount": "2", "to": eve.wallet });
    house.command(&ada.token, &format!("/wallets/{}/transfer", ada.wallet), &to_eve).send().await.expect(201);
    for (query, expected) in [
        ("type=deposit".to_owned(), vec![4, 3, 2]),
        ("type=transfer_out".to_owned(), vec![5]),
        ("type=withdrawal".to_owned(), vec![]),
        ("status=completed&reference=rent".to_owned(), vec![4, 2]),
        ("min_amount=7.50&max_amount=8".to_owned(), vec![3]),
        ("max_amount=0".to_owned(), vec![]),
        (format!("counterparty={}", eve.wallet), vec![5]),
        (format!("from={}", moments[1]), vec![5, 4, 3]),
        (format!("to={}", moments[1]), vec![2]),
        (format!("from={}&to={}", moments[1], moments[2]), vec![3]),
    ] {
        assert_eq!(sequences(&list(&house, &ada, &query).await), expected, "{query}");
    }
    for bad in [
        "type=capture",
        "status=active",
        "from=yesterday",
        "min_amount=1e3",
        "min_amount=0.001",
        "reference=%00",
        "counterparty=eve",
        "hold_id=7",
    ] {
        ask(&house, &ada, bad).await.send().await.problem(422, "validation_failed");
    }
}

#[tokio::test]
async fn a_cursor_keeps_its_filters_and_its_place_whatever_is_written() {
    let house = House::open().await;
    let ada = house.person().await;
    for n in 1..=9 {
        house.deposit(&ada, &json!({ "amount": n })).send().await.expect(201);
        house.withdraw(&ada, &json!({ "amount": "0.01" })).send().await.expect(201);
    }
    let mut seen = Vec::new();
    let mut query = "type=deposit&limit=2".to_owned();
    loop {
        let page = list(&house, &ada, &query).await;
        seen.extend(sequences(&page));
        house.deposit(&ada, &json!({ "amount": "1" })).send().await.expect(201);
        let Some(cursor) = page["next_cursor"].as_str() else { break };
        let with_others = format!("type=withdrawal&limit=2&cursor={cursor}");
        ask(&house, &ada, &with_others).await.send().await.problem(400, "invalid_cursor");
        query = format!("limit=2&cursor={cursor}");
    }
    assert_eq!(seen, (1..=9).rev().map(|n| 2 * n).collect::<Vec<i64>>());
}

#[tokio::test]
async fn a_cursor_from_outside_brings_nothing_that_a_query_may_not() {
    use base64::Engine;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    let house = House::open().await;
    let ada = house.person().await;
    let with = |filter: Value| {
        let cursor = json!({ "transactions_of": ada.wallet, "before": 9, "filter": filter });
        URL_SAFE_NO_PAD.encode(cursor.to_string())
    };
    list(&house, &ada, &format!("cursor={}", with(json!({ "reference": "rent" })))).await;
    for bad in [
        json!({ "reference": "a\u{0}b" }),
        json!({ "type": "burnt" }),
        json!({ "counterparty": "eve" }),
        json!({ "min_amount": "NaN" }),
        json!(7),
    ] {
        let query = format!("cursor={}", with(bad.clone()));
        ask(&house, &ada, &query).await.send().await.problem(400, "invalid_cursor");
    }
}

#[tokio::test]
async fn a_cursor_brings_its_currency_along() {
    let house = House::open().await;
    let (ada, eve) = (house.person().await, house.person().await);
    house.command(&ada.token, "/wallets", &json!({ "currency": "EUR" })).send().await.expect(201);
    for amount in 1..=3 {
        let body = json!({ "amount": amount, "currency": "EUR" });
        house.command(&ada.token, "/users/me/balance/deposit", &body).send().await.expect(201);
    }
    let head = house.head().await;
    let page = |person: &Person, query: &str| {
        let path = format!("/users/me/balance/transactions?min_position={head}&limit=2&{query}");
        house.get(&path).token(&person.token).send()
    };
    let first = page(&ada, "currency=EUR").await.expect(200);
    assert_eq!(sequences(&first), [4, 3]);
    let cursor = first["next_cursor"].as_str().unwrap();
    for query in [format!("cursor={cursor}"), format!("currency=EUR&cursor={cursor}")] {
        let rest = page(&ada, &query).await.expect(200);
        assert_eq!((sequences(&rest), &rest["next_cursor"]), (vec![2], &Value::Null), "{query}");
        assert_eq!(rest["items"][0]["currency"], "EUR");
    }
    let in_dollars = format!("currency=USD&cursor={cursor}");
    page(&ada, &in_dollars).await.problem(400, "invalid_cursor");
    page(&eve, &format!("cursor={cursor}")).await.problem(400, "invalid_cursor");
}
