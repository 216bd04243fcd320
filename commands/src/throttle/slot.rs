//! The counter of one account, and an attempt that is under way.

use super::rows::{Past, Rows};
use super::{Account, DISABLED_AT, FREE, WAIT_MAX, WrongPasswords, wait_after};
use domain::Timestamp;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use time::OffsetDateTime;
use tokio::sync::Notify;
use uuid::Uuid;

#[derive(Default)]
pub(super) struct Slot {
    state: Mutex<State>,
    /// Whoever waits hands it on: each is woken once for every change, however many they are.
    changed: Notify,
}

#[derive(Debug, Default)]
struct State {
    failures: u32,
    in_flight: u32,
    blocked_until: Option<Instant>,
    /// When something last happened here: what was read before says nothing.
    touched: Option<Instant>,
    /// A failure that its row does not show yet.
    is_unwritten: bool,
    /// By the clock on the wall, for who wants to be told.
    failed_at: Option<Timestamp>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    Go,
    Wait,
    Refused(Duration),
}

impl Slot {
    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing in here panics half-way, so what a poisoned lock guards is still whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) async fn changed(&self) {
        self.changed.notified().await;
    }

    /// Whether one more may try now. `Go` has counted it in.
    pub(super) fn step(&self, account: &Account, now: Instant) -> Step {
        let mut state = self.lock();
        state.learn(account);
        let step = state.step(now);
        if step == Step::Go {
            state.in_flight += 1;
        }
        drop(state);
        if step != Step::Wait {
            // Whoever waits behind may have the same answer.
            self.changed.notify_one();
        }
        step
    }

    pub(super) fn forgive(&self, now: Instant) {
        let mut state = self.lock();
        let in_flight = state.in_flight;
        *state = State { in_flight, touched: Some(now), ..State::default() };
        drop(state);
        self.changed.notify_one();
    }

    /// One more failure: how many they are now.
    fn fail(&self, now: Instant) -> u32 {
        let mut state = self.lock();
        state.failures = state.failures.saturating_add(1);
        state.is_unwritten = state.failures >= FREE;
        state.failed_at = Some(OffsetDateTime::now_utc().into());
        state.block(now);
        state.failures
    }

    fn written(&self, failures: u32, now: Instant) {
        let mut state = self.lock();
        state.failures = failures;
        state.is_unwritten = false;
        state.block(now);
    }

    /// Failures that no row tells of. Of more there was one, so somebody else forgave them.
    pub(super) fn unwritten(&self) -> WrongPasswords {
        let state = self.lock();
        let is_here_only = state.failures > 0 && (state.failures < FREE || state.is_unwritten);
        if is_here_only {
            WrongPasswords { count: state.failures, last_at: state.failed_at }
        } else {
            WrongPasswords::default()
        }
    }

    fn has_a_row(&self) -> bool {
        self.lock().failures >= FREE
    }

    fn leave(&self) {
        let mut state = self.lock();
        state.in_flight = state.in_flight.saturating_sub(1);
        drop(state);
        self.changed.notify_one();
    }
}

impl State {
    fn block(&mut self, now: Instant) {
        self.touched = Some(now);
        self.blocked_until = (self.failures >= FREE).then(|| now + wait_after(self.failures));
    }

    /// What the row said, if that is news.
    fn learn(&mut self, account: &Account) {
        let is_older = self.touched.is_some_and(|touched| touched >= account.asked);
        if is_older || self.in_flight > 0 || self.is_unwritten {
            return;
        }
        match account.past {
            Some(Past { failures, ago }) => {
                self.failures = failures;
                self.blocked_until = Some(account.asked + wait_after(failures).saturating_sub(ago));
            }
            // There was a row, so somebody forgave.
            None if self.failures >= FREE => *self = Self::default(),
            None => {}
        }
    }

    fn step(&self, now: Instant) -> Step {
        if self.failures >= DISABLED_AT {
            return Step::Refused(WAIT_MAX);
        }
        let wait = self.blocked_until.map(|until| until.saturating_duration_since(now));
        if let Some(wait) = wait.filter(|wait| !wait.is_zero()) {
            return Step::Refused(wait);
        }
        let may_try = FREE.saturating_sub(self.failures).max(1);
        if self.in_flight < may_try { Step::Go } else { Step::Wait }
    }
}

impl fmt::Debug for Slot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Slot").field("state", &*self.lock()).finish_non_exhaustive()
    }
}

/// Leave to try one password. Dropped unsettled it counts as if it had never been: nobody was told how it ended.
#[derive(Debug)]
pub(crate) struct Attempt {
    id: Uuid,
    slot: Arc<Slot>,
    rows: Rows,
}

impl Attempt {
    pub(super) fn new(id: Uuid, slot: Arc<Slot>, rows: Rows) -> Self {
        Self { id, slot, rows }
    }

    /// To be called before anybody is told whether the password was right.
    pub(crate) async fn settle(self, was_right: bool) {
        let written = if was_right { self.forgive().await } else { self.fail().await };
        if let Err(error) = written {
            // Memory counts on, so this node is as strict as before.
            tracing::warn!(event = "sign_in_failures_not_written", error_message = %error);
        }
    }

    async fn forgive(&self) -> Result<(), sqlx::Error> {
        if self.slot.has_a_row() {
            self.rows.delete(self.id).await?;
        }
        self.slot.forgive(Instant::now());
        Ok(())
    }

    async fn fail(&self) -> Result<(), sqlx::Error> {
        let failures = self.slot.fail(Instant::now());
        if failures >= FREE {
            let failures = self.rows.write(self.id, failures).await?;
            self.slot.written(failures, Instant::now());
        }
        Ok(())
    }
}

impl Drop for Attempt {
    fn drop(&mut self) {
        self.slot.leave();
    }
}

#[cfg(test)]
pub(super) mod test_hooks {
    use super::{Instant, Slot};

    /// A failure that needs no database.
    pub(crate) fn fail(slot: &Slot, now: Instant) {
        let failures = slot.fail(now);
        slot.written(failures, now);
        slot.leave();
    }

    pub(crate) fn leave(slot: &Slot) {
        slot.leave();
    }
}
