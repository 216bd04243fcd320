use crate::house::{Holder, House, Settings};
use commands::Failure;
use futures::poll;
use std::pin::pin;
use testkit::eventually;

/// Fails the whole batch, as a full disk would, while `trouble` is there.
const DISK_FULL: &str = "create table trouble (); \
    create function fail_in_trouble() returns trigger language plpgsql as $$ begin \
        if to_regclass('trouble') is not null then raise exception 'no space' using errcode = '53100'; end if; \
        return new; end $$; \
    create trigger fail_in_trouble before insert on events for each row execute function fail_in_trouble();";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_is_answered_as_if_a_failed_commit_stood() {
    let house = House::build().await;
    let working = house.work().await;
    let holder = Holder::register(&working.commands, "ada").await;
    working.stop().await;
    house.execute(DISK_FULL).await;

    let idle = house.idle(Settings::default()).await;
    let commands = idle.commands.clone();
    // The refusal rests on a balance that the deposit before it made.
    let accepted = tokio::spawn({
        let commands = commands.clone();
        async move { holder.deposit(&commands, "in", "5").await }
    });
    idle.filled(1).await;
    let refused = tokio::spawn({
        let commands = commands.clone();
        async move { holder.withdraw(&commands, "out", "5.01").await }
    });
    idle.filled(2).await;
    let head = house.head().await;
    let working = idle.begin();
    for outcome in [accepted.await.unwrap(), refused.await.unwrap()] {
        assert!(matches!(outcome, Err(Failure::Unavailable { .. })), "{outcome:?}");
    }
    assert_eq!(house.head().await, head);

    house.execute("drop table trouble").await;
    let after = holder.withdraw(&commands, "out", "0.01").await;
    assert!(matches!(after, Err(Failure::Refused { .. })), "nothing of the lost deposit is left: {after:?}");
    holder.deposit(&commands, "in", "5").await.unwrap();
    assert_eq!(house.folded(holder.wallet_id).await, "5.00");
    working.stop().await;
}

/// The point of the rule: the second batch was decided while the first was being committed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refusal_that_rests_on_a_commit_under_way_falls_with_it() {
    let house = House::build().await;
    let working = house.work().await;
    let holder = Holder::register(&working.commands, "ada").await;
    house.execute(DISK_FULL).await;
    let mut gate = sqlx::Acquire::begin(house.journal.pool()).await.unwrap();
    sqlx::query("select 1 from journal_head for update").execute(&mut *gate).await.unwrap();
    let commands = &working.commands.clone();
    // Polled once, a command is in the inbox.
    let mut accepted = pin!(holder.deposit(commands, "in", "5"));
    assert!(poll!(&mut accepted).is_pending());
    house.waits_for_a_lock().await;
    // 4.99 of the 5.00 that are not durable yet: accepted or refused, both rest on them.
    let mut out = pin!(holder.withdraw(commands, "out", "4.99"));
    let mut too_much = pin!(holder.withdraw(commands, "too-much", "5.01"));
    assert!(poll!(&mut out).is_pending() && poll!(&mut too_much).is_pending());
    eventually("all is decided", async || commands.queue_depth() == 0).await;
    gate.rollback().await.unwrap();
    for outcome in [accepted.await, out.await, too_much.await] {
        assert!(matches!(outcome, Err(Failure::Unavailable { .. })), "{outcome:?}");
    }
    house.execute("drop table trouble").await;
    let after = holder.withdraw(commands, "out", "4.99").await;
    assert!(matches!(after, Err(Failure::Refused { .. })), "nothing of the lost deposit is left: {after:?}");
    working.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refusal_moves_the_fence_like_an_acceptance() {
    let house = House::build().await;
    let working = house.work().await;
    let holder = Holder::register(&working.commands, "ada").await;
    // Somebody else takes over without our noticing.
    house.execute("update journal_head set epoch = epoch + 1, leader = 'another'").await;
    let outcome = holder.withdraw(&working.commands, "out", "1").await;
    assert!(
        matches!(outcome, Err(Failure::Unavailable { .. })),
        "a refusal of a dead leader is worth nothing: {outcome:?}"
    );
    working.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_command_that_waited_too_long_has_no_effect() {
    let house = House::build().await;
    let working = house.work().await;
    let holder = Holder::register(&working.commands, "ada").await;
    working.stop().await;
    let idle = house.idle(Settings::default()).await;
    let commands = idle.commands.clone();
    let waiting = tokio::spawn(async move { holder.deposit(&commands, "late", "5").await });
    idle.filled(1).await;
    house.pass(60);
    let working = idle.begin();
    assert!(matches!(waiting.await.unwrap(), Err(Failure::Unavailable { .. })));
    assert_eq!(house.folded(holder.wallet_id).await, "0");
    working.stop().await;
}

/// The inbox takes in what fits; more is told to come again at once, and waits for nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_inbox_says_so_at_once() {
    let house = House::build().await;
    let working = house.work().await;
    let holder = Holder::register(&working.commands, "ada").await;
    working.stop().await;
    let idle = house.idle(Settings::default()).await;
    let commands = idle.commands.clone();
    let deposits = (0..10_000).map(|n| {
        let commands = &commands;
        async move { holder.deposit(commands, &format!("k{n}"), "0.01").await }
    });
    let (outcomes, working) = tokio::join!(futures::future::join_all(deposits), async {
        eventually("the inbox is full", async || commands.queue_depth() >= 8_192).await;
        idle.begin()
    });
    let done = outcomes.iter().filter(|outcome| outcome.is_ok()).count();
    assert_eq!(done, 8_192);
    assert!(outcomes.iter().all(|o| matches!(o, Ok(_) | Err(Failure::Unavailable { .. }))));
    assert_eq!(house.folded(holder.wallet_id).await, "81.92");
    working.stop().await;
}

/// Commands that wait for the database are not taken in without end.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_stands_still_fills_the_inbox() {
    let house = House::build().await;
    let working = house.work().await;
    let holder = Holder::register(&working.commands, "ada").await;
    let mut gate = sqlx::Acquire::begin(house.journal.pool()).await.unwrap();
    sqlx::query("set local idle_in_transaction_session_timeout = 0").execute(&mut *gate).await.unwrap();
    sqlx::query("lock table snapshots in access exclusive mode").execute(&mut *gate).await.unwrap();
    let commands = &working.commands;
    let strangers = futures::future::join_all((0..20_000).map(|n| async move {
        let nowhere = Holder { wallet_id: domain::WalletId(uuid::Uuid::now_v7()), ..holder };
        nowhere.deposit(commands, &format!("k{n}"), "0.01").await
    }));
    let (outcomes, ()) = tokio::join!(strangers, async {
        eventually("the inbox is full", async || commands.queue_depth() >= 8_000).await;
        gate.rollback().await.unwrap();
    });
    let turned_away = outcomes.iter().filter(|o| matches!(o, Err(Failure::Unavailable { .. }))).count();
    assert!((1..20_000).contains(&turned_away), "{turned_away}");
    assert!(outcomes.iter().all(|o| matches!(o, Err(Failure::Unavailable { .. } | Failure::Refused { .. }))));
    holder.deposit(commands, "after", "1").await.unwrap();
    working.stop().await;
}
