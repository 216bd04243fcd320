//! What trading takes from wallets: the same full load without sessions and with some of them at work, in turns.

use std::time::Duration;

use serde_json::json;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::{Session, ask, history, restart_among, start, stop};
use crate::error::{BenchError, Result};
use crate::load::{Mix, rate};
use crate::market::Swings;
use crate::report::number;
use crate::runner::bench::{Bench, Wallets};

/// The shortest interval there is.
const INTERVAL: Duration = Duration::from_mins(1);

pub(crate) async fn beside(bench: &mut Bench) -> Result<()> {
    restart_among(bench, Swings::BRISK).await?;
    let (rounds, count) = (bench.times.rounds, bench.times.trading.beside);
    let mut rates = [Vec::new(), Vec::new()];
    let (mut shares, mut runs, mut measured) = (Vec::new(), 0, 0.0);
    for round in 1..=rounds {
        let mut pair = [0.0; 2];
        // Who goes first changes.
        for turn in 0..2 {
            let trades = (round + turn) % 2 == 0;
            let beside = if trades { format!("{count} sessions") } else { "no session".to_owned() };
            bench.progress.doing(&format!("round {round} of {rounds}: many wallets beside {beside}"));
            let turn = if trades { with_sessions(bench, count).await? } else { spread(bench, &[]).await? };
            pair[usize::from(trades)] = turn.per_second;
            runs += turn.runs;
            measured += if trades { turn.seconds } else { 0.0 };
        }
        rates.iter_mut().zip(pair).for_each(|(rates, rate)| rates.push(rate));
        shares.push(if pair[0] > 0.0 { pair[1] / pair[0] } else { 0.0 });
    }
    let report = &mut bench.report;
    for (name, rates) in ["spread_trading_off", "spread_trading_on"].into_iter().zip(&rates) {
        report.figure(&format!("{name}_per_s"), median(rates));
        let rounds: Vec<f64> = rates.iter().map(|rate| rate.round()).collect();
        report.set(&format!("{name}_rounds_per_s"), json!(rounds));
    }
    // Of what is next to each other in time.
    let share = median(&shares);
    report.figure("spread_with_trading", share);
    report.set("spread_with_trading_sessions", json!(count));
    report.figure("spread_with_trading_runs_per_s", rate(runs, measured));
    bench.progress.tell(&format!("wallets beside {count} sessions: {} of what they do alone", number(share)));
    Ok(())
}

/// One measured round.
struct Turn {
    per_second: f64,
    /// That ended meanwhile.
    runs: u64,
    seconds: f64,
}

async fn with_sessions(bench: &mut Bench, count: usize) -> Result<Turn> {
    let interval_s = u32::try_from(INTERVAL.as_secs()).unwrap_or(u32::MAX);
    let sessions = start(bench, count, interval_s).await?;
    let measured = spread(bench, &sessions).await;
    stop(bench, &sessions).await?;
    measured
}

async fn spread(bench: &mut Bench, sessions: &[Session]) -> Result<Turn> {
    bench.even_start().await?;
    spread_out(bench, sessions)?;
    let after = history::head(bench).await?;
    let mut plan = bench.plan(Wallets::Spread, bench.clients, Mix::Commands)?;
    plan.seconds = bench.times.round;
    let driven = bench.drive(&plan).await?;
    let runs = history::ended(&mut bench.database().await?, after).await?;
    if runs == 0 && !sessions.is_empty() {
        bench.count_errors(1, &["no session ran beside the wallets".to_owned()]);
    }
    let seconds = driven.outcome.seconds + plan.warmup_seconds;
    Ok(Turn { per_second: driven.outcome.per_second(true), runs: runs.unsigned_abs(), seconds })
}

/// One after the other over their interval, from now on.
fn spread_out(bench: &Bench, sessions: &[Session]) -> Result<()> {
    let mut client = bench.server()?.client()?;
    let step = INTERVAL / u32::try_from(sessions.len()).unwrap_or(u32::MAX).max(1);
    let mut at = OffsetDateTime::now_utc();
    for session in sessions {
        at += step;
        let text = at.format(&Rfc3339).map_err(|error| BenchError::Unusable(error.to_string()))?;
        let token = &bench.users[session.owner].token;
        ask(&mut client, session, token, "next-run", &json!({ "at": text }))?;
    }
    Ok(())
}

fn median(values: &[f64]) -> f64 {
    let mut ordered = values.to_vec();
    ordered.sort_by(f64::total_cmp);
    ordered.get(ordered.len() / 2).copied().unwrap_or_default()
}
