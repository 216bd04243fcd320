use crate::house::{Holder, House, Settings};
use crate::proxy::Proxy;

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
