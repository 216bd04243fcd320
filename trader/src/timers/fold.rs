//! What events change about when a session wants to be looked at.

use domain::trading::{SessionEvent, SessionState};
use domain::{Currency, Timestamp};
use std::time::Duration;

/// After an exchange takes an order no more, its outcome can be asked for.
const ASKED_AFTER: Duration = Duration::from_secs(1);

/// What becomes of a column.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Column {
    #[default]
    Kept,
    Set(Option<Timestamp>),
}

impl Column {
    pub(super) const fn is_set(self) -> bool {
        matches!(self, Self::Set(_))
    }

    pub(super) const fn moment(self) -> Option<Timestamp> {
        if let Self::Set(moment) = self { moment } else { None }
    }
}

/// What becomes of a row.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Change {
    pub(super) started: Option<Currency>,
    pub(super) stopped: bool,
    pub(super) runs: Option<bool>,
    pub(super) next_run_at: Column,
    pub(super) requested_at: Column,
    pub(super) settle_at: Column,
}

impl Change {
    pub(super) fn apply(&mut self, event: &SessionEvent) {
        match event {
            SessionEvent::TradingSessionStarted(started) => {
                self.started = Some(started.currency);
                self.runs = Some(started.state == SessionState::Running);
                self.next_run_at = Column::Set(started.next_run_at);
            }
            SessionEvent::TradingSessionPaused(_) => self.runs = Some(false),
            SessionEvent::TradingSessionResumed(resumed) => {
                self.runs = Some(true);
                self.next_run_at = Column::Set(resumed.next_run_at);
            }
            SessionEvent::TradingSessionHalted(_)
            | SessionEvent::TradingSessionStopping { .. }
            | SessionEvent::OrderOutcomeUnbookable(_) => {
                self.runs = Some(false);
                self.requested_at = Column::Set(None);
            }
            SessionEvent::TradingSessionStopped(_) => self.stopped = true,
            SessionEvent::ScheduleChanged { next_run_at, .. } => self.next_run_at = Column::Set(*next_run_at),
            SessionEvent::RunRequested { requested_at, .. } => {
                self.requested_at = Column::Set(Some(*requested_at));
            }
            // Should its worker die right now, another one looks after it.
            SessionEvent::RunStarted(begun) => {
                self.requested_at = Column::Set(None);
                self.settle_at = Column::Set(Some(begun.started_at.plus(ASKED_AFTER)));
            }
            SessionEvent::OrderIntended(intended) => {
                self.settle_at = Column::Set(Some(intended.intent.valid_until.plus(ASKED_AFTER)));
            }
            SessionEvent::RunCompleted(ended) | SessionEvent::RunFailed(ended) => {
                self.settle_at = Column::Set(None);
                self.next_run_at = Column::Set(ended.next_run_at);
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::trading::{Conclusion, RunBegun, RunEnded, Trigger};
    use rust_decimal::Decimal;
    use uuid::Uuid;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_micros(seconds * 1_000_000)
    }

    #[test]
    fn a_run_that_nobody_ends_is_looked_after_and_one_that_ended_is_not() {
        let run_id = Uuid::from_u128(1);
        let mut change = Change::default();
        let requested = SessionEvent::RunRequested { run_id, trigger: Trigger::Manual, requested_at: at(5) };
        change.apply(&requested);
        assert_eq!(change.requested_at, Column::Set(Some(at(5))));
        change.apply(&SessionEvent::RunStarted(RunBegun {
            run_id,
            trigger: Trigger::Manual,
            due_at: at(5),
            started_at: at(6),
            late_ms: 1_000,
            fence: 1,
            dry_run: false,
        }));
        assert_eq!((change.requested_at, change.settle_at), (Column::Set(None), Column::Set(Some(at(7)))));
        change.apply(&SessionEvent::RunCompleted(RunEnded {
            run_id,
            trigger: Trigger::Manual,
            result: Conclusion::NothingToDo,
            orders: 0,
            turnover: Decimal::ZERO,
            fees: Decimal::ZERO,
            code: None,
            message: None,
            next_run_at: Some(at(60)),
            ended_at: at(6),
        }));
        assert_eq!((change.settle_at, change.next_run_at), (Column::Set(None), Column::Set(Some(at(60)))));
        assert_eq!(change.runs, None);
    }
}
