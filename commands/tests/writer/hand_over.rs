//! What a process beside the leader hands over is decided as if it had been asked there.

use crate::house::House;
use commands::password::{Hasher, HasherOptions, NewPassword};
use commands::users::{Registration, RoleGiven};
use commands::vault::{KeyRing, Vault};
use commands::{Commands, Context, Failure, HandOver, HandedOver, Principal, Refusal, WriteSide};
use domain::user::Role;
use domain::{Email, Username};
use std::time::Instant;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

fn operator() -> Context {
    Context {
        principal: Principal::System,
        key: None,
        correlation_id: Uuid::new_v4(),
        expected_version: None,
        received: Instant::now(),
    }
}

fn registration(name: &str) -> Registration {
    let username = Username::parse(name).unwrap();
    let email = email(name);
    let password = NewPassword::parse("correct horse".to_owned().into(), &username, &email, true).unwrap();
    Registration { username, email, password, name: None, currency: None, roles: vec![Role::Admin] }
}

fn email(name: &str) -> Email {
    Email::parse(&format!("{name}@example.com")).unwrap()
}

/// The way in of a process that does not lead, and what keeps it going.
struct Beside {
    commands: Commands,
    cancel: CancellationToken,
}

impl Beside {
    async fn of(house: &House, ring: &str) -> Self {
        let journal = house.another_connection().await;
        let vault = Vault::new(KeyRing::from_json(ring).unwrap(), journal.clone());
        let hasher = Hasher::new(HasherOptions::default()).unwrap();
        let parts = WriteSide { journal, tail: house.tail.clone(), vault, hasher };
        let (commands, hand_over) = HandOver::new(parts, house.options());
        let cancel = CancellationToken::new();
        tokio::spawn(hand_over.run(cancel.clone()));
        Self { commands, cancel }
    }
}

impl Drop for Beside {
    fn drop(&mut self) {
        self.cancel.cancel();
    }
}

#[tokio::test]
async fn what_is_handed_over_is_decided_by_the_leader() {
    let house = House::build().await;
    let working = house.work().await;
    let cancel = CancellationToken::new();
    tokio::spawn(HandedOver::new(working.commands.clone(), working.state.clone()).run(cancel.clone()));
    let beside = Beside::of(&house, house.ring()).await;

    let done = beside.commands.register(operator(), registration("ada")).await.unwrap();
    assert_eq!((done.position, done.events.len()), (2, 0));
    let ada = beside.commands.user_with_email(&email("ADA")).await.unwrap().unwrap();
    assert_eq!(beside.commands.user_with_email(&email("eve")).await.unwrap(), None);

    let refused = beside.commands.register(operator(), registration("ada")).await.unwrap_err();
    assert!(matches!(refused, Failure::Refused { refusal: Refusal::EmailTaken, .. }), "{refused}");

    let given = beside.commands.give_role(operator(), ada, Role::Service).await.unwrap();
    assert_eq!((given, house.head().await), (RoleGiven::Now, 3));
    let given = beside.commands.give_role(operator(), ada, Role::Admin).await.unwrap();
    assert_eq!((given, house.head().await), (RoleGiven::Already, 3));

    let left: i64 =
        sqlx::query_scalar("select count(*) from handed_over").fetch_one(house.journal.pool()).await.unwrap();
    assert_eq!(left, 0, "what is answered is gone");
    cancel.cancel();
    working.stop().await;
}

#[tokio::test]
async fn without_the_key_ring_nothing_is_handed_over() {
    let house = House::build().await;
    let working = house.work().await;
    let cancel = CancellationToken::new();
    tokio::spawn(HandedOver::new(working.commands.clone(), working.state.clone()).run(cancel.clone()));
    let stranger = KeyRing::generate().unwrap().to_json().to_string();
    let beside = Beside::of(&house, &stranger).await;
    let refused = beside.commands.register(operator(), registration("eve")).await.unwrap_err();
    assert!(refused.to_string().contains("another key ring"), "{refused}");
    assert_eq!(house.head().await, 0);
    cancel.cancel();
    working.stop().await;
}

#[tokio::test]
async fn what_nobody_takes_is_taken_back() {
    let house = House::build().await;
    let beside = Beside::of(&house, house.ring()).await;
    let refused = beside.commands.register(operator(), registration("ada")).await.unwrap_err();
    assert!(matches!(refused, Failure::Unavailable { .. }), "{refused}");
    // Somebody who leads by now finds nothing.
    let working = house.work().await;
    let taking = HandedOver::new(working.commands.clone(), working.state.clone());
    working.leads().await;
    assert_eq!(taking.run_once().await.unwrap(), 0);
    assert_eq!(house.head().await, 0);
    working.stop().await;
}
