//! What a key could, it cannot once its owner cannot: on every node, within a second.

use crate::api_keys::{SOON, balance, context, key_with, service, user_id};
use crate::client::Ask;
use crate::house::{Choices, House};
use domain::user::Role;
use serde_json::json;
use std::time::Duration;
use testkit::{eventually, eventually_within};
use time::OffsetDateTime;
use uuid::Uuid;

#[tokio::test]
async fn c36_the_key_of_somebody_suspended_is_refused_everywhere_within_a_second() {
    let house = House::open().await;
    let ada = house.person().await;
    let key = key_with(&house, &ada, &json!({})).await;
    let elsewhere = house.door_elsewhere(Choices::default()).await;
    let there = async || Ask::new(elsewhere, "GET", "/users/me/balance").token(&key.text).send().await;
    there().await.expect(200);
    balance(&house, &key).await.expect(200);
    house.commands.suspend(context(), user_id(&ada)).await.unwrap();
    eventually_within(SOON, "both doors refuse the key", async || {
        balance(&house, &key).await.status == 401 && there().await.status == 401
    })
    .await;
    there().await.problem(401, "invalid_api_key");
    house.commands.reactivate(context(), user_id(&ada)).await.unwrap();
    eventually_within(SOON, "both doors take it again", async || {
        balance(&house, &key).await.status == 200 && there().await.status == 200
    })
    .await;
}

#[tokio::test]
async fn c36_while_changes_may_go_unnoticed_the_database_is_asked() {
    let house = House::open().await;
    let ada = house.person().await;
    let key = key_with(&house, &ada, &json!({})).await;
    balance(&house, &key).await.expect(200);
    // Nobody can see where the journal ends, and the key goes without a word.
    let pool = house.journal.pool();
    let mut locked = pool.begin().await.unwrap();
    sqlx::query("set local idle_in_transaction_session_timeout = 0").execute(&mut *locked).await.unwrap();
    sqlx::query("lock table journal_head in access exclusive mode").execute(&mut *locked).await.unwrap();
    sqlx::query("delete from secrets where kind = 'api_key'").execute(pool).await.unwrap();
    balance(&house, &key).await.expect(200);
    eventually("what is remembered is not trusted any more", async || {
        balance(&house, &key).await.status == 401
    })
    .await;
    locked.rollback().await.unwrap();
}

#[tokio::test]
async fn c36_what_a_service_could_its_keys_cannot_once_it_is_none() {
    let house = House::open().await;
    let (ada, shop) = (house.person().await, service(&house).await);
    let key = key_with(&house, &shop, &json!({})).await;
    let read = async || house.get(&format!("/wallets/{}", ada.wallet)).token(&key.text).send().await;
    read().await.expect(200);
    let demote =
        domain::user::UserCommand::ChangeRoles { roles: vec![Role::User], at: domain::Timestamp::default() };
    let change = commands::UserChange {
        user_id: user_id(&shop),
        command: demote,
        beside: commands::Beside::default(),
        closes: Vec::new(),
    };
    let now = domain::Timestamp::from(OffsetDateTime::now_utc());
    let envelope = commands::Envelope {
        command: commands::Command::User(Box::new(change)),
        actor: domain::Actor::SYSTEM,
        key: None,
        aliases: Vec::new(),
        command_id: Uuid::now_v7(),
        correlation_id: Uuid::now_v7(),
        causation_id: None,
        expected_version: None,
        deadline: now.plus(Duration::from_secs(8)),
    };
    house.commands.submit(envelope).await.unwrap();
    eventually_within(SOON, "the key reaches its owner only", async || read().await.status == 404).await;
}
