//! What prices do to sessions that are asleep.

use crate::house::{House, d, half_in_bitcoin, of, targets};
use commands::sessions::SessionWish;
use domain::trading::{SessionState, Trigger};

#[tokio::test]
async fn a_crash_halts_a_session_at_the_first_prices_that_show_it() {
    let mut house = House::build().await;
    let (ada, _) = house.register("ada").await;
    let id = house.start(ada, half_in_bitcoin()).await;
    house.ask(id, SessionWish::Rebalance).await.unwrap();
    house.work(&house.worker()).await;
    let mut watcher = house.watcher();
    house.price("BTC", "41000").await;
    assert_eq!(house.watch(&mut watcher).await.changed, 0, "nine per cent are not beyond ten");
    house.price("BTC", "39000").await;
    assert_eq!(house.watch(&mut watcher).await.changed, 1);
    let session = house.session(id).await;
    assert_eq!(session.state, SessionState::Halted);
    assert_eq!(session.last_error.unwrap().code, "drawdown_limit");
    assert_eq!(house.watch(&mut watcher).await.changed, 0, "it is halted once");
    house.call_for_mails().await;
    let of_it = "select count(*) from outbox where kind = 'session_halted' and user_id = ";
    assert_eq!(house.count(&format!("{of_it}'{ada}'")).await, 1);
    // Nothing is bought while it is halted, however far it is from its targets.
    house.ask(id, SessionWish::Rebalance).await.unwrap();
    house.work(&house.worker()).await;
    let session = house.session(id).await;
    assert_eq!(session.portfolio.quantity(of("BTC")), d("0.1"));
    assert_eq!(session.state, SessionState::Halted);
    house.ask(id, SessionWish::Resume).await.unwrap();
    assert_eq!(house.session(id).await.state, SessionState::Running);
    assert_eq!(house.watch(&mut watcher).await.changed, 0, "from here on losses count anew");
}

#[tokio::test]
async fn a_crash_beside_something_that_nobody_quotes_any_more_halts_all_the_same() {
    let mut house = House::build().await;
    let (ada, _) = house.register("ada").await;
    let mut wish = half_in_bitcoin();
    wish.targets = Some(targets(&[("BTC", "0.5"), ("ETH", "0.3"), ("USDT", "0.2")]));
    let id = house.start(ada, wish).await;
    house.ask(id, SessionWish::Rebalance).await.unwrap();
    house.work(&house.worker()).await;
    let mut watcher = house.watcher();
    house.no_price("ETH").await;
    assert_eq!(house.watch(&mut watcher).await.changed, 0, "nothing is lost");
    house.price("BTC", "38000").await;
    assert_eq!(house.watch(&mut watcher).await.changed, 1);
    let session = house.session(id).await;
    assert_eq!(session.state, SessionState::Halted);
    let error = session.last_error.unwrap();
    assert!(error.message.contains("ETH was last priced at"), "{error:?}");
}

#[tokio::test]
async fn money_that_comes_or_goes_halts_nothing() {
    let mut house = House::build().await;
    let (ada, _) = house.register("ada").await;
    let id = house.start(ada, half_in_bitcoin()).await;
    house.ask(id, SessionWish::Rebalance).await.unwrap();
    house.work(&house.worker()).await;
    let mut watcher = house.watcher();
    house.price("BTC", "41000").await;
    for amount in ["-4000", "50000", "-49000"] {
        house.ask(id, SessionWish::ChangeCapital { amount: d(amount) }).await.unwrap();
        house.watch(&mut watcher).await;
        assert_eq!(house.session(id).await.state, SessionState::Running, "{amount}");
    }
}

#[tokio::test]
async fn what_drifts_too_far_is_rebalanced_out_of_turn() {
    let mut house = House::build().await;
    let (ada, _) = house.register("ada").await;
    let mut wish = half_in_bitcoin();
    wish.drift_threshold = Some(d("0.1"));
    let id = house.start(ada, wish).await;
    let mut watcher = house.watcher();
    assert_eq!(house.watch(&mut watcher).await.changed, 1, "it holds nothing of what it is to hold");
    assert_eq!(house.session(id).await.requested.unwrap().trigger, Trigger::Drift);
    house.work(&house.worker()).await;
    let session = house.session(id).await;
    assert_eq!(session.portfolio.quantity(of("BTC")), d("0.1"));
    assert_eq!(session.last_result.unwrap().trigger, Trigger::Drift);
    house.price("BTC", "100000").await;
    house.watch(&mut watcher).await;
    let session = house.session(id).await;
    assert!(session.requested.is_none(), "it was rebalanced a moment ago");
    assert!(session.high_water > d("14000"), "the highest it was worth is taken down");
}

#[tokio::test]
async fn one_process_watches_and_another_one_when_that_is_gone() {
    let house = House::build().await;
    let (mut first, mut second) = (house.watcher(), house.watcher());
    assert!(first.run_once().await.unwrap().is_ours);
    assert!(!second.run_once().await.unwrap().is_ours);
    sqlx::query("update trading_watch set leased_until = clock_timestamp() - interval '1 second'")
        .execute(house.journal.pool())
        .await
        .unwrap();
    assert!(second.run_once().await.unwrap().is_ours);
}
