//! Trading sessions at work: asked one after the other, beside wallets, and by the thousand.
//!
//! Prices move all the time, so that runs have something to do (`market.rs`). What came of them is read in the journal.

mod beside;
mod history;
mod rebalance;
mod scale;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use uuid::Uuid;

pub(crate) use beside::beside;
pub(crate) use rebalance::rebalance;
pub(crate) use scale::scale;

use super::bench::Bench;
use crate::client::Client;
use crate::error::{BenchError, Doing, Result};
use crate::market::{CURRENCY, Swings, targets_body};

/// Some hundreds of runs take a fraction of it.
const PATIENCE: Duration = Duration::from_mins(2);
const POLL: Duration = Duration::from_millis(100);

/// How many sessions there are in each scenario, and for how long.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TradingTimes {
    /// Registered, in the scenario that is about many of them.
    pub(crate) sessions: usize,
    /// Of them: due, within so many seconds.
    pub(crate) due: usize,
    pub(crate) due_within: u64,
    /// Asked to rebalance, in turn.
    pub(crate) rebalanced: usize,
    pub(crate) rebalance_seconds: f64,
    /// At work beside the wallets, each once a minute.
    pub(crate) beside: usize,
}

impl TradingTimes {
    pub(crate) const fn full() -> Self {
        Self {
            sessions: 100_000,
            due: 2_000,
            due_within: 60,
            rebalanced: 600,
            rebalance_seconds: 30.0,
            beside: 100,
        }
    }

    pub(crate) const fn quick() -> Self {
        Self {
            sessions: 10_000,
            due: 200,
            due_within: 10,
            rebalanced: 600,
            rebalance_seconds: 6.0,
            beside: 100,
        }
    }
}

/// A session that was started over HTTP.
#[derive(Debug)]
struct Session {
    id: Uuid,
    owner: usize,
}

/// Where processes find the prices of these swings.
fn market_data(bench: &Bench, name: &str, swings: Swings) -> Result<String> {
    let path: PathBuf = bench.installation.log.with_file_name(format!("{name}.csv"));
    std::fs::write(&path, swings.candles()).doing(format!("writing {}", path.display()))?;
    Ok(format!("candles:{}", path.display()))
}

/// The server as anybody runs it, but in our market.
async fn restart_among(bench: &mut Bench, swings: Swings) -> Result<()> {
    let market = market_data(bench, "candles", swings)?;
    bench.restart(&[("COUNTERFOIL_MARKET_DATA", &market)]).await?;
    bench.calm().await
}

/// Starts so many sessions, of users in turn, and has each of them buy what it is to hold.
async fn start(bench: &Bench, count: usize, interval_s: u32) -> Result<Vec<Session>> {
    let after = history::head(bench).await?;
    let mut client = bench.server()?.client()?;
    let body = json!({
        "mode": "paper", "currency": CURRENCY, "capital": "100000", "targets": targets_body(),
        "interval_s": interval_s, "auto_rebalance": true,
        // A leg may be as large as it has to be, and no loss is too large.
        "risk_per_trade": "1", "max_drawdown": "1",
    });
    let mut sessions = Vec::with_capacity(count);
    for number in 0..count {
        let owner = number % bench.users.len();
        let (path, key) = ("/api/v1/trading-sessions", Uuid::new_v4().to_string());
        let reply = client.post(path, Some(&bench.users[owner].token), Some(&key), &body)?.good(path)?;
        let id = reply.text("/session/id")?;
        let id = id.parse().map_err(|_| BenchError::Unusable(format!("{id:?} is not an id")))?;
        sessions.push(Session { id, owner });
        ask(&mut client, &sessions[number], &bench.users[owner].token, "rebalance", &json!({}))?;
        // For who waits for a signal.
        tokio::task::yield_now().await;
    }
    let wanted = i64::try_from(count).unwrap_or(i64::MAX);
    wait_until("every session has bought", async || {
        Ok(history::asked_runs(bench, after).await?.ended >= wanted)
    })
    .await?;
    Ok(sessions)
}

/// For good: their owners may have others afterwards.
async fn stop(bench: &Bench, sessions: &[Session]) -> Result<()> {
    let mut client = bench.server()?.client()?;
    for session in sessions {
        ask(&mut client, session, &bench.users[session.owner].token, "stop", &json!({}))?;
        tokio::task::yield_now().await;
    }
    Ok(())
}

fn ask(client: &mut Client, session: &Session, token: &str, what: &str, body: &Value) -> Result<()> {
    let path = format!("/api/v1/trading-sessions/{}/{what}", session.id);
    let key = Uuid::new_v4().to_string();
    client.post(&path, Some(token), Some(&key), body)?.good(&path)?;
    Ok(())
}

async fn wait_until(what: &str, is_so: impl AsyncFnMut() -> Result<bool>) -> Result<()> {
    wait_within(PATIENCE, what, is_so).await
}

async fn wait_within(
    patience: Duration,
    what: &str,
    mut is_so: impl AsyncFnMut() -> Result<bool>,
) -> Result<()> {
    let started = Instant::now();
    while !is_so().await? {
        if started.elapsed() > patience {
            let (what, seconds) = (format!("waiting until {what}"), patience.as_secs());
            return Err(BenchError::TooSlow { what, seconds });
        }
        tokio::time::sleep(POLL).await;
    }
    Ok(())
}
