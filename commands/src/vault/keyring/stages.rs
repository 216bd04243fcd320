//! Which key signs access tokens at a moment, and which are still good for verifying.
//!
//! Correct because it follows from the ring and the clock alone: every process that has read the ring agrees, up to the
//! difference of their clocks, which the verifiers' leeway covers. A key whose last token has expired proves nothing any
//! more, whether or not somebody has removed it.

use super::super::token_key::{TokenKey, TokenKeyState};
use super::KeyRing;
use domain::Timestamp;
use std::time::Duration;

impl KeyRing {
    /// The pending key whose time came last, else the active one.
    pub fn signing_key(&self, now: Timestamp) -> &TokenKey {
        self.successor(now).map_or(&self.token, |(key, _)| key)
    }

    /// Every key that verifiers should know: those that sign, will sign, or signed what may still be alive. A token lives
    /// for `token_life` at most, and is let in for as long as its verifier's leeway after that: both are in it.
    pub fn verifying_keys(&self, now: Timestamp, token_life: Duration) -> impl Iterator<Item = &TokenKey> {
        self.token_keys()
            .filter(move |key| self.signed_last_at(key, now).is_none_or(|last| now <= last.plus(token_life)))
    }

    /// When a key signed its last token; nothing, if it may still sign one, or nobody noted it.
    pub(super) fn signed_last_at(&self, key: &TokenKey, now: Timestamp) -> Option<Timestamp> {
        match key.state() {
            TokenKeyState::Retired => key.times().retired_at,
            TokenKeyState::Active => self.successor(now).map(|(_, from)| from),
            TokenKeyState::Pending => None,
        }
    }

    /// The pending key that signs by now, and since when.
    pub(super) fn successor(&self, now: Timestamp) -> Option<(&TokenKey, Timestamp)> {
        self.other_tokens
            .iter()
            .filter(|key| key.state() == TokenKeyState::Pending)
            .filter_map(|key| Some((key, key.times().signs_from?)))
            .filter(|(_, from)| *from <= now)
            .max_by_key(|(_, from)| *from)
    }
}
