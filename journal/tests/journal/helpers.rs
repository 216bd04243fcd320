//! What the tests here share.

use async_nats::jetstream;
use futures::StreamExt;
use journal::relay::{Outcome, Relay, RelayOptions, STREAM};
use journal::{Journal, JournalOptions, Nats, NatsOptions, Recorded, Tail};
use std::time::Duration;
use testkit::Postgres;

pub(crate) const ONE_REPLICA: RelayOptions = RelayOptions { replicas: 1 };

pub(crate) async fn journal(url: &str) -> Journal {
    Journal::connect(&JournalOptions { database_url: url.to_owned(), connections_max: 4 }).await.unwrap()
}

pub(crate) async fn nats(server: &testkit::Nats) -> Nats {
    let nats = Nats::connect(&NatsOptions { url: server.url(), credentials: None }).await.unwrap();
    nats.wait_until_ready(Duration::from_secs(10)).await.unwrap();
    nats
}

pub(crate) fn relay(journal: &Journal, nats: &Nats) -> Relay {
    Relay::new(journal.clone(), nats.clone(), Tail::new(0), ONE_REPLICA)
}

/// Drives a relay until it has nothing to do, through whatever it has to mend.
pub(crate) async fn drain(relay: &mut Relay) -> Outcome {
    for _ in 0..50 {
        match relay.run_once().await {
            Ok(Outcome::Published(_) | Outcome::OutOfStep) => {}
            Ok(Outcome::UpToDate) => return Outcome::UpToDate,
            Ok(Outcome::Halted(reason)) => return Outcome::Halted(reason),
            // An earlier relay's session may just be ending, or NATS coming back.
            Ok(Outcome::StandingBy) | Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
        }
    }
    panic!("the relay does not come to rest");
}

pub(crate) async fn stream(nats: &Nats) -> jetstream::stream::Stream {
    nats.jetstream().get_stream(STREAM).await.unwrap()
}

/// Asserts that message N of the stream is event N of the journal, for all of them.
pub(crate) async fn assert_stream_is_journal(journal: &Journal, nats: &Nats) {
    let head = journal.head().await.unwrap().position;
    let stream = stream(nats).await;
    let state = &stream.cached_info().state;
    assert_eq!(i64::try_from(state.last_sequence).unwrap(), head);
    assert_eq!(i64::try_from(state.messages).unwrap(), head);
    let consumer = stream.create_consumer(jetstream::consumer::pull::OrderedConfig::default()).await.unwrap();
    let mut messages = consumer.messages().await.unwrap().take(usize::try_from(head).unwrap());
    let mut events = journal.read_after(0, head).await.unwrap().into_iter();
    while let Some(message) = messages.next().await {
        let message = message.unwrap();
        let event = events.next().unwrap();
        assert_eq!(i64::try_from(message.info().unwrap().stream_sequence).unwrap(), event.position);
        assert_eq!(Recorded::from_public(&message.payload).unwrap(), *event);
    }
    assert_eq!(events.next(), None);
}

/// A journal in a database of its own.
pub(crate) async fn fresh() -> (Postgres, Journal) {
    let postgres = Postgres::start().await;
    let journal = journal(&postgres.database().await).await;
    (postgres, journal)
}
