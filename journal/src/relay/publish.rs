//! Publishing a run of events in order.
//!
//! Every message says which sequence it expects before it, so the stream takes it at its own position or not at all, and
//! the last one's acknowledgement proves the whole run. The others ask for none: that halves the traffic.

use super::stream::EVENT_ID_HEADER;
use crate::{Nats, NatsError, Recorded};
use async_nats::HeaderMap;
use async_nats::header::{HeaderName, NATS_EXPECTED_LAST_SEQUENCE};
use async_nats::jetstream::context::PublishErrorKind;
use async_nats::jetstream::message::PublishMessage;
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
    let source = format!("/counterfoil/{journal_id}");
    let Some((last, before)) = events.split_last() else {
        return Ok(());
    };
    for event in before {
        nats.client()
            .publish_with_headers(event.subject(), headers(event, &source), event.to_public().into())
            .await
            .map_err(NatsError::failed)?;
    }
    let message = PublishMessage::build().headers(headers(last, &source)).payload(last.to_public().into());
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

/// CloudEvents 1.0, binary mode, and where the message belongs.
fn headers(event: &Recorded, source: &str) -> HeaderMap {
    let position = event.position.to_string();
    let mut headers = HeaderMap::new();
    let mut set = |name: &'static str, value: &str| headers.insert(HeaderName::from_static(name), value);
    set("ce-specversion", "1.0");
    set(EVENT_ID_HEADER, &event.event_id.to_string());
    set("ce-type", &event.event_type);
    set("ce-source", source);
    set("ce-subject", &format!("{}/{}", event.aggregate.kind, event.aggregate.id));
    set("ce-time", &event.recorded_at.to_string());
    set("content-type", "application/json");
    set("counterfoil-position", &position);
    headers.insert(NATS_EXPECTED_LAST_SEQUENCE, (event.position - 1).to_string());
    headers
}
