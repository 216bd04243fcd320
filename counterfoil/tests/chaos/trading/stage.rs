//! The processes of a test: one that takes commands and stays, and one trader after the other; the prices that both of them
//! see, and the places where a trader stands still.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use serde_json::json;
use sqlx::{Connection, PgConnection};
use testkit::eventually_within;

use super::exact::Exact;
use crate::harness::Dice;
use crate::harness::house::Given;
use crate::harness::program::{Program, Start};

/// What a trader is killed at. The names are those of its pauses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Moment {
    /// An order is intended, and not sent.
    Intended,
    /// The exchange has answered, and nobody has seen it.
    Sent,
    /// The answer was seen, and not written down.
    Answered,
    /// A run's sales are done, its purchases are not sent.
    BetweenLegs,
    /// A session was told to stop while its orders were out.
    Stopping,
    /// Whenever.
    Any,
}

impl Moment {
    pub(super) const ALL: [Self; 6] =
        [Self::Intended, Self::Sent, Self::Answered, Self::BetweenLegs, Self::Stopping, Self::Any];

    const fn pause(self) -> Option<&'static str> {
        match self {
            Self::Intended => Some("intended"),
            Self::Sent => Some("sent"),
            Self::Answered => Some("answered"),
            Self::BetweenLegs => Some("between_legs"),
            Self::Stopping => Some("stopping"),
            Self::Any => None,
        }
    }
}

/// What trades here, and about what it costs, in cents.
pub(super) const ASSETS: [(&str, u64); 3] = [("BTC", 6_000_000), ("ETH", 300_000), ("SOL", 15_000)];
pub(super) const CURRENCY: &str = "USD";

/// What sellers get and buyers pay.
pub(super) type Quote = (String, Exact, Exact);

/// An order window and the time after which it is asked for, on a machine that has other things to do as well.
const MARKED_WITHIN: Duration = Duration::from_secs(90);

pub(super) struct Stage {
    pub(super) house: Given,
    pub(super) node: Start,
    program: Option<Program>,
    trader: Start,
    prices: PathBuf,
    /// Everything that was ever said of prices.
    pub(super) quotes: BTreeSet<Quote>,
    traders: usize,
}

/// A trader that is about to be killed.
pub(super) struct Doomed {
    program: Program,
    marker: Option<PathBuf>,
}

impl Stage {
    pub(super) async fn set(dice: &mut Dice) -> Self {
        let house = Given::new("trader").await;
        let prices = house.path().join("prices.json");
        let node = |name: &str, dice: &mut Dice, roles: &str| {
            let mut start = house.node(name, dice, &house.database_url);
            start.place.push(("COUNTERFOIL_ROLES", roles.to_owned()));
            start.place.push(("COUNTERFOIL_MARKET_DATA", format!("script:{}", prices.display())));
            start
        };
        let (node, trader) =
            (node("node", dice, "api,writer,relay,projector"), node("trader", dice, "trader"));
        let quotes = BTreeSet::new();
        let mut stage = Self { house, node, program: None, trader, prices, quotes, traders: 0 };
        stage.move_prices(dice);
        stage.program = Some(stage.node.serve().await);
        stage
    }

    /// By less than half a percent off what they are about: now and then too far for an order that is on its way.
    pub(super) fn move_prices(&mut self, dice: &mut Dice) {
        let mut quotes = serde_json::Map::new();
        for (asset, cents) in ASSETS {
            let middle = cents * dice.between(9_955, 10_045) / 10_000;
            let spread = dice.between(1, 1 + cents / 20_000);
            let written = |cents: u64| format!("{}.{:02}", cents / 100, cents % 100);
            let (bid, ask) = (written(middle), written(middle + spread));
            self.quotes.insert((asset.to_owned(), Exact::read(&bid).unwrap(), Exact::read(&ask).unwrap()));
            quotes.insert(asset.to_owned(), json!({ "bid": bid, "ask": ask }));
        }
        let beside = self.prices.with_extension("new");
        fs::write(&beside, json!({ "prices": { CURRENCY: quotes } }).to_string()).unwrap();
        fs::rename(&beside, &self.prices).unwrap();
    }

    /// Starts a trader that will stand still at a moment.
    pub(super) async fn doomed(&mut self, moment: Moment) -> Doomed {
        let mut start = self.trader.clone();
        let Some(pause) = moment.pause() else {
            return Doomed { program: start.serve().await, marker: None };
        };
        self.traders += 1;
        let directory = self.house.path().join(format!("pauses-{}", self.traders));
        fs::create_dir(&directory).unwrap();
        fs::write(directory.join(pause), "").unwrap();
        start.place.push(("COUNTERFOIL_EXCHANGE_FAULTS", format!("pause_in={}", directory.display())));
        let program = start.spawn();
        let marker = Some(directory.join(format!("{pause}.{}", program.id())));
        Doomed { program, marker }
    }

    /// One that may live.
    pub(super) async fn trader(&self) -> Program {
        self.trader.serve().await
    }

    /// As if the time of a lease had passed since its owner died.
    pub(super) async fn let_leases_lapse(&self) {
        let mut conn = self.database().await;
        let lapse =
            "update trading_timers set leased_until = clock_timestamp() where leased_until is not null";
        sqlx::query(lapse).execute(&mut conn).await.unwrap();
        conn.close().await.unwrap();
    }

    pub(super) async fn database(&self) -> PgConnection {
        PgConnection::connect(&self.house.database_url).await.unwrap()
    }

    pub(super) fn must_be_alive(&mut self) {
        self.program.as_mut().unwrap().must_be_alive();
    }

    pub(super) async fn close(self) {
        self.program.unwrap().stop().await;
    }
}

impl Doomed {
    /// Until it stands where it was meant to.
    pub(super) async fn stands_still(&mut self, moment: Moment) {
        let Some(marker) = &self.marker else { return };
        eventually_within(MARKED_WITHIN, &format!("a trader comes to {moment:?}"), async || {
            self.program.must_be_alive();
            marker.exists()
        })
        .await;
    }

    pub(super) fn kill(self) {
        self.program.kill();
    }
}
