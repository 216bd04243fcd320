//! Where the next events come from: memory, else the stream, else the journal.
//!
//! Positions are the same in all three, so each read may come from another one. The journal's word bounds the others: an
//! event beyond its head is not handed out, however it got into the stream, until the head has been seen to be there.

use super::SubscriptionError;
use super::follower::Follower;
use crate::{Journal, JournalError, Nats, Recorded, Tail, TailRead};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// How long the stream may be silent while the head is known to be further, before the journal is read instead.
const SILENCE_MAX: Duration = Duration::from_millis(200);
/// After the stream failed us, how long the journal is read before it is tried again.
const STREAM_PAUSE: Duration = Duration::from_secs(2);
/// How often the journal's head is read, for what nobody told us.
pub(super) const POLL_INTERVAL: Duration = Duration::from_secs(1);

#[derive(Debug)]
pub(super) struct Source {
    journal: Journal,
    tail: Tail,
    nats: Option<Nats>,
    follower: Option<Follower>,
    stream_again_at: Instant,
    origin: Origin,
    /// Rises whenever what is read comes from somewhere else than before.
    turns: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Origin {
    Memory,
    Stream,
    Journal,
}

impl Source {
    pub(super) fn new(journal: Journal, tail: Tail, nats: Option<Nats>) -> Self {
        let (follower, stream_again_at) = (None, Instant::now());
        Self { journal, tail, nats, follower, stream_again_at, origin: Origin::Memory, turns: 0 }
    }

    pub(super) fn head(&self) -> i64 {
        self.tail.head()
    }

    /// The same number after two reads: they came from the same place, and tell one story.
    pub(super) fn turns(&self) -> u64 {
        self.turns
    }

    fn comes_from(&mut self, origin: Origin) {
        self.turns += u64::from(self.origin != origin);
        self.origin = origin;
    }

    /// Asks the journal how far it reaches.
    pub(super) async fn poll(&mut self) -> Result<(), JournalError> {
        let known = self.tail.head();
        if self.tail.ask(&self.journal).await?.position < known {
            self.give_up_on_stream(&"the journal went back");
        }
        Ok(())
    }

    /// What was handed out is not in the journal: forgets where it came from, and reads the journal itself for a while.
    pub(super) async fn start_over(&mut self) -> Result<(), JournalError> {
        self.give_up_on_stream(&"it tells another story than the journal");
        let head = self.tail.ask(&self.journal).await?.position;
        self.tail.reset_to(head);
        Ok(())
    }

    /// The events right after a position, without a hole; none, if none are known.
    pub(super) async fn read_after(
        &mut self,
        after: i64,
        limit: usize,
    ) -> Result<Vec<Arc<Recorded>>, SubscriptionError> {
        if let TailRead::Events(events) = self.tail.read_after(after, limit) {
            self.follower = None;
            self.comes_from(Origin::Memory);
            return Ok(events);
        }
        let events = self.read_stream(after, limit).await?;
        if !events.is_empty() {
            self.comes_from(Origin::Stream);
            return Ok(events);
        }
        if self.tail.head() <= after {
            return Ok(events);
        }
        self.comes_from(Origin::Journal);
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let events = self.journal.read_after(after, limit).await?;
        if events.is_empty() {
            self.poll().await?;
            let head = self.tail.head();
            if head > after {
                return Err(SubscriptionError::Missing { after, head });
            }
        }
        Ok(events)
    }

    async fn read_stream(&mut self, after: i64, limit: usize) -> Result<Vec<Arc<Recorded>>, JournalError> {
        if !self.has_follower(after).await {
            return Ok(Vec::new());
        }
        let Some(follower) = &mut self.follower else { return Ok(Vec::new()) };
        if follower.reached() <= after && self.tail.head() > after {
            match tokio::time::timeout(SILENCE_MAX, follower.fill()).await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => self.give_up_on_stream(&error),
                Err(_) => self.give_up_on_stream(&"it is silent"),
            }
        }
        let Some(follower) = &self.follower else { return Ok(Vec::new()) };
        if follower.reached() > self.tail.head() {
            self.poll().await?;
        }
        let head = self.tail.head();
        Ok(self.follower.as_mut().map(|follower| follower.take(after, head, limit)).unwrap_or_default())
    }

    /// Opens one where there is none, unless this process is told everything from memory.
    async fn has_follower(&mut self, after: i64) -> bool {
        if self.follower.as_ref().is_some_and(|follower| follower.continues(after)) {
            return true;
        }
        self.follower = None;
        let told_from_memory = self.tail.head() <= after && self.is_fed_here();
        let Some(nats) = self.nats.as_ref().filter(|_| !told_from_memory) else { return false };
        if Instant::now() < self.stream_again_at {
            return false;
        }
        match tokio::time::timeout(SILENCE_MAX, Follower::open(nats, after)).await {
            Ok(Ok(follower)) => {
                self.turns += 1;
                self.follower = Some(follower);
            }
            Ok(Err(error)) => self.give_up_on_stream(&error),
            Err(_) => self.give_up_on_stream(&"it does not answer"),
        }
        self.follower.is_some()
    }

    /// Whether the newest event of the journal is one this process committed itself.
    fn is_fed_here(&self) -> bool {
        matches!(self.tail.read_after(self.tail.head() - 1, 1), TailRead::Events(_))
    }

    fn give_up_on_stream(&mut self, reason: &dyn std::fmt::Display) {
        tracing::debug!(component = "subscription", event = "reads_journal", %reason);
        self.follower = None;
        self.stream_again_at = Instant::now() + STREAM_PAUSE;
    }

    /// Waits until there may be something after a position: the head moved, the stream rang, or it is time to ask.
    pub(super) async fn wait(&mut self, after: i64) -> Result<(), JournalError> {
        let mut head = self.tail.watch();
        if *head.borrow_and_update() > after {
            return Ok(());
        }
        let listening = self.has_follower(after).await;
        let rang = async {
            match self.follower.as_mut().filter(|_| listening) {
                Some(follower) => follower.fill().await,
                None => std::future::pending().await,
            }
        };
        let polled = tokio::select! {
            _ = head.changed() => return Ok(()),
            rang = rang => rang,
            () = tokio::time::sleep(POLL_INTERVAL) => Ok(()),
        };
        if let Err(error) = polled {
            self.give_up_on_stream(&error);
        }
        self.poll().await?;
        let head = self.tail.head();
        // It holds something, and the journal has never heard of it.
        if head <= after && self.follower.as_ref().is_some_and(|follower| follower.reached() > head) {
            self.give_up_on_stream(&"it is ahead of the journal");
        }
        Ok(())
    }
}
