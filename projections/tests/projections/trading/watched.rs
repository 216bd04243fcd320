//! Sessions that prices make worth a look.

use super::{Desk, d};
use crate::helpers::{World, drain};
use domain::trading::{SessionCommand, SessionState};
use domain::{Timestamp, TradingSessionId, UserId};
use projections::Price;
use rust_decimal::Decimal;
use std::time::Duration;
use time::OffsetDateTime;
use uuid::Uuid;

struct Watch {
    world: World,
    desk: Desk,
    user: UserId,
}

impl Watch {
    async fn new() -> Self {
        let world = World::new().await;
        let desk = Desk::new(&world).await;
        Self { world, desk, user: UserId(Uuid::now_v7()) }
    }

    /// A session that has bought what it is meant to hold.
    fn start(&mut self) -> TradingSessionId {
        let id = self.desk.start(self.user);
        self.desk.rebalance(id);
        id
    }

    /// Those that are found, and whether they are due.
    async fn found(&mut self, before: Timestamp, limit: u16) -> Vec<(TradingSessionId, bool)> {
        let position = self.desk.commit().await;
        drain(&mut self.world.follow("trading")).await;
        let bids = self.desk.bids();
        let found =
            self.world.read_models.sessions_to_mark(&bids, before, limit, Some(position)).await.unwrap();
        found.value.into_iter().map(|found| (found.session_id, found.is_due)).collect()
    }
}

const NEVER: Timestamp = Timestamp::from_micros(0);

#[tokio::test]
async fn a_session_is_found_once_it_has_lost_too_much_and_not_before() {
    let mut watch = Watch::new().await;
    let (id, idle) = (watch.start(), watch.desk.start(watch.user));
    assert_eq!(watch.found(NEVER, 9).await, []);
    // Two fifths are in cash, so prices have to fall by a third for a fifth to be lost.
    let whole = watch.desk.prices;
    let mut told = Vec::new();
    for percent in (60..=70).rev() {
        watch.desk.prices = whole.map(|price| price * Decimal::new(percent, 2));
        let found = watch.found(NEVER, 9).await;
        let halts = watch.desk.mark(id, false) && watch.desk.session(id).state == SessionState::Halted;
        assert_eq!(found == [(id, false)], halts, "{percent} %: what is found is halted, and nothing else");
        told.extend(halts.then_some(percent));
        if halts {
            break;
        }
    }
    assert_eq!(told.len(), 1);
    assert_eq!(watch.found(NEVER, 9).await, [], "it is halted");
    watch.desk.prices = whole.map(|price| price * d("1.2"));
    assert_eq!(watch.found(NEVER, 9).await, [(id, false)], "worth more than ever");
    assert!(watch.desk.mark(id, false));
    assert_eq!(watch.found(NEVER, 9).await, []);
    assert!(watch.desk.stop(id));
    watch.desk.prices = whole.map(|price| price * d("2"));
    assert_eq!(watch.found(NEVER, 9).await, [], "{idle} holds nothing");
}

#[tokio::test]
async fn those_that_were_not_valued_for_long_come_behind_those_that_lost() {
    let mut watch = Watch::new().await;
    let [oldest, old] = [0, 0].map(|_| {
        let id = watch.start();
        watch.desk.scribe.now = watch.desk.scribe.now.plus(Duration::from_secs(10));
        id
    });
    // Batches are of one time.
    watch.desk.commit().await;
    let between = watch.desk.scribe.now;
    watch.desk.wait(10).await;
    let (fresh, paused) = (watch.start(), watch.start());
    assert!(watch.desk.ask(paused, SessionCommand::Pause));
    assert_eq!(watch.found(between, 9).await, [(oldest, true), (old, true)]);
    assert_eq!(watch.found(between, 1).await, [(oldest, true)]);
    assert!(
        watch
            .desk
            .ask(fresh, SessionCommand::SetLimits { risk_per_trade: None, max_drawdown: Some(d("0.01")) })
    );
    watch.desk.prices = watch.desk.prices.map(|price| price * d("0.95"));
    assert_eq!(watch.found(between, 9).await, [(fresh, false), (oldest, true), (old, true)]);
    assert!(watch.desk.mark(oldest, true));
    assert_eq!(watch.found(between, 9).await, [(fresh, false), (old, true)]);
    let later = watch.desk.scribe.now.plus(Duration::from_hours(1));
    let all = watch.found(later, 9).await;
    assert_eq!(all.len(), 4, "a paused one is valued, too: {all:?}");
    let all: Vec<_> = all.into_iter().map(|(id, _)| id).collect();
    assert_eq!(all[0], fresh);
}

#[tokio::test]
async fn what_one_loses_is_found_beside_what_has_no_price_and_nothing_else_is() {
    let mut watch = Watch::new().await;
    let id = watch.start();
    assert_eq!(watch.found(NEVER, 9).await, []);
    let drift = SessionCommand::SetDrift { threshold: Some(d("0.01")) };
    assert!(watch.desk.ask(id, drift));
    watch.desk.wait(120).await;
    watch.found(NEVER, 9).await;
    // Bitcoin alone is quoted, or the rest is old.
    let prices = |bids: &[Price], percent: i64, is_told: bool| -> Vec<Price> {
        let (bitcoin, others): (Vec<Price>, Vec<Price>) =
            bids.iter().copied().partition(|price| price.asset.code() == "BTC");
        let moved = |price: Price| Price { bid: price.bid * Decimal::new(percent, 2), ..price };
        let others = others.into_iter().filter(|_| is_told).map(|price| Price { is_fresh: false, ..price });
        bitcoin.into_iter().map(moved).chain(others).collect()
    };
    let bids = watch.desk.bids();
    let later = watch.desk.scribe.now.plus(Duration::from_hours(1));
    for is_told in [true, false] {
        for (percent, before, is_found) in
            [(30, NEVER, true), (95, NEVER, false), (300, NEVER, false), (300, later, true)]
        {
            let prices = prices(&bids, percent, is_told);
            let found = watch.world.read_models.sessions_to_mark(&prices, before, 9, None).await.unwrap();
            let found: Vec<_> = found.value.into_iter().map(|found| found.session_id).collect();
            let due: &[TradingSessionId] = if is_found { &[id] } else { &[] };
            assert_eq!(found, due, "{percent} %, {is_told}");
        }
    }
    let fresh: Vec<Price> = bids.iter().map(|price| Price { bid: price.bid * d("3"), ..*price }).collect();
    let found = watch.world.read_models.sessions_to_mark(&fresh, NEVER, 9, None).await.unwrap();
    assert_eq!(found.value.len(), 1, "with prices of everything it is");
}

#[tokio::test]
async fn a_session_that_drifts_is_found_when_it_would_ask_for_a_run() {
    let mut watch = Watch::new().await;
    let (id, lacking) = (watch.start(), watch.desk.start(watch.user));
    let drift = |threshold: &str| SessionCommand::SetDrift { threshold: Some(d(threshold)) };
    watch.desk.wait(120).await;
    assert!(watch.desk.ask(id, drift("0.05")));
    assert_eq!(watch.found(NEVER, 9).await, []);
    assert!(watch.desk.ask(lacking, drift("0.31")));
    assert_eq!(watch.found(NEVER, 9).await, [], "it lacks thirty percent");
    assert!(watch.desk.ask(lacking, drift("0.29")));
    assert_eq!(watch.found(NEVER, 9).await, [(lacking, false)]);
    assert!(watch.desk.mark(lacking, false));
    assert!(watch.desk.session(lacking).requested.is_some());
    assert_eq!(watch.found(NEVER, 9).await, [], "it has asked");
    let mut percent = 100;
    let requested = loop {
        percent -= 1;
        watch.desk.prices[0] = d("500") * Decimal::from(percent);
        let found = watch.found(NEVER, 9).await;
        assert!(watch.desk.mark(id, false));
        let asks = watch.desk.session(id).requested.is_some();
        assert_eq!(found == [(id, false)], asks, "{percent} %");
        if asks {
            break percent;
        }
    };
    assert!((70..95).contains(&requested), "{requested}");
    assert_eq!(watch.found(NEVER, 9).await, []);
}

/// Nothing comes of it, so it would be found at all prices for as long as it rests.
#[tokio::test]
async fn a_dry_run_that_drifts_is_found_as_often_as_its_schedule_would_run() {
    let mut watch = Watch::new().await;
    let mut found_at = Vec::new();
    for ago in [2 * 3_600, 120] {
        watch.desk.scribe.now = Timestamp::from(OffsetDateTime::now_utc() - Duration::from_secs(ago));
        let id = watch.desk.start(watch.user);
        assert!(watch.desk.ask(id, SessionCommand::SetDryRun { dry_run: true }));
        assert!(watch.desk.ask(id, SessionCommand::SetDrift { threshold: Some(d("0.05")) }));
        let found = watch.found(NEVER, 9).await;
        assert!(found.contains(&(id, false)), "it never ran");
        assert!(watch.desk.ask(id, SessionCommand::SetNextRun { next_run_at: watch.desk.scribe.now }));
        assert!(watch.desk.begin(id));
        found_at.push(id);
    }
    assert_eq!(watch.found(NEVER, 9).await, [(found_at[0], false)], "the other one rests");
}
