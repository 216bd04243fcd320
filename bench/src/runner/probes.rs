//! Single requests and single commands, timed one by one: starts, cold loads, long histories, rebuilds.

use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::json;
use tokio::process::Command;
use uuid::Uuid;

use super::bench::Bench;
use crate::child::{Guarded, last_words, log_to};
use crate::client::Client;
use crate::error::{BenchError, Doing, Result};
use crate::load::{Histogram, millis};
use crate::procfs;
use crate::report::number;
use crate::seed::{Seeded, hot, long, short, wait_for_projections};

/// Long enough for whatever a start leaves behind to be done.
const SETTLE: Duration = Duration::from_secs(3);
/// Requests before the cold one, so that it pays for its history and nothing else.
const WARMING: usize = 20;
/// Measured deposits into one short wallet.
const PROBES_EACH: usize = 9;

/// Starts again and again: how long that takes, how much memory an idle server holds, and what the first command
/// on a wallet with a long history costs.
///
/// A start is over when the process is ready and all read models have answered for the newest position.
pub(crate) async fn starts(bench: &mut Bench) -> Result<()> {
    let (long, hot) = (long(&bench.size), hot(&bench.size));
    let (mut readies, mut starts, mut loads) = (Vec::new(), Vec::new(), Vec::new());
    let (mut idle, mut warm, mut tails) = (Vec::new(), Vec::new(), Vec::new());
    for round in 1..=bench.times.restarts {
        bench.progress.doing(&format!("start {round} on existing data"));
        bench.restart(&[]).await?;
        let server = bench.server()?;
        wait_for_projections(server, &bench.users[0]).await?;
        starts.push(server.started_at().elapsed().as_secs_f64() * 1e3);
        readies.push((server.ready_since() - server.started_at()).as_secs_f64() * 1e3);
        tokio::time::sleep(SETTLE).await;
        let resident = procfs::resident_bytes(bench.server()?.runtime.pid).unwrap_or_default();
        idle.push(megabytes(resident));
        tails.push(tail(bench, &long).await?);
        let mut client = bench.server()?.client()?;
        for _ in 0..WARMING {
            warm.push(millis(deposit(bench, &mut client, &hot)?));
        }
        loads.push(millis(deposit(bench, &mut client, &long)?));
    }
    bench.report.set("cold_load_all_ms", json!(loads));
    bench.report.set("cold_load_tail_events", json!(tails));
    bench.report.set("start_warm_all_ms", json!(starts));
    bench.report.figure("start_ready_ms", median(&mut readies));
    bench.report.figure("start_warm_ms", median(&mut starts));
    bench.report.figure("idle_rss_mb", median(&mut idle));
    bench.report.figure("cold_load_ms", median(&mut loads));
    bench.report.figure("cold_load_warm_ms", median(&mut warm));
    let (start, load) = (number(median(&mut starts)), number(median(&mut loads)));
    bench.progress.tell(&format!("started in {start} ms, first command on a long history {load} ms"));
    Ok(())
}

/// How many events a load of this wallet finds after its snapshot.
async fn tail(bench: &Bench, wallet: &Seeded) -> Result<i64> {
    sqlx::query_scalar(
        "select coalesce(max(e.sequence) - (select s.sequence from snapshots s where s.aggregate_type = 'wallet' \
         and s.aggregate_id = $1), max(e.sequence)) from events e \
         where e.aggregate_type = 'wallet' and e.aggregate_id = $1",
    )
    .bind(wallet.id.to_string())
    .fetch_one(&mut bench.database().await?)
    .await
    .doing("looking for a snapshot")
}

/// Deposits into a wallet with a long history and into short ones, in turns over one connection. A short wallet is left
/// for the next one before it has grown: when it is measured it has 11 to 20 events.
pub(crate) async fn warm(bench: &mut Bench) -> Result<()> {
    bench.progress.doing("a long history against short ones");
    bench.even_start().await?;
    let long = long(&bench.size);
    let mut client = bench.server()?.client()?;
    let (mut of_long, mut of_short) = (Histogram::default(), Histogram::default());
    for _ in 0..WARMING {
        deposit(bench, &mut client, &long)?;
    }
    for short in short(&bench.size).take(bench.times.short_wallets) {
        // Its history and its owner's token are read now, not in the measured ones.
        deposit(bench, &mut client, &short)?;
        for probe in 0..PROBES_EACH {
            // Who goes first changes, so that neither always follows the other.
            let pair = if probe % 2 == 0 { [&long, &short] } else { [&short, &long] };
            for wallet in pair {
                let took = deposit(bench, &mut client, wallet)?;
                if wallet.id == long.id { of_long.record(took) } else { of_short.record(took) }
            }
        }
    }
    bench.report.latencies("warm_long", &of_long);
    bench.report.latencies("warm_short", &of_short);
    bench.report.ratio("warm_1m_vs_10", "warm_long_p50_ms", "warm_short_p50_ms");
    Ok(())
}

/// Microseconds until a deposit is answered.
fn deposit(bench: &Bench, client: &mut Client, wallet: &Seeded) -> Result<u64> {
    let path = format!("/api/v1/wallets/{}/deposit", wallet.id);
    let (token, key) = (&bench.users[wallet.owner].token, Uuid::new_v4().to_string());
    let started = Instant::now();
    client.post(&path, Some(token), Some(&key), &json!({ "amount": "1.00" }))?.good(&path)?;
    Ok(u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX))
}

/// Rebuilds two read models beside the running server: one row per wallet, one row per event.
pub(crate) async fn rebuilds(bench: &mut Bench) -> Result<()> {
    for name in ["wallets", "transactions"] {
        bench.progress.doing(&format!("rebuilding {name}"));
        let events = crate::seed::head(bench.server()?).await?;
        let started = Instant::now();
        rebuild(bench, name).await?;
        let per_second = crate::load::rate(events, started.elapsed().as_secs_f64());
        bench.report.figure(&format!("rebuild_{name}_per_s"), per_second);
        bench.report.set("rebuild_events", json!(events));
        bench.progress.tell(&format!("rebuilding {name}: {} events/s", number(per_second)));
    }
    Ok(())
}

async fn rebuild(bench: &Bench, name: &str) -> Result<()> {
    let log = bench.installation.log.with_file_name("rebuild.log");
    let (out, err) = log_to(&log)?;
    let mut command = Command::new(&bench.installation.program);
    command.args(["rebuild", name]).env("COUNTERFOIL_DATA_DIR", &bench.installation.data_dir);
    command.stdin(Stdio::null()).stdout(out).stderr(err);
    let mut running = Guarded::spawn("counterfoil rebuild", &mut command)?;
    let status = running.child.wait().await.doing("waiting for a rebuild")?;
    if status.success() {
        return Ok(());
    }
    let program = format!("counterfoil rebuild {name}");
    Err(BenchError::Ended { program, status: status.to_string(), words: last_words(&log) })
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}

/// Memory is far below 2^52 bytes, where an `f64` is exact.
#[allow(clippy::cast_precision_loss)]
fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_middle_one() {
        assert!((median(&mut [9.0, 1.0, 5.0]) - 5.0).abs() < f64::EPSILON);
        assert!(median(&mut []).abs() < f64::EPSILON);
    }
}
