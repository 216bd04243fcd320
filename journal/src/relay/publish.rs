//! Publishing a run of events in order.
//!
//! Every message says which sequence it expects before it, so the stream takes it at its own position or not at all, and
//! the last one's acknowledgement proves the whole run. The others ask for none: that halves the traffic.

use super::stream::EVENT_ID_HEADER;
use crate::{Nats, NatsError, Recorded};
use async_nats::header::{HeaderName, NATS_EXPECTED_LAST_SEQUENCE};
use async_nats::jetstream::context::PublishErrorKind;
use async_nats::jetstream::message::PublishMessage;
use async_nats::{HeaderMap, Subject};
use std::sync::Arc;
use uuid::Uuid;

#[derive(Debug, thiserror::Error)]
pub(super) enum PublishError {
    /// The stream does not end where we thought, or is gone.
    #[error("the stream is not where it was: {0}")]
    OutOfStep(String),
    #[error(transparent)]
    Failed(#[from] NatsError),
}

/// Publishes events with neighbouring positions; the stream must end right before the first.
pub(super) async fn publish(
    nats: &Nats,
    journal_id: Uuid,
    events: &[Arc<Recorded>],
) -> Result<(), PublishError> {
    let Some((last, before)) = events.split_last() else {
        return Ok(());
    };
    let common = common_headers(journal_id);
    for event in before {
        let subject = Subject::from(event.subject());
        nats.client()
            .publish_with_headers(subject, headers(event, &common), event.to_public().into())
            .await
            .map_err(NatsError::failed)?;
    }
    let message = PublishMessage::build().headers(headers(last, &common)).payload(last.to_public().into());
    let acknowledged = match nats.jetstream().send_publish(last.subject(), message).await {
        Ok(acknowledgement) => acknowledgement.await,
        Err(error) => Err(error),
    };
    match acknowledged {
        Ok(ack) if u64::try_from(last.position) == Ok(ack.sequence) => Ok(()),
        Ok(ack) => {
            Err(PublishError::OutOfStep(format!("event {} became message {}", last.position, ack.sequence)))
        }
        Err(error) => match error.kind() {
            PublishErrorKind::WrongLastSequence | PublishErrorKind::StreamNotFound => {
                Err(PublishError::OutOfStep(error.to_string()))
            }
            _ => Err(NatsError::failed(error).into()),
        },
    }
}

/// CloudEvents 1.0, binary mode: what is the same on every message.
fn common_headers(journal_id: Uuid) -> HeaderMap {
    HeaderMap::from_iter([
        (HeaderName::from_static("ce-specversion"), "1.0".into()),
        (HeaderName::from_static("ce-source"), format!("/counterfoil/{journal_id}").into()),
        (HeaderName::from_static("content-type"), "application/json".into()),
    ])
}

/// And what is not, with the message's place in the stream.
fn headers(event: &Recorded, common: &HeaderMap) -> HeaderMap {
    let mut headers = common.clone();
    let mut set = |name: &'static str, value: String| headers.insert(HeaderName::from_static(name), value);
    set(EVENT_ID_HEADER, event.event_id.to_string());
    set("ce-type", event.event_type.clone().into_owned());
    set("ce-subject", event.aggregate.to_string());
    set("ce-time", event.recorded_at.to_string());
    set("counterfoil-position", event.position.to_string());
    headers.insert(NATS_EXPECTED_LAST_SEQUENCE, (event.position - 1).to_string());
    headers
}
