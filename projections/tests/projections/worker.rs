//! Each event has exactly one effect, whoever applies it and however often it comes.

use crate::helpers::{World, drain, projection};
use domain::user::{EndReason, SessionPolicy, UserCommand};
use domain::{LoginSessionId, Timestamp, WalletId};
use journal::subscription::{Handled, Outcome, Subscriber, SubscriptionState};
use projections::{Page, ProjectionWorker, TransactionFilter};
use std::time::Duration;
use testkit::{Frozen, Scribe, eventually};
use uuid::Uuid;

#[tokio::test]
async fn a_wallet_shows_the_balance_after_its_last_event() {
    let world = World::new().await;
    let mut scribe = Scribe::take(&world.journal).await;
    let (user, wallet) = scribe.register().await;
    scribe.deposit(wallet, 1_234).await;
    let position = scribe.withdraw(wallet, 234).await;
    drain(&mut world.follow("wallets")).await;

    let answer = world.read_models.wallet(wallet, Some(position)).await.unwrap();
    assert_eq!(answer.position, position);
    let row = answer.value.unwrap();
    assert_eq!((row.wallet_id, row.user_id, row.version, row.position), (wallet, user, 3, position));
    assert_eq!((row.posted.to_string(), row.available.to_string()), ("10.00".to_owned(), "10.00".to_owned()));
    assert!(row.held.is_zero());
    assert_eq!(world.read_models.wallets_of(user, None).await.unwrap().value, [row]);
    assert_eq!(world.read_models.wallet(WalletId(Uuid::nil()), None).await.unwrap().value, None);
}

#[tokio::test]
async fn a_profile_is_in_plain_words_and_counts_logins() {
    let world = World::new().await;
    let mut scribe = Scribe::take(&world.journal).await;
    let (user, _) = scribe.register().await;
    let mut profiles = world.follow("profiles");
    drain(&mut profiles).await;
    let at = Timestamp::from_micros(1_763_722_900_000_000);
    let hour = Duration::from_hours(1);
    let policy = SessionPolicy { idle: hour, absolute: hour, grace: Duration::ZERO, sessions_max: 5 };
    let session_id = LoginSessionId(Uuid::now_v7());
    scribe.user(
        user,
        UserCommand::OpenSession { session_id, password_version: 1, ip: None, user_agent: None, policy, at },
    );
    scribe.user(user, UserCommand::EndSession { session_id, reason: EndReason::Logout, at });
    scribe.commit().await;
    drain(&mut profiles).await;

    let answer = world.read_models.profile(user, Some(4)).await.unwrap();
    let row = answer.value.unwrap();
    assert_eq!(row.username, Some(format!("username: username of {user}")));
    assert_eq!(row.email, Some(format!("email: email of {user}")));
    assert_eq!(row.name, None);
    assert_eq!((row.login_count, row.last_login_at, row.version), (1, Some(at), 3));
    assert_eq!(row.roles, [domain::user::Role::User]);
}

#[tokio::test]
async fn a_projection_that_wants_none_of_it_still_moves_on() {
    let world = World::new().await;
    let mut scribe = Scribe::take(&world.journal).await;
    let (user, wallet) = scribe.register().await;
    let mut profiles = world.follow("profiles");
    drain(&mut profiles).await;
    let position = scribe.deposits(wallet, 100, 10).await;
    assert_eq!(profiles.run_once().await.unwrap(), Outcome::Handled(10));
    assert_eq!(world.read_models.profile(user, Some(position)).await.unwrap().position, position);
}

#[tokio::test]
async fn an_event_that_comes_twice_has_one_effect() {
    let world = World::new().await;
    let mut scribe = Scribe::take(&world.journal).await;
    let (_, wallet) = scribe.register().await;
    scribe.deposits(wallet, 100, 5).await;
    let events = world.journal.read_after(0, 100).await.unwrap();
    let mut worker = ProjectionWorker::new(world.journal.clone(), projection("transactions"));

    assert_eq!(worker.position().await.unwrap(), 0);
    assert_eq!(worker.handle(0, &events).await.unwrap(), Handled::Recorded);
    assert_eq!(
        worker.handle(0, &events).await.unwrap(),
        Handled::Overtaken { at: 7 },
        "and nothing was done"
    );
    let mut second = ProjectionWorker::new(world.journal.clone(), projection("transactions"));
    assert_eq!(second.position().await.unwrap(), 7);
    assert_eq!(world.count("select count(*) from transactions").await, 5);
}

#[tokio::test]
async fn of_two_workers_with_one_name_only_one_wins_each_batch() {
    let world = World::new().await;
    let mut scribe = Scribe::take(&world.journal).await;
    let (_, wallet) = scribe.register().await;
    let workers = [world.follow("transactions"), world.follow("transactions")].map(|mut worker| {
        tokio::spawn(async move {
            let mut handled = 0;
            while worker.status().borrow().position < 302 {
                if let Outcome::Handled(events) = worker.run_once().await.unwrap() {
                    handled += events;
                }
                tokio::task::yield_now().await;
            }
            handled
        })
    });
    for _ in 0..60 {
        scribe.deposits(wallet, 100, 5).await;
    }
    let mut handled = 0;
    for worker in workers {
        handled += worker.await.unwrap();
    }
    assert_eq!(handled, 302, "every event was handled by one of them");
    assert_eq!(world.count("select count(*) from transactions").await, 300);
}

#[tokio::test]
async fn a_projection_that_cannot_go_on_stops_loudly_and_skips_nothing() {
    let world = World::new().await;
    let mut scribe = Scribe::take(&world.journal).await;
    let (user, wallet) = scribe.register().await;
    let mut wallets = world.follow("wallets");
    drain(&mut wallets).await;
    sqlx::query("alter table wallets rename to elsewhere").execute(world.journal.pool()).await.unwrap();
    scribe.deposits(wallet, 100, 3).await;
    for _ in 0..5 {
        wallets.run_once().await.unwrap_err();
    }
    assert!(matches!(wallets.status().borrow().state, SubscriptionState::Failed { .. }));
    sqlx::query("create view wallets as table elsewhere").execute(world.journal.pool()).await.unwrap();
    let refused = world.read_models.wallet(wallet, None).await.unwrap_err();
    assert!(
        matches!(refused, projections::QueryError::ProjectionFailed { name: "wallets", .. }),
        "{refused}"
    );
    assert!(world.read_models.profile(user, None).await.is_ok(), "the others go on");
    let health = world.read_models.health().await.unwrap();
    assert_eq!(health.iter().filter(|projection| projection.failure.is_some()).count(), 1);

    sqlx::query("drop view wallets").execute(world.journal.pool()).await.unwrap();
    sqlx::query("alter table elsewhere rename to wallets").execute(world.journal.pool()).await.unwrap();
    drain(&mut wallets).await;
    let row = world.read_models.wallet(wallet, Some(5)).await.unwrap().value.unwrap();
    assert_eq!(row.posted.to_string(), "3.00");
    assert_eq!(wallets.status().borrow().state, SubscriptionState::Running);
}

#[tokio::test]
async fn a_session_that_answers_no_more_is_given_up() {
    let world = World::new().await;
    let mut scribe = Scribe::take(&world.journal).await;
    let (_, wallet) = scribe.register().await;
    let mut wallets = world.follow("wallets");
    drain(&mut wallets).await;
    // The worker's: the scribe's last word was a call of a function.
    let session = "select pid from pg_stat_activity where datname = current_database() and query = 'COMMIT'";
    let pid: i32 = sqlx::query_scalar(session).fetch_one(world.journal.pool()).await.unwrap();
    let process = Frozen::freeze(pid);
    let position = scribe.deposit(wallet, 100).await;
    wallets.run_once().await.unwrap_err();
    drop(process);
    eventually("it goes on with another session", async || {
        wallets.run_once().await.is_ok() && wallets.status().borrow().position == position
    })
    .await;
}

#[tokio::test]
async fn another_version_of_a_projection_leaves_the_tables_alone() {
    let world = World::new().await;
    let mut scribe = Scribe::take(&world.journal).await;
    scribe.register().await;
    sqlx::query("update projection_checkpoints set version = 7 where name = 'wallets'")
        .execute(world.journal.pool())
        .await
        .unwrap();
    let error = world.follow("wallets").run_once().await.unwrap_err();
    assert!(error.to_string().contains("rebuild"), "{error}");
    assert_eq!(world.count("select count(*) from wallets").await, 0);
}

#[tokio::test]
async fn old_code_does_not_darken_a_projection_that_is_well() {
    let world = World::new().await;
    let mut scribe = Scribe::take(&world.journal).await;
    let (_, wallet) = scribe.register().await;
    let mut old = world.follow("wallets");
    sqlx::query("update projection_checkpoints set version = 7, position = 2 where name = 'wallets'")
        .execute(world.journal.pool())
        .await
        .unwrap();
    for _ in 0..6 {
        old.run_once().await.unwrap_err();
    }
    assert!(matches!(old.status().borrow().state, SubscriptionState::Failed { .. }), "it says so itself");
    assert!(world.read_models.wallet(wallet, None).await.is_ok(), "and others answer");
}

#[tokio::test]
async fn a_failure_that_is_over_is_taken_back_without_waiting_for_an_event() {
    let world = World::new().await;
    let mut scribe = Scribe::take(&world.journal).await;
    let (_, wallet) = scribe.register().await;
    drain(&mut world.follow("wallets")).await;
    sqlx::query("update projection_checkpoints set failure = 'the disk was full' where name = 'wallets'")
        .execute(world.journal.pool())
        .await
        .unwrap();
    assert!(world.read_models.wallet(wallet, None).await.is_err());
    assert_eq!(world.follow("wallets").run_once().await.unwrap(), Outcome::UpToDate);
    assert!(world.read_models.wallet(wallet, None).await.is_ok());
}

#[tokio::test]
async fn a_list_goes_on_where_its_page_ended() {
    let world = World::new().await;
    let mut scribe = Scribe::take(&world.journal).await;
    let (_, wallet) = scribe.register().await;
    let (_, other) = scribe.register().await;
    scribe.deposits(wallet, 100, 5).await;
    drain(&mut world.follow("transactions")).await;
    drain(&mut world.follow("wallets")).await;
    let page = |cursor| Page { cursor, limit: 2 };
    let mut sequences = Vec::new();
    let mut cursor = None;
    loop {
        let answer = world
            .read_models
            .transactions(wallet, TransactionFilter::default(), &page(cursor.take()), None)
            .await
            .unwrap();
        assert_eq!(answer.position, 9);
        sequences.extend(answer.value.items.iter().map(|row| row.sequence));
        let Some(next) = answer.value.next_cursor else { break };
        assert!(
            world
                .read_models
                .transactions(other, TransactionFilter::default(), &page(Some(next.clone())), None)
                .await
                .is_err()
        );
        cursor = Some(next);
    }
    assert_eq!(sequences, [6, 5, 4, 3, 2]);
    assert!(
        world
            .read_models
            .transactions(other, TransactionFilter::default(), &page(None), None)
            .await
            .unwrap()
            .value
            .items
            .is_empty()
    );
}
