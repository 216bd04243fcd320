//! The relay: mirrors the journal into a JetStream stream, so that message N of the stream is event N of the journal.
//!
//! The journal is the only truth. The relay publishes in order, each message on top of its predecessor, and whenever it
//! is not sure where the stream ends it compares the two: a stream that lost its tail gets it again, one that is gone is
//! made anew, and one that tells another story stops everybody until a person decides.

mod check;
mod lead;
mod publish;
mod reset;
mod status;
mod stream;
mod wire;

pub use check::{Verdict, check};
pub use reset::reset;
pub use status::{RelayState, RelayStatus};
pub use stream::{STREAM, SUBJECTS};

use crate::{Journal, JournalError, Nats, NatsError, Recorded, Tail, TailRead};
use lead::Lead;
use publish::{PublishError, Publisher};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// Events published on one acknowledgement: enough to hide its round trip, little enough to repeat if it fails.
const BATCH_MAX: usize = 2_048;
/// How often the journal's head is read, for what other processes wrote.
const POLL_INTERVAL: Duration = Duration::from_secs(1);
/// An idle relay looks whether the stream is still what it was.
const RECHECK_INTERVAL: Duration = Duration::from_secs(5);
/// After the stream was found elsewhere, before it is compared: two that fight over it do not spin.
const OUT_OF_STEP_PAUSE: Duration = Duration::from_millis(50);
/// A step is a handful of requests, each with a limit of its own: what takes longer waits for a dead peer.
const STEP_WITHIN: Duration = Duration::from_secs(30);
/// How long a relay keeps the lead without NATS: longer than a restart of its server, or of a network.
const LEAD_WITHOUT_NATS: Duration = Duration::from_secs(5);

#[derive(Clone, Copy, Debug)]
pub struct RelayOptions {
    /// Copies of the stream in a cluster: 1 or 3.
    pub replicas: usize,
}

#[derive(Debug, thiserror::Error)]
pub enum RelayError {
    #[error(transparent)]
    Journal(#[from] JournalError),
    #[error(transparent)]
    Nats(#[from] NatsError),
    #[error("a step took longer than {} s", STEP_WITHIN.as_secs())]
    Slow,
    #[error("stream and journal tell different stories again: {0}")]
    Halted(String),
    #[error("the stream stands still at {at} of {goal}: the relay that fills it does not go on")]
    Stalled { at: i64, goal: i64 },
}

/// What one step came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    Published(usize),
    UpToDate,
    /// The stream did not end where we thought; the next step compares.
    OutOfStep,
    StandingBy,
    Halted(String),
}

#[derive(Debug)]
pub struct Relay {
    journal: Journal,
    nats: Nats,
    tail: Tail,
    options: RelayOptions,
    lead: Lead,
    /// The journal's id and where the stream ends, while we are sure of it.
    mirror: Option<(Uuid, i64)>,
    publisher: Option<Publisher>,
    /// The stream did not take what was published last. The first message of a run that it refuses tells why, and only if
    /// somebody asks, so the next one goes alone.
    is_cautious: bool,
    /// From where the lag is counted: where the stream was last seen to end, or the journal when we began.
    counted_from: Option<i64>,
    checked_at: Instant,
    unreachable_since: Option<Instant>,
    status: watch::Sender<RelayStatus>,
}

impl Relay {
    pub fn new(journal: Journal, nats: Nats, tail: Tail, options: RelayOptions) -> Self {
        Self {
            journal,
            nats,
            tail,
            options,
            lead: Lead::default(),
            mirror: None,
            publisher: None,
            is_cautious: false,
            counted_from: None,
            checked_at: Instant::now(),
            unreachable_since: None,
            status: watch::channel(RelayStatus::default()).0,
        }
    }

    pub fn status(&self) -> watch::Receiver<RelayStatus> {
        self.status.subscribe()
    }

    /// Mirrors until told to stop.
    pub async fn run(mut self, cancel: CancellationToken) {
        let mut head = self.tail.watch();
        let mut poll = tokio::time::interval(POLL_INTERVAL);
        poll.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        while !cancel.is_cancelled() {
            head.mark_unchanged();
            let outcome = self.step_and_tell().await;
            if matches!(outcome, Ok(Outcome::Published(_))) {
                continue;
            }
            let up_to_date = matches!(outcome, Ok(Outcome::UpToDate));
            let out_of_step = matches!(outcome, Ok(Outcome::OutOfStep));
            tokio::select! {
                () = cancel.cancelled() => {}
                _ = head.changed(), if up_to_date => {}
                () = tokio::time::sleep(OUT_OF_STEP_PAUSE), if out_of_step => {}
                _ = poll.tick() => self.poll_and_tell().await,
            }
        }
    }

    /// One step, after a look at the journal's head: what a test drives.
    pub async fn run_once(&mut self) -> Result<Outcome, RelayError> {
        self.poll().await?;
        self.step_and_tell().await
    }

    async fn poll(&self) -> Result<(), JournalError> {
        self.tail.ask(&self.journal).await.map(|_| ())
    }

    async fn poll_and_tell(&mut self) {
        if let Err(error) = self.poll().await {
            self.tell(&Err(error.into()));
        }
    }

    async fn step_and_tell(&mut self) -> Result<Outcome, RelayError> {
        let step = tokio::time::timeout(STEP_WITHIN, self.step());
        let outcome = step.await.unwrap_or(Err(RelayError::Slow));
        if outcome.is_err() {
            self.mirror = None;
        }
        self.leave_to_others(&outcome);
        self.tell(&outcome);
        outcome
    }

    async fn step(&mut self) -> Result<Outcome, RelayError> {
        self.nats.ready()?;
        if !self.lead.held(&self.journal).await? {
            self.mirror = None;
            self.publisher = None;
            return Ok(Outcome::StandingBy);
        }
        if self.mirror.is_some_and(|(_, at)| at > self.tail.head()) {
            // The journal went back.
            self.mirror = None;
        }
        let (journal_id, at) = match self.mirror {
            Some(mirror) => mirror,
            None => match self.compare().await? {
                Ok(mirror) => {
                    self.counted_from = Some(mirror.1);
                    *self.mirror.insert(mirror)
                }
                Err(reason) => return Ok(Outcome::Halted(reason)),
            },
        };
        let mut events = self.events_after(at).await?;
        if self.is_cautious {
            events.truncate(1);
        }
        let Some(last) = events.last() else {
            if self.checked_at.elapsed() > RECHECK_INTERVAL {
                self.mirror = None;
            }
            return Ok(Outcome::UpToDate);
        };
        // Taken out: if it fails, or nobody waits for its end, it is not to be used again. Out of step it is not, either:
        // it may be with another server than the library, whose stream is not there.
        let mut publisher = match self.publisher.take() {
            Some(publisher) if publisher.is_current(&self.nats) => publisher,
            _ => Publisher::open(&self.nats).await?,
        };
        match publisher.publish(journal_id, &events).await {
            Ok(()) => {
                self.publisher = Some(publisher);
                self.mirror = Some((journal_id, last.position));
                self.is_cautious = false;
                Ok(Outcome::Published(events.len()))
            }
            Err(PublishError::OutOfStep(reason)) => {
                tracing::warn!(component = "relay", event = "out_of_step", %reason);
                self.mirror = None;
                self.is_cautious = true;
                Ok(Outcome::OutOfStep)
            }
            Err(PublishError::Failed(error)) => Err(error.into()),
        }
    }

    /// Who gets nowhere with NATS for a while leaves the lead to a relay that may.
    fn leave_to_others(&mut self, outcome: &Result<Outcome, RelayError>) {
        match outcome {
            Ok(_) => self.unreachable_since = None,
            Err(RelayError::Nats(_)) => {
                let since = *self.unreachable_since.get_or_insert_with(Instant::now);
                if since.elapsed() > LEAD_WITHOUT_NATS {
                    self.lead.release();
                    self.unreachable_since = None;
                }
            }
            Err(_) => {}
        }
    }

    /// Finds out where the stream ends and mends what can be mended; the reason, if nothing can.
    async fn compare(&mut self) -> Result<Result<(Uuid, i64), String>, RelayError> {
        if let Some(mut publisher) = self.publisher.take() {
            self.publisher = publisher.is_open().await.then_some(publisher);
        }
        let (verdict, found) = check::compare(&self.journal, &self.nats).await?;
        self.checked_at = Instant::now();
        let head = self.tail.ask(&self.journal).await?;
        let journal_id = head.journal_id;
        let at = match verdict {
            Verdict::InStep { at } | Verdict::Behind { at } => at,
            Verdict::Gone => {
                tracing::warn!(component = "relay", event = "stream_created", stream = STREAM);
                if found.is_some() {
                    stream::delete(&self.nats).await?;
                }
                stream::create(&self.nats, journal_id, self.options.replicas).await?;
                return Ok(Ok((journal_id, 0)));
            }
            Verdict::Different { reason } => {
                if head.halted.is_none() {
                    tracing::error!(component = "relay", event = "halted", %reason);
                    self.journal.halt(&reason).await?;
                }
                return Ok(Err(reason));
            }
            Verdict::Unreachable { .. } => return Err(NatsError::Unreachable.into()),
        };
        let as_wanted =
            |f: &stream::Found| f.journal_id == Some(journal_id) && f.replicas == self.options.replicas;
        if !found.as_ref().is_some_and(as_wanted) {
            stream::update(&self.nats, journal_id, self.options.replicas).await?;
        }
        Ok(Ok((journal_id, at)))
    }

    async fn events_after(&self, at: i64) -> Result<Vec<Arc<Recorded>>, JournalError> {
        match self.tail.read_after(at, BATCH_MAX) {
            TailRead::Events(events) => Ok(events),
            TailRead::UpToDate => Ok(Vec::new()),
            TailRead::OutOfWindow => {
                let limit = i64::try_from(BATCH_MAX).unwrap_or(i64::MAX);
                self.journal.read_after(at, limit).await
            }
        }
    }

    fn tell(&mut self, outcome: &Result<Outcome, RelayError>) {
        let head = self.tail.head();
        self.counted_from = match outcome {
            // What is missing is the business of whoever leads.
            Ok(Outcome::StandingBy) => Some(head),
            _ => self.mirror.map(|(_, at)| at).or(self.counted_from).or(Some(head)),
        };
        let lag = (head - self.counted_from.unwrap_or(head)).max(0);
        self.status.send_if_modified(|status| {
            let position = self.mirror.map_or(status.position, |(_, at)| at);
            let state = match outcome {
                Ok(Outcome::StandingBy) => RelayState::StandingBy,
                Ok(Outcome::Halted(reason)) => RelayState::Halted { reason: reason.clone() },
                Ok(_) if lag == 0 => RelayState::Ok,
                Ok(_) => RelayState::Behind,
                Err(error) => RelayState::Down { reason: error.to_string() },
            };
            let now = RelayStatus { state, position, lag };
            let changed = *status != now;
            *status = now;
            changed
        });
        // Positions stay far below 2^52, where a float still counts exactly.
        #[allow(clippy::cast_precision_loss)]
        metrics::gauge!("counterfoil_relay_lag_events").set(self.status.borrow().lag as f64);
    }
}
