//! Events that were read and not wanted.
//!
//! To record a position is a write. Where there is nothing else to record, one write stands for all that passed in a
//! while; whoever stops before it reads those events again.

use crate::Recorded;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

#[derive(Debug, Default)]
pub(super) struct Passed {
    keep: Duration,
    /// The last of them, and when the position is to be recorded.
    last: Option<(Arc<Recorded>, Instant)>,
    /// From where: see `Source::turns`.
    turns: u64,
}

impl Passed {
    pub(super) fn kept_for(keep: Duration) -> Self {
        Self { keep, last: None, turns: 0 }
    }

    /// How far they reach.
    pub(super) fn position(&self) -> Option<i64> {
        self.last.as_ref().map(|(last, _)| last.position)
    }

    pub(super) fn add(&mut self, last: Arc<Recorded>, turns: u64) {
        self.turns = turns;
        let due = self.last.take().map_or_else(|| Instant::now() + self.keep, |(_, due)| due);
        self.last = Some((last, due));
    }

    /// The last one, if its position is to be recorded now.
    pub(super) fn take_if_due(&mut self, asked: bool) -> Option<Arc<Recorded>> {
        self.last.take_if(|(_, due)| asked || Instant::now() >= *due).map(|(last, _)| last)
    }

    /// The last one, if what comes now comes from elsewhere.
    pub(super) fn take_if_told_elsewhere(&mut self, turns: u64) -> Option<Arc<Recorded>> {
        self.last.take_if(|_| self.turns != turns).map(|(last, _)| last)
    }

    pub(super) fn forget(&mut self) {
        self.last = None;
    }

    /// Returns when there is a position to record: because it is time, or because somebody asks for it.
    pub(super) async fn until_due(&self, asked: impl Future<Output = ()>) {
        let Some((_, due)) = &self.last else { return std::future::pending().await };
        tokio::select! {
            () = tokio::time::sleep_until(*due) => {}
            () = asked => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(position: i64) -> Arc<Recorded> {
        Arc::new(Recorded { position, ..Recorded::sample() })
    }

    #[tokio::test(start_paused = true)]
    async fn one_record_stands_for_all_that_passed_meanwhile() {
        let mut passed = Passed::kept_for(Duration::from_millis(100));
        passed.add(event(1), 1);
        assert!(passed.take_if_due(false).is_none());
        tokio::time::advance(Duration::from_millis(60)).await;
        passed.add(event(2), 1);
        assert!(passed.take_if_due(false).is_none());
        assert_eq!(passed.position(), Some(2));
        passed.until_due(std::future::pending()).await;
        assert_eq!(passed.take_if_due(false).unwrap().position, 2, "the first one's time counts");
        assert_eq!(passed.position(), None);
    }

    #[tokio::test(start_paused = true)]
    async fn who_asks_need_not_wait() {
        let mut passed = Passed::kept_for(Duration::from_secs(100));
        passed.add(event(1), 1);
        let before = Instant::now();
        passed.until_due(std::future::ready(())).await;
        assert_eq!(Instant::now(), before);
        assert!(passed.take_if_due(true).is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn what_passed_is_recorded_before_anything_from_elsewhere() {
        let mut passed = Passed::kept_for(Duration::from_secs(100));
        passed.add(event(1), 7);
        assert!(passed.take_if_told_elsewhere(7).is_none());
        assert_eq!(passed.take_if_told_elsewhere(8).unwrap().position, 1);
        assert!(passed.take_if_told_elsewhere(8).is_none());
    }
}
