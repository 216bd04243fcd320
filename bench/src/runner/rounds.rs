//! The comparison: Counterfoil, `pgbench` and stock cqrs-es in turns, so that whatever the machine does over the
//! minutes happens to all of them. Each figure is the median of its rounds; each ratio is made within this run.

use std::time::{Duration, Instant};

use serde_json::json;

use super::Scenario;
use super::bench::{Bench, SPREAD_WALLETS, Times, Wallets, lane};
use super::contender::{Contender, Inserts};
use super::drive::{Driven, Usage, drive};
use super::work::{Work, Works, fund};
use crate::error::Result;
use crate::load::{Mix, Plan, Routes, Target};
use crate::peers::database;
use crate::peers::pgbench::PgBench;
use crate::peers::stock;
use crate::report::number;

const OURS_SPREAD: &str = "Counterfoil, many wallets";
const OURS_HOT: &str = "Counterfoil, one wallet";
const STOCK_SPREAD: &str = "stock cqrs-es, many wallets";
const STOCK_HOT: &str = "stock cqrs-es, one wallet";
/// What pgbench does before and after is not its steady work.
const EDGE: Duration = Duration::from_millis(300);

/// Keys the spread rounds used up, for the replay scenario.
#[derive(Debug, Clone, Copy)]
pub(crate) struct UsedKeys {
    pub(crate) key_seed: u64,
    pub(crate) count: u64,
}

/// Who takes a turn in each round.
#[derive(Debug, Clone, Copy)]
enum Turn {
    Spread,
    Pgbench,
    Stock,
    Hot,
    Work(Work),
}

/// What is compared with each other is near each other.
const TURNS: [Turn; 7] = [
    Turn::Work(Work::Transfers),
    Turn::Work(Work::HotPair),
    Turn::Spread,
    Turn::Pgbench,
    Turn::Work(Work::Holds),
    Turn::Stock,
    Turn::Hot,
];

impl Turn {
    const fn scenario(self) -> Scenario {
        match self {
            Self::Spread => Scenario::Spread,
            Self::Pgbench => Scenario::Pgbench,
            Self::Stock => Scenario::Stock,
            Self::Hot => Scenario::Hot,
            Self::Work(work) => work.scenario(),
        }
    }

    const fn title(self) -> &'static str {
        match self {
            Self::Spread => OURS_SPREAD,
            Self::Pgbench => "pgbench",
            Self::Stock => "stock cqrs-es",
            Self::Hot => OURS_HOT,
            Self::Work(work) => work.title(),
        }
    }
}

struct Rounds {
    peers_url: String,
    pgbench: PgBench,
    stock_clients: usize,
    stock_hot_clients: usize,
    /// Tells the accounts of one round of stock from those of another: each begins without history.
    batch: u32,
    spread: Contender,
    hot: Contender,
    stock: Contender,
    stock_hot: Contender,
    works: Works,
    inserts: Inserts,
    used: Option<UsedKeys>,
}

pub(crate) async fn run(bench: &mut Bench) -> Result<Option<UsedKeys>> {
    let ours = &bench.server()?.runtime.database_url;
    let peers_url = database::create(ours).await?;
    let mut rounds = Rounds {
        pgbench: PgBench::prepare(ours, &peers_url, &bench.directory).await?,
        peers_url,
        stock_clients: 0,
        stock_hot_clients: 0,
        batch: 0,
        spread: Contender::default(),
        hot: Contender::default(),
        stock: Contender::default(),
        stock_hot: Contender::default(),
        works: Works::default(),
        inserts: Inserts::default(),
        used: None,
    };
    let measured = rounds.all(bench).await;
    rounds.tell(bench);
    rounds.say(bench);
    measured.map(|()| rounds.used)
}

impl Rounds {
    async fn all(&mut self, bench: &mut Bench) -> Result<()> {
        self.calibrate(bench).await?;
        if bench.wants(Scenario::TransferHotPair) {
            fund(bench)?;
        }
        for round in 1..=bench.times.rounds {
            self.round(bench, round).await?;
            self.tell(bench);
            bench.save()?;
            bench.progress.step();
        }
        Ok(())
    }

    /// Finds the client count each contender likes best.
    async fn calibrate(&mut self, bench: &mut Bench) -> Result<()> {
        let Times { calibration, clients, stock_clients, stock_hot_clients, .. } = bench.times;
        if bench.wants(Scenario::Spread) || bench.wants(Scenario::Hot) {
            let mut tried = Vec::new();
            for &clients in several(clients) {
                bench.progress.doing(&format!("looking for the best client count: {clients}"));
                bench.even_start().await?;
                let mut plan = bench.plan(Wallets::Spread, clients, Mix::Commands)?;
                plan.seconds = calibration;
                tried.push((clients, bench.drive(&plan).await?));
            }
            bench.clients = best(&tried).unwrap_or(clients[0]);
        }
        if bench.wants(Scenario::Stock) {
            for (counts, wallets) in [(stock_clients, SPREAD_WALLETS), (stock_hot_clients, 1)] {
                let mut tried = Vec::new();
                for &clients in several(counts) {
                    bench.progress.doing(&format!("looking for the best client count of stock: {clients}"));
                    let driven = self.deposit_with_stock(bench, wallets, clients, calibration).await?;
                    tried.push((clients, driven));
                }
                let best = best(&tried).unwrap_or(counts[0]);
                let chosen = if wallets == 1 { &mut self.stock_hot_clients } else { &mut self.stock_clients };
                *chosen = best;
            }
        }
        Ok(())
    }

    async fn round(&mut self, bench: &mut Bench, round: usize) -> Result<()> {
        let mut turns = TURNS;
        // Who goes first changes: nobody always follows the same other, or always meets the youngest tables.
        turns.rotate_left((round - 1) % TURNS.len());
        for turn in turns {
            if !bench.wants(turn.scenario()) {
                continue;
            }
            let (rounds, title) = (bench.times.rounds, turn.title());
            bench.progress.doing(&format!("round {round} of {rounds}: {title}"));
            let seconds = bench.times.round;
            match turn {
                Turn::Spread => {
                    let (driven, used) = ours(bench, Wallets::Spread).await?;
                    self.spread.rounds.push(driven);
                    self.used = Some(used);
                }
                Turn::Hot => self.hot.rounds.push(ours(bench, Wallets::Hot).await?.0),
                Turn::Pgbench => self.insert(bench).await?,
                Turn::Stock => {
                    let clients = self.stock_clients;
                    let spread = self.deposit_with_stock(bench, SPREAD_WALLETS, clients, seconds).await?;
                    self.stock.rounds.push(spread);
                    let clients = self.stock_hot_clients;
                    let hot = self.deposit_with_stock(bench, 1, clients, seconds).await?;
                    self.stock_hot.rounds.push(hot);
                }
                Turn::Work(work) => self.works.round(bench, work).await?,
            }
        }
        Ok(())
    }

    /// Warms up as long as the others do; that part is thrown away, as theirs is.
    async fn insert(&mut self, bench: &Bench) -> Result<()> {
        bench.even_start().await?;
        PgBench::finish(self.pgbench.start(whole_seconds(bench.times.warmup))?).await?;
        let root = bench.server()?.runtime.pid;
        let running = self.pgbench.start(whole_seconds(bench.times.round))?;
        tokio::time::sleep(EDGE).await;
        let (before, started) = (Usage::of(root, running.pid()), Instant::now());
        tokio::time::sleep(Duration::from_secs_f64(bench.times.round).saturating_sub(2 * EDGE)).await;
        let usage = Usage::of(root, running.pid()).since(before);
        self.inserts.usage = usage.per(started.elapsed().as_secs_f64());
        self.inserts.per_second.push(PgBench::finish(running).await?.per_second);
        Ok(())
    }

    async fn deposit_with_stock(
        &mut self,
        bench: &Bench,
        accounts: usize,
        clients: usize,
        seconds: f64,
    ) -> Result<Driven> {
        bench.even_start().await?;
        let (server, address) = stock::start(&self.peers_url).await?;
        self.batch += 1;
        let account = |number| Target::deposits(format!("{}-{number}", self.batch), None);
        let plan = Plan {
            address,
            routes: Routes { command: "/accounts/{id}/deposit".to_owned(), ..Routes::counterfoil() },
            tokens: Vec::new(),
            targets: (0..accounts).map(account).collect(),
            lanes: vec![lane("main", clients, Mix::Commands, accounts)],
            warmup_seconds: bench.times.warmup,
            seconds,
        };
        let driven = drive(&plan, bench.server()?.runtime.pid, server.pid()).await?;
        // Not ours: told, but no error of this run.
        for complaint in &driven.outcome.complaints {
            bench.progress.tell(&format!("stock cqrs-es: {complaint}"));
        }
        server.stop().await?;
        Ok(driven)
    }

    /// Writes what is known so far into the report.
    fn tell(&self, bench: &mut Bench) {
        bench.report.set("clients", json!(bench.clients));
        if !self.stock.rounds.is_empty() {
            bench.report.set("stock_clients", json!(self.stock_clients));
            bench.report.set("stock_hot_clients", json!(self.stock_hot_clients));
        }
        self.spread.tell(bench, "spread", OURS_SPREAD, true);
        self.spread.tell_costs(bench);
        self.hot.tell(bench, "hot", OURS_HOT, true);
        self.inserts.tell(bench);
        self.stock.tell(bench, "stock_spread", STOCK_SPREAD, false);
        self.stock_hot.tell(bench, "stock_hot", STOCK_HOT, false);
        for (name, contender) in [("full load", &self.spread), ("stock cqrs-es, full load", &self.stock)] {
            bench.report.curve(name, contender.latency());
        }
        bench.report.ratio("spread_vs_pgbench", "spread_per_s", "pgbench_per_s");
        bench.report.ratio("spread_vs_stock", "spread_per_s", "stock_spread_per_s");
        bench.report.ratio("hot_vs_stock_hot", "hot_per_s", "stock_hot_per_s");
        bench.report.ratio("hot_vs_spread", "hot_per_s", "spread_per_s");
        self.works.tell(bench);
    }

    fn say(&self, bench: &Bench) {
        self.spread.say(bench, OURS_SPREAD);
        self.hot.say(bench, OURS_HOT);
        if let Some(median) = self.inserts.median() {
            bench.progress.tell(&format!("pgbench: {} /s", number(median)));
        }
        self.stock.say(bench, STOCK_SPREAD);
        self.stock_hot.say(bench, STOCK_HOT);
        self.works.say(bench);
    }
}

async fn ours(bench: &mut Bench, wallets: Wallets) -> Result<(Driven, UsedKeys)> {
    bench.even_start().await?;
    let mut plan = bench.plan(wallets, bench.clients, Mix::Commands)?;
    plan.seconds = bench.times.round;
    let driven = bench.drive(&plan).await?;
    let count = driven.outcome.lanes.first().map_or(0, |lane| lane.commands);
    Ok((driven, UsedKeys { key_seed: plan.lanes[0].key_seed, count }))
}

/// One count alone needs no trial.
fn several(counts: &'static [usize]) -> &'static [usize] {
    if counts.len() > 1 { counts } else { &[] }
}

fn best(tried: &[(usize, Driven)]) -> Option<usize> {
    let per_second = |(_, driven): &(usize, Driven)| driven.outcome.per_second(true);
    tried
        .iter()
        .max_by(|one, other| per_second(one).total_cmp(&per_second(other)))
        .map(|(clients, _)| *clients)
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // a few seconds
fn whole_seconds(seconds: f64) -> u32 {
    seconds.ceil() as u32
}
