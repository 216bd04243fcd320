//! Rebalancing on demand: requests arrive whether or not the server keeps up, and each is a run.

use serde_json::json;

use super::{Session, history, restart_among, start, stop, wait_until};
use crate::error::Result;
use crate::load::{Mix, Pace, Target};
use crate::market::Swings;
use crate::report::number;
use crate::runner::bench::{Bench, Wallets};

const RATE: f64 = 100.0;
/// More than are under way at once.
const CONNECTIONS: usize = 64;
/// They run when they are asked, and not by themselves.
const INTERVAL_S: u32 = 7 * 24 * 60 * 60;

pub(crate) async fn rebalance(bench: &mut Bench) -> Result<()> {
    let count = bench.times.trading.rebalanced;
    bench.progress.doing(&format!("{count} sessions, {} rebalances a second", number(RATE)));
    restart_among(bench, Swings::BRISK).await?;
    let sessions = start(bench, count, INTERVAL_S).await?;
    let measured = measure(bench, &sessions).await;
    stop(bench, &sessions).await?;
    measured
}

async fn measure(bench: &mut Bench, sessions: &[Session]) -> Result<()> {
    bench.even_start().await?;
    let after = history::head(bench).await?;
    let mut plan = bench.plan(Wallets::Spread, CONNECTIONS, Mix::InTurn)?;
    "/api/v1/trading-sessions/{id}/rebalance".clone_into(&mut plan.routes.command);
    plan.targets = sessions.iter().map(target).collect();
    plan.lanes[0].targets = plan.targets.len();
    plan.lanes[0].pace = Pace::Open { rate: RATE };
    plan.seconds = bench.times.trading.rebalance_seconds;
    let driven = bench.drive(&plan).await?;
    let asked = driven.outcome.lanes.first().map_or(0, |lane| lane.commands);
    let asked = i64::try_from(asked).unwrap_or(i64::MAX);
    let here: &Bench = bench;
    let ended =
        wait_until(
            "every run has ended",
            async || Ok(history::asked_runs(here, after).await?.ended >= asked),
        )
        .await;
    let runs = history::asked_runs(bench, after).await?;

    let report = &mut bench.report;
    report.shares_of("rebalance", &driven);
    report.figure("rebalance_rate", RATE);
    report.figure("rebalance_per_s", driven.outcome.per_second(true));
    report.set("rebalance_sessions", json!(sessions.len()));
    let latency = driven.outcome.latency(true);
    report.latencies("rebalance", &latency);
    report.figure("run_done_p50_ms", runs.p50);
    report.figure("run_done_p99_ms", runs.p99);
    report.set("rebalance_runs", json!(runs.ended));
    report.set("rebalance_runs_failed", json!(runs.failed));
    report.set("rebalance_trades", json!(runs.trades));
    report.curve("a rebalance answered", latency);
    let told = |key: &str| report.number(key).map(number).unwrap_or_default();
    let (answered, done) = (told("rebalance_p99_ms"), told("run_done_p99_ms"));
    bench.progress.tell(&format!("a rebalance: answered p99 {answered} ms, done p99 {done} ms"));
    if ended.is_err() {
        let missing = asked.saturating_sub(runs.ended);
        bench.count_errors(
            missing.unsigned_abs(),
            &[format!("{missing} runs that were asked for never ended")],
        );
    }
    Ok(())
}

fn target(session: &Session) -> Target {
    Target { id: session.id.to_string(), token: Some(session.owner), body: "{}".to_owned() }
}
