//! The side scenarios: the same service under other kinds of load.

use serde_json::json;

use super::bench::{Bench, Wallets, lane};
use super::drive::{Driven, drive_then};
use super::rounds::UsedKeys;
use crate::error::{BenchError, Result};
use crate::load::{Kind, Mix, Pace, millis};
use crate::report::number;
use crate::seed::wait_for_projections;

/// Of what many wallets gave, so that there is room to catch up.
const OPEN_SHARE: f64 = 0.7;
/// Connections that write and at once read back, beside the full load.
const LAG_CONNECTIONS: usize = 8;
const REPLAY_SHARE: f64 = 0.1;
/// Old keys that come at once, over so many connections of their own, and how long the others are watched meanwhile.
const STORM_KEYS: u64 = 10_000;
const STORM_CONNECTIONS: usize = 512;
const STORM_SECONDS: f64 = 2.0;
/// One wallet of so many fits into the small cache: nearly every command is a load.
const CACHE_SHARE: usize = 10;

pub(crate) async fn one_client(bench: &mut Bench) -> Result<()> {
    bench.progress.doing("one client");
    bench.even_start().await?;
    let mut plan = bench.plan(Wallets::Spread, 1, Mix::Commands)?;
    plan.seconds = bench.times.side;
    let driven = bench.drive(&plan).await?;
    tell(bench, "one_client", &driven, "Counterfoil, one client");
    bench.report.curve("one client", driven.outcome.latency(true));
    Ok(())
}

pub(crate) async fn open_loop(bench: &mut Bench) -> Result<()> {
    let full = bench.report.number("spread_per_s").ok_or_else(|| missing("open-loop"))?;
    let rate = full * OPEN_SHARE;
    bench.progress.doing(&format!("open loop, {} arrivals a second", number(rate)));
    bench.even_start().await?;
    let mut plan = bench.plan(Wallets::Spread, bench.clients, Mix::Commands)?;
    plan.lanes[0].pace = Pace::Open { rate };
    let driven = bench.drive(&plan).await?;
    let outcome = &driven.outcome;
    bench.report.shares_of("open_loop", &driven);
    bench.report.figure("open_loop_rate", rate);
    bench.report.figure("open_loop_per_s", outcome.per_second(true));
    let latency = outcome.latency(true);
    bench.report.latencies("open_loop", &latency);
    bench.progress.tell(&format!("open loop at 70 %: p99 {} ms", number(millis(latency.percentile(0.99)))));
    bench.report.curve("70 % load", latency);
    Ok(())
}

pub(crate) async fn mixed(bench: &mut Bench) -> Result<()> {
    bench.progress.doing("reads and writes");
    bench.even_start().await?;
    let plan = bench.plan(Wallets::Spread, bench.clients, Mix::ReadWrite)?;
    let driven = bench.drive(&plan).await?;
    let outcome = &driven.outcome;
    bench.report.shares_of("mixed", &driven);
    bench.report.figure("mixed_commands_per_s", outcome.per_second(true));
    bench.report.figure("mixed_queries_per_s", outcome.per_second(false));
    bench.report.latencies("mixed_command", &outcome.latency(true));
    bench.report.latencies("mixed_query", &outcome.latency(false));
    let all = outcome.per_second(true) + outcome.per_second(false);
    bench.report.bar("Counterfoil, reads and writes", all, true);
    bench.progress.tell(&format!("reads and writes: {} /s", number(all)));
    Ok(())
}

/// Old keys amid fresh ones: each has to be answered as it was the first time, and hold up nobody.
pub(crate) async fn replay(bench: &mut Bench, used: Option<UsedKeys>) -> Result<()> {
    let used = used.filter(|used| used.count > 0).ok_or_else(|| missing("replay"))?;
    let UsedKeys { key_seed, count } = used;
    bench.progress.doing("replay of old keys");
    bench.even_start().await?;
    let mix = Mix::Replay { share: REPLAY_SHARE, key_seed, count };
    let plan = bench.plan(Wallets::Spread, bench.clients, mix)?;
    let driven = bench.drive(&plan).await?;
    tell(bench, "replay", &driven, "Counterfoil, 10 % old keys");
    bench.report.figure("replay_share", REPLAY_SHARE);
    bench.report.ratio("replay_vs_spread", "replay_per_s", "spread_per_s");
    if let Some(sample) = driven.outcome.sample("main", Kind::Replay) {
        bench.report.latencies("replayed", &sample.latency);
        bench.count_fresh(sample);
    }
    Ok(())
}

/// Many old keys in one moment, beside the full load: what is left of it for the others.
pub(crate) async fn replay_storm(bench: &mut Bench, used: Option<UsedKeys>) -> Result<()> {
    let used = used.filter(|used| used.count >= STORM_KEYS).ok_or_else(|| missing("the storm"))?;
    bench.progress.doing(&format!("{STORM_KEYS} old keys at once"));
    bench.even_start().await?;
    let mut plan = bench.plan(Wallets::Spread, bench.clients, Mix::Commands)?;
    plan.seconds = STORM_SECONDS;
    let mix = Mix::Replay { share: 1.0, key_seed: used.key_seed, count: STORM_KEYS };
    let mut storm = lane("storm", STORM_CONNECTIONS, mix, plan.targets.len());
    storm.pace = Pace::Burst { count: STORM_KEYS };
    plan.lanes.push(storm);
    let driven = bench.drive(&plan).await?;
    let outcome = &driven.outcome;
    let others = outcome.lane_per_second("main", Kind::Command);
    bench.report.shares_of("storm", &driven);
    bench.report.figure("storm_others_per_s", others);
    bench.report.ratio("storm_others_vs_spread", "storm_others_per_s", "spread_per_s");
    if let Some(sample) = outcome.sample("storm", Kind::Replay) {
        bench.report.set("storm_keys", json!(sample.answered));
        bench.report.latencies("storm", &sample.latency);
        bench.count_fresh(sample);
    }
    bench.progress.tell(&format!("{STORM_KEYS} old keys at once: {} /s for the others", number(others)));
    Ok(())
}

/// Full load with a few clients that read what they wrote; then how long the read models need to come to rest.
pub(crate) async fn lag(bench: &mut Bench) -> Result<()> {
    bench.progress.doing("full load with readers of their own writes");
    bench.even_start().await?;
    let mut plan = bench.plan(Wallets::Spread, bench.clients - LAG_CONNECTIONS, Mix::Commands)?;
    plan.lanes.push(lane("lag", LAG_CONNECTIONS, Mix::ReadYourWrites, plan.targets.len()));
    let server = bench.server()?;
    let caught_up = async || wait_for_projections(server, &bench.users[0]).await;
    let driven = drive_then(&plan, server.runtime.pid, None, caught_up).await?;
    let outcome = &driven.outcome;
    bench.count_errors(outcome.errors, &outcome.complaints);
    bench.report.shares_of("lag", &driven);
    bench.report.figure("drain_ms", driven.after.as_secs_f64() * 1e3);
    bench.report.figure("lag_load_per_s", outcome.per_second(true));
    if let Some(sample) = outcome.sample("lag", Kind::ReadYourWrite) {
        bench.report.latencies("lag", &sample.latency);
        bench.report.set("lag_reads", json!(sample.latency.count()));
        bench.report.curve("write until read shows it", sample.latency.clone());
        let p99 = number(millis(sample.latency.percentile(0.99)));
        bench.progress.tell(&format!("a read shows a write: p99 {p99} ms"));
    }
    Ok(())
}

/// More wallets than the server may keep in memory.
pub(crate) async fn small_cache(bench: &mut Bench) -> Result<()> {
    bench.progress.doing("working set larger than the cache");
    let aggregates = bench.size.wallets() / CACHE_SHARE;
    bench.restart(&[("COUNTERFOIL_AGGREGATE_CACHE", &aggregates.to_string())]).await?;
    bench.even_start().await?;
    let plan = bench.plan(Wallets::All, bench.clients, Mix::Commands)?;
    let driven = bench.drive(&plan).await?;
    tell(bench, "small_cache", &driven, "Counterfoil, cache too small");
    bench.report.set("small_cache_aggregates", json!(aggregates));
    bench.report.set("small_cache_wallets", json!(plan.targets.len()));
    Ok(())
}

fn missing(scenario: &str) -> BenchError {
    BenchError::Unusable(format!("{scenario} rests on what spread did, and spread did nothing"))
}

fn tell(bench: &mut Bench, name: &str, driven: &Driven, title: &str) {
    let outcome = &driven.outcome;
    bench.report.shares_of(name, driven);
    let per_second = outcome.per_second(true);
    bench.report.figure(&format!("{name}_per_s"), per_second);
    bench.report.latencies(name, &outcome.latency(true));
    bench.report.bar(title, per_second, true);
    bench.progress.tell(&format!("{title}: {} /s", number(per_second)));
}
