//! The newest events, in memory.
//!
//! Whoever leads puts each batch here right after its commit; the relay, the projections and live streams of the same
//! process read it from here and not from Postgres or NATS again. It is a window, bounded by count, and contiguous: a
//! reader that has fallen out of it is told so and reads the stream or the journal, whose positions are the same.

use crate::Recorded;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::watch;

/// Events kept: about half a second at full load, some 30 MB at most.
const EVENTS_MAX: usize = 32_768;

#[derive(Clone, Debug)]
pub struct Tail {
    events: Arc<Mutex<VecDeque<Arc<Recorded>>>>,
    head: Arc<watch::Sender<i64>>,
}

#[derive(Debug, PartialEq, Eq)]
pub enum TailRead {
    Events(Vec<Arc<Recorded>>),
    /// Nothing after that position is known here.
    UpToDate,
    /// The window begins later (or is empty): read it elsewhere.
    OutOfWindow,
}

impl Tail {
    /// A tail that knows how far the journal reaches, and none of its events.
    pub fn new(head: i64) -> Self {
        Self { events: Arc::default(), head: Arc::new(watch::channel(head).0) }
    }

    /// Adds what was committed. A hole (another node led in between) empties the window first.
    pub fn publish(&self, committed: Vec<Arc<Recorded>>) {
        let (Some(first), Some(last)) = (committed.first(), committed.last()) else {
            return;
        };
        let (first, last) = (first.position, last.position);
        let mut events = self.lock();
        if events.back().is_some_and(|newest| newest.position + 1 != first) {
            events.clear();
        }
        events.extend(committed);
        let excess = events.len().saturating_sub(EVENTS_MAX);
        events.drain(..excess);
        drop(events);
        self.advance(last);
    }

    /// Somebody else has written: the journal reaches at least this far.
    pub fn advance(&self, position: i64) {
        self.head.send_if_modified(|head| {
            let later = position > *head;
            *head = position.max(*head);
            later
        });
    }

    pub fn read_after(&self, position: i64, limit: usize) -> TailRead {
        if position >= self.head() {
            return TailRead::UpToDate;
        }
        let events = self.lock();
        let Some(offset) =
            events.front().and_then(|oldest| usize::try_from(position + 1 - oldest.position).ok())
        else {
            return TailRead::OutOfWindow;
        };
        if offset >= events.len() {
            return TailRead::OutOfWindow;
        }
        TailRead::Events(events.iter().skip(offset).take(limit).cloned().collect())
    }

    pub fn head(&self) -> i64 {
        *self.head.borrow()
    }

    /// Wakes its holder whenever the head moves.
    pub fn watch(&self) -> watch::Receiver<i64> {
        self.head.subscribe()
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<Arc<Recorded>>> {
        // Nothing in here panics half-way, so what a poisoned lock guards is still whole.
        self.events.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Metadata;
    use domain::{Actor, AggregateKind, AggregateRef, Timestamp, UserId};
    use uuid::Uuid;

    fn events(positions: std::ops::RangeInclusive<i64>) -> Vec<Arc<Recorded>> {
        let id = Uuid::nil();
        positions
            .map(|position| {
                Arc::new(Recorded {
                    position,
                    aggregate: AggregateRef { kind: AggregateKind::Wallet, id },
                    sequence: position,
                    event_type: "WalletDeposited".into(),
                    version: "1.0".into(),
                    payload: String::new(),
                    metadata: Metadata {
                        actor: Actor::SYSTEM,
                        command_id: id,
                        correlation_id: id,
                        causation_id: None,
                    },
                    event_id: id,
                    owner: UserId(id),
                    recorded_at: Timestamp::default(),
                })
            })
            .collect()
    }

    fn positions(read: TailRead) -> Vec<i64> {
        match read {
            TailRead::Events(events) => events.iter().map(|event| event.position).collect(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_reader_gets_exactly_what_follows_its_position() {
        let tail = Tail::new(10);
        tail.publish(events(11..=13));
        tail.publish(events(14..=15));
        assert_eq!(positions(tail.read_after(10, 100)), [11, 12, 13, 14, 15]);
        assert_eq!(positions(tail.read_after(12, 2)), [13, 14]);
        assert_eq!(tail.read_after(15, 100), TailRead::UpToDate);
        assert_eq!(tail.read_after(9, 100), TailRead::OutOfWindow);
    }

    #[test]
    fn a_hole_is_never_papered_over() {
        let tail = Tail::new(0);
        tail.publish(events(1..=3));
        tail.advance(5);
        assert_eq!(
            tail.read_after(3, 100),
            TailRead::OutOfWindow,
            "4 and 5 are known to exist, but not here"
        );
        tail.publish(events(6..=7));
        assert_eq!(tail.read_after(2, 100), TailRead::OutOfWindow);
        assert_eq!(positions(tail.read_after(5, 100)), [6, 7]);
    }

    #[test]
    fn the_window_is_bounded() {
        let tail = Tail::new(0);
        let most = i64::try_from(EVENTS_MAX).unwrap();
        tail.publish(events(1..=most + 5));
        assert_eq!(tail.read_after(4, 1), TailRead::OutOfWindow);
        assert_eq!(positions(tail.read_after(5, 1)), [6]);
    }
}
