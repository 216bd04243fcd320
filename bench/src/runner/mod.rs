//! `bench run`: everything, in one go, on one machine, into one report.
//!
//! The server runs as anybody runs it, with all it does switched on. Whatever this starts ends with it: each child
//! is held by a guard, and a signal drops them all.

mod bench;
mod contender;
mod drive;
mod loads;
mod machine;
mod probes;
mod rounds;

use serde_json::json;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use tokio::signal::unix::{SignalKind, signal};

use crate::error::{BenchError, Doing, Result};
use crate::report::table;
use crate::seed::{SeedOptions, log_in, prepare};
use crate::terminal::{self, Progress};

use bench::{Bench, Times};

pub(crate) use drive::Usage;

#[derive(Debug, clap::Args)]
pub(crate) struct RunOptions {
    #[command(flatten)]
    pub(crate) seed: SeedOptions,
    /// Only these scenarios
    #[arg(long, value_delimiter = ',', value_name = "SCENARIO")]
    pub(crate) only: Vec<Scenario>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Scenario {
    /// Starts on existing data, idle memory, first command on a long history
    Start,
    /// A long history against a short one
    Warm,
    /// Full load over many wallets
    Spread,
    /// Full load on one wallet
    Hot,
    /// The peer: one-row INSERTs
    Pgbench,
    /// The peer: stock cqrs-es and postgres-es
    Stock,
    /// One client that waits for each answer
    OneClient,
    /// Arrivals at 70 % of the full load
    OpenLoop,
    /// Reads among the writes
    Mixed,
    /// Old idempotency keys amid fresh ones
    Replay,
    /// Reads of one's own writes under full load, and how soon read models come to rest
    Lag,
    /// Read models made anew from the journal
    Rebuild,
    /// More wallets than the server may keep in memory
    SmallCache,
}

/// Runs until done or until a signal asks to end; either way no child is left.
pub(crate) async fn run(options: RunOptions) -> Result<()> {
    until_signal(whole_run(options)).await
}

pub(crate) async fn until_signal<T>(work: impl Future<Output = Result<T>>) -> Result<T> {
    let mut terminate = signal(SignalKind::terminate()).doing("listening for signals")?;
    tokio::select! {
        done = work => done,
        _ = tokio::signal::ctrl_c() => Err(BenchError::Unusable("interrupted".to_owned())),
        _ = terminate.recv() => Err(BenchError::Unusable("asked to end".to_owned())),
    }
}

async fn whole_run(options: RunOptions) -> Result<()> {
    let steps = if options.seed.quick { Times::quick() } else { Times::full() }.rounds + 10;
    let progress = Progress::new(steps as u64);
    let started = std::time::Instant::now();
    let server = prepare(&options.seed, &progress).await?;
    progress.doing("logging the users in");
    let users = log_in(server.runtime.listen, options.seed.size().users)?;
    progress.step();
    let mut bench = Bench::new(&options, server, users, progress)?;
    bench.progress.doing("looking at the machine");
    let now = OffsetDateTime::now_utc().format(&Rfc3339).unwrap_or_default();
    bench.report.set("started_at", json!(now));
    let directory = bench.directory.clone();
    let mut report = std::mem::take(&mut bench.report);
    machine::describe(bench.server()?, &directory, &mut report).await?;
    bench.report = report;

    scenarios(&mut bench).await?;

    if let Some(server) = bench.server.take() {
        server.stop().await?;
    }
    let errors = bench.errors();
    bench.report.set("errors", json!(errors));
    bench.report.figure("run_seconds", started.elapsed().as_secs_f64());
    bench.report.write(&directory)?;
    let Bench { report, progress, .. } = bench;
    drop(progress);
    for line in table(&report) {
        terminal::line(&line);
    }
    terminal::line(&format!("\n{0}/report.json  {0}/report.svg", directory.display()));
    Ok(())
}

async fn scenarios(bench: &mut Bench) -> Result<()> {
    if bench.wants(Scenario::Start) {
        probes::starts(bench).await?;
    }
    bench.progress.step();
    if bench.wants(Scenario::Warm) {
        probes::warm(bench)?;
    }
    bench.progress.step();
    let compared = [Scenario::Spread, Scenario::Hot, Scenario::Pgbench, Scenario::Stock];
    let used = if compared.into_iter().any(|scenario| bench.wants(scenario)) {
        rounds::run(bench).await?
    } else {
        None
    };
    if bench.wants(Scenario::OneClient) {
        loads::one_client(bench).await?;
    }
    bench.progress.step();
    if bench.wants(Scenario::OpenLoop) {
        loads::open_loop(bench).await?;
    }
    bench.progress.step();
    if bench.wants(Scenario::Mixed) {
        loads::mixed(bench).await?;
    }
    bench.progress.step();
    if bench.wants(Scenario::Replay) {
        loads::replay(bench, used).await?;
    }
    bench.progress.step();
    if bench.wants(Scenario::Lag) {
        loads::lag(bench).await?;
    }
    bench.progress.step();
    if bench.wants(Scenario::Rebuild) {
        probes::rebuilds(bench).await?;
    }
    bench.progress.step();
    if bench.wants(Scenario::SmallCache) {
        loads::small_cache(bench).await?;
    }
    bench.progress.step();
    Ok(())
}
