//! One run at work: the server, the users, what may be asked for, and the report that grows.

use std::path::PathBuf;

use serde_json::json;
use sqlx::PgConnection;
use uuid::Uuid;

use super::drive::{Driven, drive};
use super::{RunOptions, Scenario};
use crate::error::{BenchError, Doing, Result};
use crate::load::{Lane, Mix, Pace, Plan, Routes, Target};
use crate::report::Report;
use crate::seed::{Size, Special, User, database, ordinary, special};
use crate::server::{Installation, Server};
use crate::terminal::Progress;

/// "Spread" means at least a thousand; these fit any cache and belong to many users.
pub(crate) const SPREAD_WALLETS: usize = 2_000;

/// How long things take: the real thing, or a quick look.
#[derive(Debug, Clone)]
pub(crate) struct Times {
    pub(crate) rounds: usize,
    pub(crate) warmup: f64,
    /// One measured round of one contender.
    pub(crate) round: f64,
    /// One side scenario.
    pub(crate) side: f64,
    pub(crate) calibration: f64,
    pub(crate) restarts: usize,
    /// Single requests of the warm probe, to each wallet.
    pub(crate) probes: usize,
}

impl Times {
    pub(crate) fn full() -> Self {
        let (rounds, restarts, probes) = (5, 5, 2_000);
        Self { rounds, warmup: 1.0, round: 8.0, side: 10.0, calibration: 3.0, restarts, probes }
    }

    pub(crate) fn quick() -> Self {
        let (rounds, restarts, probes) = (3, 3, 500);
        Self { rounds, warmup: 0.5, round: 2.5, side: 3.0, calibration: 1.5, restarts, probes }
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
    /// All seeded wallets; the special ones come last.
    targets: Vec<Target>,
    /// Connections that are best for spread load.
    pub(crate) clients: usize,
    pub(crate) report: Report,
    pub(crate) progress: Progress,
    only: Vec<Scenario>,
    errors: u64,
}

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
        let Special { long, short, hot } = special(&size);
        let wallets = ordinary(&size).chain([long, short, hot]);
        let targets = wallets.map(|wallet| Target { id: wallet.id.to_string(), token: Some(wallet.owner) });
        let mut report = Report::default();
        report.set("quick", json!(options.seed.quick));
        report.set("seed_events", json!(size.events()));
        report.set("seed_old_keys", json!(size.old_keys));
        report.set("seed_long_history", json!(size.long_history));
        report.set("seed_wallets", json!(size.wallets()));
        report.set("seed_users", json!(size.users));
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
            only: options.only.clone(),
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
    pub(crate) async fn restart(&mut self, settings: &[(&str, &str)]) -> Result<std::time::Duration> {
        if let Some(server) = self.server.take() {
            server.stop().await?;
        }
        let server = self.installation.start(settings).await?;
        let took = server.ready().await;
        self.server = Some(server);
        took
    }

    /// A plan with one lane, for the caller to change.
    pub(crate) fn plan(&self, wallets: Wallets, connections: usize, mix: Mix) -> Result<Plan> {
        let ordinary = self.targets.len() - 3;
        let targets = match wallets {
            Wallets::Spread => &self.targets[..SPREAD_WALLETS.min(ordinary)],
            Wallets::All => &self.targets[..ordinary],
            Wallets::Hot => &self.targets[ordinary + 2..],
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

    pub(crate) fn errors(&self) -> u64 {
        self.errors
    }

    /// Gives every round the same start: nothing of the one before is left to be written.
    pub(crate) async fn checkpoint(&self) -> Result<()> {
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
