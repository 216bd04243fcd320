//! Sessions by the thousand, on one node that takes commands and three processes that trade.
//!
//! Nearly all of them sleep. Some are due within a minute, in the middle of which one process is killed and another one
//! stands still until its leases are over, and then goes on as if nothing had happened. Orders are slow to leave, so
//! both have some on their way. Every run that was due has to have been made once, and every order executed once at
//! most. Then the same sessions are due all at once, for three processes that nothing happens to.

use std::time::Duration;

use serde_json::json;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use trader::timers::LEASED_FOR;
use uuid::Uuid;

use super::history::{self, Due, DueRuns};
use super::{Session, ask, market_data, wait_within};
use crate::error::{BenchError, Doing, Result};
use crate::market::Swings;
use crate::procfs;
use crate::report::number;
use crate::runner::bench::Bench;
use crate::seed::{DueSession, SessionCounts, append_sessions, due_sessions, for_each};
use crate::trader_process::Trader;

const TRADERS: usize = 3;
const NODE: &str = "api,writer,relay,projector";
/// How long an order takes to leave, so that a lost worker loses some: less than an exchange would take it for.
const SLOW: &str = "delay_ms=3000";
/// Until the first is due, besides what it takes to say so.
const LEAD: Duration = Duration::from_secs(10);
const LEAD_EACH: Duration = Duration::from_millis(10);
/// Longer than a run that nothing happens to: sales, then purchases.
const RUN: Duration = Duration::from_secs(10);
/// Timers, and the read model of sessions, of all there are.
const CATCH_UP_PATIENCE: Duration = Duration::from_mins(5);

pub(crate) async fn scale(bench: &mut Bench) -> Result<()> {
    let times = bench.times.trading;
    let counts = SessionCounts { all: times.sessions, due: times.due };
    bench.progress.doing(&format!("seeding {} sessions", counts.all));
    let last = append(bench, counts).await?;
    let market = market_data(bench, "candles", Swings::CALM)?;
    bench.restart(&[("COUNTERFOIL_ROLES", NODE), ("COUNTERFOIL_MARKET_DATA", &market)]).await?;
    bench.calm().await?;
    wait_for_read_model(bench, last).await?;
    let due: Vec<DueSession> = due_sessions(counts, bench.users.len()).collect();

    bench.progress.doing(&format!("{} runs due within {} s, workers lost", due.len(), times.due_within));
    let settings = [("COUNTERFOIL_MARKET_DATA", market.as_str()), ("COUNTERFOIL_EXCHANGE_FAULTS", SLOW)];
    let traders = start_traders(bench, &settings, counts).await?;
    lossy_minute(bench, traders, &due).await?;

    bench.progress.doing(&format!("{} runs due at once", due.len()));
    let risen = market_data(bench, "risen", Swings::RISEN)?;
    let traders = start_traders(bench, &[("COUNTERFOIL_MARKET_DATA", &risen)], counts).await?;
    all_at_once(bench, &due).await?;
    for trader in traders {
        trader.stop().await?;
    }
    Ok(())
}

/// Puts the sessions into the journal, while nobody leads. Says where the last of their events is.
async fn append(bench: &mut Bench, counts: SessionCounts) -> Result<i64> {
    if let Some(server) = bench.server.take() {
        server.stop().await?;
    }
    let server = bench.installation.start(&[("COUNTERFOIL_ROLES", "api")]).await?;
    let users: Vec<Uuid> = bench.users.iter().map(|user| user.id).collect();
    let ring = bench.installation.key_ring()?;
    let url = &server.runtime.database_url;
    let appended = append_sessions(url, ring, &bench.size, (counts, &users), &bench.progress).await;
    server.stop().await?;
    appended
}

async fn wait_for_read_model(bench: &Bench, position: i64) -> Result<()> {
    let mut connection = bench.database().await?;
    wait_within(CATCH_UP_PATIENCE, "every session is in the read model", async || {
        let reached: i64 =
            sqlx::query_scalar("select position from projection_checkpoints where name = 'trading'")
                .fetch_one(&mut connection)
                .await
                .doing("looking at the read model of sessions")?;
        Ok(reached >= position)
    })
    .await
}

/// They are there when every session has its timer.
async fn start_traders(
    bench: &Bench,
    settings: &[(&str, &str)],
    counts: SessionCounts,
) -> Result<Vec<Trader>> {
    let mut traders = Vec::with_capacity(TRADERS);
    for _ in 0..TRADERS {
        traders.push(Trader::start(&bench.installation, bench.server()?, settings).await?);
    }
    let all = i64::try_from(counts.all).unwrap_or(i64::MAX);
    let mut connection = bench.database().await?;
    wait_within(CATCH_UP_PATIENCE, "every session has its timer", async || {
        let timers: i64 = sqlx::query_scalar("select count(*) from trading_timers")
            .fetch_one(&mut connection)
            .await
            .doing("counting timers")?;
        Ok(timers >= all)
    })
    .await?;
    Ok(traders)
}

async fn lossy_minute(bench: &mut Bench, traders: Vec<Trader>, due: &[DueSession]) -> Result<()> {
    let within = Duration::from_secs(bench.times.trading.due_within);
    let step = within / u32::try_from(due.len()).unwrap_or(u32::MAX).max(1);
    let after = history::head(bench).await?;
    let first = OffsetDateTime::now_utc() + lead(due);
    let wanted = wake(bench, due, first, step)?;

    let mut traders = traders.into_iter();
    let (Some(killed), Some(frozen), Some(steady)) = (traders.next(), traders.next(), traders.next()) else {
        return Err(BenchError::Unusable("three traders are needed".to_owned()));
    };
    sleep_until(first + within / 3).await;
    let lost_at = OffsetDateTime::now_utc();
    frozen.freeze();
    killed.kill().await?;
    tokio::time::sleep(RUN).await;
    let lost = lost_sessions(bench, lost_at).await?;
    sleep_until(lost_at + LEASED_FOR + RUN / 2).await;
    frozen.thaw();
    let patience = within + 2 * LEASED_FOR + 2 * RUN;
    let all_ended = wait_for_runs(bench, (after, due.len()), patience).await;
    // Whoever was gone for so long does something still, if it ever does.
    sleep_until(lost_at + LEASED_FOR + RUN * 2).await;

    let runs = history::due_runs(&mut bench.database().await?, after, &wanted, &lost).await?;
    let residents = [&frozen, &steady].map(|trader| megabytes(trader.resident().unwrap_or_default()));
    frozen.stop().await?;
    steady.stop().await?;
    tell_minute(bench, &runs, (due.len(), lost.len()), residents);
    if runs.errors().is_empty() { all_ended } else { Ok(()) }
}

fn tell_minute(bench: &mut Bench, runs: &DueRuns, (due, lost): (usize, usize), residents: [f64; 2]) {
    let node = bench.server().ok().and_then(|server| procfs::resident_bytes(server.runtime.pid));
    let sessions = bench.times.trading.sessions;
    let report = &mut bench.report;
    report.set("trading_sessions", json!(sessions));
    report.set("trading_due", json!(due));
    report.set("trading_due_within_s", json!(bench.times.trading.due_within));
    report.set("trading_lost_with_workers", json!(lost));
    report.set("trading_taken_over", json!(runs.taken_over));
    report.set("trading_runs_failed", json!(runs.failed));
    report.set("trading_trades", json!(runs.trades));
    report.figure("trading_late_p99_ms", runs.late_p99);
    report.figure("trading_late_all_p99_ms", runs.late_all_p99);
    report.figure("trading_late_max_ms", runs.late_max);
    report.figure("trading_rss_mb", residents.into_iter().fold(0.0, f64::max));
    report.figure("trading_node_rss_mb", megabytes(node.unwrap_or_default()));
    let late = number(runs.late_p99);
    bench.progress.tell(&format!("{due} runs due, {lost} of them with lost workers: late p99 {late} ms"));
    tell_errors(bench, runs);
}

async fn all_at_once(bench: &mut Bench, due: &[DueSession]) -> Result<()> {
    let after = history::head(bench).await?;
    let at = OffsetDateTime::now_utc() + lead(due);
    let wanted = wake(bench, due, at, Duration::ZERO)?;
    let patience = lead(due) + CATCH_UP_PATIENCE;
    let all_ended = wait_for_runs(bench, (after, due.len()), patience).await;
    let runs = history::due_runs(&mut bench.database().await?, after, &wanted, &[]).await?;
    tell_errors(bench, &runs);
    all_ended?;
    let took = runs.ended_at.map_or(0.0, |ended| (ended - at).as_seconds_f64());
    let per_second = crate::load::rate(due.len() as u64, took);
    let report = &mut bench.report;
    report.figure("trading_runs_per_s", per_second);
    report.figure("trading_at_once_late_p99_ms", runs.late_p99);
    report.set("trading_at_once_trades", json!(runs.trades));
    bench.progress.tell(&format!("{} runs due at once: {} /s", due.len(), number(per_second)));
    Ok(())
}

fn tell_errors(bench: &mut Bench, runs: &DueRuns) {
    let errors = runs.errors();
    let count: i64 = errors.iter().map(|(_, count)| count).sum();
    let complaints: Vec<String> = errors.into_iter().map(|(what, count)| format!("{count} {what}")).collect();
    let before = bench.report.number("trading_errors").unwrap_or_default();
    #[allow(clippy::cast_precision_loss)] // a few thousand at most
    bench.report.figure("trading_errors", before + count as f64);
    bench.count_errors(count.unsigned_abs(), &complaints);
}

fn lead(due: &[DueSession]) -> Duration {
    LEAD + LEAD_EACH * u32::try_from(due.len()).unwrap_or(u32::MAX)
}

/// Their owners set when they run: one after the other, from a moment on that has to be still to come.
fn wake(bench: &Bench, due: &[DueSession], first: OffsetDateTime, step: Duration) -> Result<Vec<Due>> {
    let (server, users) = (bench.server()?, &bench.users);
    let first = whole_millisecond(first);
    let wanted = for_each(server.runtime.listen, due.len(), |client, number| {
        let DueSession { id, owner } = due[number];
        let at = whole_millisecond(first + step * u32::try_from(number).unwrap_or(u32::MAX));
        let text = at.format(&Rfc3339).map_err(|error| BenchError::Unusable(error.to_string()))?;
        ask(client, &Session { id, owner }, &users[owner].token, "next-run", &json!({ "at": text }))?;
        Ok(Due { session: id, at })
    })?;
    if OffsetDateTime::now_utc() >= first {
        let (what, seconds) = ("telling sessions when to run".to_owned(), lead(due).as_secs());
        return Err(BenchError::TooSlow { what, seconds });
    }
    Ok(wanted)
}

fn whole_millisecond(at: OffsetDateTime) -> OffsetDateTime {
    at.replace_millisecond(at.millisecond()).unwrap_or(at)
}

async fn wait_for_runs(bench: &Bench, (after, due): (i64, usize), patience: Duration) -> Result<()> {
    let due = i64::try_from(due).unwrap_or(i64::MAX);
    let mut connection = bench.database().await?;
    wait_within(patience, "every run has ended", async || {
        Ok(history::ended(&mut connection, after).await? >= due)
    })
    .await
}

/// Sessions that workers had who are lost: leased before they were, and still.
async fn lost_sessions(bench: &Bench, lost_at: OffsetDateTime) -> Result<Vec<Uuid>> {
    sqlx::query_scalar("select session_id from trading_timers where owner is not null and leased_until < $1")
        .bind(lost_at + LEASED_FOR)
        .fetch_all(&mut bench.database().await?)
        .await
        .doing("looking for lost sessions")
}

async fn sleep_until(at: OffsetDateTime) {
    let left = (at - OffsetDateTime::now_utc()).max(time::Duration::ZERO);
    tokio::time::sleep(left.unsigned_abs()).await;
}

/// Memory is far below 2^52 bytes, where an `f64` is exact.
#[allow(clippy::cast_precision_loss)]
fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}
