//! `bench run`: everything, in one go, on one machine, into one report.
//!
//! The server runs as anybody runs it, with all it does switched on. Whatever this starts ends with it: each child
//! is held by a guard, and a signal drops them all. The report is written after every step, so a step that fails costs
//! its own figures and no others.

mod bench;
mod contender;
mod drive;
mod history;
mod loads;
mod machine;
mod probes;
mod rounds;
mod settings;
mod trading;
mod work;

use serde_json::json;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use tokio::signal::unix::{SignalKind, signal};

use crate::error::{BenchError, Doing, Result};
use crate::report::table;
use crate::seed::{SeedOptions, log_in, prepare};
use crate::terminal::{self, Progress};

use bench::{Bench, Times};
use rounds::UsedKeys;

pub(crate) use drive::{Driven, Usage};

#[derive(Debug, clap::Args)]
pub(crate) struct RunOptions {
    #[command(flatten)]
    pub(crate) seed: SeedOptions,
    /// Only these scenarios; their report is partial.json, and report.json stays as it is
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
    /// Everybody transfers between the same two wallets
    #[value(alias = "transfer_hot_pair")]
    TransferHotPair,
    /// Holds that are captured at once
    #[value(alias = "hold_capture")]
    HoldCapture,
    /// A hundred deposits and transfers in one request
    #[value(name = "batch-100", alias = "batch_100")]
    Batch100,
    /// The first and the last page of a long history
    #[value(alias = "history_page_ms")]
    History,
    /// One client that waits for each answer
    OneClient,
    /// Arrivals at 70 % of the full load
    OpenLoop,
    /// Reads among the writes
    Mixed,
    /// Old idempotency keys amid fresh ones, and ten thousand of them at once
    Replay,
    /// Reads of one's own writes under full load, and how soon read models come to rest
    Lag,
    /// Settings read and changed, 500 times a second each
    Settings,
    /// Read models made anew from the journal
    Rebuild,
    /// More wallets than the server may keep in memory
    SmallCache,
    /// Full load over many wallets while trading sessions run
    #[value(alias = "wallet_with_trading")]
    WalletWithTrading,
    /// Trading sessions that are asked to rebalance
    Rebalance,
    /// Trading sessions by the thousand, with workers that are lost
    #[value(alias = "trading_scale")]
    TradingScale,
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

/// The steps of a run, in their order. Restarts and rebuilds come first: the journal has its seeded size, and what a
/// start leaves behind is over before load begins. Old keys come late: the writer looks keys up for a while after one. Last
/// come trading sessions: they stay.
const STEPS: [&[Scenario]; 16] = [
    &[Scenario::Start],
    &[Scenario::Rebuild],
    &[Scenario::Warm],
    &[Scenario::History],
    &[
        Scenario::Spread,
        Scenario::Hot,
        Scenario::Pgbench,
        Scenario::Stock,
        Scenario::TransferHotPair,
        Scenario::HoldCapture,
    ],
    &[Scenario::OneClient],
    &[Scenario::OpenLoop],
    &[Scenario::Mixed],
    &[Scenario::Lag],
    &[Scenario::Settings],
    &[Scenario::Batch100],
    &[Scenario::Replay],
    &[Scenario::SmallCache],
    &[Scenario::WalletWithTrading],
    &[Scenario::Rebalance],
    &[Scenario::TradingScale],
];

async fn whole_run(options: RunOptions) -> Result<()> {
    let rounds = if options.seed.quick { Times::quick() } else { Times::full() }.rounds;
    let progress = Progress::new((STEPS.len() + rounds) as u64);
    let server = prepare(&options.seed, &progress).await?;
    progress.doing("logging the users in");
    let users = log_in(server.runtime.listen, options.seed.size().users)?;
    progress.step();
    let mut bench = Bench::new(&options, server, users, progress)?;

    let measured = scenarios(&mut bench).await;

    let stopped = match bench.server.take() {
        Some(server) => server.stop().await,
        None => Ok(()),
    };
    bench.report.set("complete", json!(measured.is_ok()));
    bench.save()?;
    let place = format!("{}/{}", bench.directory.display(), bench.report_name());
    let Bench { report, progress, .. } = bench;
    drop(progress);
    for line in table(&report) {
        terminal::line(&line);
    }
    terminal::line(&format!("\n{place}.json  {place}.svg  {place}.txt"));
    measured.and(stopped)
}

async fn scenarios(bench: &mut Bench) -> Result<()> {
    bench.progress.doing("looking at the machine");
    let now = OffsetDateTime::now_utc().format(&Rfc3339).unwrap_or_default();
    bench.report.set("started_at", json!(now));
    let mut report = std::mem::take(&mut bench.report);
    let described = machine::describe(bench.server()?, &bench.directory, &mut report).await;
    bench.report = report;
    described?;
    let mut used = None;
    for step in STEPS {
        if step.iter().any(|scenario| bench.wants(*scenario)) {
            one(bench, step[0], &mut used).await?;
            bench.save()?;
        }
        bench.progress.step();
    }
    Ok(())
}

async fn one(bench: &mut Bench, step: Scenario, used: &mut Option<UsedKeys>) -> Result<()> {
    match step {
        Scenario::Start => probes::starts(bench).await,
        Scenario::Rebuild => probes::rebuilds(bench).await,
        Scenario::Warm => probes::warm(bench).await,
        Scenario::History => history::pages(bench).await,
        Scenario::Spread
        | Scenario::Hot
        | Scenario::Pgbench
        | Scenario::Stock
        | Scenario::TransferHotPair
        | Scenario::HoldCapture => {
            *used = rounds::run(bench).await?;
            Ok(())
        }
        Scenario::OneClient => loads::one_client(bench).await,
        Scenario::OpenLoop => loads::open_loop(bench).await,
        Scenario::Mixed => loads::mixed(bench).await,
        Scenario::Lag => loads::lag(bench).await,
        Scenario::Settings => settings::settings(bench).await,
        Scenario::Batch100 => work::batches(bench).await,
        Scenario::Replay => {
            loads::replay(bench, *used).await?;
            loads::replay_storm(bench, *used).await
        }
        Scenario::SmallCache => loads::small_cache(bench).await,
        Scenario::WalletWithTrading => trading::beside(bench).await,
        Scenario::Rebalance => trading::rebalance(bench).await,
        Scenario::TradingScale => trading::scale(bench).await,
    }
}
