//! Whoever has an API key hears of its end a week before, once.

use crate::house::{Holder, House, Working, context};
use crate::mail::{catch_up, courier, send_all};
use crate::smtp_sink::SmtpSink;
use commands::mail::Mailer;
use commands::users::{ApiKeyPatch, NewApiKey};
use commands::vault::ApiKeyText;
use domain::user::PreferencesChange;
use domain::{ApiKeyId, DisplayName, Scope, Timestamp};
use journal::subscription::Outcome;
use std::sync::atomic::Ordering;
use std::time::Duration;

const DAY: i64 = 86_400;

fn in_days(house: &House, days: i64) -> Timestamp {
    let now = Timestamp::from_micros(house.now.load(Ordering::Acquire));
    now.plus(Duration::from_secs(u64::try_from(days * DAY).unwrap()))
}

async fn key(house: &House, working: &Working, ada: &Holder, name: &str, days: i64) -> ApiKeyId {
    let key = NewApiKey {
        name: DisplayName::parse(name).unwrap(),
        scopes: [Scope::WalletRead].into_iter().collect(),
        expires_at: Some(in_days(house, days)),
        networks: Vec::new(),
    };
    working.commands.create_api_key(context(ada.principal(), name), ada.user_id, key).await.unwrap().key_id
}

async fn expires(working: &Working, ada: &Holder, key: ApiKeyId, at: Timestamp) {
    let patch = ApiKeyPatch { expires_at: Some(at), ..ApiKeyPatch::default() };
    let context = context(ada.principal(), &format!("{key} until {at}"));
    working.commands.change_api_key(context, ada.user_id, key, patch).await.unwrap();
}

/// Which keys are to be reminded of, and when.
async fn reminders(house: &House) -> Vec<(String, time::OffsetDateTime)> {
    sqlx::query_as(
        "select params ->> 'api_key', due_at from outbox where kind = 'api_key_expires' order by due_at",
    )
    .fetch_all(house.journal.pool())
    .await
    .unwrap()
}

/// The database's clock comes to where every mail is due.
async fn let_all_be_due(house: &House) {
    house.execute("update outbox set due_at = clock_timestamp(), created_at = clock_timestamp()").await;
}

#[tokio::test]
async fn a_key_is_reminded_of_a_week_before_it_expires_and_once_however_many_nodes_there_are() {
    let house = House::build().await;
    let working = house.work().await;
    let ada = Holder::register(&working.commands, "ada").await;
    let long = key(&house, &working, &ada, "long", 10).await;
    key(&house, &working, &ada, "short", 7).await;
    let mut others: Vec<_> =
        (0..2).map(|_| Mailer::follow(&working.commands, crate::mail::feed(&house))).collect();
    for mailer in &mut others {
        mailer.run_once().await.unwrap();
    }
    for mailer in &mut others {
        while mailer.run_once().await.unwrap() != Outcome::UpToDate {}
    }
    assert_eq!(reminders(&house).await, [(long.to_string(), in_days(&house, 3).to_datetime())]);
    let sink = SmtpSink::open(0).await;
    let courier = courier(&working.commands, &sink.url());
    send_all(&courier).await;
    let before = sink.delivered().len();
    assert_eq!(reminders(&house).await.len(), 1, "not due yet");

    house.pass(3 * DAY);
    let_all_be_due(&house).await;
    send_all(&courier).await;
    let sent = sink.delivered();
    assert_eq!(sent.len(), before + 1);
    assert!(sent[before].text.contains(&ApiKeyText::prefix(long)), "{}", sent[before].text);
    // A mailer that starts anew goes on where it was.
    catch_up(&house, &working).await;
    assert!(reminders(&house).await.is_empty());
    working.stop().await;
}

#[tokio::test]
async fn who_wants_no_notifications_is_not_reminded() {
    let house = House::build().await;
    let working = house.work().await;
    let ada = Holder::register(&working.commands, "ada").await;
    let quiet = PreferencesChange { notifications: Some(false), ..PreferencesChange::default() };
    working.commands.change_preferences(context(ada.principal(), "quiet"), ada.user_id, quiet).await.unwrap();
    key(&house, &working, &ada, "long", 10).await;
    catch_up(&house, &working).await;
    let sink = SmtpSink::open(0).await;
    let courier = courier(&working.commands, &sink.url());
    send_all(&courier).await;
    let (before, waiting) = (sink.delivered().len(), reminders(&house).await.len());
    assert!(before > 0 && waiting == 1, "the mails that protect the account come all the same");
    house.pass(3 * DAY);
    let_all_be_due(&house).await;
    send_all(&courier).await;
    assert_eq!((sink.delivered().len(), reminders(&house).await.len()), (before, 0));
    working.stop().await;
}

#[tokio::test]
async fn another_expiry_is_another_reminder_and_a_revoked_key_has_none() {
    let house = House::build().await;
    let working = house.work().await;
    let ada = Holder::register(&working.commands, "ada").await;
    let (moved, revoked) =
        (key(&house, &working, &ada, "m", 30).await, key(&house, &working, &ada, "r", 30).await);
    catch_up(&house, &working).await;
    assert_eq!(reminders(&house).await.len(), 2);
    expires(&working, &ada, moved, in_days(&house, 60)).await;
    expires(&working, &ada, moved, in_days(&house, 90)).await;
    let revoke = context(ada.principal(), "revoke");
    working.commands.revoke_api_key(revoke, ada.user_id, revoked).await.unwrap();
    catch_up(&house, &working).await;
    assert_eq!(reminders(&house).await, [(moved.to_string(), in_days(&house, 83).to_datetime())]);
    // Sooner than there is time to be reminded.
    expires(&working, &ada, moved, in_days(&house, 2)).await;
    catch_up(&house, &working).await;
    assert!(reminders(&house).await.is_empty());
    working.stop().await;
}

#[tokio::test]
async fn a_reminder_that_is_not_true_when_it_leaves_does_not_leave() {
    let house = House::build().await;
    let working = house.work().await;
    let ada = Holder::register(&working.commands, "ada").await;
    let key = key(&house, &working, &ada, "k", 8).await;
    catch_up(&house, &working).await;
    let sink = SmtpSink::open(0).await;
    let courier = courier(&working.commands, &sink.url());
    send_all(&courier).await;
    let before = sink.delivered().len();
    // Nobody has read of the change yet when the mail is due.
    expires(&working, &ada, key, in_days(&house, 400)).await;
    let_all_be_due(&house).await;
    send_all(&courier).await;
    assert_eq!(sink.delivered().len(), before);
    // Neither is it when the key has expired: the mail waited too long.
    catch_up(&house, &working).await;
    house.pass(401 * DAY);
    let_all_be_due(&house).await;
    send_all(&courier).await;
    assert_eq!(sink.delivered().len(), before);
    assert!(reminders(&house).await.is_empty());
    working.stop().await;
}

#[tokio::test]
async fn a_reminder_that_waited_for_months_is_not_given_up_at_its_first_try() {
    let house = House::build().await;
    let working = house.work().await;
    let ada = Holder::register(&working.commands, "ada").await;
    key(&house, &working, &ada, "k", 100).await;
    catch_up(&house, &working).await;
    let counted = "select due_at = created_at from outbox where kind = 'api_key_expires'";
    let from_then: bool = sqlx::query_scalar(counted).fetch_one(house.journal.pool()).await.unwrap();
    assert!(from_then);
    working.stop().await;
}
