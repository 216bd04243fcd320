//! One run at work: the server, the users, what may be asked for, and the report that grows.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use serde_json::json;
use sqlx::PgConnection;
use uuid::Uuid;

use super::drive::{Driven, drive};
use super::trading::TradingTimes;
use super::{RunOptions, Scenario};
use crate::error::{BenchError, Doing, Result};
use crate::load::{Lane, Mix, Pace, Plan, Routes, Sample, Target};
use crate::report::Report;
use crate::seed::{Size, User, database, hot, ordinary, wait_until_idle};
use crate::server::{Installation, Server};
use crate::terminal::Progress;

/// "Spread" means at least a thousand; these fit any cache and belong to many users.
pub(crate) const SPREAD_WALLETS: usize = 2_000;

/// What has to run for another scenario to have its figures.
const RESTS_ON: [(Scenario, Scenario); 4] = [
    (Scenario::Spread, Scenario::OpenLoop),
    (Scenario::Spread, Scenario::Replay),
    (Scenario::Spread, Scenario::TransferHotPair),
    (Scenario::Pgbench, Scenario::HoldCapture),
];

/// How long things take: the real thing, or a quick look.
#[derive(Debug, Clone)]
pub(crate) struct Times {
    pub(crate) rounds: usize,
    pub(crate) warmup: f64,
    /// One measured round of one contender.
    pub(crate) round: f64,
    /// One measured round of transfers, holds or batches.
    pub(crate) work: f64,
    /// One side scenario.
    pub(crate) side: f64,
    pub(crate) calibration: f64,
    /// Client counts that are tried before the rounds; the best one of each contender is used in all of them.
    pub(crate) clients: &'static [usize],
    pub(crate) stock_clients: &'static [usize],
    /// On one wallet more clients only add conflicts: few are tried too.
    pub(crate) stock_hot_clients: &'static [usize],
    pub(crate) restarts: usize,
    /// Short wallets the long one is compared with.
    pub(crate) short_wallets: usize,
    /// Reads and changes of settings: enough for a percentile, at what is no full load.
    pub(crate) settings: f64,
    /// Times the first and the last page of a history are read.
    pub(crate) pages: usize,
    pub(crate) trading: TradingTimes,
}

impl Times {
    pub(crate) fn full() -> Self {
        Self {
            rounds: 5,
            warmup: 1.0,
            round: 8.0,
            work: 3.0,
            side: 10.0,
            calibration: 3.0,
            clients: &[128, 256, 512],
            stock_clients: &[8, 16, 32, 64],
            stock_hot_clients: &[1, 4, 16, 64],
            restarts: 5,
            short_wallets: 190,
            settings: 30.0,
            pages: 500,
            trading: TradingTimes::full(),
        }
    }

    /// Some minutes on two cores, with the seeding; one of them is that leases have to lapse.
    pub(crate) fn quick() -> Self {
        Self {
            rounds: 3,
            warmup: 0.5,
            round: 2.0,
            work: 1.0,
            side: 2.0,
            calibration: 1.0,
            clients: &[256],
            stock_clients: &[16, 64],
            stock_hot_clients: &[1, 16],
            restarts: 3,
            short_wallets: 50,
            settings: 6.0,
            pages: 200,
            trading: TradingTimes::quick(),
        }
    }
}

pub(crate) struct Bench {
    pub(crate) installation: Installation,
    pub(crate) directory: PathBuf,
    /// None only while it is started anew.
    pub(crate) server: Option<Server>,
    pub(crate) size: Size,
    pub(crate) times: Times,
    pub(crate) users: Vec<User>,
    /// The wallets of the users that can log in; the hot one comes last.
    targets: Vec<Target>,
    /// Connections that are best for spread load.
    pub(crate) clients: usize,
    pub(crate) report: Report,
    pub(crate) progress: Progress,
    only: Vec<Scenario>,
    /// A report of some scenarios must not take the place of one of all.
    is_partial: bool,
    began: Instant,
    errors: u64,
}

/// After a start the writer asks the database about every key, because commands of before may be repeated. That is no
/// usual state: it is waited out before anything is measured.
const WARY_FOR: Duration = commands::WARY_FOR.saturating_add(Duration::from_millis(500));

/// Which wallets a plan goes to.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Wallets {
    Spread,
    Hot,
    All,
}

impl Bench {
    pub(crate) fn new(
        options: &RunOptions,
        server: Server,
        users: Vec<User>,
        progress: Progress,
    ) -> Result<Self> {
        let size = options.seed.size();
        let wallets = ordinary(&size).chain([hot(&size)]);
        let targets = wallets.map(|wallet| Target::deposits(wallet.id.to_string(), Some(wallet.owner)));
        let mut only = options.only.clone();
        for (scenario, rest) in RESTS_ON {
            if only.contains(&rest) && !only.contains(&scenario) {
                progress.tell(&format!("{rest:?} rests on what {scenario:?} does: it runs too"));
                only.push(scenario);
            }
        }
        let mut report = Report::default();
        report.set("quick", json!(options.seed.quick));
        report.set("complete", json!(false));
        report.set("seed_events", json!(size.events()));
        report.set("seed_old_keys", json!(size.old_keys));
        report.set("seed_long_history", json!(size.long_history));
        report.set("seed_wallets", json!(size.wallets()));
        report.set("seed_users", json!(size.users + size.others));
        Ok(Self {
            installation: options.seed.installation()?,
            directory: options.seed.out.clone(),
            targets: targets.collect(),
            times: if options.seed.quick { Times::quick() } else { Times::full() },
            server: Some(server),
            size,
            users,
            clients: 256,
            report,
            progress,
            is_partial: !only.is_empty(),
            only,
            began: Instant::now(),
            errors: 0,
        })
    }

    pub(crate) fn wants(&self, scenario: Scenario) -> bool {
        self.only.is_empty() || self.only.contains(&scenario)
    }

    pub(crate) fn server(&self) -> Result<&Server> {
        self.server.as_ref().ok_or_else(|| BenchError::Unusable("no server runs".to_owned()))
    }

    /// Stops the server and starts it with these settings; it is ready when this returns.
    pub(crate) async fn restart(&mut self, settings: &[(&str, &str)]) -> Result<()> {
        if let Some(server) = self.server.take() {
            server.stop().await?;
        }
        self.server = Some(self.installation.start(settings).await?);
        Ok(())
    }

    /// A plan with one lane, for the caller to change.
    pub(crate) fn plan(&self, wallets: Wallets, connections: usize, mix: Mix) -> Result<Plan> {
        let ordinary = self.targets.len() - 1;
        let targets = match wallets {
            Wallets::Spread => &self.targets[..SPREAD_WALLETS.min(ordinary)],
            Wallets::All => &self.targets[..ordinary],
            Wallets::Hot => &self.targets[ordinary..],
        };
        Ok(Plan {
            address: self.server()?.runtime.listen,
            routes: Routes::counterfoil(),
            tokens: self.users.iter().map(|user| user.token.clone()).collect(),
            targets: targets.to_vec(),
            lanes: vec![lane("main", connections, mix, targets.len())],
            warmup_seconds: self.times.warmup,
            seconds: self.times.side,
        })
    }

    /// Drives Counterfoil and counts what went wrong.
    pub(crate) async fn drive(&mut self, plan: &Plan) -> Result<Driven> {
        let root = self.server()?.runtime.pid;
        let driven = drive(plan, root, None).await?;
        self.count_errors(driven.outcome.errors, &driven.outcome.complaints);
        Ok(driven)
    }

    pub(crate) fn count_errors(&mut self, errors: u64, complaints: &[String]) {
        self.errors += errors;
        for complaint in complaints {
            self.progress.tell(&format!("error: {complaint}"));
        }
    }

    /// Repeated commands that were not answered as such.
    pub(crate) fn count_fresh(&mut self, repeats: &Sample) {
        let unmarked = repeats.answered - repeats.replayed;
        if unmarked > 0 {
            let complaint = format!("{unmarked} repeated commands were not answered as replays");
            self.count_errors(unmarked, &[complaint]);
        }
    }

    pub(crate) fn report_name(&self) -> &'static str {
        if self.is_partial { "partial" } else { "report" }
    }

    /// Writes down what is known so far.
    pub(crate) fn save(&mut self) -> Result<()> {
        self.report.set("errors", json!(self.errors));
        self.report.figure("run_seconds", self.began.elapsed().as_secs_f64());
        self.report.write(&self.directory, self.report_name())
    }

    /// Waits until the writer no longer looks every key up, as it does for a while after a start.
    pub(crate) async fn calm(&self) -> Result<()> {
        let ready = self.server()?.ready_since();
        tokio::time::sleep(WARY_FOR.saturating_sub(ready.elapsed())).await;
        Ok(())
    }

    /// Gives every round the same start: nothing of the one before is left to be relayed, projected or written.
    pub(crate) async fn even_start(&self) -> Result<()> {
        self.calm().await?;
        wait_until_idle(self.server()?, &self.users[0]).await?;
        let mut connection = self.database().await?;
        sqlx::raw_sql("checkpoint").execute(&mut connection).await.doing("asking for a checkpoint")?;
        Ok(())
    }

    pub(crate) async fn database(&self) -> Result<PgConnection> {
        database(self.server()?).await
    }
}

/// A lane over all targets of its plan, in a closed loop, with idempotency keys nobody ever used.
pub(crate) fn lane(name: &str, connections: usize, mix: Mix, targets: usize) -> Lane {
    let (key_seed, _) = Uuid::new_v4().as_u64_pair();
    Lane { name: name.to_owned(), connections, pace: Pace::Closed, mix, first_target: 0, targets, key_seed }
}
