//! A follower sees every event once and in order, wherever it reads it.

use crate::helpers::{drain, journal, nats, relay, stream};
use domain::AggregateKind;
use journal::subscription::{Checkpoints, Feed, Handled, Outcome, Subscriber, SubscriberError, Subscription};
use journal::{Journal, Nats, Recorded, Tail};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use testkit::{Postgres, Scribe, eventually};
use tokio_util::sync::CancellationToken;

/// Keeps what it was given, and where it came to, in memory.
#[derive(Clone, Default)]
struct Collector {
    seen: Arc<Mutex<Vec<Arc<Recorded>>>>,
    poison: Option<i64>,
    /// What it wants: of everything, if nothing is said.
    kind: Option<AggregateKind>,
    /// Up to where it has recorded, and how often.
    recorded: Arc<Mutex<Vec<i64>>>,
}

impl Collector {
    fn positions(&self) -> Vec<i64> {
        self.seen.lock().unwrap().iter().map(|event| event.position).collect()
    }

    fn recorded(&self) -> i64 {
        self.recorded.lock().unwrap().last().copied().unwrap_or(0)
    }
}

impl Subscriber for Collector {
    fn name(&self) -> &'static str {
        "collector"
    }

    async fn position(&mut self) -> Result<i64, SubscriberError> {
        Ok(self.recorded())
    }

    fn wants(&self, event: &Recorded) -> bool {
        self.kind.is_none_or(|kind| kind == event.aggregate.kind)
    }

    async fn handle(&mut self, after: i64, events: &[Arc<Recorded>]) -> Result<Handled, SubscriberError> {
        assert_eq!(after, self.recorded(), "it goes on from what it recorded");
        if events.iter().any(|event| Some(event.position) == self.poison) {
            return Err(SubscriberError::new("poison"));
        }
        let wanted = events.iter().filter(|event| self.wants(event)).cloned();
        self.seen.lock().unwrap().extend(wanted);
        self.recorded.lock().unwrap().push(events.last().unwrap().position);
        Ok(Handled::Recorded)
    }
}

fn feed(journal: &Journal, tail: &Tail, nats: Option<&Nats>) -> Feed {
    Feed {
        journal: journal.clone(),
        tail: tail.clone(),
        nats: nats.cloned(),
        checkpoints: Checkpoints::default(),
    }
}

async fn exhaust(subscription: &mut Subscription<Collector>) {
    while subscription.run_once().await.unwrap() != Outcome::UpToDate {}
}

#[tokio::test]
async fn it_reads_the_journal_when_there_is_nothing_else() {
    let postgres = Postgres::start().await;
    let journal = journal(&postgres.database().await).await;
    let mut scribe = Scribe::take(&journal).await;
    let (_, wallet) = scribe.register().await;
    scribe.deposits(wallet, 100, 5_000).await;
    let collector = Collector::default();
    let mut subscription = Subscription::new(collector.clone(), feed(&journal, &Tail::new(0), None));
    exhaust(&mut subscription).await;
    assert!(collector.positions().into_iter().eq(1..=5_002));
    assert_eq!(subscription.status().borrow().position, 5_002);
}

#[tokio::test]
async fn in_the_leaders_process_it_is_handed_the_very_same_events() {
    let postgres = Postgres::start().await;
    let journal = journal(&postgres.database().await).await;
    let tail = Tail::new(0);
    let mut scribe = Scribe::take(&journal).await.feeding(&tail);
    let (_, wallet) = scribe.register().await;
    let collector = Collector::default();
    let mut subscription = Subscription::new(collector.clone(), feed(&journal, &tail, None));
    scribe.deposits(wallet, 100, 10).await;
    exhaust(&mut subscription).await;
    let journal::TailRead::Events(own) = tail.read_after(0, 100) else { panic!("the tail holds them") };
    let seen = collector.seen.lock().unwrap();
    assert!(own.iter().zip(seen.iter()).all(|(own, seen)| Arc::ptr_eq(own, seen)));
    assert_eq!(seen.len(), 12);
}

#[tokio::test]
async fn elsewhere_it_follows_the_stream_and_misses_nothing_when_nats_goes() {
    let (postgres, mut server) = (Postgres::start().await, testkit::Nats::start().await);
    let journal = journal(&postgres.database().await).await;
    let nats = nats(&server).await;
    let mut scribe = Scribe::take(&journal).await;
    let (_, wallet) = scribe.register().await;
    scribe.deposits(wallet, 100, 3_000).await;
    let mut relay = relay(&journal, &nats);
    drain(&mut relay).await;

    let collector = Collector::default();
    let subscription = Subscription::new(collector.clone(), feed(&journal, &Tail::new(0), Some(&nats)));
    let cancel = CancellationToken::new();
    let running = tokio::spawn(subscription.run(cancel.clone()));
    let reaches = async |position: i64| {
        eventually("the follower catches up", async || collector.positions().last() == Some(&position)).await;
    };
    reaches(3_002).await;
    eventually("it listens to the stream", async || {
        stream(&nats).await.cached_info().state.consumer_count == 1
    })
    .await;
    scribe.deposits(wallet, 100, 10).await;
    drain(&mut relay).await;
    reaches(3_012).await;
    server.kill();
    scribe.deposits(wallet, 100, 10).await;
    reaches(3_022).await;
    server.restart().await;
    drain(&mut relay).await;
    scribe.deposits(wallet, 100, 10).await;
    drain(&mut relay).await;
    reaches(3_032).await;
    // The mirror lags: the journal is read instead.
    scribe.deposits(wallet, 100, 10).await;
    reaches(3_042).await;
    assert!(collector.positions().into_iter().eq(1..=3_042));
    let seen = collector.seen.lock().unwrap().clone();
    assert_eq!(seen, journal.read_after(0, 10_000).await.unwrap());
    cancel.cancel();
    running.await.unwrap();
}

#[tokio::test]
async fn a_stream_that_is_ahead_of_the_journal_is_not_believed() {
    let (postgres, server) = (Postgres::start().await, testkit::Nats::start().await);
    let url = postgres.database().await;
    let restored = postgres.copy_database(&url).await;
    let nats = nats(&server).await;
    let (original, restored) = (journal(&url).await, journal(&restored).await);
    let mut scribe = Scribe::take(&original).await;
    scribe.register().await;
    drain(&mut relay(&original, &nats)).await;

    let collector = Collector::default();
    let mut subscription = Subscription::new(collector.clone(), feed(&restored, &Tail::new(0), Some(&nats)));
    let handled = tokio::time::timeout(std::time::Duration::from_millis(300), async {
        loop {
            assert_eq!(subscription.run_once().await.unwrap(), Outcome::UpToDate);
            tokio::task::yield_now().await;
        }
    });
    handled.await.unwrap_err();
    assert!(collector.positions().is_empty());
}

#[tokio::test]
async fn what_fails_is_tried_again_in_smaller_steps_and_never_skipped() {
    let postgres = Postgres::start().await;
    let journal = journal(&postgres.database().await).await;
    let mut scribe = Scribe::take(&journal).await;
    let (_, wallet) = scribe.register().await;
    scribe.deposits(wallet, 100, 100).await;
    let collector = Collector { poison: Some(77), ..Collector::default() };
    let mut subscription = Subscription::new(collector.clone(), feed(&journal, &Tail::new(0), None));
    let mut failures = 0;
    while failures < 40 {
        failures += i32::from(subscription.run_once().await.is_err());
    }
    assert!(collector.positions().into_iter().eq(1..=76), "everything before it, nothing after");
    assert_eq!(subscription.status().borrow().lag, 26);
}

#[tokio::test]
async fn other_nodes_hear_how_far_it_is() {
    let (postgres, server) = (Postgres::start().await, testkit::Nats::start().await);
    let journal = journal(&postgres.database().await).await;
    let nats = nats(&server).await;
    let elsewhere = Checkpoints::default();
    let cancel = CancellationToken::new();
    let listening = {
        let (elsewhere, nats, cancel) = (elsewhere.clone(), nats.clone(), cancel.clone());
        tokio::spawn(async move { elsewhere.listen(&nats, cancel).await })
    };
    let mut scribe = Scribe::take(&journal).await;
    let (_, wallet) = scribe.register().await;
    let mut subscription =
        Subscription::new(Collector::default(), feed(&journal, &Tail::new(0), Some(&nats)));
    eventually("the word arrives", async || {
        let position = scribe.deposit(wallet, 1).await;
        exhaust(&mut subscription).await;
        tokio::time::timeout(
            Duration::from_millis(100),
            elsewhere.watch("collector").wait_for(|known| *known >= position),
        )
        .await
        .is_ok()
    })
    .await;
    cancel.cancel();
    listening.await.unwrap();
}

#[tokio::test]
async fn what_nobody_wants_is_recorded_in_one_go_or_when_it_is_asked_for() {
    let postgres = Postgres::start().await;
    let journal = journal(&postgres.database().await).await;
    let mut scribe = Scribe::take(&journal).await;
    let (_, wallet) = scribe.register().await;
    // Three batches' worth, and nothing in them for who wants users.
    scribe.deposits(wallet, 100, 5_000).await;
    let collector = Collector { kind: Some(AggregateKind::User), ..Collector::default() };
    let feed = feed(&journal, &Tail::new(0), None);
    let checkpoints = feed.checkpoints.clone();
    let subscription = Subscription::new(collector.clone(), feed);
    let cancel = CancellationToken::new();
    let following = tokio::spawn(subscription.run(cancel.clone()));
    checkpoints.ask("collector", 5_002);
    eventually("it is recorded", async || checkpoints.position("collector") == 5_002).await;
    assert_eq!(collector.positions().len(), 1, "only the user's event reached it");
    let (user, _) = scribe.register().await;
    let head = journal.head().await.unwrap().position;
    eventually("it follows", async || collector.recorded() == head).await;
    scribe.deposits(wallet, 100, 10).await;
    eventually("nobody asks, and it is recorded all the same", async || {
        checkpoints.position("collector") == head + 10
    })
    .await;
    assert_eq!(collector.seen.lock().unwrap().last().unwrap().aggregate.id, user.0);
    cancel.cancel();
    following.await.unwrap();
}

#[tokio::test]
async fn what_comes_bit_by_bit_is_taken_in_breaths_unless_somebody_waits_for_it() {
    /// As it is documented.
    const BREATH: Duration = Duration::from_millis(20);
    let postgres = Postgres::start().await;
    let journal = journal(&postgres.database().await).await;
    let tail = Tail::new(0);
    let mut scribe = Scribe::take(&journal).await.feeding(&tail);
    let (_, wallet) = scribe.register().await;
    let collector = Collector::default();
    let feed = feed(&journal, &tail, None);
    let checkpoints = feed.checkpoints.clone();
    let cancel = CancellationToken::new();
    let began = Instant::now();
    let following = tokio::spawn(Subscription::new(collector.clone(), feed).run(cancel.clone()));
    for _ in 0..50 {
        scribe.deposit(wallet, 1).await;
    }
    let head = tail.head();
    eventually("it follows", async || collector.recorded() == head).await;
    let steps = collector.recorded.lock().unwrap().len();
    let breaths = usize::try_from(began.elapsed().as_millis() / BREATH.as_millis()).unwrap();
    assert!(steps <= breaths + 1, "{steps} steps in {breaths} breaths");

    for _ in 0..20 {
        let position = scribe.deposit(wallet, 1).await;
        checkpoints.ask("collector", position);
        let mut known = checkpoints.watch("collector");
        known.wait_for(|known| *known >= position).await.unwrap();
    }
    assert_eq!(
        collector.recorded.lock().unwrap().len(),
        steps + 20,
        "each is told alone to who waits for it"
    );
    cancel.cancel();
    following.await.unwrap();
}
