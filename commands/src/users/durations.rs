//! How long login sessions lasted: measured where one is ended, by the process that was asked to.

use super::ended_session;
use crate::Done;
use domain::{LoginSessionId, Timestamp};

pub(super) fn measure(done: &Done) {
    // What is answered again was measured the first time.
    if done.replayed {
        return;
    }
    for recorded in done.events.iter().filter(|recorded| recorded.event_type == "LoginSessionEnded") {
        let Some(began) = recorded.event().ok().as_ref().and_then(ended_session).and_then(began) else {
            continue;
        };
        let lasted = recorded.recorded_at.since(began);
        metrics::histogram!("counterfoil_login_session_seconds").record(lasted.as_secs_f64());
    }
}

/// The id of a session says when it was made.
fn began(LoginSessionId(id): LoginSessionId) -> Option<Timestamp> {
    let (seconds, nanos) = id.get_timestamp()?.to_unix();
    let micros = seconds.checked_mul(1_000_000)?.checked_add(u64::from(nanos) / 1_000)?;
    i64::try_from(micros).ok().map(Timestamp::from_micros)
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    #[test]
    fn a_session_knows_when_it_began() {
        let id = Uuid::new_v7(uuid::Timestamp::from_unix_time(1_763_722_800, 42_000_000, 0, 0));
        assert_eq!(began(LoginSessionId(id)), Some(Timestamp::from_micros(1_763_722_800_042_000)));
        assert_eq!(began(LoginSessionId(Uuid::nil())), None);
    }
}
