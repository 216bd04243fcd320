//! Runs in which something goes wrong.

use crate::house::{House, d, half_in_bitcoin, of, targets};
use async_trait::async_trait;
use commands::sessions::{SessionWish, StartWish};
use domain::Timestamp;
use domain::trading::market::Market;
use domain::trading::{
    BeginRun, ExchangeName, Fill, Intent, Outcome, RecordOutcomes, SessionCommand, SessionState,
};
use std::sync::Arc;
use testkit::eventually;
use trader::exchange::{Exchange, Queried, Submitted, Terms};
use uuid::Uuid;

/// Works until the session has no run under way.
async fn settled(house: &House, worker: &trader::worker::Worker, id: domain::TradingSessionId) {
    eventually("the run is settled", async || {
        house.work(worker).await;
        house.session(id).await.run.is_none()
    })
    .await;
}

#[tokio::test]
async fn an_answer_that_is_lost_is_asked_for_and_nothing_is_sent_again() {
    let house = House::build().await;
    let (ada, _) = house.register("ada").await;
    let id = house.start(ada, half_in_bitcoin()).await;
    house.ask(id, SessionWish::Rebalance).await.unwrap();
    let worker = house.faulty_worker("drop_response=1");
    house.work(&worker).await;
    let session = house.session(id).await;
    assert!(session.run.is_some(), "nobody knows");
    assert_eq!(session.last_error.unwrap().code, "outcome_unknown");
    let again = house.ask(id, SessionWish::Rebalance).await.unwrap_err();
    assert!(again.to_string().contains("under way"), "{again}");
    settled(&house, &worker, id).await;
    let session = house.session(id).await;
    assert!(session.portfolio.quantity(of("BTC")) > d("0.09"));
    assert_eq!(house.count("select count(*) from paper_orders").await, 1);
}

#[tokio::test]
async fn an_order_that_never_arrived_is_settled_as_such() {
    let house = House::build().await;
    let (ada, _) = house.register("ada").await;
    let id = house.start(ada, half_in_bitcoin()).await;
    house.ask(id, SessionWish::Rebalance).await.unwrap();
    let worker = house.faulty_worker("drop_request=1");
    house.work(&worker).await;
    settled(&house, &worker, id).await;
    let session = house.session(id).await;
    assert_eq!(session.portfolio.cash, d("10000"));
    assert_eq!(session.last_result.unwrap().result, "failed");
    assert_eq!(session.last_error.unwrap().code, "never_accepted");
    assert_eq!(house.count("select count(*) from paper_orders").await, 0);
}

/// A worker that has begun a run, and is gone.
async fn begun(house: &House, id: domain::TradingSessionId) {
    let market = house.prices.market(domain::Currency::USDT).map(|market| Market::clone(&market));
    let begin = BeginRun { fence: 1, market, at: Timestamp::default() };
    house.commands.drive_session(id, SessionCommand::BeginRun(Box::new(begin))).await.unwrap();
}

#[tokio::test]
async fn a_session_that_is_stopped_while_orders_are_out_stops_when_they_are_settled() {
    let house = House::build().await;
    let (ada, _) = house.register("ada").await;
    let id = house.start(ada, half_in_bitcoin()).await;
    house.ask(id, SessionWish::Rebalance).await.unwrap();
    begun(&house, id).await;
    let stop = SessionWish::Stop { reason: "enough".to_owned() };
    house.ask(id, stop.clone()).await.unwrap();
    assert_eq!(house.session(id).await.state, SessionState::Stopping);
    assert!(house.ask(id, stop).await.is_err(), "it is told once");
    settled(&house, &house.worker(), id).await;
    assert_eq!(house.session(id).await.state, SessionState::Stopped);
    assert_eq!(house.count("select count(*) from paper_orders").await, 0);
    assert_eq!(house.count("select count(*) from claims where kind = 'paper_session'").await, 0);
}

/// A trade at a price that takes more than all there is.
fn overspent(intent: &Intent) -> Fill {
    Fill {
        trade_id: "1".to_owned(),
        asset: intent.asset,
        side: intent.side,
        quantity: intent.quantity,
        price: d("5000000"),
        fee: d("0"),
        fee_asset: domain::Currency::USDT,
        fee_in_quote: d("0"),
        traded_at: Timestamp::default(),
        quote: None,
    }
}

#[tokio::test]
async fn a_session_whose_trades_cannot_be_booked_can_be_stopped_and_gives_its_reserve_back() {
    let house = House::build().await;
    let (ada, wallet) = house.register("ada").await;
    house.deposit(wallet, "10000").await;
    let wish = StartWish { reserve_from: Some(wallet), ..half_in_bitcoin() };
    let id = house.start(ada, wish).await;
    house.ask(id, SessionWish::Rebalance).await.unwrap();
    begun(&house, id).await;
    house.ask(id, SessionWish::Stop { reason: "enough".to_owned() }).await.unwrap();
    let run = house.session(id).await.run.unwrap();
    let told = |order: &domain::trading::Order| {
        let intent = &order.intent;
        (intent.order_id, Outcome::Filled { fills: vec![overspent(intent)] })
    };
    let record = RecordOutcomes {
        run_id: run.run_id,
        fence: 1,
        outcomes: run.orders.iter().map(told).collect(),
        market: Market::without_quotes(domain::Currency::USDT),
        at: Timestamp::default(),
    };
    house.commands.drive_session(id, SessionCommand::RecordOutcomes(Box::new(record))).await.unwrap();
    let session = house.session(id).await;
    assert_eq!((session.state, session.run), (SessionState::Stopped, None));
    assert_eq!(session.last_error.unwrap().code, "outcome_unbookable");
    house.call_for_mails().await;
    assert_eq!(house.count("select count(*) from outbox where kind = 'session_halted'").await, 1);
    assert_eq!(house.count("select count(*) from claims where kind = 'paper_session'").await, 0);
    let released = "select count(*) from events where event_type = 'HoldReleased'";
    assert_eq!(house.count(released).await, 1);
}

/// Whose answer the session has heard before whoever asked can tell it, as if the answer to that had been lost.
#[derive(Debug)]
struct Overheard {
    exchange: Arc<dyn Exchange>,
    commands: commands::Commands,
}

#[async_trait]
impl Exchange for Overheard {
    fn name(&self) -> ExchangeName {
        self.exchange.name()
    }

    fn terms(&self) -> &Terms {
        self.exchange.terms()
    }

    async fn submit(&self, account: Uuid, intent: &Intent) -> Submitted {
        let submitted = self.exchange.submit(account, intent).await;
        let record = RecordOutcomes {
            run_id: intent.run_id,
            fence: 1,
            outcomes: vec![(intent.order_id, submitted.clone().outcome())],
            market: Market::without_quotes(domain::Currency::USDT),
            at: Timestamp::default(),
        };
        let record = SessionCommand::RecordOutcomes(Box::new(record));
        self.commands.drive_session(domain::TradingSessionId(account), record).await.unwrap();
        submitted
    }

    async fn query(&self, account: Uuid, intent: &Intent) -> Queried {
        self.exchange.query(account, intent).await
    }
}

#[tokio::test]
async fn a_run_that_has_ended_by_what_was_told_before_is_no_failure() {
    let house = House::build().await;
    let (ada, _) = house.register("ada").await;
    let id = house.start(ada, half_in_bitcoin()).await;
    house.ask(id, SessionWish::Rebalance).await.unwrap();
    let overheard = Overheard { exchange: house.paper(), commands: house.commands.clone() };
    let worker = house.worker_at(Arc::new(overheard));
    assert_eq!(house.work(&worker).await, 1);
    assert_eq!(house.session(id).await.last_result.unwrap().result, "done");
    let failed = "select count(*) from trading_timers where failures > 0 or retry_at is not null";
    assert_eq!(house.count(failed).await, 0);
    assert_eq!(house.work(&worker).await, 0, "there is nothing left to do");
}

#[tokio::test]
async fn a_session_whose_exchange_hangs_delays_nobody() {
    let house = House::build().await;
    let (ada, _) = house.register("ada").await;
    let stuck = house.start(ada, half_in_bitcoin()).await;
    let mut wish = half_in_bitcoin();
    wish.targets = Some(targets(&[("ETH", "0.5"), ("USDT", "0.5")]));
    let mut free = Vec::new();
    for _ in 0..9 {
        free.push(house.start(ada, wish.clone()).await);
    }
    for id in free.iter().chain([&stuck]) {
        house.ask(*id, SessionWish::Rebalance).await.unwrap();
    }
    let worker = house.faulty_worker("hang=BTC");
    house.keep().await;
    assert_eq!(worker.run_once().await.unwrap(), 10);
    eventually("the others are done", async || {
        let mut done = 0;
        for id in &free {
            done += usize::from(house.session(*id).await.last_result.is_some());
        }
        done == free.len()
    })
    .await;
    assert!(house.session(stuck).await.run.is_some());
    worker.idle().await;
    settled(&house, &house.worker(), stuck).await;
    assert_eq!(house.session(stuck).await.last_error.unwrap().code, "never_accepted");
}

#[tokio::test]
async fn without_prices_a_run_fails_with_a_reason_and_the_next_one_comes() {
    let mut house = House::build().await;
    let (ada, _) = house.register("ada").await;
    let mut wish = half_in_bitcoin();
    wish.targets = Some(targets(&[("SOL", "0.5"), ("USDT", "0.5")]));
    let id = house.start(ada, wish).await;
    house.ask(id, SessionWish::Rebalance).await.unwrap();
    let worker = house.worker();
    house.work(&worker).await;
    let error = house.session(id).await.last_error.unwrap();
    assert_eq!((error.code.as_str(), error.message.as_str()), ("price_missing", "there is no price for SOL"));
    house.price("SOL", "100").await;
    house.ask(id, SessionWish::Rebalance).await.unwrap();
    house.work(&worker).await;
    assert_eq!(house.session(id).await.last_error, None);
}

#[tokio::test]
async fn a_run_that_waits_for_a_paused_session_is_looked_at_ever_more_rarely_until_it_is_resumed() {
    let house = House::build().await;
    let (ada, _) = house.register("ada").await;
    let id = house.start(ada, half_in_bitcoin()).await;
    house.ask(id, SessionWish::Rebalance).await.unwrap();
    house.ask(id, SessionWish::Pause).await.unwrap();
    let worker = house.worker();
    let resting =
        "select count(*) from trading_timers where retry_at > clock_timestamp() + interval '30 seconds'";
    let mut looks = 0;
    while house.count(resting).await == 0 {
        assert_eq!(house.work(&worker).await, 1);
        looks += 1;
        assert!(looks < 10, "it is looked at again and again");
        let over = "with over as (update trading_timers set retry_at = clock_timestamp() \
                                  where retry_at <= clock_timestamp() + interval '30 seconds' returning 1) \
                    select count(*) from over";
        house.count(over).await;
    }
    assert_eq!(house.work(&worker).await, 0);
    house.ask(id, SessionWish::Resume).await.unwrap();
    assert_eq!(house.work(&worker).await, 1, "at once");
    assert_eq!(house.session(id).await.last_result.unwrap().result, "done");
}
