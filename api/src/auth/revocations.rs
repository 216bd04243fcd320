//! Login sessions that have ended while access tokens of theirs may still be alive; and the feed that tells of them, of
//! changes that matter to API keys, and of the languages that users read.
//!
//! ## Shape
//! A set in memory, asked on every request. A logout on this node enters it before it is answered; a feed over the
//! committed events enters those of every node. An entry is dropped when no token of its session can be alive any more,
//! so the set is as large as the logouts of one token lifetime.
//!
//! ## Correctness
//! The feed begins at the head it found and skips nothing. It asks the journal itself where it ends, because nobody may
//! tell this process what others write. What ended before it began is noticed when a token is seen for the first
//! time: then the session itself is looked up. While the feed has not kept up with the journal, every request looks it up.

use super::tokens::{LEEWAY, now};
use super::{KeyOwners, Locales};
use commands::users::ended_session;
use commands::vault::Vault;
use domain::LoginSessionId;
use journal::{Journal, JournalError, Recorded, Tail, TailRead};
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock, RwLockWriteGuard};
use std::time::{Duration, Instant};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// Events looked at in one step.
const STEP: usize = 4_096;
/// How often the journal is asked where it ends: a logout on another node is noticed by then.
const LOOK_EVERY: Duration = Duration::from_secs(1);
const READ_WITHIN: Duration = Duration::from_secs(5);
const RETRY_AFTER: Duration = Duration::from_millis(500);
/// Past it logouts elsewhere are not noticed in time: several looks have failed, or one hangs.
const STALE_AFTER: Duration = Duration::from_secs(5);
/// Below this many entries looking for old ones is not worth it.
const PRUNE_FROM: usize = 1_024;

#[derive(Clone, Debug)]
pub(crate) struct Revocations {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    ended: RwLock<Ended>,
    started: Instant,
    /// The last moment up to which every logout is known here, in milliseconds since the start.
    known_until: AtomicU64,
    /// How long a token of an ended session may outlive it.
    keep: Duration,
}

#[derive(Debug, Default)]
struct Ended {
    until: HashMap<LoginSessionId, u64>,
    prune_at: usize,
}

impl Revocations {
    pub(crate) fn new(token_ttl: Duration) -> Self {
        let ended = Ended { until: HashMap::new(), prune_at: PRUNE_FROM };
        let inner = Inner {
            ended: RwLock::new(ended),
            started: Instant::now(),
            known_until: AtomicU64::new(0),
            keep: token_ttl + LEEWAY,
        };
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

    /// Ends the session that an event ends, if it is such an event.
    pub(super) fn follow(&self, recorded: &Recorded) {
        if recorded.event_type != "LoginSessionEnded" {
            return;
        }
        match recorded.event() {
            Ok(event) => {
                if let Some(session) = ended_session(&event) {
                    self.end(session);
                }
            }
            Err(error) => tracing::error!(
                event = "event_unreadable",
                position = recorded.position,
                error_message = %error
            ),
        }
    }

    pub(crate) fn has_ended(&self, session: LoginSessionId) -> bool {
        self.inner.ended.read().unwrap_or_else(PoisonError::into_inner).until.contains_key(&session)
    }

    /// Whether sessions may have ended elsewhere without being noticed here.
    pub(crate) fn is_stale(&self) -> bool {
        let known_until = Duration::from_millis(self.inner.known_until.load(Ordering::Relaxed));
        self.inner.started.elapsed() > known_until + STALE_AFTER
    }

    fn all_known_at(&self, moment: Instant) {
        let since_start = moment.saturating_duration_since(self.inner.started).as_millis();
        self.inner.known_until.store(u64::try_from(since_start).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// Follows the journal from here on. To be called before the first request is let in.
    pub(super) fn feed(
        &self,
        journal: Journal,
        tail: Tail,
        key_owners: KeyOwners,
        locales: Locales,
        vault: Vault,
    ) -> RevocationFeed {
        let (position, head) = (tail.head(), tail.watch());
        let revocations = self.clone();
        RevocationFeed { position, head, look: None, revocations, key_owners, locales, vault, journal, tail }
    }

    fn write(&self) -> RwLockWriteGuard<'_, Ended> {
        // Nothing in here panics half-way, so what a poisoned lock guards is still whole.
        self.inner.ended.write().unwrap_or_else(PoisonError::into_inner)
    }
}

#[derive(Debug)]
pub(crate) struct RevocationFeed {
    revocations: Revocations,
    key_owners: KeyOwners,
    locales: Locales,
    vault: Vault,
    journal: Journal,
    tail: Tail,
    head: watch::Receiver<i64>,
    position: i64,
    look: Option<Look>,
}

/// Where the journal ended when it was asked.
#[derive(Clone, Copy, Debug)]
struct Look {
    at: Instant,
    head: i64,
}

/// What one step of the feed did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Followed {
    Read,
    UpToDate,
}

impl RevocationFeed {
    pub(crate) async fn run(mut self, cancel: CancellationToken) {
        let mut is_failing = false;
        while !cancel.is_cancelled() {
            let followed = self.run_once().await;
            match &followed {
                Ok(Followed::Read) => continue,
                Ok(Followed::UpToDate) => is_failing = false,
                // Once, and not twice a second for as long as the database is away.
                Err(error) if !std::mem::replace(&mut is_failing, true) => {
                    tracing::warn!(event = "revocations_not_followed", error_message = %error);
                }
                Err(_) => {}
            }
            let rest = if followed.is_ok() { self.until_next_look() } else { RETRY_AFTER };
            tokio::select! {
                () = cancel.cancelled() => break,
                () = tokio::time::sleep(rest) => {}
                // The sender lives as long as the tail that we hold.
                _ = self.head.changed(), if followed.is_ok() => {}
            }
        }
    }

    pub(crate) async fn run_once(&mut self) -> Result<Followed, JournalError> {
        self.head.mark_unchanged();
        let look = match self.look.filter(|look| look.at.elapsed() < LOOK_EVERY) {
            Some(look) => look,
            None => self.look().await?,
        };
        if look.head < self.position && self.tail.head() < self.position {
            // The database was put back to an earlier moment: what comes next is what comes after that.
            self.position = look.head;
            self.key_owners.forget_all();
            self.locales.forget_all();
        }
        let followed = match self.tail.read_after(self.position, STEP) {
            TailRead::Events(events) => self.take(&events),
            TailRead::UpToDate if look.head <= self.position => Followed::UpToDate,
            TailRead::UpToDate | TailRead::OutOfWindow => {
                let limit = i64::try_from(STEP).unwrap_or(i64::MAX);
                let events = in_time(self.journal.read_after(self.position, limit)).await?;
                self.take(&events)
            }
        };
        // Whether or not there is more by now.
        if look.head <= self.position {
            self.revocations.all_known_at(look.at);
        }
        Ok(followed)
    }

    async fn look(&mut self) -> Result<Look, JournalError> {
        let at = Instant::now();
        let head = in_time(self.journal.head()).await?.position;
        Ok(*self.look.insert(Look { at, head }))
    }

    fn until_next_look(&self) -> Duration {
        self.look.map_or(Duration::ZERO, |look| LOOK_EVERY.saturating_sub(look.at.elapsed()))
    }

    fn take(&mut self, events: &[Arc<Recorded>]) -> Followed {
        let Some(last) = events.last() else { return Followed::UpToDate };
        self.position = last.position;
        for recorded in events {
            self.key_owners.follow(recorded);
            self.locales.follow(recorded);
            if recorded.event_type == "UserErased" {
                self.vault.forget_user(recorded.owner);
            }
            self.revocations.follow(recorded);
        }
        Followed::Read
    }
}

async fn in_time<T>(read: impl Future<Output = Result<T, JournalError>>) -> Result<T, JournalError> {
    let answered = tokio::time::timeout(READ_WITHIN, read).await;
    answered.unwrap_or(Err(JournalError::Postgres(sqlx::Error::PoolTimedOut)))
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
    fn what_was_not_heard_of_for_long_is_not_trusted() {
        let revocations = Revocations::new(Duration::from_mins(15));
        assert!(!revocations.is_stale());
        let long_ago = Instant::now().checked_sub(STALE_AFTER * 2).unwrap();
        let earlier = Inner {
            started: long_ago,
            ended: RwLock::default(),
            known_until: AtomicU64::new(0),
            keep: LEEWAY,
        };
        let revocations = Revocations { inner: Arc::new(earlier) };
        assert!(revocations.is_stale());
        revocations.all_known_at(Instant::now());
        assert!(!revocations.is_stale());
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
