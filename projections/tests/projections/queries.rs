//! Reading one's own writes.

use crate::helpers::{World, drain};
use projections::QueryError;
use testkit::{Scribe, eventually};
use tokio_util::sync::CancellationToken;

#[tokio::test]
async fn a_query_waits_until_its_position_is_there() {
    let world = World::new().await;
    let mut scribe = Scribe::take(&world.journal).await.feeding(&world.feed.tail);
    let (_, wallet) = scribe.register().await;
    let cancel = CancellationToken::new();
    let running = tokio::spawn(world.follow("wallets").run(cancel.clone()));
    for cents in 1..=20 {
        let position = scribe.deposit(wallet, 1).await;
        let answer = world.read_models.wallet(wallet, Some(position)).await.unwrap();
        assert!(answer.position >= position);
        assert_eq!(answer.value.unwrap().posted.minor(), cents);
    }
    cancel.cancel();
    running.await.unwrap();
}

#[tokio::test]
async fn a_position_beyond_the_head_fails_at_once() {
    let world = World::new().await;
    let mut scribe = Scribe::take(&world.journal).await;
    let (_, wallet) = scribe.register().await;
    let begun = std::time::Instant::now();
    let refused = world.read_models.wallet(wallet, Some(3)).await.unwrap_err();
    assert!(matches!(refused, QueryError::BeyondHead { asked: 3, head: 2 }), "{refused}");
    assert!(begun.elapsed().as_secs() < 2);
}

#[tokio::test]
async fn a_projection_that_does_not_come_is_waited_for_five_seconds() {
    let world = World::new().await;
    let mut scribe = Scribe::take(&world.journal).await;
    let (user, _) = scribe.register().await;
    drain(&mut world.follow("profiles")).await;
    scribe.register().await;
    let begun = std::time::Instant::now();
    let refused = world.read_models.profile(user, Some(4)).await.unwrap_err();
    assert!(
        matches!(refused, QueryError::ProjectionBehind { name: "profiles", position: 2, lag: 2 }),
        "{refused}"
    );
    assert!((5..7).contains(&begun.elapsed().as_secs()));
}

#[tokio::test]
async fn a_node_without_workers_hears_of_checkpoints() {
    let world = World::new().await;
    let mut scribe = Scribe::take(&world.journal).await;
    let (_, wallet) = scribe.register().await;
    let elsewhere = projections::ReadModels::new(
        world.journal.clone(),
        journal::Tail::new(0),
        journal::subscription::Checkpoints::default(),
    );
    let cancel = CancellationToken::new();
    let informed = elsewhere.clone();
    let stop = cancel.clone();
    let running = tokio::spawn(async move { informed.keep_informed(None, stop).await });
    drain(&mut world.follow("wallets")).await;
    eventually("the other node answers", async || elsewhere.wallet(wallet, Some(2)).await.is_ok()).await;
    cancel.cancel();
    running.await.unwrap();
}
