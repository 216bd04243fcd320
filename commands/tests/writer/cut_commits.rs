use crate::house::{Holder, House, Settings};
use crate::proxy::Proxy;
use commands::{CommandStatus, Failure};
use testkit::eventually;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_whose_answer_is_lost_is_found_and_not_repeated() {
    let house = House::build().await;
    let proxy = Proxy::before(&house.url);
    let working = house.idle_at(&proxy.url, Settings::default()).await.begin();
    let holder = Holder::register(&working.commands, "ada").await;
    holder.deposit(&working.commands, "warm", "1").await.unwrap();
    for n in 0..5 {
        proxy.lose_the_next_answer();
        let done = holder.deposit(&working.commands, &format!("k{n}"), "1").await.unwrap();
        assert!(proxy.has_cut());
        assert!(!done.replayed);
    }
    assert_eq!(house.folded(holder.wallet_id).await, "6.00");
    house.assert_dense().await;
    working.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_batch_that_never_arrived_is_written_once() {
    let house = House::build().await;
    let proxy = Proxy::before(&house.url);
    let working = house.idle_at(&proxy.url, Settings::default()).await.begin();
    let holder = Holder::register(&working.commands, "ada").await;
    holder.deposit(&working.commands, "warm", "1").await.unwrap();
    for n in 0..5 {
        proxy.lose_the_next_batch();
        holder.deposit(&working.commands, &format!("k{n}"), "1").await.unwrap();
        assert!(proxy.has_cut());
    }
    assert_eq!(house.folded(holder.wallet_id).await, "6.00");
    house.assert_dense().await;
    working.stop().await;
}

/// Who was told that a command is not there, and waited until that was final, sends it again under another key: the first
/// must not come in after all.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_that_was_cut_off_for_too_long_is_not_begun_again() {
    let house = House::build().await;
    let proxy = Proxy::before(&house.url);
    let working = house.idle_at(&proxy.url, Settings::default()).await.begin();
    let holder = Holder::register(&working.commands, "ada").await;
    proxy.lose_the_next_batch_and_close();
    let commands = working.commands.clone();
    let late = tokio::spawn(async move { holder.deposit(&commands, "late", "5").await });
    eventually("the batch is lost", async || proxy.is_closed()).await;
    house.pass(i64::try_from(commands::FINAL_AFTER.as_secs()).unwrap());
    proxy.open();
    let outcome = late.await.unwrap();
    assert!(matches!(outcome, Err(Failure::Unavailable { .. })), "{outcome:?}");
    let status = working.commands.status(holder.principal(), "late").await.unwrap();
    assert_eq!(status, CommandStatus::Unknown);
    holder.deposit(&working.commands, "another", "5").await.unwrap();
    assert_eq!(house.folded(holder.wallet_id).await, "5.00");
    house.assert_dense().await;
    working.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_nobody_writes_no_key_is_said_to_be_unknown() {
    let house = House::build().await;
    let working = house.work().await;
    let holder = Holder::register(&working.commands, "ada").await;
    let commands = working.commands.clone();
    working.stop().await;
    house.execute("update journal_head set beat = clock_timestamp() - interval '4 seconds'").await;
    let outcome = commands.status(holder.principal(), "never").await;
    assert!(matches!(outcome, Err(Failure::Unavailable { .. })), "{outcome:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_crashes_under_load_loses_nothing_that_was_answered() {
    let mut house = House::build().await;
    let working = house.work().await;
    let holder = Holder::register(&working.commands, "ada").await;
    let commands = working.commands.clone();
    let clients: Vec<_> = (0..20)
        .map(|client| {
            let commands = commands.clone();
            tokio::spawn(async move {
                let mut accepted = 0_u32;
                for n in 0..50 {
                    let key = format!("{client}-{n}");
                    // Whatever the failure: the same key again until there is an answer.
                    while holder.deposit(&commands, &key, "1").await.is_err() {
                        tokio::task::yield_now().await;
                    }
                    accepted += 1;
                }
                accepted
            })
        })
        .collect();
    for _ in 0..3 {
        let head = house.tail.head();
        testkit::eventually("work goes on", || async {
            house.tail.head() > head + 20 || house.tail.head() >= 1_002
        })
        .await;
        house.postgres.kill();
        house.postgres.restart().await;
    }
    let mut accepted = 0;
    for client in clients {
        accepted += client.await.unwrap();
    }
    assert_eq!(accepted, 1_000);
    assert_eq!(house.folded(holder.wallet_id).await, "1000.00");
    house.assert_dense().await;
    working.stop().await;
}
