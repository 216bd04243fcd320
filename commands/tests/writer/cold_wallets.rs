use crate::house::{Holder, House, Settings};
use futures::future::join_all;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_memory_smaller_than_the_work_loses_nothing() {
    let house = House::build().await;
    let idle = house.idle(Settings { cache_capacity: Some(2), ..Settings::default() }).await;
    let working = idle.begin();
    let commands = &working.commands;
    let names: Vec<String> = (0..12).map(|n| format!("user-{n}")).collect();
    let holders = join_all(names.iter().map(|name| Holder::register(commands, name))).await;
    for round in 0..10 {
        let all = holders.iter().enumerate().map(|(n, holder)| {
            let key = format!("{round}-{n}");
            async move { holder.deposit(commands, &key, "1.50").await.unwrap() }
        });
        join_all(all).await;
    }
    for holder in &holders {
        assert_eq!(house.folded(holder.wallet_id).await, "15.00");
    }
    house.assert_dense().await;
    working.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn deleting_every_snapshot_changes_nothing() {
    let house = House::build().await;
    let working = house.work().await;
    let holder = Holder::register(&working.commands, "ada").await;
    let commands = working.commands.clone();
    join_all((0..1_500).map(|n| {
        let commands = commands.clone();
        async move { holder.deposit(&commands, &format!("k{n}"), "0.01").await.unwrap() }
    }))
    .await;
    let snapshots = || async {
        sqlx::query_scalar::<_, i64>("select count(*) from snapshots")
            .fetch_one(house.journal.pool())
            .await
            .unwrap()
    };
    testkit::eventually("a snapshot is written", || async { snapshots().await > 0 }).await;
    working.stop().await;

    let by_snapshot = house.journal.load::<domain::wallet::Wallet>(&[holder.wallet_id.0]).await.unwrap();
    house.execute("delete from snapshots").await;
    let by_history = house.journal.load::<domain::wallet::Wallet>(&[holder.wallet_id.0]).await.unwrap();
    let (with, without) = (&by_snapshot[&holder.wallet_id.0], &by_history[&holder.wallet_id.0]);
    assert!(with.snapshot_sequence > 0);
    assert_eq!((&with.state, with.sequence), (&without.state, without.sequence));
    assert_eq!(with.state.account().unwrap().posted.to_string(), "15.00");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hot_wallet_is_never_overdrawn() {
    let house = House::build().await;
    let working = house.work().await;
    let holder = Holder::register(&working.commands, "ada").await;
    let commands = &working.commands;
    holder.deposit(commands, "in", "100").await.unwrap();
    let outcomes = join_all((0..500).map(|n| {
        let key = format!("out-{n}");
        async move { holder.withdraw(commands, &key, "1").await }
    }))
    .await;
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 100);
    assert_eq!(house.folded(holder.wallet_id).await, "0.00");
    working.stop().await;
}
