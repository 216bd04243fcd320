//! Runs in which nothing goes wrong.

use crate::house::{House, d, half_in_bitcoin, of, targets};
use commands::sessions::{SessionWish, StartWish};
use domain::trading::SessionState;
use domain::{Currency, Timestamp};
use std::time::Duration;
use trader::timers::{Leases, Taken};

#[tokio::test]
async fn a_rebalance_that_was_asked_for_buys_what_is_meant_to_be_held() {
    let house = House::build().await;
    let (ada, _) = house.register("ada").await;
    let id = house.start(ada, half_in_bitcoin()).await;
    let worker = house.worker();
    assert_eq!(house.work(&worker).await, 0, "nothing is due");
    house.ask(id, SessionWish::Rebalance).await.unwrap();
    assert_eq!(house.work(&worker).await, 1);
    let session = house.session(id).await;
    assert!(session.run.is_none());
    assert_eq!(session.last_error, None);
    assert_eq!(session.last_result.as_ref().unwrap().result, "done");
    let bitcoin = session.portfolio.quantity(of("BTC"));
    assert_eq!(bitcoin, d("0.1"));
    let market = house.prices.market(Currency::USDT).unwrap();
    let equity = session.portfolio.equity(&market).unwrap();
    assert!(equity < d("10000") && equity > d("9950"), "fee and slippage: {equity}");
    assert_eq!(house.work(&worker).await, 0, "done is done");
    assert_eq!(house.count("select count(*) from paper_orders").await, 1);
}

#[tokio::test]
async fn what_is_sold_pays_for_what_is_bought() {
    let mut house = House::build().await;
    let (ada, _) = house.register("ada").await;
    let id = house.start(ada, half_in_bitcoin()).await;
    let worker = house.worker();
    house.ask(id, SessionWish::Rebalance).await.unwrap();
    house.work(&worker).await;
    let other = targets(&[("BTC", "0"), ("ETH", "0.98"), ("USDT", "0.02")]);
    house.ask(id, SessionWish::SetTargets { targets: other }).await.unwrap();
    house.ask(id, SessionWish::Rebalance).await.unwrap();
    house.refresh().await;
    house.work(&worker).await;
    let session = house.session(id).await;
    assert_eq!(session.last_result.as_ref().unwrap().result, "done", "{:?}", session.last_error);
    assert_eq!(session.portfolio.quantity(of("BTC")), d("0"));
    assert!(session.portfolio.quantity(of("ETH")) > d("3.8"));
    assert!(session.portfolio.cash >= d("0"));
    assert_eq!(house.count("select count(*) from paper_orders").await, 3);
    assert_eq!(house.count("select count(distinct order_id) from paper_orders").await, 3);
}

#[tokio::test]
async fn a_schedule_runs_when_it_is_due_and_missed_ticks_are_one_run() {
    let house = House::build().await;
    let (ada, _) = house.register("ada").await;
    let long_ago = domain::Timestamp::from_micros(house.commands.now().as_micros() - 10_000_000_000);
    let mut wish = half_in_bitcoin();
    (wish.interval_s, wish.auto_rebalance) = (Some(60), Some(true));
    wish.next_run_at = Some(long_ago);
    let id = house.start(ada, wish).await;
    let worker = house.worker();
    assert_eq!(house.work(&worker).await, 1);
    assert_eq!(house.work(&worker).await, 0, "the ticks before are gone");
    let session = house.session(id).await;
    let next = session.next_run_at.unwrap();
    assert!(next > house.commands.now());
    assert_eq!((next.as_micros() - long_ago.as_micros()) % 60_000_000, 0, "it keeps its beat");
    assert_eq!(house.count("select count(*) from events where event_type = 'RunStarted'").await, 1);
}

#[tokio::test]
async fn whoever_looks_learns_when_the_next_session_is_due_if_that_is_soon() {
    let house = House::build().await;
    let (ada, _) = house.register("ada").await;
    let now = house.commands.now();
    let (soon, later) = (now.plus(Duration::from_mins(1)), now.plus(Duration::from_mins(2)));
    for next_run_at in [later, soon] {
        house.start(ada, StartWish { next_run_at: Some(next_run_at), ..half_in_bitcoin() }).await;
    }
    house.keep().await;
    let leases = Leases::new(house.journal.pool().clone());
    let look = async |now, until| leases.take(now, 9, until).await.unwrap();
    let before = Timestamp::from_micros(soon.as_micros() - 1);
    assert_eq!(look(now, before).await, Taken::default(), "not soon enough");
    assert_eq!(look(now, later).await, Taken { leases: Vec::new(), next_due_at: Some(soon) });
    let found = look(soon, later).await;
    assert_eq!((found.leases.len(), found.next_due_at), (1, Some(later)));
    let found = look(later, later).await;
    assert_eq!((found.leases.len(), found.next_due_at), (1, None), "the other one is taken");
}

#[tokio::test]
async fn a_session_that_stops_gives_its_reserve_back_and_is_not_looked_at_again() {
    let house = House::build().await;
    let (ada, _) = house.register("ada").await;
    let mut wish = half_in_bitcoin();
    (wish.interval_s, wish.auto_rebalance) = (Some(60), Some(true));
    let id = house.start(ada, wish).await;
    house.ask(id, SessionWish::Stop { reason: "enough".to_owned() }).await.unwrap();
    house.keep().await;
    assert_eq!(house.session(id).await.state, SessionState::Stopped);
    assert_eq!(house.count("select count(*) from trading_timers").await, 0);
}

#[tokio::test]
async fn of_many_workers_one_carries_out_each_run() {
    let house = House::build().await;
    let mut ids = Vec::new();
    for name in 0..10 {
        let (user, _) = house.register(&format!("user-{name}")).await;
        for _ in 0..10 {
            let id = house.start(user, half_in_bitcoin()).await;
            house.ask(id, SessionWish::Rebalance).await.unwrap();
            ids.push(id);
        }
    }
    house.keep().await;
    let workers: Vec<_> = (0..4).map(|_| house.worker()).collect();
    let taken = futures::future::join_all(workers.iter().map(trader::worker::Worker::run_once)).await;
    futures::future::join_all(workers.iter().map(trader::worker::Worker::idle)).await;
    let mut taken: usize = taken.into_iter().map(Result::unwrap).sum();
    while taken < 100 {
        taken += house.work(&workers[0]).await;
    }
    assert_eq!(taken, 100);
    assert_eq!(house.count("select count(*) from events where event_type = 'RunStarted'").await, 100);
    assert_eq!(house.count("select count(*) from events where event_type = 'RunCompleted'").await, 100);
    assert_eq!(house.count("select count(*) from paper_orders").await, 100);
    for id in ids {
        assert_eq!(house.session(id).await.last_result.unwrap().result, "done");
    }
}

#[tokio::test]
async fn a_dry_run_says_what_it_would_do_and_does_nothing() {
    let house = House::build().await;
    let (ada, _) = house.register("ada").await;
    let mut wish = half_in_bitcoin();
    wish.dry_run = Some(true);
    let id = house.start(ada, wish).await;
    house.ask(id, SessionWish::Rebalance).await.unwrap();
    assert_eq!(house.work(&house.worker()).await, 1);
    let session = house.session(id).await;
    assert_eq!(session.last_result.unwrap().result, "dry_run");
    assert_eq!(session.portfolio.cash, d("10000"));
    assert_eq!(house.count("select count(*) from paper_orders").await, 0);
}
