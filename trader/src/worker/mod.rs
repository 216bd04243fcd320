//! Workers: each takes leases on sessions that are due and moves them on.
//!
//! Any number of them, in any number of processes. A run is a task of its own for as long as it takes and no longer, so a
//! session whose exchange does not answer costs one place among many and delays nobody; and it is bounded well below its
//! lease, so whoever takes the session over later does not meet the one before.

mod recover;
mod run;

use crate::exchange::{Exchange, Pauses};
use crate::market::Prices;
use crate::timers::{LEASED_FOR, Lease, Leases, Taken};
use commands::Commands;
use domain::Timestamp;
use domain::trading::ExchangeName;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Runs under way at once: what waits for an exchange costs nothing but its place.
pub const RUNS_MAX: usize = 256;
/// Leases taken in one look.
const TAKEN_MAX: usize = 64;
/// Between two looks, unless the bell rings or something is due: other processes' rows do not ring here.
const LOOK_EVERY: Duration = Duration::from_millis(200);
/// However much is due, and whenever: what comes within that is found in one look.
const LOOK_AT_MOST_EVERY: Duration = Duration::from_millis(10);
/// After something is due it is looked for: clocks differ by about that, and who comes too early comes again much later.
const LOOK_AFTER_DUE: Duration = Duration::from_millis(5);
/// The most that a lease is used of.
const RUN_WITHIN: Duration = LEASED_FOR.saturating_sub(Duration::from_secs(10));
/// When a session is found that has nothing to do, though its row says otherwise, at first: one that was paused while a run
/// was asked for goes on like this until it is resumed.
const LOOKED_IN_VAIN: Duration = Duration::from_secs(1);

#[derive(Clone)]
pub struct Worker {
    inner: Arc<Inner>,
}

struct Inner {
    commands: Commands,
    leases: Leases,
    prices: Prices,
    exchanges: Vec<Arc<dyn Exchange>>,
    pauses: Pauses,
    places: Arc<Semaphore>,
    runs: TaskTracker,
}

/// What a worker stands on.
#[derive(Debug)]
pub struct Parts {
    pub commands: Commands,
    pub leases: Leases,
    pub prices: Prices,
    pub exchanges: Vec<Arc<dyn Exchange>>,
    pub pauses: Pauses,
}

/// What came of a lease.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Left {
    /// Nothing more is to be done until the journal says so: up to this sequence it is.
    At(i64),
    /// There is more to do, and not now.
    For(Duration),
}

/// What one look found.
#[derive(Clone, Copy, Debug, Default)]
struct Found {
    taken: usize,
    next_due_at: Option<Timestamp>,
}

/// How long there is nothing to look for.
fn pause_until(next_due_at: Option<Timestamp>, now: Timestamp) -> Duration {
    let pause = next_due_at.map_or(LOOK_EVERY, |due| due.plus(LOOK_AFTER_DUE).since(now));
    pause.clamp(LOOK_AT_MOST_EVERY, LOOK_EVERY)
}

#[derive(Debug, thiserror::Error)]
enum RunError {
    #[error(transparent)]
    Command(#[from] commands::Failure),
    #[error("a session's events cannot be read: {0}")]
    Unreadable(#[from] domain::UnreadableEvent),
    #[error("it answered without the session")]
    NoSession,
    #[error("there is no exchange {0:?} here")]
    NoExchange(ExchangeName),
    #[error("it took too long")]
    Slow,
}

impl fmt::Debug for Worker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Worker")
            .field("places", &self.inner.places.available_permits())
            .finish_non_exhaustive()
    }
}

impl Worker {
    pub fn new(parts: Parts) -> Self {
        let Parts { commands, leases, prices, exchanges, pauses } = parts;
        let places = Arc::new(Semaphore::new(RUNS_MAX));
        let runs = TaskTracker::new();
        Self { inner: Arc::new(Inner { commands, leases, prices, exchanges, pauses, places, runs }) }
    }

    /// Until told to stop; and then until the runs under way have ended.
    pub async fn run(self, bell: Arc<Notify>, cancel: CancellationToken) {
        let mut is_failing = false;
        while !cancel.is_cancelled() {
            let rung = bell.notified();
            let mut pause = LOOK_EVERY;
            match self.look().await {
                Ok(found) => {
                    is_failing = false;
                    if found.taken == TAKEN_MAX {
                        continue;
                    }
                    pause = pause_until(found.next_due_at, self.inner.commands.now());
                }
                // Once, and not five times a second for as long as the database is away.
                Err(error) if !std::mem::replace(&mut is_failing, true) => {
                    tracing::warn!(component = "trader", event = "timers_not_read", error_message = %error);
                }
                Err(_) => {}
            }
            tokio::select! {
                () = cancel.cancelled() => {}
                () = rung => {}
                () = tokio::time::sleep(pause) => {}
            }
        }
        self.inner.runs.close();
        self.inner.runs.wait().await;
    }

    /// Begins what is due, as far as there are places. Says how many sessions that was.
    pub async fn run_once(&self) -> Result<usize, sqlx::Error> {
        Ok(self.look().await?.taken)
    }

    async fn look(&self) -> Result<Found, sqlx::Error> {
        let free = self.inner.places.available_permits().min(TAKEN_MAX);
        if free == 0 {
            return Ok(Found::default());
        }
        let now = self.inner.commands.now();
        let Taken { leases, next_due_at } = self.inner.leases.take(now, free, now.plus(LOOK_EVERY)).await?;
        let taken = leases.len();
        for lease in leases {
            // There were so many places, and nobody else gives them away.
            let Ok(place) = Arc::clone(&self.inner.places).acquire_owned().await else { break };
            let inner = Arc::clone(&self.inner);
            self.inner.runs.spawn(async move { inner.move_on(lease, place).await });
        }
        Ok(Found { taken, next_due_at })
    }

    /// Waits until every run under way has ended.
    pub async fn idle(&self) {
        self.inner.runs.close();
        self.inner.runs.wait().await;
        self.inner.runs.reopen();
    }
}

impl Inner {
    async fn move_on(&self, lease: Lease, place: OwnedSemaphorePermit) {
        let began = Instant::now();
        let moved = tokio::time::timeout(RUN_WITHIN, self.carry_out(&lease)).await;
        let given_back = match moved.unwrap_or(Err(RunError::Slow)) {
            Ok(Left::At(version)) => self.leases.done(&lease, version).await,
            Ok(Left::For(pause)) => self.leases.put_back(&lease, pause).await,
            Err(error) => {
                let session_id = lease.session_id;
                tracing::warn!(
                    component = "trader", event = "session_not_moved_on", session_id = %session_id,
                    failures = lease.failures + 1, error_message = %error
                );
                self.leases.put_back(&lease, lease.pause()).await
            }
        };
        if let Err(error) = given_back {
            // The lease lapses by itself.
            tracing::debug!(component = "trader", event = "lease_not_given_back", error_message = %error);
        }
        metrics::histogram!("counterfoil_trading_step_seconds").record(began.elapsed());
        drop(place);
    }

    fn exchange(&self, name: ExchangeName) -> Result<&Arc<dyn Exchange>, RunError> {
        self.exchanges.iter().find(|exchange| exchange.name() == name).ok_or(RunError::NoExchange(name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_worker_rests_until_something_is_due_and_no_longer_than_ever() {
        let now = Timestamp::from_micros(1_800_000_000_000_000);
        let after = |millis| Some(now.plus(Duration::from_millis(millis)));
        assert_eq!(pause_until(None, now), LOOK_EVERY);
        assert_eq!(pause_until(after(60), now), Duration::from_millis(65));
        assert_eq!(
            pause_until(after(1), now),
            LOOK_AT_MOST_EVERY,
            "what is due at once is found at once, together"
        );
        assert_eq!(pause_until(after(199), now), LOOK_EVERY);
        assert_eq!(
            pause_until(Some(now), now.plus(LOOK_EVERY)),
            LOOK_AT_MOST_EVERY,
            "it came while it looked"
        );
    }
}
