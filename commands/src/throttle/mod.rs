//! Guessing made slow: wrong passwords in a row, counted for every account and for every name that is none.
//!
//! An attempt is reserved before its password is hashed and settled afterwards, so parallel guesses never get further than
//! those one after the other. Five failures in a row are free; then each costs twice the time of the one before, for the
//! right password too, and after a hundred only a reset or an admin helps. A right password forgives all.
//!
//! ## Correctness
//! Counters are kept in memory; from the fifth failure on the truth is a row in `sign_in_failures`, written before the
//! failure is answered. Every attempt reads that row with the password's hash, and believes it unless something happened here
//! since it began to read. So a restart forgives nothing, and what was forgiven elsewhere is forgiven here. Several
//! nodes that hear of the same account at the same moment give five free failures each.

mod rows;
mod slot;

pub(crate) use rows::Past;
pub(crate) use slot::Attempt;

use crate::{Failure, Hindrance};
use domain::{Timestamp, UserId};
use journal::{Journal, JournalError};
use rows::Rows;
use slot::{Slot, Step};
use std::sync::Arc;
use std::time::{Duration, Instant};
use uuid::Uuid;

/// So many may be wrong before anybody has to wait.
const FREE: u32 = 5;
/// After so many in a row a guesser has had what a guesser may have (NIST SP 800-63B).
const DISABLED_AT: u32 = 100;
/// Nobody who mistypes waits longer than a coffee takes.
const WAIT_MAX: Duration = Duration::from_mins(15);
/// Accounts remembered: some 20 MB at most. Who is forgotten under a flood has their row, or less than five failures.
const SLOTS_MAX: u64 = 100_000;
/// Failures that are still free are forgotten after a day without another.
const SLOTS_FOR: Duration = Duration::from_hours(24);
/// How long an attempt waits for others that may still turn out right: about what a place at the hasher takes.
const OTHERS_WITHIN: Duration = Duration::from_secs(3);

/// What was known of an account when an attempt began.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Account {
    /// Of the user; of a name that nobody has, its digest.
    pub id: Uuid,
    pub past: Option<Past>,
    /// Before `past` was read.
    pub asked: Instant,
}

/// Wrong passwords in a row.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WrongPasswords {
    pub count: u32,
    pub last_at: Option<Timestamp>,
}

#[derive(Clone, Debug)]
pub(crate) struct Throttle {
    slots: moka::sync::Cache<Uuid, Arc<Slot>>,
    rows: Rows,
}

impl Throttle {
    pub(crate) fn new(journal: Journal) -> Self {
        let slots = moka::sync::Cache::builder()
            .max_capacity(SLOTS_MAX)
            .time_to_idle(SLOTS_FOR)
            .eviction_policy(moka::policy::EvictionPolicy::lru())
            .build();
        Self { slots, rows: Rows::new(journal) }
    }

    /// Leave to try one password. While others try, and may yet turn out right, this waits for them.
    pub(crate) async fn reserve(&self, account: &Account) -> Result<Attempt, Failure> {
        let slot = self.slot(account.id);
        let deadline = tokio::time::Instant::now() + OTHERS_WITHIN;
        loop {
            match slot.step(account, Instant::now()) {
                Step::Go => return Ok(Attempt::new(account.id, slot, self.rows.clone())),
                Step::Refused(retry_after) => return Err(Failure::TooManyAttempts { retry_after }),
                Step::Wait => {
                    if tokio::time::timeout_at(deadline, slot.changed()).await.is_err() {
                        return Err(Failure::unavailable(Hindrance::TooManyPasswords));
                    }
                }
            }
        }
    }

    /// What is known of a user, for an attempt that does not begin with a name.
    pub(crate) async fn account(&self, user_id: UserId) -> Result<Account, JournalError> {
        let asked = Instant::now();
        let past = self.rows.find(user_id.0).await.map_err(JournalError::Postgres)?;
        Ok(Account { id: user_id.0, past, asked })
    }

    /// What every node knows; of failures that were still free, what this one does.
    pub(crate) async fn wrong_passwords(&self, user_id: UserId) -> Result<WrongPasswords, JournalError> {
        if let Some(written) = self.rows.read(user_id.0).await.map_err(JournalError::Postgres)? {
            return Ok(written);
        }
        Ok(self.slots.get(&user_id.0).map(|slot| slot.unwritten()).unwrap_or_default())
    }

    /// All is forgiven.
    pub(crate) async fn forgive(&self, user_id: UserId) -> Result<(), JournalError> {
        self.rows.delete(user_id.0).await.map_err(JournalError::Postgres)?;
        if let Some(slot) = self.slots.get(&user_id.0) {
            slot.forgive(Instant::now());
        }
        Ok(())
    }

    fn slot(&self, id: Uuid) -> Arc<Slot> {
        self.slots.get_with(id, Arc::default)
    }
}

/// What the next attempt has to wait for after so many failures in a row.
fn wait_after(failures: u32) -> Duration {
    let Some(costly) = failures.checked_sub(FREE) else { return Duration::ZERO };
    if failures >= DISABLED_AT {
        return WAIT_MAX;
    }
    Duration::from_secs(1_u64.checked_shl(costly).unwrap_or(u64::MAX)).min(WAIT_MAX)
}

#[cfg(test)]
mod tests;
