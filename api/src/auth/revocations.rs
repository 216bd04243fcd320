//! Login sessions that have ended while access tokens of theirs may still be alive.
//!
//! ## Shape
//! A set in memory, asked on every request. A logout on this node enters it before it is answered; a feed over the
//! committed events enters those of every node. An entry is dropped when no token of its session can be alive any more,
//! so the set is as large as the logouts of one token lifetime.
//!
//! ## Correctness
//! The feed begins at the head it found and skips nothing. What ended before that is noticed when a token is seen for
//! the first time: then the session itself is looked up. While the feed cannot read, every request looks it up.

use super::tokens::{LEEWAY, now};
use commands::users::ended_session;
use domain::LoginSessionId;
use journal::{Journal, JournalError, Recorded, Tail, TailRead};
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock, RwLockWriteGuard};
use std::time::Duration;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// Events looked at in one step.
const STEP: usize = 4_096;
/// A read that takes longer means that logouts elsewhere are not noticed in time.
const READ_WITHIN: Duration = Duration::from_secs(5);
const RETRY_AFTER: Duration = Duration::from_millis(500);
/// Below this many entries looking for old ones is not worth it.
const PRUNE_FROM: usize = 1_024;

#[derive(Clone, Debug)]
pub(crate) struct Revocations {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    ended: RwLock<Ended>,
    is_stale: AtomicBool,
    /// How long a token of an ended session may outlive it.
    keep: Duration,
}

#[derive(Debug)]
struct Ended {
    until: HashMap<LoginSessionId, u64>,
    prune_at: usize,
}

impl Revocations {
    pub(crate) fn new(token_ttl: Duration) -> Self {
        let ended = Ended { until: HashMap::new(), prune_at: PRUNE_FROM };
        let inner =
            Inner { ended: RwLock::new(ended), is_stale: AtomicBool::new(false), keep: token_ttl + LEEWAY };
        Self { inner: Arc::new(inner) }
    }

    pub(crate) fn end(&self, session: LoginSessionId) {
        let now = now();
        let mut ended = self.write();
        ended.until.insert(session, now + self.inner.keep.as_secs() + 1);
        if ended.until.len() >= ended.prune_at {
            ended.until.retain(|_, until| *until > now);
            ended.prune_at = (ended.until.len() * 2).max(PRUNE_FROM);
        }
    }

    pub(crate) fn has_ended(&self, session: LoginSessionId) -> bool {
        self.inner.ended.read().unwrap_or_else(PoisonError::into_inner).until.contains_key(&session)
    }

    /// Whether sessions may have ended elsewhere without being noticed here.
    pub(crate) fn is_stale(&self) -> bool {
        self.inner.is_stale.load(Ordering::Relaxed)
    }

    /// Follows the journal from here on. To be called before the first request is let in.
    pub(crate) fn feed(&self, journal: Journal, tail: Tail) -> RevocationFeed {
        RevocationFeed { position: tail.head(), head: tail.watch(), revocations: self.clone(), journal, tail }
    }

    fn write(&self) -> RwLockWriteGuard<'_, Ended> {
        // Nothing in here panics half-way, so what a poisoned lock guards is still whole.
        self.inner.ended.write().unwrap_or_else(PoisonError::into_inner)
    }
}

#[derive(Debug)]
pub(crate) struct RevocationFeed {
    revocations: Revocations,
    journal: Journal,
    tail: Tail,
    head: watch::Receiver<i64>,
    position: i64,
}

/// What one step of the feed did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Followed {
    Read,
    UpToDate,
}

impl RevocationFeed {
    pub(crate) async fn run(mut self, cancel: CancellationToken) {
        while !cancel.is_cancelled() {
            let wait = match self.run_once().await {
                Ok(Followed::Read) => continue,
                Ok(Followed::UpToDate) => {
                    self.stale(false);
                    None
                }
                Err(error) => {
                    self.stale(true);
                    tracing::warn!(event = "revocations_not_followed", error_message = %error);
                    Some(RETRY_AFTER)
                }
            };
            tokio::select! {
                () = cancel.cancelled() => break,
                () = async { match wait {
                    Some(span) => tokio::time::sleep(span).await,
                    // The sender lives as long as the tail that we hold.
                    None => { let _ = self.head.changed().await; }
                } } => {}
            }
        }
    }

    pub(crate) async fn run_once(&mut self) -> Result<Followed, JournalError> {
        self.head.mark_unchanged();
        match self.tail.read_after(self.position, STEP) {
            TailRead::UpToDate => Ok(Followed::UpToDate),
            TailRead::Events(events) => Ok(self.take(&events)),
            TailRead::OutOfWindow => {
                let limit = i64::try_from(STEP).unwrap_or(i64::MAX);
                let read = self.journal.read_after(self.position, limit);
                let events = tokio::time::timeout(READ_WITHIN, read)
                    .await
                    .map_err(|_| JournalError::Postgres(sqlx::Error::PoolTimedOut))??;
                Ok(self.take(&events))
            }
        }
    }

    fn take(&mut self, events: &[Arc<Recorded>]) -> Followed {
        let Some(last) = events.last() else { return Followed::UpToDate };
        self.position = last.position;
        for recorded in events.iter().filter(|recorded| recorded.event_type == "LoginSessionEnded") {
            match recorded.event() {
                Ok(event) => {
                    if let Some(session) = ended_session(&event) {
                        self.revocations.end(session);
                    }
                }
                Err(error) => tracing::error!(
                    event = "event_unreadable",
                    position = recorded.position,
                    error_message = %error
                ),
            }
        }
        Followed::Read
    }

    fn stale(&self, is_stale: bool) {
        self.revocations.inner.is_stale.store(is_stale, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    fn session(n: u128) -> LoginSessionId {
        LoginSessionId(Uuid::from_u128(n))
    }

    #[test]
    fn an_ended_session_is_known_at_once() {
        let revocations = Revocations::new(Duration::from_mins(15));
        assert!(!revocations.has_ended(session(1)));
        revocations.end(session(1));
        assert!(revocations.has_ended(session(1)));
        assert!(!revocations.has_ended(session(2)));
    }

    #[test]
    fn what_no_token_can_outlive_is_forgotten() {
        let revocations = Revocations::new(Duration::ZERO);
        for n in 0..2 * PRUNE_FROM as u128 {
            revocations.end(session(n));
        }
        let old = revocations.write().until.len();
        revocations.write().until.values_mut().for_each(|until| *until = 0);
        revocations.write().prune_at = old + 1;
        revocations.end(session(u128::MAX));
        assert_eq!(revocations.write().until.len(), 1);
        assert!(revocations.has_ended(session(u128::MAX)));
    }
}
