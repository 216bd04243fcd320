//! The exchange on paper against a real PostgreSQL: what is executed stands in its ledger, once for each sending, and what
//! is not there after its last moment never will be.

#![allow(clippy::unwrap_used)]

use commands::Clock;
use domain::trading::{Intent, OrderId, Outcome, Side};
use domain::{Currency, Timestamp};
use journal::{Journal, JournalOptions};
use rust_decimal::Decimal;
use sqlx::PgPool;
use std::sync::Arc;
use std::time::{Duration, Instant};
use testkit::{Postgres, eventually};
use trader::exchange::{
    Exchange, Faults, Faulty, KEPT_FOR, PRUNED_AT_ONCE, Paper, Point, Queried, Submitted, Terms,
};
use trader::market::{Poller, Price, Priced, Script, Scripted};
use uuid::Uuid;

struct House {
    postgres: Postgres,
    pool: PgPool,
    script: Scripted,
    poller: Poller,
    paper: Arc<Paper>,
}

const ACCOUNT: Uuid = Uuid::from_u128(1);

fn d(text: &str) -> Decimal {
    Decimal::from_str_exact(text).unwrap()
}

fn bitcoin() -> Currency {
    Currency::parse("BTC").unwrap()
}

impl House {
    /// One bitcoin costs 65,000.
    async fn build() -> Self {
        let postgres = Postgres::start().await;
        let database_url = postgres.database().await;
        let journal = Journal::connect(&JournalOptions { database_url, connections_max: 8 }).await.unwrap();
        let pool = journal.pool().clone();
        let script = Scripted::memory(Script::default(), Timestamp::default());
        let terms = Arc::new(Terms::paper());
        let (poller, prices) = Poller::new(Box::new(script.clone()), Arc::clone(&terms), Clock::System);
        let paper = Arc::new(Paper::new(pool.clone(), prices, terms, Clock::System));
        let mut house = Self { postgres, pool, script, poller, paper };
        house.price("65000").await;
        house
    }

    async fn price(&mut self, price: &str) {
        let price = Price::parse(price).map(Priced::Middle);
        self.script.set(bitcoin(), Currency::USDT, price);
        self.poller.run_once().await.unwrap();
    }

    async fn rows(&self) -> i64 {
        sqlx::query_scalar("select count(*) from paper_orders").fetch_one(&self.pool).await.unwrap()
    }

    /// The time by the ledger's clock.
    async fn now(&self) -> Timestamp {
        let now: time::OffsetDateTime =
            sqlx::query_scalar("select clock_timestamp()").fetch_one(&self.pool).await.unwrap();
        now.into()
    }

    fn faulty(&self, faults: &str) -> Faulty {
        let paper: Arc<dyn Exchange> = Arc::<Paper>::clone(&self.paper);
        Faulty::new(paper, faults.parse().unwrap())
    }
}

fn order(leg: u32, valid_until: Timestamp) -> Intent {
    let run_id = Uuid::from_u128(2);
    Intent {
        order_id: OrderId::of(run_id, leg),
        run_id,
        leg,
        symbol: "BTCUSDT".to_owned(),
        asset: bitcoin(),
        side: Side::Buy,
        quantity: d("0.5"),
        limit_price: d("65325"),
        expected_price: d("65000"),
        expected_fee: d("32.5"),
        valid_until,
    }
}

fn soon() -> Timestamp {
    Clock::System.now().plus(Duration::from_mins(1))
}

#[tokio::test]
async fn what_is_executed_is_told_and_found_again() {
    let house = House::build().await;
    let order = order(0, soon());
    let Submitted::Filled { fills } = house.paper.submit(ACCOUNT, &order).await else { panic!("not filled") };
    let [fill] = fills.as_slice() else { panic!("{fills:?}") };
    assert_eq!((fill.quantity, fill.price), (d("0.5"), d("65013")));
    assert_eq!((fill.fee, fill.fee_asset), (d("32.5065"), Currency::USDT));
    assert_eq!(fill.quote.as_ref().unwrap().source, "script");
    assert_eq!(house.paper.query(ACCOUNT, &order).await, Queried::Filled { fills });
    let another = house.paper.query(Uuid::from_u128(9), &order).await;
    assert!(matches!(another, Queried::NotFound { .. }), "another's order: {another:?}");
}

#[tokio::test]
async fn what_is_sent_twice_is_executed_twice_and_it_shows() {
    let house = House::build().await;
    let order = order(0, soon());
    let (first, second) =
        (house.paper.submit(ACCOUNT, &order).await, house.paper.submit(ACCOUNT, &order).await);
    assert_ne!(first, second, "two trades");
    assert_eq!(house.rows().await, 2);
    let Submitted::Filled { fills } = second else { panic!("not filled") };
    assert_eq!(house.paper.query(ACCOUNT, &order).await, Queried::Filled { fills }, "the newest is told");
}

#[tokio::test]
async fn nothing_is_let_in_after_its_last_moment_by_the_ledgers_clock() {
    let house = House::build().await;
    let order = order(0, house.now().await);
    let Submitted::Rejected { code, .. } = house.paper.submit(ACCOUNT, &order).await else {
        panic!("let in")
    };
    assert_eq!((code.as_str(), house.rows().await), ("outside_recv_window", 0));
}

#[tokio::test]
async fn what_is_declined_leaves_no_trace() {
    let mut house = House::build().await;
    house.price("66000").await;
    let mut order = order(0, soon());
    let rejected = |submitted| match submitted {
        Submitted::Rejected { code, .. } => code,
        other => panic!("{other:?}"),
    };
    assert_eq!(rejected(house.paper.submit(ACCOUNT, &order).await), "price_moved");
    order.symbol = "BTCEUR".to_owned();
    assert_eq!(rejected(house.paper.submit(ACCOUNT, &order).await), "invalid_symbol");
    assert_eq!(house.rows().await, 0);
    assert!(matches!(house.paper.query(ACCOUNT, &order).await, Queried::NotFound { .. }));
}

/// What settling rests on: an order on its way is waited for, so "not there" is not "not yet there".
#[tokio::test]
async fn who_asks_waits_for_an_order_that_is_just_coming_in() {
    let house = House::build().await;
    let model = house.paper.submit(ACCOUNT, &order(0, soon())).await;
    assert!(matches!(model, Submitted::Filled { .. }));
    for (leg, arrives) in [(1, true), (2, false)] {
        let order = order(leg, soon());
        let mut coming = house.pool.begin().await.unwrap();
        sqlx::query(
            "select id from paper_execute($1, $2, $3, (select trade from paper_orders order by id limit 1))",
        )
        .bind(ACCOUNT)
        .bind(order.order_id.0)
        .bind(order.valid_until.to_datetime())
        .fetch_one(&mut *coming)
        .await
        .unwrap();
        let (paper, asked) = (Arc::clone(&house.paper), order.clone());
        let asking = tokio::spawn(async move { paper.query(ACCOUNT, &asked).await });
        eventually("the question waits", async || {
            let waiting = "select exists (select from pg_locks where locktype = 'advisory' and not granted)";
            sqlx::query_scalar(waiting).fetch_one(&house.pool).await.unwrap()
        })
        .await;
        if arrives {
            coming.commit().await.unwrap();
            assert!(matches!(asking.await.unwrap(), Queried::Filled { .. }));
        } else {
            coming.rollback().await.unwrap();
            assert!(matches!(asking.await.unwrap(), Queried::NotFound { .. }));
        }
    }
}

#[tokio::test]
async fn an_order_is_answered_for_however_long_ago_it_was() {
    let house = House::build().await;
    let now = house.now().await.as_micros();
    let age = i64::try_from(KEPT_FOR.as_micros()).unwrap() * 30;
    let ancient = order(0, Timestamp::from_micros(now - age));
    let outcome = house.paper.query(ACCOUNT, &ancient).await.outcome(&ancient, Terms::paper().settled_after);
    assert!(matches!(outcome, Some(Outcome::NeverAccepted { .. })), "{outcome:?}");
}

/// A house that was down for days finds what became of the orders that were on their way.
#[tokio::test]
async fn what_a_session_waits_for_is_not_swept_away() {
    let house = House::build().await;
    let (waits, done) = (order(0, soon()), order(1, soon()));
    assert!(matches!(house.paper.submit(ACCOUNT, &waits).await, Submitted::Filled { .. }));
    assert!(matches!(house.paper.submit(Uuid::nil(), &done).await, Submitted::Filled { .. }));
    sqlx::query("update paper_orders set executed_at = executed_at - interval '5 days'")
        .execute(&house.pool)
        .await
        .unwrap();
    let settles = |at: &'static str| {
        sqlx::query(
            "insert into trading_timers (session_id, currency, runs, settle_at, version) \
             values ($1, 'USDT', true, $2::timestamptz, 1) \
             on conflict (session_id) do update set settle_at = excluded.settle_at",
        )
        .bind(ACCOUNT)
        .bind((!at.is_empty()).then_some(at))
        .execute(&house.pool)
    };
    settles("2026-01-01T00:00:00Z").await.unwrap();
    assert_eq!(house.paper.prune().await.unwrap(), 1, "the other one's goes");
    assert!(matches!(house.paper.query(ACCOUNT, &waits).await, Queried::Filled { .. }));
    settles("").await.unwrap();
    assert_eq!(house.paper.prune().await.unwrap(), 1);
}

#[tokio::test]
async fn old_rows_are_swept_a_bounded_number_at_a_time() {
    let house = House::build().await;
    sqlx::query(
        "insert into paper_orders (account, order_id, executed_at, trade) \
         select gen_random_uuid(), gen_random_uuid(), clock_timestamp() - interval '25 hours', '{}' \
           from generate_series(1, $1 + 7)",
    )
    .bind(PRUNED_AT_ONCE)
    .execute(&house.pool)
    .await
    .unwrap();
    house.paper.submit(ACCOUNT, &order(0, soon())).await;
    let bound = u64::try_from(PRUNED_AT_ONCE).unwrap();
    for swept in [bound, 7, 0] {
        assert_eq!(house.paper.prune().await.unwrap(), swept);
    }
    assert_eq!(house.rows().await, 1, "what is new stays");
}

#[tokio::test]
async fn a_ledger_that_is_gone_leaves_everything_open() {
    let mut house = House::build().await;
    let order = order(0, soon());
    house.postgres.kill();
    assert!(matches!(house.paper.submit(ACCOUNT, &order).await, Submitted::Unknown { .. }));
    assert!(matches!(house.paper.query(ACCOUNT, &order).await, Queried::Unavailable { .. }));
}

#[tokio::test]
async fn a_lost_answer_is_found_by_asking_and_a_lost_request_is_not_there() {
    let house = House::build().await;
    let (deaf, mute) = (house.faulty("drop_response=1"), house.faulty("drop_request=1"));
    let (executed, lost) = (order(0, soon()), order(1, soon()));
    assert!(matches!(deaf.submit(ACCOUNT, &executed).await, Submitted::Unknown { .. }));
    assert!(matches!(deaf.query(ACCOUNT, &executed).await, Queried::Filled { .. }));
    assert!(matches!(mute.submit(ACCOUNT, &lost).await, Submitted::Unknown { .. }));
    assert!(matches!(mute.query(ACCOUNT, &lost).await, Queried::NotFound { .. }));
    assert_eq!(house.rows().await, 1);
}

#[tokio::test]
async fn an_exchange_declines_delays_and_falls_silent_as_it_is_told() {
    let house = House::build().await;
    let rejected = house.faulty("reject=1").submit(ACCOUNT, &order(0, soon())).await;
    assert!(matches!(rejected, Submitted::Rejected { .. }));
    let silent = house.faulty("unavailable=1").query(ACCOUNT, &order(0, soon())).await;
    assert!(matches!(silent, Queried::Unavailable { .. }));
    let (began, slow) = (Instant::now(), house.faulty("delay_ms=50"));
    assert!(matches!(slow.submit(ACCOUNT, &order(1, soon())).await, Submitted::Filled { .. }));
    assert!(began.elapsed() >= Duration::from_millis(50));
    let (hanging, order) = (house.faulty("hang=BTC"), order(2, soon()));
    let hung = tokio::time::timeout(Duration::from_millis(50), hanging.submit(ACCOUNT, &order)).await;
    assert!(hung.is_err() && house.rows().await == 1, "never sent");
}

#[tokio::test]
async fn who_comes_to_a_point_that_is_marked_leaves_a_mark_and_goes_no_further() {
    let house = House::build().await;
    let directory = std::env::temp_dir().join(format!("counterfoil-pauses-{}", Uuid::new_v4()));
    std::fs::create_dir(&directory).unwrap();
    let faults = format!("pause_in={}", directory.display());
    let pauses = faults.parse::<Faults>().unwrap().pauses;
    for point in Point::ALL {
        pauses.at(point).await;
    }
    std::fs::write(directory.join(Point::Sent.as_str()), "").unwrap();
    let (exchange, order) = (house.faulty(&faults), order(0, soon()));
    let sending = tokio::spawn(async move { exchange.submit(ACCOUNT, &order).await });
    let marker = directory.join(format!("sent.{}", std::process::id()));
    eventually("the mark is left", async || marker.exists()).await;
    assert!(!sending.is_finished() && house.rows().await == 1, "executed, and nobody knows");
    sending.abort();
    std::fs::remove_dir_all(&directory).unwrap();
}
