//! `bench load`: the generator as a program. It takes a plan from standard input or puts one together from
//! its options, and writes the outcome as the last line of its output.

use std::net::SocketAddr;
use std::time::{SystemTime, UNIX_EPOCH};

use super::{Driver, Kind, Lane, Mix, Outcome, Pace, Phase, Plan, Routes, Target};
use crate::error::{BenchError, Doing, Result};
use crate::terminal;

/// Lines that tell whoever reads our output what moment it is.
pub(crate) const MEASURING_BEGINS: &str = "measuring begins";
pub(crate) const MEASURING_ENDS: &str = "measuring ends";
pub(crate) const LAST_ANSWER: &str = "last answer";

#[derive(Debug, clap::Args)]
pub(crate) struct LoadOptions {
    /// Read a whole plan (JSON) from standard input and answer with the outcome as JSON
    #[arg(long, conflicts_with_all = ["address", "wallet", "token"])]
    plan: bool,
    /// The server
    #[arg(long, default_value = "127.0.0.1:8080")]
    address: SocketAddr,
    /// Wallet to deposit into; may be given several times
    #[arg(long)]
    wallet: Vec<String>,
    /// Access token that opens the wallets
    #[arg(long, env = "BENCH_TOKEN", hide_env_values = true)]
    token: Option<String>,
    /// Keep-alive connections
    #[arg(long, default_value_t = 64)]
    connections: usize,
    /// Requests a second, sent whether or not the server keeps up; without it each connection waits for its answer
    #[arg(long)]
    rate: Option<f64>,
    /// Mix reads among the deposits
    #[arg(long)]
    reads: bool,
    /// Measured time
    #[arg(long, default_value_t = 10.0)]
    seconds: f64,
    /// Time before it that is not measured
    #[arg(long, default_value_t = 1.0)]
    warmup: f64,
}

pub(crate) fn run(options: LoadOptions) -> Result<()> {
    let (plan, json) = if options.plan {
        let plan = serde_json::from_reader(std::io::stdin().lock()).doing("reading the plan")?;
        (plan, true)
    } else {
        (plan_of(options)?, false)
    };
    let driver = Driver::new(&plan).doing(format!("connecting to {}", plan.address))?;
    let outcome = driver
        .run(|phase| match phase {
            Phase::MeasuringBegins if json => terminal::line(MEASURING_BEGINS),
            Phase::MeasuringEnds if json => terminal::line(MEASURING_ENDS),
            Phase::LastAnswer if json => terminal::line(LAST_ANSWER),
            _ => {}
        })
        .doing("running the plan")?;
    if json {
        terminal::line(&serde_json::to_string(&outcome).doing("writing the outcome")?);
    } else {
        tell(&outcome);
    }
    Ok(())
}

fn plan_of(options: LoadOptions) -> Result<Plan> {
    if options.wallet.is_empty() {
        return Err(BenchError::Unusable("name at least one --wallet to deposit into".to_owned()));
    }
    let token = options.token.as_ref().map(|_| 0);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let lane = Lane {
        name: "load".to_owned(),
        connections: options.connections,
        pace: options.rate.map_or(Pace::Closed, |rate| Pace::Open { rate }),
        mix: if options.reads { Mix::ReadWrite } else { Mix::Commands },
        first_target: 0,
        targets: options.wallet.len(),
        key_seed: u64::try_from(now.as_nanos()).unwrap_or(u64::MAX),
    };
    Ok(Plan {
        address: options.address,
        routes: Routes::counterfoil(),
        tokens: options.token.into_iter().collect(),
        targets: options.wallet.into_iter().map(|id| Target::deposits(id, token)).collect(),
        lanes: vec![lane],
        warmup_seconds: options.warmup,
        seconds: options.seconds,
    })
}

fn tell(outcome: &Outcome) {
    for lane in &outcome.lanes {
        for (kind, sample) in &lane.kinds {
            terminal::line(&format!(
                "{:<16} {:>9.0} /s   p50 {:>8.2} ms   p99 {:>8.2} ms   p99.9 {:>8.2} ms   max {:>8.2} ms",
                name(*kind),
                super::rate(sample.answered, outcome.seconds),
                millis(sample.latency.percentile(0.5)),
                millis(sample.latency.percentile(0.99)),
                millis(sample.latency.percentile(0.999)),
                millis(sample.latency.max()),
            ));
        }
    }
    let share = 100.0 * outcome.cpu_seconds / outcome.seconds.max(f64::MIN_POSITIVE);
    terminal::line(&format!("errors {}   generator {share:.0} % of a core", outcome.errors));
    outcome.complaints.iter().for_each(|complaint| terminal::complain(complaint));
}

fn name(kind: Kind) -> &'static str {
    match kind {
        Kind::Command => "command",
        Kind::Hold => "hold",
        Kind::Capture => "capture",
        Kind::Replay => "replay",
        Kind::Read => "read",
        Kind::ReadYourWrite => "read your write",
        Kind::Balance => "balance",
    }
}

/// Latencies are far below 2^52 microseconds, where an `f64` is exact.
#[allow(clippy::cast_precision_loss)]
pub(crate) fn millis(micros: u64) -> f64 {
    micros as f64 / 1e3
}
