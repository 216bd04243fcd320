//! One term of leading: from taking the lease to losing it or stepping down.

use super::batch::{COMMANDS_MAX, Decided, OpenBatch};
use super::cache::Aggregates;
use super::flight::{self, Landing};
use super::loading::Loading;
use super::lookups::{LookedUp, Lookups};
use super::snapshots::SnapshotQueue;
use super::submission::Submission;
use crate::decide::Claim;
use crate::{Clock, Failure, Hindrance};
use domain::Timestamp;
use journal::{Journal, Lease, Tail};
use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// How often an idle leader says that it is there. Silence of three seconds lets others take over.
const BEAT_EVERY: Duration = Duration::from_millis(750);
/// Events between two snapshots of an aggregate, and how many make one worth writing when it is evicted.
const SNAPSHOT_EVERY: i64 = 1_000;
pub(super) const SNAPSHOT_ON_EVICTION: i64 = 16;

/// Commands that wait for something slow, at most: past it no more are taken in, and the inbox fills up and says so.
const HELD_MAX: usize = 2 * COMMANDS_MAX;
/// Stepping down politely is not worth more: the next leader only has to wait for our silence.
const RELEASE_WITHIN: Duration = Duration::from_secs(1);

/// What outlives a term.
#[derive(Debug)]
pub(crate) struct Surroundings {
    pub(crate) journal: Journal,
    pub(crate) tail: Tail,
    pub(crate) clock: Clock,
    pub(crate) inbox: mpsc::Receiver<Submission>,
    pub(crate) snapshots: SnapshotQueue,
    pub(crate) cancel: CancellationToken,
    pub(crate) cache_capacity: usize,
    /// How long old keys are looked up before deciding: after a start or a change of leader, whose clients repeat what
    /// was not answered, and after each repeat seen.
    pub(crate) wary_for: Duration,
}

/// A batch under way, and what to do with it when it lands.
pub(super) struct Flight {
    pub(super) batch: Arc<OpenBatch>,
    handle: JoinHandle<(Lease, Landing)>,
    started: Instant,
}

/// Why a term ended, with the commands that have to be decided again in the next one.
pub(crate) enum TermEnd {
    Stopped,
    LeadLost,
    /// What we hold in memory is not what the journal holds.
    OutOfStep(Vec<Submission>),
}

pub(crate) struct Term<'a> {
    pub(super) around: &'a mut Surroundings,
    /// Ours, except while a flight has it.
    pub(super) lease: Option<Lease>,
    pub(super) aggregates: Aggregates,
    pub(super) open: OpenBatch,
    pub(super) flight: Option<Flight>,
    /// Groups to be decided again, each a batch of its own, before anything new.
    pub(super) backlog: VecDeque<Vec<Submission>>,
    /// On their way into the journal, with who will hold them.
    pub(super) claims: HashMap<Claim, Uuid>,
    /// Keys of commands between here and their answer.
    pub(super) keys: HashSet<Uuid>,
    pub(super) loading: Loading,
    pub(super) lookups: Lookups,
    drained: Vec<Submission>,
    /// Durable: answered as soon as the next batch is on its way.
    settled: Vec<Decided>,
    /// Position and time of the newest durable event.
    pub(super) committed: (i64, Timestamp),
}

impl<'a> Term<'a> {
    pub(crate) fn begin(around: &'a mut Surroundings, lease: Lease, again: Vec<Submission>) -> Self {
        let committed = (lease.head().position, lease.head().recorded_at);
        let keys = again.iter().flat_map(Submission::keys).collect();
        let mut term = Self {
            aggregates: Aggregates::new(around.cache_capacity),
            open: OpenBatch::begin(committed.0 + 1, committed.1),
            flight: None,
            backlog: VecDeque::new(),
            claims: HashMap::new(),
            keys,
            loading: Loading::new(around.journal.clone()),
            lookups: Lookups::new(around.journal.clone(), around.wary_for),
            drained: Vec::with_capacity(COMMANDS_MAX),
            settled: Vec::new(),
            lease: Some(lease),
            committed,
            around,
        };
        if !again.is_empty() {
            term.backlog.push_back(again);
        }
        term.around.tail.reset_to(committed.0);
        term
    }

    pub(crate) async fn run(mut self) -> TermEnd {
        let mut beat = tokio::time::interval(BEAT_EVERY);
        beat.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let cancel = self.around.cancel.clone();
        let mut stopping = false;
        loop {
            let room = self.room();
            tokio::select! {
                biased;
                landed = landing(&mut self.flight) => {
                    if let Some(end) = self.land(landed) {
                        return self.end(end).await;
                    }
                }
                Some(arrival) = self.loading.next() => self.arrive(arrival),
                looked_up = self.lookups.next() => self.looked_up(looked_up),
                taken = self.around.inbox.recv_many(&mut self.drained, room), if room > 0 && !stopping => {
                    stopping = taken == 0;
                    self.admit();
                }
                _ = beat.tick(), if self.flight.is_none() => self.beat(),
                () = cancel.cancelled(), if !self.around.inbox.is_closed() => self.around.inbox.close(),
            }
            self.loading.start();
            self.lookups.start();
            self.take_off();
            self.answer_settled();
            if stopping && self.flight.is_none() {
                return self.end(TermEnd::Stopped).await;
            }
        }
    }

    /// How many commands may be taken in now: none while older ones have to be decided, few while many wait.
    fn room(&self) -> usize {
        if !self.backlog.is_empty() {
            return 0;
        }
        let held = self.loading.parked() + self.lookups.held();
        self.open.room().min(HELD_MAX.saturating_sub(held))
    }

    fn admit(&mut self) {
        let wary = self.lookups.is_wary();
        let mut drained = std::mem::take(&mut self.drained);
        for submission in drained.drain(..) {
            if submission.keys().any(|key| self.keys.contains(&key)) {
                submission.answer(Err(Failure::InFlight));
                continue;
            }
            self.keys.extend(submission.keys());
            if wary && submission.keys().next().is_some() {
                self.lookups.add([submission]);
            } else {
                self.consider(submission);
            }
        }
        self.drained = drained;
    }

    /// Decides a command, or parks it until its aggregates are in memory.
    pub(super) fn consider(&mut self, submission: Submission) {
        let now = self.around.clock.now();
        if now > submission.envelope.deadline {
            return self.answer(submission, Err(Failure::unavailable(Hindrance::WaitedTooLong)));
        }
        let command = &submission.envelope.command;
        if !command.begins_its_aggregates() {
            let mut missing = command.aggregates();
            missing.extend(self.aggregates.reserve_of(command));
            missing.retain(|of| !self.aggregates.use_now(*of));
            if !missing.is_empty() {
                // A batch may name one of them many times.
                missing.sort_unstable();
                missing.dedup();
                return self.loading.park(submission, &missing);
            }
        }
        if self.open.room() == 0 {
            return self.decide_later(submission);
        }
        if self.open.is_empty() {
            let position = self.flight.as_ref().map_or(self.committed.0, |flight| flight.batch.head());
            let last = self.flight.as_ref().map_or(self.committed.1, |flight| flight.batch.rows.recorded_at);
            self.open = OpenBatch::begin(position + 1, now.max(last));
        }
        let unsure = self.open.decide(&mut self.aggregates, &mut self.claims, submission);
        self.lookups.add(unsure);
    }

    /// The open batch is full: into the one after it.
    fn decide_later(&mut self, submission: Submission) {
        match self.backlog.back_mut() {
            Some(group) if group.len() < COMMANDS_MAX => group.push(submission),
            _ => self.backlog.push_back(vec![submission]),
        }
    }

    fn arrive(&mut self, arrival: super::loading::Arrival) {
        let (ready, failed) = self.loading.arrive(&arrival);
        for (id, loaded) in arrival.users {
            self.aggregates.insert_user(id, loaded);
        }
        for (id, loaded) in arrival.wallets {
            self.aggregates.insert_wallet(id, loaded);
        }
        for (id, loaded) in arrival.sessions {
            self.aggregates.insert_session(id, loaded);
        }
        for (id, loaded) in arrival.defaults {
            self.aggregates.insert_defaults(id, loaded);
        }
        for submission in failed {
            self.answer(submission, Err(Failure::unavailable(Hindrance::NotLoaded)));
        }
        for submission in ready {
            self.consider(submission);
        }
    }

    /// Answers a command and forgets its key.
    pub(super) fn answer(&mut self, submission: Submission, outcome: crate::Outcome) {
        for key in submission.keys() {
            self.keys.remove(&key);
        }
        submission.answer(outcome);
    }

    fn looked_up(&mut self, looked_up: LookedUp) {
        match looked_up {
            LookedUp::Found(found) => {
                for (mut submission, outcome) in found {
                    submission.is_new = outcome.is_none();
                    if let Some(outcome) = outcome {
                        self.lookups.be_wary();
                        self.answer(submission, outcome);
                    } else {
                        self.consider(submission);
                    }
                }
            }
            LookedUp::Unanswered(unanswered) => {
                for submission in unanswered {
                    self.answer(submission, Err(Failure::unavailable(Hindrance::DatabaseAway)));
                }
            }
            LookedUp::Lost(keys) => self.keys.retain(|key| !keys.contains(key)),
        }
    }

    /// Sends the open batch off, if nothing is in the air and there is anything in it.
    fn take_off(&mut self) {
        if self.flight.is_some() {
            return;
        }
        while self.open.is_empty() {
            let Some(group) = self.backlog.pop_front() else { return };
            for submission in group {
                self.consider(submission);
            }
        }
        let Some(lease) = self.lease.take() else { return };
        let batch = std::mem::replace(&mut self.open, OpenBatch::begin(0, Timestamp::default()));
        self.aggregates.take_off(&batch.touched);
        let batch = Arc::new(batch);
        let (journal, cancel, flying) =
            (self.around.journal.clone(), self.around.cancel.clone(), Arc::clone(&batch));
        let clock = self.around.clock.clone();
        let handle =
            tokio::spawn(async move { flight::commit(lease, journal, &flying, clock, cancel).await });
        self.flight = Some(Flight { batch, handle, started: Instant::now() });
    }

    fn beat(&mut self) {
        let Some(lease) = self.lease.take() else { return };
        let batch = Arc::new(OpenBatch::begin(self.committed.0 + 1, self.committed.1));
        let (journal, cancel) = (self.around.journal.clone(), self.around.cancel.clone());
        let handle = tokio::spawn(flight::beat(lease, journal, cancel));
        self.flight = Some(Flight { batch, handle, started: Instant::now() });
    }

    fn land(&mut self, landed: Option<(Flight, Option<(Lease, Landing)>)>) -> Option<TermEnd> {
        let (flight, result) = landed?;
        let Flight { batch, started, .. } = flight;
        // The task has ended and dropped its share.
        let batch = Arc::into_inner(batch)?;
        let Some((lease, landing)) = result else {
            return Some(self.abandon(batch, &Failure::OutcomeUnknown));
        };
        self.lease = Some(lease);
        match landing {
            Landing::Committed => {
                self.settle(batch, started);
                None
            }
            setback => self.set_back(batch, setback),
        }
    }

    /// The batch is durable.
    fn settle(&mut self, batch: OpenBatch, started: Instant) {
        if batch.is_empty() {
            return;
        }
        self.committed = (batch.head(), batch.rows.recorded_at);
        let mut snapshots = self.aggregates.land(&batch.touched, SNAPSHOT_EVERY);
        for claim in &batch.rows.claims {
            self.claims.remove(&(claim.kind, claim.digest));
        }
        metrics::histogram!("counterfoil_commit_seconds").record(started.elapsed());
        // A count below 2^11, exact as a float.
        #[allow(clippy::cast_precision_loss)]
        metrics::histogram!("counterfoil_batch_size").record(batch.decided.len() as f64);
        self.around.tail.publish(batch.rows.events);
        count(&batch.decided);
        self.settled.extend(batch.decided);
        snapshots.extend(self.aggregates.evict(SNAPSHOT_ON_EVICTION));
        if let Some(lease) = &self.lease {
            self.around.snapshots.offer(lease.head().epoch, snapshots);
        }
    }

    /// Everybody may know. The next batch has gone ahead: answering many takes a while, and the database need not wait.
    fn answer_settled(&mut self) {
        for decided in std::mem::take(&mut self.settled) {
            self.answer(decided.submission, decided.outcome);
        }
    }

    async fn end(mut self, end: TermEnd) -> TermEnd {
        self.answer_settled();
        let Self { lease, loading, lookups, backlog, .. } = self;
        let waiting = loading.into_waiting().into_iter().chain(lookups.end());
        for submission in waiting.chain(backlog.into_iter().flatten()) {
            submission.answer(Err(Failure::unavailable(Hindrance::LeadLost)));
        }
        if let Some(lease) = lease {
            match tokio::time::timeout(RELEASE_WITHIN, lease.release()).await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => tracing::debug!(event = "lease_not_released", error_message = %error),
                Err(_) => tracing::debug!(event = "lease_not_released", error_message = "it took too long"),
            }
        }
        end
    }
}

async fn landing(flight: &mut Option<Flight>) -> Option<(Flight, Option<(Lease, Landing)>)> {
    let Some(flying) = flight else { return std::future::pending().await };
    let result = (&mut flying.handle).await.ok();
    flight.take().map(|flight| (flight, result))
}

/// Counted by the batch: one look at each counter, not one for each command.
fn count(decided: &[Decided]) {
    let mut tally: Vec<((&'static str, &'static str), u64)> = Vec::new();
    for decided in decided {
        let outcome = if decided.outcome.is_ok() { "accepted" } else { "refused" };
        let kind = (decided.submission.envelope.command.name(), outcome);
        match tally.iter_mut().find(|(counted, _)| *counted == kind) {
            Some((_, count)) => *count += 1,
            None => tally.push((kind, 1)),
        }
    }
    for ((command, outcome), count) in tally {
        metrics::counter!("counterfoil_commands_total", "type" => command, "outcome" => outcome)
            .increment(count);
    }
}
