//! Metrics: the recorder everything in the process counts with, and what the process says about itself.

use journal::Journal;
use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};
use std::fmt::Write;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// From half a millisecond, where a cached read answers, to the ten seconds nobody should wait.
const SECONDS: [f64; 14] =
    [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];
/// Login sessions last from a moment to the month after which they end.
const SESSION_SECONDS: [f64; 10] =
    [60.0, 300.0, 900.0, 3_600.0, 14_400.0, 43_200.0, 86_400.0, 259_200.0, 604_800.0, 2_592_000.0];
const BATCH_SIZES: [f64; 11] = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0, 1024.0];
/// Samples wait in memory until they are sorted into their buckets: at full load some 40,000 a second.
const UPKEEP_EVERY: Duration = Duration::from_secs(2);

/// For the whole process, once, and before anything counts.
pub fn install_metrics() -> Result<PrometheusHandle, BuildError> {
    PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &SECONDS)?
        .set_buckets_for_metric(
            Matcher::Full("counterfoil_login_session_seconds".to_owned()),
            &SESSION_SECONDS,
        )?
        .set_buckets_for_metric(Matcher::Full("counterfoil_batch_size".to_owned()), &BATCH_SIZES)?
        .install_recorder()
}

/// Keeps the recorder's memory small until asked to stop.
pub(crate) async fn keep_metrics(handle: PrometheusHandle, cancel: CancellationToken) {
    let mut tick = tokio::time::interval(UPKEEP_EVERY);
    while cancel.run_until_cancelled(tick.tick()).await.is_some() {
        handle.run_upkeep();
    }
}

/// Everything, in the text format of Prometheus.
pub(crate) fn render(handle: &PrometheusHandle, journal: &Journal) -> String {
    let mut text = handle.render();
    // Writing to a String cannot fail; what cannot be read from the system is left out.
    let _ = write_process(&mut text).and_then(|()| write_pool(&mut text, journal));
    text
}

/// The connections to PostgreSQL that requests and projections share. The writer's own is not among them.
fn write_pool(out: &mut String, journal: &Journal) -> std::fmt::Result {
    let pool = journal.pool();
    let (open, idle) = (pool.size(), u32::try_from(pool.num_idle()).unwrap_or(u32::MAX));
    for (name, count) in [
        ("connections", open),
        ("connections_idle", idle),
        ("connections_in_use", open.saturating_sub(idle)),
        ("connections_max", pool.options().get_max_connections()),
    ] {
        writeln!(out, "# TYPE counterfoil_db_pool_{name} gauge\ncounterfoil_db_pool_{name} {count}")?;
    }
    Ok(())
}

fn write_process(out: &mut String) -> std::fmt::Result {
    if let Some(bytes) = resident_bytes() {
        writeln!(out, "# TYPE process_resident_memory_bytes gauge\nprocess_resident_memory_bytes {bytes}")?;
    }
    if let Some(seconds) = cpu_seconds() {
        writeln!(out, "# TYPE process_cpu_seconds_total counter\nprocess_cpu_seconds_total {seconds}")?;
    }
    if let Ok(open) = std::fs::read_dir("/proc/self/fd") {
        writeln!(out, "# TYPE process_open_fds gauge\nprocess_open_fds {}", open.count())?;
    }
    Ok(())
}

fn resident_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kilobytes * 1024)
}

/// User and system time of the process. The kernel counts in hundredths of a second wherever we run.
fn cpu_seconds() -> Option<f64> {
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    // The name in parentheses may hold anything, so the fields are counted from its end.
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace().skip(11);
    let mut ticks = || fields.next()?.parse::<f64>().ok();
    Some((ticks()? + ticks()?) / 100.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_process_knows_its_size() {
        let mut text = String::new();
        write_process(&mut text).unwrap();
        for name in ["process_resident_memory_bytes", "process_cpu_seconds_total", "process_open_fds"] {
            assert!(text.lines().any(|line| line.starts_with(name)), "{name} in {text}");
        }
    }
}
