//! The connection that the relay has to itself: what becomes of the stream when it is not there, or not enough.

use crate::helpers::{assert_stream_is_journal, drain, journal, nats, relay};
use domain::user::{Role, UserCommand};
use domain::{Sealed, UserId};
use journal::relay::{Outcome, RelayError, RelayState};
use std::time::Duration;
use testkit::{Postgres, Scribe, eventually};
use uuid::Uuid;

const PATIENCE: Duration = Duration::from_secs(5);

/// An event that takes at least so many bytes.
async fn large(scribe: &mut Scribe, bytes: usize) {
    let user_id = UserId(Uuid::now_v7());
    let (username, email) = (Sealed::new("x".repeat(bytes)), Sealed::new("email".to_owned()));
    let (name, roles, at) = (None, vec![Role::User], scribe.now);
    scribe.user(user_id, UserCommand::Register { user_id, username, email, name, roles, at });
    scribe.commit().await;
}

#[tokio::test]
async fn an_event_may_be_as_large_as_the_server_takes_it() {
    let (postgres, mut server) = (Postgres::start().await, testkit::Nats::start().await);
    let journal = journal(&postgres.database().await).await;
    let nats = nats(&server).await;
    let mut scribe = Scribe::take(&journal).await;
    let (_, wallet) = scribe.register().await;
    let mut relay = relay(&journal, &nats);
    for bytes in [70_000, 900_000] {
        scribe.deposit(wallet, 100).await;
        large(&mut scribe, bytes).await;
        scribe.deposits(wallet, 100, 300).await;
    }
    assert_eq!(drain(&mut relay).await, Outcome::UpToDate);
    assert_stream_is_journal(&journal, &nats).await;

    large(&mut scribe, 1_500_000).await;
    scribe.deposit(wallet, 100).await;
    let refused = relay.run_once().await.unwrap_err().to_string();
    assert!(refused.contains("event 607 takes 15") && refused.contains("no more than 1048576"), "{refused}");
    server.configure("max_payload: 8MB");
    server.restart().await;
    nats.wait_until_ready(PATIENCE).await.unwrap();
    assert_eq!(drain(&mut relay).await, Outcome::UpToDate);
    assert_stream_is_journal(&journal, &nats).await;
}

#[tokio::test]
async fn a_run_that_a_server_stands_still_in_is_in_the_stream_once() {
    let (postgres, server) = (Postgres::start().await, testkit::Nats::start().await);
    let journal = journal(&postgres.database().await).await;
    let nats = nats(&server).await;
    let mut scribe = Scribe::take(&journal).await;
    let (_, wallet) = scribe.register().await;
    let mut relay = relay(&journal, &nats);
    drain(&mut relay).await;
    scribe.deposits(wallet, 100, 3_000).await;
    server.pause();
    let error = relay.run_once().await.unwrap_err();
    assert!(matches!(error, RelayError::Nats(_)), "{error}");
    assert!(matches!(relay.status().borrow().state, RelayState::Down { .. }));
    server.resume();
    assert_eq!(drain(&mut relay).await, Outcome::UpToDate);
    assert_stream_is_journal(&journal, &nats).await;
}

#[tokio::test]
async fn a_relay_that_gets_no_connection_of_its_own_says_why_and_leaves_the_lead_to_another() {
    let (postgres, mut full) = (Postgres::start().await, testkit::Nats::start().await);
    full.configure("max_connections: 1");
    full.restart().await;
    let far = testkit::Nats::start().await;
    let journal = journal(&postgres.database().await).await;
    let (full_nats, far_nats) = (nats(&full).await, nats(&far).await);
    Scribe::take(&journal).await.register().await;
    let (mut one, mut other) = (relay(&journal, &full_nats), relay(&journal, &far_nats));
    let refused = one.run_once().await.unwrap_err().to_string();
    assert!(refused.contains("maximum connections exceeded"), "{refused}");
    assert_eq!(other.run_once().await.unwrap(), Outcome::StandingBy);
    eventually("the one that can publish leads", async || {
        one.run_once().await.ok();
        matches!(other.run_once().await, Ok(Outcome::UpToDate))
    })
    .await;
    assert_stream_is_journal(&journal, &far_nats).await;
}

#[tokio::test]
async fn nothing_is_tried_on_a_connection_that_went_with_its_server() {
    let (postgres, mut server) = (Postgres::start().await, testkit::Nats::start().await);
    let journal = journal(&postgres.database().await).await;
    let nats = nats(&server).await;
    let mut scribe = Scribe::take(&journal).await;
    let (_, wallet) = scribe.register().await;
    let mut relay = relay(&journal, &nats);
    drain(&mut relay).await;
    server.stop();
    eventually("the client notices", async || nats.ready().is_err()).await;
    server.restart().await;
    nats.wait_until_ready(PATIENCE).await.unwrap();
    scribe.deposits(wallet, 1, 100).await;
    assert_eq!(relay.run_once().await.unwrap(), Outcome::Published(100));
    assert_stream_is_journal(&journal, &nats).await;
}
