//! When a batch does not land.
//!
//! Whatever the reason, first everything returns to the committed states: the batch that flew and the open one that
//! was decided on top of it. Then the same commands are decided again, in the same order, without what stood in the
//! way, or answered if nothing may be decided here any more.

use super::batch::OpenBatch;
use super::epoch::{Term, TermEnd};
use super::flight::Landing;
use super::submission::Submission;
use crate::{Failure, Hindrance};
use domain::Timestamp;
use std::collections::HashSet;
use uuid::Uuid;

/// A command decided so often on a memory that was wrong is not tried again.
const RESTARTS_MAX: u8 = 3;

impl Term<'_> {
    pub(super) fn set_back(&mut self, flown: OpenBatch, landing: Landing) -> Option<TermEnd> {
        match landing {
            Landing::Committed => None,
            Landing::Conflicts { keys, claims } => {
                self.without_conflicts(flown, &keys, &claims);
                None
            }
            Landing::Rejected(reason) => {
                self.halve(flown, &reason);
                None
            }
            Landing::TooLate => {
                tracing::warn!(event = "commit_too_late", "the database was away for too long");
                let (flown, open) = self.roll_back(flown);
                // Whoever waited too long is turned away when it is decided again.
                self.push_group(open);
                self.push_group(flown);
                None
            }
            Landing::Unable(reason) => {
                tracing::error!(event = "batch_not_written", error_message = %reason);
                let (flown, open) = self.roll_back(flown);
                self.give_up(flown, &Failure::unavailable(Hindrance::CannotWrite));
                self.give_up(open, &Failure::unavailable(Hindrance::CannotWrite));
                None
            }
            Landing::OutOfStep(reason) => {
                tracing::error!(event = "memory_out_of_step", error_message = %reason, "starting over from the journal");
                Some(self.start_over(flown))
            }
            Landing::Fenced => {
                tracing::warn!(event = "lead_lost");
                Some(self.abandon(flown, &Failure::unavailable(Hindrance::LeadLost)))
            }
            Landing::OutcomeUnknown => {
                tracing::warn!(event = "lead_lost", "a commit was cut off and another node leads");
                Some(self.abandon(flown, &Failure::OutcomeUnknown))
            }
        }
    }

    /// Who flew is told `failure`; who was decided on top certainly had no effect.
    pub(super) fn abandon(&mut self, flown: OpenBatch, failure: &Failure) -> TermEnd {
        let (flown, open) = self.roll_back(flown);
        self.give_up(flown, failure);
        self.give_up(open, &Failure::unavailable(Hindrance::LeadLost));
        TermEnd::LeadLost
    }

    fn roll_back(&mut self, flown: OpenBatch) -> (Vec<Submission>, Vec<Submission>) {
        let open = std::mem::replace(&mut self.open, OpenBatch::begin(0, Timestamp::default()));
        self.aggregates.roll_back(&flown.touched);
        self.aggregates.roll_back(&open.touched);
        self.claims.clear();
        (flown.into_submissions(), open.into_submissions())
    }

    fn give_up(&mut self, submissions: Vec<Submission>, failure: &Failure) {
        for submission in submissions {
            self.answer(submission, Err(failure.clone()));
        }
    }

    /// All conflicts are named at once. Commands with an old key get the old answer; a claim that is held is refused.
    fn without_conflicts(&mut self, flown: OpenBatch, keys: &[Uuid], claims: &[(String, Uuid)]) {
        let keys: HashSet<Uuid> = keys.iter().copied().collect();
        let held: HashSet<Uuid> = claims.iter().map(|(_, digest)| *digest).collect();
        let (flown, open) = self.roll_back(flown);
        let (known, mut again): (Vec<_>, Vec<_>) =
            flown.into_iter().chain(open).partition(|s: &Submission| s.keys().any(|key| keys.contains(&key)));
        let mut refused_now = 0;
        for submission in &mut again {
            let wanted = submission.envelope.command.claims();
            let before = submission.taken.len();
            submission.taken.extend(wanted.into_iter().filter(|(_, digest)| held.contains(digest)));
            refused_now += submission.taken.len() - before;
        }
        if known.is_empty() && refused_now == 0 {
            // The database saw a conflict that concerns nobody here: do not spin on it.
            return self.give_up(again, &Failure::unavailable(Hindrance::CannotWrite));
        }
        if !known.is_empty() {
            self.lookups.be_wary();
            self.lookups.add(known);
        }
        self.backlog.push_front(again);
    }

    /// The database declines some row: halve until it stands alone.
    fn halve(&mut self, flown: OpenBatch, reason: &str) {
        let (mut first, open) = self.roll_back(flown);
        if first.len() == 1 {
            tracing::error!(event = "command_rejected", error_message = %reason);
            self.give_up(first, &Failure::Unrecordable);
            self.push_group(open);
            return;
        }
        let second = first.split_off(first.len() / 2);
        self.push_group(open);
        self.push_group(second);
        self.push_group(first);
    }

    fn push_group(&mut self, group: Vec<Submission>) {
        if !group.is_empty() {
            self.backlog.push_front(group);
        }
    }

    fn start_over(&mut self, flown: OpenBatch) -> TermEnd {
        let (flown, open) = self.roll_back(flown);
        let backlog = std::mem::take(&mut self.backlog).into_iter().flatten();
        let (again, hopeless): (Vec<_>, Vec<_>) = flown
            .into_iter()
            .chain(open)
            .chain(backlog)
            .partition(|s: &Submission| s.restarts < RESTARTS_MAX);
        self.give_up(hopeless, &Failure::Unrecordable);
        TermEnd::OutOfStep(again.into_iter().map(Submission::restarted).collect())
    }
}
