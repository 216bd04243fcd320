//! A rebuilt model is the live one, and nobody ever sees it half built.

use crate::helpers::{PlainWords, World, drain, projections};
use projections::{RebuildError, RebuildOptions, TransactionFilter, all, rebuild, sweep_rebuilds};
use std::collections::HashSet;
use std::sync::Arc;
use testkit::Scribe;
use tokio_util::sync::CancellationToken;

const VERIFIED: RebuildOptions = RebuildOptions { verify: true };

/// Every projection there is.
fn names() -> Vec<&'static str> {
    projections().iter().map(|projection| projection.name()).collect()
}

async fn with_history() -> (World, Scribe) {
    let world = World::new().await;
    let mut scribe = Scribe::take(&world.journal).await;
    for _ in 0..5 {
        let (_, wallet) = scribe.register().await;
        scribe.deposits(wallet, 100, 50).await;
        scribe.withdraw(wallet, 30).await;
    }
    for name in names() {
        drain(&mut world.follow(name)).await;
    }
    (world, scribe)
}

#[tokio::test]
async fn a_rebuilt_model_equals_the_live_one_and_takes_its_place() {
    let (world, mut scribe) = with_history().await;
    let indexes = async || {
        let tables: Vec<&str> =
            projections().iter().flat_map(|projection| projection.tables()).copied().collect();
        let sql = "select count(*) from pg_indexes where schemaname = 'public' and tablename = any($1)";
        let count: i64 = sqlx::query_scalar(sql).bind(tables).fetch_one(world.journal.pool()).await.unwrap();
        count
    };
    let before = indexes().await;
    let rebuilt = rebuild(&world.journal, &projections(), "all", VERIFIED).await.unwrap();
    let done: Vec<_> = rebuilt.iter().map(|r| (r.name, r.generation, r.position)).collect();
    assert_eq!(done, names().into_iter().map(|name| (name, 2, 265)).collect::<Vec<_>>());
    assert!(before > 10, "{before}");
    assert_eq!(indexes().await, before);
    assert_eq!(world.count("select count(*) from pg_tables where schemaname = 'rebuild'").await, 0);

    let (user, wallet) = scribe.register().await;
    let position = scribe.deposit(wallet, 100).await;
    for name in names() {
        drain(&mut world.follow(name)).await;
    }
    assert!(world.read_models.profile(user, Some(position)).await.unwrap().value.is_some());
    assert!(world.read_models.wallet(wallet, Some(position)).await.unwrap().value.is_some());
}

#[tokio::test]
async fn a_model_that_differs_is_found_and_not_switched() {
    let (world, _scribe) = with_history().await;
    sqlx::query(
        "update wallets set posted = posted + 1 where position = (select min(position) from wallets)",
    )
    .execute(world.journal.pool())
    .await
    .unwrap();
    let refused = rebuild(&world.journal, &projections(), "wallets", VERIFIED).await.unwrap_err();
    assert!(
        matches!(refused, RebuildError::Differs { name: "wallets", table: "wallets", rows: 2 }),
        "{refused}"
    );
    // Nobody would fold it on: what is erased later would stay in it.
    assert_eq!(left(&world.journal).await, 0);
    rebuild(&world.journal, &projections(), "wallets", RebuildOptions::default()).await.unwrap();
    rebuild(&world.journal, &projections(), "wallets", VERIFIED).await.unwrap();
}

#[tokio::test]
async fn a_live_worker_goes_on_through_a_rebuild() {
    let (world, mut scribe) = with_history().await;
    let (_, wallet) = scribe.register().await;
    let cancel = CancellationToken::new();
    let running = tokio::spawn(world.follow("transactions").run(cancel.clone()));
    // What is listed says what has become of holds, too.
    let beside = tokio::spawn(world.follow("wallets").run(cancel.clone()));
    let rebuilding = {
        let journal = world.journal.clone();
        tokio::spawn(async move {
            for _ in 0..3 {
                rebuild(&journal, &projections(), "transactions", VERIFIED).await.unwrap();
            }
        })
    };
    let mut written = 0;
    while written < 50 || !rebuilding.is_finished() {
        let position = scribe.deposits(wallet, 100, 3).await;
        written += 1;
        let page = projections::Page::default();
        let answer = world
            .read_models
            .transactions(wallet, TransactionFilter::default(), &page, Some(position))
            .await
            .unwrap();
        let newest = &answer.value.items[0];
        assert_eq!(newest.position, position);
        assert_eq!(newest.posted_after.minor(), i128::from(written * 300));
    }
    rebuilding.await.unwrap();
    cancel.cancel();
    running.await.unwrap();
    beside.await.unwrap();
    let rows = world.count("select count(*) from transactions").await;
    assert_eq!(
        rows,
        world
            .count("select count(*) from events where event_type in ('WalletDeposited', 'WalletWithdrawn')")
            .await
    );
}

#[tokio::test]
async fn a_rebuild_ends_while_writers_never_pause() {
    let (world, mut scribe) = with_history().await;
    let (_, wallet) = scribe.register().await;
    let rebuilding = {
        let journal = world.journal.clone();
        tokio::spawn(async move {
            rebuild(&journal, &projections(), "transactions", RebuildOptions::default()).await.unwrap();
        })
    };
    let began = std::time::Instant::now();
    while !rebuilding.is_finished() {
        scribe.deposits(wallet, 100, 20).await;
        assert!(began.elapsed().as_secs() < 10, "it still runs");
    }
    rebuilding.await.unwrap();
    drain(&mut world.follow("transactions")).await;
    rebuild(&world.journal, &projections(), "transactions", VERIFIED).await.unwrap();
}

#[tokio::test]
async fn one_name_is_rebuilt_once_at_a_time() {
    let (world, _scribe) = with_history().await;
    let mut other = world.journal.connection().await.unwrap();
    sqlx::query("select pg_advisory_lock(1128682050, hashtext('wallets'))")
        .execute(&mut other)
        .await
        .unwrap();
    let refused = rebuild(&world.journal, &projections(), "wallets", VERIFIED).await.unwrap_err();
    assert!(matches!(refused, RebuildError::Running("wallets")), "{refused}");
    rebuild(&world.journal, &projections(), "profiles", VERIFIED).await.unwrap();
    let refused = rebuild(&world.journal, &projections(), "wallet", VERIFIED).await.unwrap_err();
    assert!(refused.to_string().contains(&names().join(", ")), "{refused}");
}

#[tokio::test]
async fn an_erased_user_stays_erased_in_a_new_generation() {
    let world = World::new().await;
    let mut scribe = Scribe::take(&world.journal).await;
    let (erased, _) = scribe.register().await;
    let (other, _) = scribe.register().await;
    let projections = all(Arc::new(PlainWords { erased: HashSet::from([erased]) }));
    rebuild(&world.journal, &projections, "profiles", RebuildOptions::default()).await.unwrap();
    let profile = async |id| world.read_models.profile(id, None).await.unwrap().value.unwrap();
    assert_eq!((profile(erased).await.username, profile(erased).await.email), (None, None));
    assert!(profile(other).await.email.is_some());
}

/// Tables in the schema where the next generation is made.
async fn left(journal: &journal::Journal) -> i64 {
    let query = "select count(*) from pg_class c join pg_namespace n on n.oid = c.relnamespace \
                 where n.nspname = 'rebuild' and c.relkind = 'r'";
    sqlx::query_scalar(query).fetch_one(journal.pool()).await.unwrap()
}

#[tokio::test]
async fn what_a_rebuild_left_that_was_broken_off_is_swept_away() {
    let (world, _scribe) = with_history().await;
    let sql = "create table rebuild.profiles (like public.profiles)";
    sqlx::query(sql).execute(world.journal.pool()).await.unwrap();
    sweep_rebuilds(&world.journal, &projections()).await.unwrap();
    assert_eq!(left(&world.journal).await, 0);
}
