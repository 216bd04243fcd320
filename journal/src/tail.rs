//! The newest events, in memory.
//!
//! Whoever leads puts each batch here right after its commit; the relay, the projections and live streams of the same
//! process read it from here and not from Postgres or NATS again. It is a window, bounded by count, and contiguous: a
//! reader that has fallen out of it is told so and reads the stream or the journal, whose positions are the same.

use crate::{Head, Journal, JournalError, Recorded};
use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::watch;

/// Events kept: about half a second at full load, some 30 MB at most.
const EVENTS_MAX: usize = 32_768;
/// For one look at the journal's head: a database that takes longer does not answer at all.
const ANSWER_WITHIN: Duration = Duration::from_secs(5);

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

    /// The journal ends here, whatever was known, and nothing kept here need be of it: whoever begins to lead says so,
    /// and whoever finds that it is not the journal it was.
    pub fn reset_to(&self, position: i64) {
        let mut events = self.lock();
        events.clear();
        self.head.send_if_modified(|head| std::mem::replace(head, position) != position);
    }

    /// Asks the journal where it ends and takes its word, also if it ends earlier than was known: then the database was
    /// put back to an earlier moment (a restore, a failover), and the window holds what never was.
    pub async fn ask(&self, journal: &Journal) -> Result<Head, JournalError> {
        // Before the question: what is committed meanwhile makes nobody believe that the journal went back.
        let known = self.head();
        let answer = tokio::time::timeout(ANSWER_WITHIN, journal.head());
        let late = |_| sqlx::Error::Io(io::Error::new(io::ErrorKind::TimedOut, "no answer about the head"));
        let head = answer.await.map_err(late)??;
        self.correct(known, head.position);
        Ok(head)
    }

    /// `read` is where the journal ends, asked after [`Self::head`] had said `known`.
    pub fn correct(&self, known: i64, read: i64) {
        if read < known && self.head() >= known {
            tracing::error!(component = "tail", event = "journal_went_back", from = known, to = read);
            self.reset_to(read);
        } else {
            self.advance(read);
        }
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

    fn events(positions: std::ops::RangeInclusive<i64>) -> Vec<Arc<Recorded>> {
        positions.map(|position| Arc::new(Recorded { position, ..Recorded::sample() })).collect()
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
    fn a_journal_that_went_back_takes_the_window_with_it() {
        let tail = Tail::new(0);
        tail.publish(events(1..=9));
        tail.correct(9, 4);
        assert_eq!(tail.head(), 4);
        assert_eq!(tail.read_after(2, 100), TailRead::OutOfWindow, "3 may be another event now");
        tail.correct(9, 5);
        assert_eq!(tail.head(), 5, "whoever had asked at the same time finds it put right");
        tail.publish(events(6..=7));
        assert_eq!(positions(tail.read_after(5, 100)), [6, 7]);
    }

    #[test]
    fn what_is_committed_while_the_journal_is_asked_is_no_step_back() {
        let tail = Tail::new(5);
        tail.publish(events(6..=9));
        tail.correct(5, 7);
        assert_eq!(positions(tail.read_after(5, 100)), [6, 7, 8, 9]);
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
