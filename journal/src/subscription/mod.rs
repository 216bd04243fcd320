//! The one loop: read from a position, act, record the position.
//!
//! A [`Subscriber`] brings the effect and keeps its position together with it; the loop brings the events, in order and
//! without a hole, and patience. What fails is tried again, in ever smaller steps, then ever more slowly; it is never
//! skipped, and a subscription that cannot go on says so in its status.

mod checkpoints;
mod follower;
mod passed;
mod source;
mod status;

pub use checkpoints::{CHECKPOINT_SUBJECTS, Checkpoints};
pub use status::{SubscriptionState, SubscriptionStatus};

use crate::{Journal, JournalError, Nats, Recorded, Tail};
use passed::Passed;
use source::Source;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// Events handed over at once: one transaction's worth, that takes a few tens of milliseconds.
const BATCH_MAX: usize = 2_048;
/// From one step's end to the next: what gathers meanwhile is one transaction instead of many. What comes after a silence is
/// handed over at once.
const BREATH: Duration = Duration::from_millis(20);
/// So many events at once are load: then not even somebody who waits for a position ends a breath.
const LOAD: usize = 64;
/// How long the position of events that were not wanted may be unrecorded, unless somebody waits for it.
const RECORD_WITHIN: Duration = Duration::from_millis(100);
/// So many failures in a row are no passing fault.
const FAILURES_MAX: u32 = 5;
const RETRY_FIRST: Duration = Duration::from_millis(50);
const RETRY_LAST: Duration = Duration::from_secs(5);
/// A step takes tens of milliseconds, and a lock is waited for ten seconds: what takes longer waits for a dead peer.
const STEP_WITHIN: Duration = Duration::from_secs(15);

/// Who acts on events. Effect and position are recorded together, so that each event has exactly one effect.
pub trait Subscriber: Send {
    /// Names its checkpoint, for ever.
    fn name(&self) -> &str;

    /// Where it has come to, as recorded.
    fn position(&mut self) -> impl Future<Output = Result<i64, SubscriberError>> + Send;

    /// Whether an event means anything to it. Of one that does not, nothing but the position is recorded, and not at once.
    fn wants(&self, event: &Recorded) -> bool;

    /// Acts on the events after `after` and records the last one's position, both or neither. What lies between them and
    /// `after` it did not want. It is dropped half-way if it takes too long.
    fn handle(
        &mut self,
        after: i64,
        events: &[Arc<Recorded>],
    ) -> impl Future<Output = Result<Handled, SubscriberError>> + Send;

    /// Hears that it has failed again and again, each time anew.
    fn failed(&mut self, _reason: &str) -> impl Future<Output = ()> + Send {
        async {}
    }

    /// Hears of every step that went well, even if there was nothing to do.
    fn succeeded(&mut self) -> impl Future<Output = ()> + Send {
        async {}
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Handled {
    Recorded,
    /// Another worker of that name had moved the position already: nothing was done.
    Overtaken {
        at: i64,
    },
    /// These are not the journal's events at these positions: nothing was done.
    Foreign,
}

#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct SubscriberError(pub String);

impl SubscriberError {
    pub fn new(error: impl std::fmt::Display) -> Self {
        Self(error.to_string())
    }
}

#[derive(Debug, thiserror::Error)]
pub enum SubscriptionError {
    #[error(transparent)]
    Journal(#[from] JournalError),
    #[error("after position {after}: {source}")]
    Subscriber { after: i64, source: SubscriberError },
    #[error(
        "it is at {position} and the journal ends at {head}: another journal's events are in it, rebuild it"
    )]
    AheadOfJournal { position: i64, head: i64 },
    #[error("the journal ends at {head} and holds nothing after {after}")]
    Missing { after: i64, head: i64 },
    #[error("what came after position {after} is not what the journal holds there")]
    Foreign { after: i64 },
    #[error("a step took longer than {} s", STEP_WITHIN.as_secs())]
    Slow,
}

/// What one step came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    Handled(usize),
    /// Another worker of that name has gone on from here.
    Overtaken,
    UpToDate,
}

/// Between two steps.
#[derive(Clone, Copy, Debug)]
enum Pause {
    For(Duration),
    /// So long, or until somebody asks for a position that is not recorded.
    UntilAsked(Duration),
    UntilThereIsMore,
}

/// What a subscription follows.
#[derive(Clone, Debug)]
pub struct Feed {
    pub journal: Journal,
    pub tail: Tail,
    pub nats: Option<Nats>,
    pub checkpoints: Checkpoints,
}

#[derive(Debug)]
pub struct Subscription<S> {
    subscriber: S,
    source: Source,
    nats: Option<Nats>,
    checkpoints: Checkpoints,
    /// The recorded position, while we are sure of it.
    position: Option<i64>,
    passed: Passed,
    /// How many events are handed over at once: fewer after a failure, to get as close to the culprit as possible.
    batch: usize,
    failures: u32,
    status: watch::Sender<SubscriptionStatus>,
}

impl<S: Subscriber> Subscription<S> {
    pub fn new(subscriber: S, feed: Feed) -> Self {
        let status =
            SubscriptionStatus { name: subscriber.name().to_owned(), ..SubscriptionStatus::default() };
        Self {
            subscriber,
            source: Source::new(feed.journal, feed.tail, feed.nats.clone()),
            nats: feed.nats,
            checkpoints: feed.checkpoints,
            position: None,
            passed: Passed::default(),
            batch: BATCH_MAX,
            failures: 0,
            status: watch::channel(status).0,
        }
    }

    pub fn status(&self) -> watch::Receiver<SubscriptionStatus> {
        self.status.subscribe()
    }

    /// Follows until told to stop.
    pub async fn run(mut self, cancel: CancellationToken) {
        self.passed = Passed::kept_for(RECORD_WITHIN);
        while !cancel.is_cancelled() {
            let pause = match self.step_and_tell().await {
                Ok(Outcome::Handled(BATCH_MAX..) | Outcome::Overtaken) => continue,
                Ok(Outcome::Handled(LOAD..)) => Pause::For(BREATH),
                Ok(Outcome::Handled(_)) => Pause::UntilAsked(BREATH),
                Ok(Outcome::UpToDate) => Pause::UntilThereIsMore,
                Err(_) => Pause::For(self.retry_pause()),
            };
            cancel.run_until_cancelled(self.rest(pause)).await;
        }
    }

    /// One step, after a look at the journal's head: what a test drives.
    pub async fn run_once(&mut self) -> Result<Outcome, SubscriptionError> {
        self.source.poll().await?;
        self.step_and_tell().await
    }

    async fn rest(&mut self, pause: Pause) {
        let recorded = self.position.unwrap_or(0);
        let asked = self.checkpoints.asked(self.subscriber.name(), recorded);
        match pause {
            Pause::For(time) => tokio::time::sleep(time).await,
            Pause::UntilAsked(time) => {
                // Whoever asks ends it.
                let _ = tokio::time::timeout(time, asked).await;
            }
            Pause::UntilThereIsMore => self.wait(recorded, asked).await,
        }
    }

    async fn wait(&mut self, recorded: i64, asked: impl Future<Output = ()>) {
        let read = self.passed.position().unwrap_or(recorded);
        let waited = tokio::select! {
            waited = self.source.wait(read) => waited,
            () = self.passed.until_due(asked) => Ok(()),
        };
        if let Err(error) = waited {
            self.tell(&Err(error.into()));
            tokio::time::sleep(source::POLL_INTERVAL).await;
        }
    }

    fn retry_pause(&self) -> Duration {
        RETRY_FIRST.saturating_mul(2_u32.saturating_pow(self.failures)).min(RETRY_LAST)
    }

    async fn step_and_tell(&mut self) -> Result<Outcome, SubscriptionError> {
        let step = tokio::time::timeout(STEP_WITHIN, self.step());
        let outcome = step.await.unwrap_or(Err(SubscriptionError::Slow));
        if let Err(error) = &outcome {
            self.position = None;
            self.passed.forget();
            self.batch = (self.batch / 2).max(1);
            self.failures = self.failures.saturating_add(1);
            if self.failures >= FAILURES_MAX {
                let reason = error.to_string();
                // If the word does not get through now, the next failure brings it again.
                let _ = tokio::time::timeout(STEP_WITHIN, self.subscriber.failed(&reason)).await;
            }
        } else {
            self.batch = (self.batch * 2).min(BATCH_MAX);
            self.failures = 0;
        }
        self.tell(&outcome);
        outcome
    }

    async fn step(&mut self) -> Result<Outcome, SubscriptionError> {
        let read = self.passed.position().or(self.position);
        let after = match self.position {
            // Beyond the journal's end it can only be if the journal went back, and then its own record may have, too.
            Some(position) if read <= Some(self.source.head()) => position,
            _ => self.ask_position().await?,
        };
        let read = self.passed.position().unwrap_or(after);
        let mut events = self.source.read_after(read, self.batch).await?;
        if let Some(last) = self.passed.take_if_told_elsewhere(self.source.turns()) {
            // What passed came from elsewhere and was not checked: it is, by being recorded, before anything goes on top.
            return self.act(after, &[last], Outcome::Handled(1)).await;
        }
        let outcome = if events.is_empty() { Outcome::UpToDate } else { Outcome::Handled(events.len()) };
        if !events.iter().any(|event| self.subscriber.wants(event)) {
            if let Some(last) = events.pop() {
                self.passed.add(last, self.source.turns());
            }
            let asked = self.checkpoints.is_asked(self.subscriber.name(), after);
            let Some(last) = self.passed.take_if_due(asked) else {
                self.subscriber.succeeded().await;
                return Ok(outcome);
            };
            events = vec![last];
        }
        self.act(after, &events, outcome).await
    }

    async fn act(
        &mut self,
        after: i64,
        events: &[Arc<Recorded>],
        outcome: Outcome,
    ) -> Result<Outcome, SubscriptionError> {
        let last = events.last().map_or(after, |event| event.position);
        let handled = self.subscriber.handle(after, events).await;
        let handled = handled.map_err(|source| SubscriptionError::Subscriber { after, source })?;
        self.passed.forget();
        let (reached, outcome) = match handled {
            Handled::Recorded => (last, outcome),
            Handled::Overtaken { at } => (at, Outcome::Overtaken),
            Handled::Foreign => {
                self.source.start_over().await?;
                return Err(SubscriptionError::Foreign { after });
            }
        };
        self.position = Some(reached);
        self.subscriber.succeeded().await;
        self.checkpoints.tell(self.nats.as_ref(), self.subscriber.name(), reached).await;
        Ok(outcome)
    }

    async fn ask_position(&mut self) -> Result<i64, SubscriptionError> {
        self.passed.forget();
        let known = self.checkpoints.position(self.subscriber.name());
        let asked = self.subscriber.position().await;
        let position = asked.map_err(|source| SubscriptionError::Subscriber { after: 0, source })?;
        if position > self.source.head() {
            self.source.poll().await?;
        }
        let head = self.source.head();
        if position > head {
            return Err(SubscriptionError::AheadOfJournal { position, head });
        }
        self.checkpoints.correct(self.subscriber.name(), known, position);
        Ok(*self.position.insert(position))
    }

    fn tell(&self, outcome: &Result<Outcome, SubscriptionError>) {
        let head = self.source.head();
        let state = match outcome {
            Ok(_) => SubscriptionState::Running,
            Err(error) if self.failures < FAILURES_MAX => {
                SubscriptionState::Retrying { reason: error.to_string() }
            }
            Err(error) => SubscriptionState::Failed { reason: error.to_string() },
        };
        self.status.send_modify(|status| {
            if status.state != state && !matches!(state, SubscriptionState::Running) {
                tracing::error!(component = "subscription", event = "failing", name = %status.name, ?state);
            }
            status.position = self.position.unwrap_or(status.position);
            status.lag = (head - status.position).max(0);
            status.state = state;
        });
    }
}
