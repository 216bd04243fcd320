//! One term of leading: from taking the lease to losing it or stepping down.

use super::batch::{COMMANDS_MAX, OpenBatch};
use super::cache::Aggregates;
use super::flight::{self, Landing};
use super::loading::Loading;
use super::snapshots::SnapshotQueue;
use super::submission::Submission;
use crate::decide::Claim;
use crate::{Clock, Failure, lookup};
use domain::Timestamp;
use journal::{Journal, Lease, Tail};
use std::collections::{HashSet, VecDeque};
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
    pub(super) claims: HashSet<Claim>,
    /// Keys of commands between here and their answer.
    pub(super) keys: HashSet<Uuid>,
    pub(super) loading: Loading,
    lookups: Lookups,
    drained: Vec<Submission>,
    /// Position and time of the newest durable event.
    pub(super) committed: (i64, Timestamp),
}

/// Old keys are looked up one question at a time; what comes meanwhile goes into the next.
pub(super) struct Lookups {
    pub(super) wary_until: Instant,
    waiting: Vec<Submission>,
    running: Option<JoinHandle<LookedUp>>,
}

/// Each command with its answer of then, if it had one; or all of them, if nobody could be asked.
type LookedUp = Result<Vec<(Submission, Option<crate::Outcome>)>, Vec<Submission>>;

impl<'a> Term<'a> {
    pub(crate) fn begin(around: &'a mut Surroundings, lease: Lease, again: Vec<Submission>) -> Self {
        let committed = (lease.head().position, lease.head().recorded_at);
        let keys = again.iter().filter_map(Submission::key).collect();
        let mut term = Self {
            aggregates: Aggregates::new(around.cache_capacity),
            open: OpenBatch::begin(committed.0 + 1, committed.1),
            flight: None,
            backlog: VecDeque::new(),
            claims: HashSet::new(),
            keys,
            loading: Loading::new(around.journal.clone()),
            lookups: Lookups {
                wary_until: Instant::now() + around.wary_for,
                waiting: Vec::new(),
                running: None,
            },
            drained: Vec::with_capacity(COMMANDS_MAX),
            lease: Some(lease),
            committed,
            around,
        };
        if !again.is_empty() {
            term.backlog.push_back(again);
        }
        term.around.tail.advance(committed.0);
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
                looked_up = looked_up(&mut self.lookups.running) => self.looked_up(looked_up),
                taken = self.around.inbox.recv_many(&mut self.drained, room), if room > 0 && !stopping => {
                    stopping = taken == 0;
                    self.admit();
                }
                _ = beat.tick(), if self.flight.is_none() => self.beat(),
                () = cancel.cancelled(), if !self.around.inbox.is_closed() => self.around.inbox.close(),
            }
            self.loading.start();
            self.look_up();
            self.take_off();
            if stopping && self.flight.is_none() {
                return self.end(TermEnd::Stopped).await;
            }
        }
    }

    /// How many commands may be taken in now: none while older ones have to be decided again.
    fn room(&self) -> usize {
        if self.backlog.is_empty() { self.open.room() } else { 0 }
    }

    fn admit(&mut self) {
        let wary = Instant::now() < self.lookups.wary_until;
        let mut drained = std::mem::take(&mut self.drained);
        for submission in drained.drain(..) {
            match submission.key() {
                Some(key) if !self.keys.insert(key) => submission.answer(Err(Failure::InFlight)),
                Some(_) if wary => self.lookups.waiting.push(submission),
                _ => self.consider(submission),
            }
        }
        self.drained = drained;
    }

    /// Decides a command, or parks it until its aggregates are in memory.
    pub(super) fn consider(&mut self, submission: Submission) {
        let now = self.around.clock.now();
        if now > submission.envelope.deadline {
            return self
                .answer(submission, Err(Failure::unavailable("the command waited too long to be decided")));
        }
        let command = &submission.envelope.command;
        if !command.begins_its_aggregates() {
            let mut missing = command.aggregates();
            missing.retain(|of| !self.aggregates.use_now(*of));
            if !missing.is_empty() {
                return self.loading.park(submission, &missing);
            }
        }
        if self.open.is_empty() {
            let position = self.flight.as_ref().map_or(self.committed.0, |flight| flight.batch.head());
            let last = self.flight.as_ref().map_or(self.committed.1, |flight| flight.batch.rows.recorded_at);
            self.open = OpenBatch::begin(position + 1, now.max(last));
        }
        self.open.decide(&mut self.aggregates, &mut self.claims, submission);
    }

    fn arrive(&mut self, arrival: super::loading::Arrival) {
        let (ready, failed) = self.loading.arrive(&arrival);
        for (id, loaded) in arrival.users {
            self.aggregates.insert_user(id, loaded);
        }
        for (id, loaded) in arrival.wallets {
            self.aggregates.insert_wallet(id, loaded);
        }
        for submission in failed {
            self.answer(submission, Err(Failure::unavailable("the account could not be loaded")));
        }
        for submission in ready {
            self.consider(submission);
        }
    }

    /// Answers a command and forgets its key.
    pub(super) fn answer(&mut self, submission: Submission, outcome: crate::Outcome) {
        if let Some(key) = submission.key() {
            self.keys.remove(&key);
        }
        submission.answer(outcome);
    }

    /// Commands whose keys have just been found taken, or might be.
    pub(super) fn look_up_soon(&mut self, submissions: Vec<Submission>) {
        self.lookups.wary_until = Instant::now() + self.around.wary_for;
        self.lookups.waiting.extend(submissions);
    }

    fn look_up(&mut self) {
        if self.lookups.running.is_some() || self.lookups.waiting.is_empty() {
            return;
        }
        let submissions = std::mem::take(&mut self.lookups.waiting);
        let journal = self.around.journal.clone();
        self.lookups.running = Some(tokio::spawn(async move {
            lookup::look_up(&journal, submissions).await.map_err(|(error, unanswered)| {
                tracing::warn!(event = "lookup_failed", error_message = %error);
                unanswered
            })
        }));
    }

    fn looked_up(&mut self, looked_up: Option<LookedUp>) {
        self.lookups.running = None;
        match looked_up {
            None => {}
            Some(Ok(looked_up)) => {
                for (submission, outcome) in looked_up {
                    if let Some(outcome) = outcome {
                        self.lookups.wary_until = Instant::now() + self.around.wary_for;
                        self.answer(submission, outcome);
                    } else {
                        self.consider(submission);
                    }
                }
            }
            Some(Err(unanswered)) => {
                for submission in unanswered {
                    self.answer(submission, Err(Failure::unavailable("the database cannot be reached")));
                }
            }
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
        let handle = tokio::spawn(async move { flight::commit(lease, journal, &flying.rows, cancel).await });
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

    /// The batch is durable: everybody may know.
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
        for decided in batch.decided {
            count(decided.submission.envelope.command.name(), &decided.outcome);
            self.answer(decided.submission, decided.outcome);
        }
        snapshots.extend(self.aggregates.evict(SNAPSHOT_ON_EVICTION));
        self.around.snapshots.offer(snapshots);
    }

    async fn end(self, end: TermEnd) -> TermEnd {
        let Self { lease, loading, lookups, backlog, .. } = self;
        let unanswered =
            loading.into_waiting().into_iter().chain(lookups.waiting).chain(backlog.into_iter().flatten());
        unanswered.for_each(turn_away);
        if let Some(running) = lookups.running {
            tokio::spawn(answer_looked_up(running));
        }
        if let Some(lease) = lease
            && let Err(error) = lease.release().await
        {
            tracing::debug!(event = "lease_not_released", error_message = %error);
        }
        end
    }
}

fn turn_away(submission: Submission) {
    submission.answer(Err(Failure::unavailable("this node does not lead any more")));
}

/// Old answers are as good after the term as in it.
async fn answer_looked_up(running: JoinHandle<LookedUp>) {
    match running.await {
        Ok(Ok(looked_up)) => {
            for (submission, outcome) in looked_up {
                match outcome {
                    Some(outcome) => submission.answer(outcome),
                    None => turn_away(submission),
                }
            }
        }
        Ok(Err(unanswered)) => unanswered.into_iter().for_each(turn_away),
        Err(error) => tracing::error!(event = "lookup_failed", error_message = %error),
    }
}

async fn landing(flight: &mut Option<Flight>) -> Option<(Flight, Option<(Lease, Landing)>)> {
    let Some(flying) = flight else { return std::future::pending().await };
    let result = (&mut flying.handle).await.ok();
    flight.take().map(|flight| (flight, result))
}

async fn looked_up(running: &mut Option<JoinHandle<LookedUp>>) -> Option<LookedUp> {
    match running {
        Some(handle) => handle.await.ok(),
        None => std::future::pending().await,
    }
}

fn count(command: &'static str, outcome: &crate::Outcome) {
    let outcome = if outcome.is_ok() { "accepted" } else { "refused" };
    metrics::counter!("counterfoil_commands_total", "type" => command, "outcome" => outcome).increment(1);
}
