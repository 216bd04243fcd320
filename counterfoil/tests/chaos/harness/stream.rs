//! The stream as a subscriber reads it.

use std::time::Duration;

use async_nats::ConnectOptions;
use async_nats::jetstream::consumer::pull::OrderedConfig;
use async_nats::jetstream::{self, Context};
use futures::StreamExt;
use serde_json::Value;
use tokio::time::timeout;

const STREAM: &str = "COUNTERFOIL";
const ANSWER_PATIENCE: Duration = Duration::from_secs(2);
/// From one message to the next, while reading what is known to be there.
const MESSAGE_PATIENCE: Duration = Duration::from_secs(10);

/// Where NATS is, and as whom.
#[derive(Clone, Debug)]
pub(crate) struct NatsAccess {
    pub(crate) url: String,
    pub(crate) credentials: Option<(String, String)>,
}

#[derive(Clone, Debug)]
pub(crate) struct Message {
    pub(crate) sequence: u64,
    pub(crate) subject: String,
    /// Headers `ce-id` and `counterfoil-position`.
    pub(crate) event_id: String,
    pub(crate) position: String,
    pub(crate) body: Value,
}

pub(crate) async fn connect(nats: &NatsAccess) -> Option<Context> {
    let mut options = ConnectOptions::new().connection_timeout(ANSWER_PATIENCE);
    if let Some((user, password)) = &nats.credentials {
        options = options.user_and_password(user.clone(), password.clone());
    }
    Some(jetstream::new(options.connect(&nats.url).await.ok()?))
}

/// Where the stream ends; nothing, if there is none or nobody to ask.
pub(crate) async fn last(nats: &NatsAccess) -> Option<u64> {
    let asked = async {
        let stream = connect(nats).await?.get_stream(STREAM).await.ok()?;
        Some(stream.cached_info().state.last_sequence)
    };
    timeout(ANSWER_PATIENCE, asked).await.ok()?
}

/// Every message there is, up to the one of the journal's head.
pub(crate) async fn read(nats: &NatsAccess, head: i64) -> Vec<Message> {
    let stream = connect(nats).await.unwrap().get_stream(STREAM).await.unwrap();
    let state = &stream.cached_info().state;
    let first_and_last = (state.first_sequence, state.last_sequence, state.messages);
    let consumer = stream.create_consumer(OrderedConfig::default()).await.unwrap();
    let mut messages = consumer.messages().await.unwrap();
    let mut read = Vec::new();
    while read.last().is_none_or(|last: &Message| last.sequence < state.last_sequence) {
        let next = timeout(MESSAGE_PATIENCE, messages.next()).await;
        let next = next.unwrap_or_else(|_| panic!("no message after {} of {first_and_last:?}", read.len()));
        read.push(message(&next.unwrap().unwrap()));
    }
    assert!(head > 0, "an empty journal proves nothing");
    read
}

fn message(message: &jetstream::Message) -> Message {
    let header = |name: &str| {
        let headers = message.headers.as_ref()?;
        Some(headers.get(name)?.to_string())
    };
    Message {
        sequence: message.info().unwrap().stream_sequence,
        subject: message.subject.to_string(),
        event_id: header("ce-id").unwrap_or_default(),
        position: header("counterfoil-position").unwrap_or_default(),
        body: serde_json::from_slice(&message.payload).unwrap_or_default(),
    }
}

/// As an operator's slip would.
pub(crate) async fn delete(nats: &NatsAccess) {
    connect(nats).await.unwrap().delete_stream(STREAM).await.unwrap();
}
