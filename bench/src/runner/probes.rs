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
use crate::seed::{Seeded, Special, special};

/// Long enough for whatever a start leaves behind to be done.
const SETTLE: Duration = Duration::from_secs(3);
/// Requests before the cold one, so that it pays for its history and nothing else.
const WARMING: usize = 20;
/// Snapshots are written in the background, now and then.
const SNAPSHOT_PATIENCE: Duration = Duration::from_secs(30);
const POLL: Duration = Duration::from_millis(100);

/// Starts again and again: how long that takes, how much memory an idle server holds, and what the first command
/// on a wallet with a long history costs.
pub(crate) async fn starts(bench: &mut Bench) -> Result<()> {
    let Special { long, short, .. } = special(&bench.size);
    wait_for_snapshot(bench, &long).await?;
    let (mut starts, mut loads, mut idle, mut warm) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for round in 1..=bench.times.restarts {
        bench.progress.doing(&format!("start {round} on existing data"));
        starts.push(bench.restart(&[]).await?.as_secs_f64() * 1e3);
        tokio::time::sleep(SETTLE).await;
        let resident = procfs::resident_bytes(bench.server()?.runtime.pid).unwrap_or_default();
        idle.push(mebibytes(resident));
        let mut client = bench.server()?.client()?;
        for _ in 0..WARMING {
            warm.push(millis(deposit(bench, &mut client, &short)?));
        }
        loads.push(millis(deposit(bench, &mut client, &long)?));
    }
    bench.report.figure("start_warm_ms", median(&mut starts));
    bench.report.figure("idle_rss_mb", median(&mut idle));
    bench.report.figure("cold_load_ms", median(&mut loads));
    bench.report.figure("cold_load_warm_ms", median(&mut warm));
    bench.report.set("cold_load_all_ms", json!(loads));
    bench.report.set("start_warm_all_ms", json!(starts));
    let (start, load) = (number(median(&mut starts)), number(median(&mut loads)));
    bench.progress.tell(&format!("started in {start} ms, first command on a long history {load} ms"));
    Ok(())
}

async fn wait_for_snapshot(bench: &Bench, wallet: &Seeded) -> Result<()> {
    let started = Instant::now();
    let mut connection = bench.database().await?;
    loop {
        let there: bool = sqlx::query_scalar("select exists (select from snapshots where aggregate_id = $1)")
            .bind(wallet.id.to_string())
            .fetch_one(&mut connection)
            .await
            .doing("looking for a snapshot")?;
        if there {
            return Ok(());
        }
        if started.elapsed() > SNAPSHOT_PATIENCE {
            let (what, seconds) = ("writing a snapshot".to_owned(), SNAPSHOT_PATIENCE.as_secs());
            return Err(BenchError::TooSlow { what, seconds });
        }
        tokio::time::sleep(POLL).await;
    }
}

/// Deposits into a wallet with a long history and into one with ten events, in turns over one connection.
pub(crate) fn warm(bench: &mut Bench) -> Result<()> {
    bench.progress.doing("a long history against a short one");
    let Special { long, short, .. } = special(&bench.size);
    let mut client = bench.server()?.client()?;
    let (mut of_long, mut of_short) = (Histogram::default(), Histogram::default());
    for probe in 0..bench.times.probes + WARMING {
        // Who goes first changes, so that neither always follows the other.
        let pair = if probe % 2 == 0 { [&long, &short] } else { [&short, &long] };
        for wallet in pair {
            let took = deposit(bench, &mut client, wallet)?;
            if probe >= WARMING {
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
fn mebibytes(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
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
