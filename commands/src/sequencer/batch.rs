//! The batch being decided: answers that wait for its commit, and the rows it will write.

use super::cache::{Aggregates, Entry};
use super::submission::Submission;
use crate::commands::COMMIT_BEGINS_WITHIN;
use crate::decide::{Claim, Draft, Drafted, subject_of};
use crate::{Done, Failure, Outcome, Refusal, RequestKey};
use domain::{AggregateKind, AggregateRef, Event, Timestamp};
use journal::{CommandRow, Metadata, Recorded};
use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;
use uuid::Uuid;

/// Commands and events one transaction may carry: enough to drain the inbox at full load, few enough that one commit
/// stays a matter of milliseconds.
pub(crate) const COMMANDS_MAX: usize = 2_048;
const EVENTS_MAX: usize = 8_192;

#[derive(Debug)]
pub(crate) struct Decided {
    pub(crate) submission: Submission,
    /// Sent when the batch is durable, and not before.
    pub(crate) outcome: Outcome,
}

#[derive(Debug)]
pub(crate) struct OpenBatch {
    pub(crate) rows: journal::Batch,
    pub(crate) decided: Vec<Decided>,
    /// Aggregates this batch has changed, each once.
    pub(crate) touched: Vec<AggregateRef>,
    /// Its commit is not begun, or begun again, after this moment: somebody may have been told that it never will be.
    pub(crate) begins_by: Timestamp,
}

impl OpenBatch {
    /// One `now` for the whole batch, and never before an event that is written already.
    pub(crate) fn begin(first_position: i64, now: Timestamp) -> Self {
        let rows = journal::Batch { recorded_at: now, first_position, ..journal::Batch::default() };
        Self { rows, decided: Vec::new(), touched: Vec::new(), begins_by: Timestamp::MAX }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.decided.is_empty()
    }

    /// How many commands it still takes.
    pub(crate) fn room(&self) -> usize {
        if self.rows.events.len() >= EVENTS_MAX { 0 } else { COMMANDS_MAX.saturating_sub(self.decided.len()) }
    }

    /// The position of its last event, or of the last before it.
    pub(crate) fn head(&self) -> i64 {
        self.rows.first_position - 1 + i64::try_from(self.rows.events.len()).unwrap_or(i64::MAX)
    }

    /// Decides a command on the newest states and takes over what it does. It comes back, if it would be refused and may
    /// be the repeat of something that was not.
    #[must_use]
    pub(crate) fn decide(
        &mut self,
        aggregates: &mut Aggregates,
        claims: &mut HashMap<Claim, Uuid>,
        submission: Submission,
    ) -> Option<Submission> {
        self.begins_by = self.begins_by.min(submission.envelope.deadline.plus(COMMIT_BEGINS_WITHIN));
        let is_claimed = |claim: Claim, owner: Uuid| {
            claims.get(&claim).is_some_and(|holder| *holder != owner) || submission.taken.contains(&claim)
        };
        let mut draft = Draft::new(aggregates, self.rows.recorded_at, &is_claimed);
        let decision = draft.decide(&submission.envelope);
        let drafted = draft.into_drafted();
        if decision.is_err() && submission.may_be_old() {
            return Some(submission);
        }
        let outcome = match decision {
            Ok(()) => {
                claims.extend(drafted.claims.iter().map(|claim| ((claim.kind, claim.digest), claim.owner)));
                let events = self.take_over(drafted);
                self.accept(aggregates, &submission, events)
            }
            Err(refusal) => Err(self.refuse(&submission, refusal)),
        };
        self.decided.push(Decided { submission, outcome });
        None
    }

    fn accept(
        &mut self,
        aggregates: &mut Aggregates,
        submission: &Submission,
        events: Vec<(AggregateRef, Event)>,
    ) -> Outcome {
        let envelope = &submission.envelope;
        let metadata = Metadata {
            actor: envelope.actor,
            command_id: envelope.command_id,
            correlation_id: envelope.correlation_id,
            causation_id: envelope.causation_id,
        };
        let before = self.head();
        let mut recorded = Vec::with_capacity(events.len());
        for (aggregate, event) in events {
            let event = self.record(aggregates, aggregate, event, metadata)?;
            recorded.push(Arc::clone(&event));
            self.rows.events.push(event);
        }
        let first = if recorded.is_empty() { before } else { before + 1 };
        self.remember(submission.envelope.key.iter(), first, recorded.len(), None);
        self.remember(submission.envelope.aliases.iter(), first, recorded.len(), None);
        let mut done = Done::of(self.head(), recorded);
        let Some(subject) = subject_of(envelope) else { return Ok(done) };
        if subject.kind == AggregateKind::User {
            let user = aggregates.users.peek(subject.id);
            done.user_version = user.map_or(0, Entry::sequence);
            done.user = user.map(|entry| Box::new(entry.state().clone()));
        } else {
            let session = aggregates.sessions.peek(subject.id);
            done.session_version = session.map_or(0, Entry::sequence);
            done.session = session.map(|entry| Box::new(entry.state().clone()));
        }
        Ok(done)
    }

    /// What stands beside the events. One statement may not write a row twice: the last one stands.
    fn take_over(&mut self, drafted: Drafted) -> Vec<(AggregateRef, Event)> {
        let rows = &mut self.rows;
        for claim in drafted.claims {
            rows.claims.retain(|earlier| *earlier != claim);
            rows.claims.push(claim);
        }
        for released in drafted.released {
            rows.released.retain(|earlier| (earlier.kind, earlier.owner) != (released.kind, released.owner));
            rows.released.push(released);
        }
        for secret in drafted.secrets {
            let name = (secret.owner, secret.kind, secret.name.as_str());
            rows.secrets.retain(|earlier| (earlier.owner, earlier.kind, earlier.name.as_str()) != name);
            rows.dropped.retain(|earlier| (earlier.owner, earlier.kind, earlier.name.as_str()) != name);
            rows.secrets.push(secret);
        }
        for dropped in drafted.dropped {
            let name = (dropped.owner, dropped.kind, dropped.name.as_str());
            rows.secrets.retain(|earlier| (earlier.owner, earlier.kind, earlier.name.as_str()) != name);
            rows.dropped.push(dropped);
        }
        rows.erased.extend(drafted.erased);
        drafted.events
    }

    fn record(
        &mut self,
        aggregates: &mut Aggregates,
        aggregate: AggregateRef,
        event: Event,
        metadata: Metadata,
    ) -> Result<Arc<Recorded>, Failure> {
        let payload = event.to_stored().map_err(|error| Failure::Internal(error.to_string()))?;
        let evolved = aggregates.evolve(aggregate, &event);
        if evolved.first {
            self.touched.push(aggregate);
        }
        let owner =
            evolved.owner.ok_or_else(|| Failure::Internal("an event that belongs to nobody".to_owned()))?;
        Ok(Arc::new(Recorded {
            position: self.head() + 1,
            aggregate,
            sequence: evolved.sequence,
            event_type: Cow::Borrowed(event.type_name()),
            version: Cow::Borrowed(event.version()),
            payload,
            metadata,
            event_id: Uuid::now_v7(),
            owner,
            recorded_at: self.rows.recorded_at,
            parsed: event.into(),
        }))
    }

    fn refuse(&mut self, submission: &Submission, refusal: Refusal) -> Failure {
        let position = self.head();
        // A refusal is plain data: writing it down cannot fail.
        let facts = serde_json::to_string(&refusal).unwrap_or_else(|_| "null".to_owned());
        self.remember(submission.envelope.key.iter(), position, 0, Some(&facts));
        Failure::Refused { refusal, position, replayed: false }
    }

    fn remember<'k>(
        &mut self,
        keys: impl Iterator<Item = &'k RequestKey>,
        position: i64,
        events: usize,
        refusal: Option<&str>,
    ) {
        let events = i32::try_from(events).unwrap_or(i32::MAX);
        self.rows.commands.extend(keys.map(|key| CommandRow {
            key: key.key,
            fingerprint: key.fingerprint,
            position,
            events,
            refusal: refusal.map(str::to_owned),
        }));
    }

    pub(crate) fn into_submissions(self) -> Vec<Submission> {
        self.decided.into_iter().map(|decided| decided.submission).collect()
    }
}
