//! Following the stream from a position with an ordered consumer.
//!
//! It hands out only what continues without a hole. Whatever else it meets (a hole, an unreadable message, a consumer
//! that is gone) is its end: the journal has the same events, and a new follower begins where that was read to.

use crate::relay::{STREAM, SUBJECTS};
use crate::{Nats, NatsError, Recorded};
use async_nats::jetstream::Message;
use async_nats::jetstream::consumer::pull::{Ordered, OrderedConfig};
use async_nats::jetstream::consumer::{DeliverPolicy, ReplayPolicy};
use futures::{FutureExt, StreamExt};
use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;

/// Events taken from the client and not yet handled.
const READY_MAX: usize = 4_096;

pub(super) struct Follower {
    messages: Ordered,
    ready: VecDeque<Arc<Recorded>>,
    /// The last event taken from the client.
    reached: i64,
}

impl fmt::Debug for Follower {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Follower").field("reached", &self.reached).finish_non_exhaustive()
    }
}

impl Follower {
    pub(super) async fn open(nats: &Nats, after: i64) -> Result<Self, NatsError> {
        nats.ready()?;
        let start_sequence = u64::try_from(after + 1).map_err(NatsError::failed)?;
        let stream = nats.jetstream().get_stream_no_info(STREAM).await.map_err(NatsError::failed)?;
        let consumer = stream
            .create_consumer(OrderedConfig {
                deliver_policy: DeliverPolicy::ByStartSequence { start_sequence },
                replay_policy: ReplayPolicy::Instant,
                filter_subject: SUBJECTS.to_owned(),
                ..OrderedConfig::default()
            })
            .await
            .map_err(NatsError::failed)?;
        let messages = consumer.messages().await.map_err(NatsError::failed)?;
        Ok(Self { messages, ready: VecDeque::new(), reached: after })
    }

    /// Waits for at least one event that can be taken. May be cancelled at any time: nothing is lost.
    pub(super) async fn fill(&mut self) -> Result<(), NatsError> {
        if self.ready.is_empty() {
            let next = self.messages.next().await;
            self.accept(next)?;
        }
        while self.ready.len() < READY_MAX {
            let Some(next) = self.messages.next().now_or_never() else { break };
            self.accept(next)?;
        }
        Ok(())
    }

    fn accept<E: fmt::Display>(&mut self, next: Option<Result<Message, E>>) -> Result<(), NatsError> {
        let message =
            next.ok_or_else(|| NatsError::failed("the consumer ended"))?.map_err(NatsError::failed)?;
        let sequence = message.info().map_err(NatsError::failed)?.stream_sequence;
        let event = Recorded::from_public(&message.payload).map_err(NatsError::failed)?;
        let expected = self.reached + 1;
        if event.position != expected || u64::try_from(expected) != Ok(sequence) {
            return Err(NatsError::failed(format!(
                "a hole: {expected} was expected, {} came",
                event.position
            )));
        }
        self.reached = expected;
        self.ready.push_back(Arc::new(event));
        Ok(())
    }

    /// What follows `after` and is not beyond `head`; nothing, if it does not continue from there.
    pub(super) fn take(&mut self, after: i64, head: i64, limit: usize) -> Vec<Arc<Recorded>> {
        while self.ready.front().is_some_and(|event| event.position <= after) {
            self.ready.pop_front();
        }
        if self.ready.front().is_some_and(|event| event.position != after + 1) {
            return Vec::new();
        }
        let known = self.ready.iter().take(limit).take_while(|event| event.position <= head).count();
        self.ready.drain(..known).collect()
    }

    /// Whether what it will hand out next continues from `after`.
    pub(super) fn continues(&self, after: i64) -> bool {
        let next = self.ready.front().map_or(self.reached + 1, |event| event.position);
        next <= after + 1
    }

    /// The last event it holds.
    pub(super) const fn reached(&self) -> i64 {
        self.reached
    }
}
