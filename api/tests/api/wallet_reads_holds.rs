//! Holds as they are read, and how they end though nobody touches them.

use crate::house::{Choices, House, Person};
use commands::Clock;
use commands::sweep::Swept;
use commands::wallets::expiry::{FindOver, HoldExpiry};
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use time::OffsetDateTime;

async fn place(house: &House, person: &Person, seconds: i64) -> String {
    let body = json!({ "amount": "1", "ttl_seconds": seconds, "reference": "order" });
    let path = format!("/wallets/{}/holds", person.wallet);
    let placed = house.command(&person.token, &path, &body).send().await.expect(201);
    placed["hold"]["id"].as_str().unwrap().to_owned()
}

async fn with_money(house: &House) -> Person {
    let person = house.person().await;
    house.deposit(&person, &json!({ "amount": "100" })).send().await.expect(201);
    person
}

async fn read(house: &House, token: &str, path: &str) -> Value {
    let mark = if path.contains('?') { '&' } else { '?' };
    let path = format!("{path}{mark}min_position={}", house.head().await);
    house.get(&path).token(token).send().await.expect(200)
}

fn ids(page: &Value) -> Vec<&str> {
    page["items"].as_array().unwrap().iter().map(|item| item["id"].as_str().unwrap()).collect()
}

/// A house whose clock a test moves.
async fn with_clock() -> (House, Arc<AtomicI64>) {
    let now = i64::try_from(OffsetDateTime::now_utc().unix_timestamp_nanos() / 1_000).unwrap();
    let now = Arc::new(AtomicI64::new(now));
    let clock = Clock::Manual(Arc::clone(&now));
    (House::open_with(Choices { clock, ..Choices::default() }).await, now)
}

fn pass(clock: &AtomicI64, seconds: i64) {
    clock.fetch_add(seconds * 1_000_000, Ordering::AcqRel);
}

#[tokio::test]
async fn a_hold_is_read_with_its_version_and_not_sent_twice() {
    let house = House::open().await;
    let (ada, eve) = (with_money(&house).await, house.person().await);
    let id = place(&house, &ada, 100).await;
    let path = format!("/holds/{id}?min_position={}", house.head().await);
    let answered = house.get(&path).token(&ada.token).send().await;
    let hold = answered.expect(200);
    assert_eq!(
        (&hold["id"], &hold["wallet_id"], &hold["user_id"]),
        (&json!(id), &json!(ada.wallet), &json!(ada.id))
    );
    assert_eq!(
        (&hold["status"], &hold["remaining"], &hold["reference"]),
        (&json!("active"), &json!("1.00"), &json!("order"))
    );
    assert_eq!((answered.header("etag"), &hold["version"]), (Some("\"3\""), &json!(3)));
    let again = house.get(&path).token(&ada.token).header("if-none-match", "\"3\"").send().await;
    assert_eq!((again.status, again.body.len(), again.header("etag")), (304, 0, Some("\"3\"")));
    // What happens to the wallet is no change of the hold.
    house.deposit(&ada, &json!({ "amount": "1" })).send().await.expect(201);
    let path = format!("/holds/{id}?min_position={}", house.head().await);
    let again = house.get(&path).token(&ada.token).header("if-none-match", "\"3\"").send().await;
    assert_eq!(again.status, 304);
    house.get(&path).token(&eve.token).send().await.problem(404, "hold_not_found");
    for unknown in [format!("{}.2", ada.wallet), format!("{}.99", ada.wallet), "7".to_owned()] {
        let asked = house.get(&format!("/holds/{unknown}")).token(&ada.token).send().await;
        asked.problem(404, "hold_not_found");
    }
}

#[tokio::test]
async fn holds_are_listed_by_wallet_and_across_wallets() {
    let house = House::open().await;
    let admin = house.admin().await;
    let (ada, eve) = (with_money(&house).await, with_money(&house).await);
    let (late, early) = (place(&house, &ada, 900).await, place(&house, &ada, 300).await);
    let of_eve = place(&house, &eve, 600).await;
    let of_wallet = format!("/wallets/{}/holds", ada.wallet);
    assert_eq!(ids(&read(&house, &ada.token, &of_wallet).await), [&early, &late], "newest first");
    house.command(&ada.token, &format!("/holds/{late}/release"), &json!({})).send().await.expect(200);
    assert_eq!(ids(&read(&house, &ada.token, &format!("{of_wallet}?status=released")).await), [&late]);
    assert_eq!(ids(&read(&house, &ada.token, &format!("{of_wallet}?status=active")).await), [&early]);
    house
        .get(&format!("{of_wallet}?status=gone"))
        .token(&ada.token)
        .send()
        .await
        .problem(422, "validation_failed");
    house.get(&of_wallet).token(&eve.token).send().await.problem(404, "wallet_not_found");
    assert_eq!(ids(&read(&house, &ada.token, "/holds?state=active").await), [&early], "one's own");
    let service = house.service_key(&admin, &["wallet:hold"]).await;
    for token in [&admin.token, &service] {
        assert_eq!(
            ids(&read(&house, token, "/holds").await),
            [&early, &of_eve],
            "the first to be over first"
        );
    }
    let first = read(&house, &service, "/holds?limit=1").await;
    let cursor = first["next_cursor"].as_str().unwrap();
    assert_eq!(ids(&read(&house, &service, &format!("/holds?limit=1&cursor={cursor}")).await), [&of_eve]);
    let stale = house.get(&format!("/holds?state=stale&cursor={cursor}")).token(&service).send().await;
    stale.problem(400, "invalid_cursor");
    house
        .get(&format!("/holds?cursor={cursor}"))
        .token(&ada.token)
        .send()
        .await
        .problem(400, "invalid_cursor");
    house.get("/holds?state=lost").token(&ada.token).send().await.problem(422, "validation_failed");
    let without = house.service_key(&admin, &["wallet:transfer", "events:read"]).await;
    house.get("/holds").token(&without).send().await.problem(403, "insufficient_scope");
}

#[tokio::test]
async fn a_hold_that_nobody_renews_is_stale_and_then_expires_by_itself() {
    let (house, clock) = with_clock().await;
    let ada = with_money(&house).await;
    let (renewed, left) = (place(&house, &ada, 100).await, place(&house, &ada, 100).await);
    let mut expiry = expiry(&house);
    pass(&clock, 79);
    assert!(ids(&read(&house, &ada.token, "/holds?state=stale").await).is_empty());
    pass(&clock, 1);
    assert_eq!(ids(&read(&house, &ada.token, "/holds?state=stale").await).len(), 2);
    let extended =
        house.command(&ada.token, &format!("/holds/{renewed}/extend"), &json!({ "ttl_seconds": 100 }));
    extended.send().await.expect(200);
    assert_eq!(ids(&read(&house, &ada.token, "/holds?state=stale").await), [&left]);
    assert_eq!(expiry.run_once().await.unwrap(), Swept { ended: 0, is_full: false });
    pass(&clock, 20);
    // Over, and not swept: it takes no capture, though it is still shown as active.
    let late = house.command(&ada.token, &format!("/holds/{left}/capture"), &json!({ "capture_id": "1" }));
    late.send().await.problem(409, "hold_expired");
    assert_eq!(expiry.run_once().await.unwrap(), Swept { ended: 1, is_full: false });
    let hold = read(&house, &ada.token, &format!("/holds/{left}")).await;
    assert_eq!(
        (&hold["status"], &hold["released"], &hold["remaining"]),
        (&json!("expired"), &json!("1.00"), &json!("0.00"))
    );
    let wallet = read(&house, &ada.token, &format!("/wallets/{}", ada.wallet)).await;
    assert_eq!((&wallet["held"], &wallet["available"]), (&json!("1.00"), &json!("99.00")));
    let listed =
        read(&house, &ada.token, &format!("/wallets/{}/transactions?status=expired", ada.wallet)).await;
    assert_eq!(ids(&listed), [&left]);
    assert_eq!(expiry.run_once().await.unwrap(), Swept { ended: 0, is_full: false });
}

/// As in any process that writes: found in the read model.
fn expiry(house: &House) -> HoldExpiry {
    let read_models = house.read_models.clone();
    let find: FindOver = Box::new(move |at, limit, min| {
        let read_models = read_models.clone();
        Box::pin(async move {
            let found = read_models.wallets_with_holds_over(at, limit, min).await;
            found.map_err(|error| error.to_string())
        })
    });
    HoldExpiry::new(house.commands.clone(), find)
}
