//! The next ring: with a new key that wraps, or one that will sign, and without those that are of no use any more.
//!
//! Correct because a ring only ever gains keys, but for those of which it is known that nothing needs them: whoever has
//! read the new ring opens and verifies everything that whoever still has the old one makes.

use super::super::secret_key::SecretKey;
use super::super::token_key::{TokenKey, TokenKeyState, TokenKeyTimes};
use super::{KeyRing, KeyRingError, WrappingKey};
use crate::FINAL_AFTER;
use domain::Timestamp;
use std::time::Duration;

/// How soon every process has read a ring that was changed, with time to spare. What they prepared before that is in the
/// database, or never will be, so long after.
const SETTLED_AFTER: Duration = FINAL_AFTER.saturating_add(Duration::from_secs(15));

#[derive(Debug, thiserror::Error)]
pub enum RotationError {
    #[error(transparent)]
    Ring(#[from] KeyRingError),
    #[error("a signing key is waiting already: {kid} signs from {signs_from} on")]
    KeyIsWaiting { kid: String, signs_from: Timestamp },
    #[error(
        "the signing key {kid} is pending without saying from when on it signs: give it \"signs_from\", or take it out"
    )]
    KeyWithoutTime { kid: String },
}

/// A wrapping key became active only just now, and somebody may still be wrapping with the one before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotYet {
    pub wait: Duration,
}

impl KeyRing {
    /// The name of the key that wraps.
    pub fn active_wrapping_id(&self) -> &str {
        &self.wrapping.id
    }

    /// The names of all keys that unwrap, the active one first.
    pub fn wrapping_ids(&self) -> impl Iterator<Item = &str> {
        std::iter::once(&self.wrapping).chain(&self.older).map(|key| key.id.as_str())
    }

    /// The key that the next rotation makes active, if it has been told to everybody beforehand.
    pub fn next_wrapping_id(&self) -> Option<&str> {
        self.next.as_deref()
    }

    /// With a key that unwraps from now on and wraps from the next rotation on.
    pub fn with_next_wrapping_key(&self) -> Result<Self, KeyRingError> {
        let mut ring = self.clone();
        if ring.next.is_none() {
            let key = WrappingKey::generate()?;
            ring.next = Some(key.id.clone());
            ring.older.push(key);
        }
        Ok(ring)
    }

    /// With another key that wraps: the one that was prepared, else a new one.
    pub fn with_new_wrapping_key(&self, now: Timestamp) -> Result<Self, KeyRingError> {
        let mut ring = self.with_next_wrapping_key()?;
        let next = ring.next.take();
        if let Some(at) = ring.older.iter().position(|key| Some(&key.id) == next.as_ref()) {
            let new = ring.older.swap_remove(at);
            ring.older.push(std::mem::replace(&mut ring.wrapping, new));
            ring.active_since = Some(now);
        }
        Ok(ring)
    }

    /// Whether anything may still be wrapped by another key than the active one.
    pub fn may_drop_wrapping_keys(&self, now: Timestamp) -> Result<(), NotYet> {
        let since = self.active_since.map_or(SETTLED_AFTER, |since| now.since(since));
        let wait = SETTLED_AFTER.saturating_sub(since);
        if wait.is_zero() { Ok(()) } else { Err(NotYet { wait }) }
    }

    /// Without these, of those that only unwrap and were not prepared for the next rotation.
    #[must_use]
    pub fn without_wrapping_keys(&self, unused: &[String]) -> Self {
        let mut ring = self.clone();
        ring.older.retain(|key| Some(&key.id) == self.next.as_ref() || !unused.contains(&key.id));
        ring
    }

    /// With a key that is published now and signs in a while.
    pub fn with_next_token_key(&self, now: Timestamp, lead: Duration) -> Result<Self, RotationError> {
        let mut ring = self.settled(now);
        if let Some(waiting) = ring.other_tokens.iter().find(|key| key.state() == TokenKeyState::Pending) {
            let kid = waiting.kid().to_owned();
            return Err(match waiting.times().signs_from {
                Some(signs_from) => RotationError::KeyIsWaiting { kid, signs_from },
                None => RotationError::KeyWithoutTime { kid },
            });
        }
        let times = TokenKeyTimes { signs_from: Some(now.plus(lead)), retired_at: None };
        let seed = SecretKey::generate().map_err(KeyRingError::from)?;
        ring.other_tokens.push(TokenKey::new(seed, TokenKeyState::Pending, times)?);
        // Without a lead it signs already.
        Ok(ring.settled(now))
    }

    /// The ring as the clock has made it: who signs is active, who signed before is retired.
    fn settled(&self, now: Timestamp) -> Self {
        let mut ring = self.clone();
        let Some((successor, since)) = self.successor(now) else { return ring };
        let retired = TokenKeyTimes { signs_from: None, retired_at: Some(since) };
        ring.token = successor.turned(TokenKeyState::Active, TokenKeyTimes::default());
        ring.other_tokens.retain(|key| key.kid() != successor.kid());
        for key in &mut ring.other_tokens {
            // Overtaken before anybody looked: two were pending, and the time of both has come.
            if key.times().signs_from.is_some_and(|from| from <= now) {
                *key = key.turned(TokenKeyState::Retired, retired);
            }
        }
        ring.other_tokens.push(self.token.turned(TokenKeyState::Retired, retired));
        ring
    }

    /// Without the keys that signed nothing which could still be alive.
    #[must_use]
    pub fn without_spent_token_keys(&self, now: Timestamp, token_life: Duration) -> Self {
        let mut ring = self.settled(now);
        let is_spent = |key: &TokenKey| {
            key.times().retired_at.is_some_and(|last| now > last.plus(token_life))
                && key.state() == TokenKeyState::Retired
        };
        ring.other_tokens.retain(|key| !is_spent(key));
        ring
    }
}

#[cfg(test)]
mod tests;
