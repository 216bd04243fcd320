//! The database may be put back to an earlier moment under whoever is running: nothing that never was leaves a trace, and
//! nothing that was is left out.

use crate::helpers::{World, projections};
use journal::subscription::SubscriptionState;
use projections::{Page, QueryError, RebuildOptions, TransactionFilter, rebuild};
use testkit::{Scribe, eventually};
use tokio_util::sync::CancellationToken;

#[tokio::test]
async fn a_running_worker_goes_back_with_the_database_and_on_with_what_happened_instead() {
    let world = World::new().await;
    let mut scribe = Scribe::take(&world.journal).await.feeding(&world.feed.tail);
    let (_, wallet) = scribe.register().await;
    scribe.deposits(wallet, 100, 48).await;
    let cancel = CancellationToken::new();
    let running =
        ["wallets", "transactions"].map(|name| tokio::spawn(world.follow(name).run(cancel.clone())));
    let informed = {
        let (read_models, cancel) = (world.read_models.clone(), cancel.clone());
        tokio::spawn(async move { read_models.keep_informed(None, cancel).await })
    };
    world.read_models.wallet(wallet, Some(50)).await.unwrap();
    world
        .read_models
        .transactions(wallet, TransactionFilter::default(), &Page::default(), Some(50))
        .await
        .unwrap();

    let backup = world.backup().await;
    let mut scribe = Scribe::take(&world.journal).await.feeding(&world.feed.tail);
    let (_, lost) = scribe.register().await;
    let end = scribe.deposits(lost, 100, 48).await;
    world.read_models.wallet(lost, Some(end)).await.unwrap();
    world
        .read_models
        .transactions(lost, TransactionFilter::default(), &Page::default(), Some(end))
        .await
        .unwrap();
    world.restore(&backup).await;

    eventually("it is known here that the journal went back", async || world.feed.tail.head() == 50).await;
    let beyond = async || {
        let answer = world.read_models.wallet(lost, Some(end)).await;
        matches!(answer, Err(QueryError::BeyondHead { head: 50, .. }))
    };
    eventually("nobody waits for what never was", beyond).await;
    assert_eq!(world.read_models.wallet(lost, None).await.unwrap().value, None);

    let mut scribe = Scribe::take(&world.journal).await;
    let (_, other) = scribe.register().await;
    // Beyond the end that never was, told to nobody: the window of memory must not stand in between.
    let end = scribe.deposits(other, 100, 70).await;
    assert_eq!(end, 122);
    eventually("the workers are there", async || {
        let wallet = world.read_models.wallet(other, Some(end)).await;
        let transactions = world
            .read_models
            .transactions(other, TransactionFilter::default(), &Page::default(), Some(end))
            .await;
        wallet.is_ok_and(|answer| answer.value.is_some()) && transactions.is_ok()
    })
    .await;
    assert_eq!(world.count("select count(*) from transactions").await, 48 + 70);
    cancel.cancel();
    for task in running {
        task.await.unwrap();
    }
    informed.await.unwrap();
    for name in ["wallets", "transactions"] {
        rebuild(&world.journal, &projections(), name, RebuildOptions { verify: true }).await.unwrap();
    }
}

#[tokio::test]
async fn events_that_the_journal_does_not_hold_leave_no_rows() {
    let world = World::new().await;
    let mut scribe = Scribe::take(&world.journal).await;
    scribe.register().await;
    let mut wallets = world.follow("wallets");
    crate::helpers::drain(&mut wallets).await;
    let backup = world.backup().await;
    let mut scribe = Scribe::take(&world.journal).await.feeding(&world.feed.tail);
    let (_, lost) = scribe.register().await;
    world.restore(&backup).await;
    // As many events as were lost, so that no look at the head can tell.
    let mut scribe = Scribe::take(&world.journal).await;
    let (_, real) = scribe.register().await;
    eventually("the worker reads what is really there", async || {
        let _ = wallets.run_once().await;
        world.read_models.wallet(real, None).await.is_ok_and(|answer| answer.value.is_some())
    })
    .await;
    assert_eq!(world.read_models.wallet(lost, None).await.unwrap().value, None);
}

#[tokio::test]
async fn a_model_that_is_ahead_of_its_journal_says_so_until_it_is_rebuilt() {
    let world = World::new().await;
    let mut scribe = Scribe::take(&world.journal).await;
    let (_, wallet) = scribe.register().await;
    let mut wallets = world.follow("wallets");
    crate::helpers::drain(&mut wallets).await;
    sqlx::query("update projection_checkpoints set position = 9 where name = 'wallets'")
        .execute(world.journal.pool())
        .await
        .unwrap();
    let mut wallets = world.follow("wallets");
    for _ in 0..5 {
        let error = wallets.run_once().await.unwrap_err();
        assert!(error.to_string().contains("rebuild it"), "{error}");
    }
    assert!(matches!(wallets.status().borrow().state, SubscriptionState::Failed { .. }));
    let refused = world.read_models.wallet(wallet, None).await.unwrap_err();
    assert!(matches!(refused, QueryError::ProjectionFailed { name: "wallets", .. }), "{refused}");

    let rebuilt =
        rebuild(&world.journal, &projections(), "wallets", RebuildOptions::default()).await.unwrap();
    assert_eq!(rebuilt[0].position, 2);
    let position = scribe.deposit(wallet, 100).await;
    crate::helpers::drain(&mut wallets).await;
    assert!(world.read_models.wallet(wallet, Some(position)).await.is_ok());
}
