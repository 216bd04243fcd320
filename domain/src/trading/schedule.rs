//! When a session runs.
//!
//! Ticks that were missed become one run: the next one is the first tick after now. Sessions that began in the same moment
//! are spread over a part of their interval, each by its own name, so that they are not all due at once for ever.

use super::derived;
use crate::{Timestamp, TradingSessionId};
use std::time::Duration;
use uuid::Uuid;

/// At most this part of an interval, and at most so long, is a session away from the others of its interval.
const SPREAD_PART: u64 = 10;
const SPREAD_MAX_S: u64 = 60;

/// The run of a session that is due at a moment: whoever finds it due, and however often, it is the same.
pub fn scheduled_run(session: TradingSessionId, due_at: Timestamp) -> Uuid {
    derived(session.0, &due_at.as_micros().to_be_bytes())
}

/// The first tick of a new session.
pub(super) fn first_tick(session: TradingSessionId, interval_s: u32, now: Timestamp) -> Timestamp {
    let within = (u64::from(interval_s) / SPREAD_PART).clamp(1, SPREAD_MAX_S) * 1_000_000;
    let (_, low) = derived(session.0, b"spread").as_u64_pair();
    now.plus(Duration::from_secs(u64::from(interval_s)) + Duration::from_micros(low % within))
}

/// The first tick after now of those that follow one another from `due_at` on.
pub fn next_tick(due_at: Timestamp, interval_s: u32, now: Timestamp) -> Timestamp {
    let interval = u64::from(interval_s.max(1)) * 1_000_000;
    let late = u64::try_from(now.since(due_at).as_micros()).unwrap_or(u64::MAX - interval);
    let steps = late / interval + 1;
    due_at.plus(Duration::from_micros(steps.saturating_mul(interval)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_micros(seconds * 1_000_000)
    }

    #[test]
    fn missed_ticks_become_one() {
        assert_eq!(next_tick(at(100), 60, at(100)), at(160));
        assert_eq!(next_tick(at(100), 60, at(159)), at(160));
        assert_eq!(next_tick(at(100), 60, at(160)), at(220));
        assert_eq!(next_tick(at(100), 60, at(10_000)), at(10_060));
        assert_eq!(next_tick(at(100), 60, at(50)), at(160));
    }

    #[test]
    fn a_run_is_known_by_its_session_and_its_time() {
        let (one, other) = (TradingSessionId(Uuid::from_u128(1)), TradingSessionId(Uuid::from_u128(2)));
        assert_eq!(scheduled_run(one, at(5)), scheduled_run(one, at(5)));
        assert_ne!(scheduled_run(one, at(5)), scheduled_run(one, at(6)));
        assert_ne!(scheduled_run(one, at(5)), scheduled_run(other, at(5)));
    }

    #[test]
    fn sessions_of_one_moment_are_spread() {
        let ticks: std::collections::BTreeSet<_> =
            (0..100).map(|n| first_tick(TradingSessionId(Uuid::from_u128(n)), 3_600, at(0))).collect();
        assert!(ticks.len() > 90);
        assert!(ticks.iter().all(|tick| *tick >= at(3_600) && *tick < at(3_660)));
    }
}
