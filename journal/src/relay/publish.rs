//! Publishing a run of events in order.
//!
//! Every message says which sequence it expects before it, so the stream takes it at its own position or not at all, and
//! the last one's acknowledgement proves the whole run. The others ask for none: that halves the traffic.

use super::stream::EVENT_ID_HEADER;
use super::wire::{Answer, Wire};
use crate::{Nats, NatsError, Recorded};
use async_nats::header::NATS_EXPECTED_LAST_SEQUENCE;
use async_nats::jetstream::ErrorCode;
use async_nats::jetstream::publish::PublishAck;
use async_nats::jetstream::response::Response;
use std::fmt::Write;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use uuid::Uuid;

/// A run is written in pieces of about this size: few calls, and little to hold.
const PIECE: usize = 64 * 1024;

#[derive(Debug, thiserror::Error)]
pub(super) enum PublishError {
    /// The stream does not end where we thought, or is gone.
    #[error("the stream is not where it was: {0}")]
    OutOfStep(String),
    #[error(transparent)]
    Failed(#[from] NatsError),
}

#[derive(Debug)]
pub(super) struct Publisher {
    wire: Wire,
    messages: Messages,
    /// How often the client had connected when this was opened.
    connects: u64,
}

/// Messages as they go over the wire.
#[derive(Debug, Default)]
struct Messages {
    text: String,
    headers: String,
    payload: String,
}

impl Publisher {
    pub(super) async fn open(nats: &Nats) -> Result<Self, NatsError> {
        let connects = connects(nats);
        Ok(Self { wire: Wire::open(nats).await?, messages: Messages::default(), connects })
    }

    /// Whether the client is still connected as it was: if not, the server we talked to is likely to be gone.
    pub(super) fn is_current(&self, nats: &Nats) -> bool {
        self.connects == connects(nats)
    }

    pub(super) async fn is_open(&mut self) -> bool {
        self.wire.is_open().await
    }

    /// Publishes events with neighbouring positions; the stream must end right before the first. After a failure it is
    /// not to be used again.
    pub(super) async fn publish(
        &mut self,
        journal_id: Uuid,
        events: &[Arc<Recorded>],
    ) -> Result<(), PublishError> {
        let Some((last, before)) = events.split_last() else {
            return Ok(());
        };
        for event in before {
            self.add(journal_id, event, false)?;
            if self.messages.text.len() >= PIECE {
                self.write().await?;
            }
        }
        self.add(journal_id, last, true)?;
        self.write().await?;
        match self.wire.answer().await? {
            Answer::Said(answer) => acknowledged(last.position, &answer),
            Answer::NobodyListens => Err(PublishError::OutOfStep("there is no stream".to_owned())),
        }
    }

    fn add(&mut self, journal_id: Uuid, event: &Recorded, wants_answer: bool) -> Result<(), NatsError> {
        let reply_to = if wants_answer { self.wire.inbox() } else { "" };
        let size = self.messages.add(journal_id, event, reply_to);
        let (position, max) = (event.position, self.wire.max_payload);
        if size > max {
            let reason = format!(
                "event {position} takes {size} bytes and the server no more than {max} (max_payload)"
            );
            return Err(NatsError::Failed(reason));
        }
        Ok(())
    }

    async fn write(&mut self) -> Result<(), NatsError> {
        self.wire.write(self.messages.text.as_bytes()).await?;
        self.messages.text.clear();
        // A large event leaves no large buffers behind.
        self.messages.text.shrink_to(2 * PIECE);
        self.messages.payload.shrink_to(PIECE);
        Ok(())
    }
}

fn connects(nats: &Nats) -> u64 {
    nats.client().statistics().connects.load(Ordering::Relaxed)
}

fn acknowledged(position: i64, answer: &[u8]) -> Result<(), PublishError> {
    match serde_json::from_slice(answer).map_err(NatsError::failed)? {
        Response::Ok(PublishAck { sequence, .. }) if u64::try_from(position) == Ok(sequence) => Ok(()),
        Response::Ok(PublishAck { sequence, .. }) => {
            Err(PublishError::OutOfStep(format!("event {position} became message {sequence}")))
        }
        Response::Err { error } if error.error_code() == ErrorCode::STREAM_WRONG_LAST_SEQUENCE => {
            Err(PublishError::OutOfStep(error.to_string()))
        }
        Response::Err { error } => Err(NatsError::failed(error).into()),
    }
}

impl Messages {
    /// `reply_to` is where the acknowledgement goes, if one is wanted. Says how large the message is.
    fn add(&mut self, journal_id: Uuid, event: &Recorded, reply_to: &str) -> usize {
        self.headers.clear();
        self.payload.clear();
        // Writing to a String cannot fail.
        let _ = write_headers(&mut self.headers, journal_id, event);
        event.write_public(&mut self.payload);
        let (subject, headers, payload) = (event.subject(), &self.headers, &self.payload);
        let total = headers.len() + payload.len();
        let _ = write!(self.text, "HPUB {subject} {reply_to} {} {total}\r\n", headers.len());
        for part in [headers, payload, "\r\n"] {
            self.text.push_str(part);
        }
        total
    }
}

/// CloudEvents 1.0, binary mode, and the message's place in the stream.
fn write_headers(out: &mut String, journal_id: Uuid, event: &Recorded) -> std::fmt::Result {
    out.push_str("NATS/1.0\r\nce-specversion: 1.0\r\ncontent-type: application/json\r\n");
    write!(out, "ce-source: /counterfoil/{journal_id}\r\n")?;
    write!(out, "{EVENT_ID_HEADER}: {}\r\nce-type: {}\r\n", event.event_id, event.event_type)?;
    write!(out, "ce-subject: {}\r\nce-time: {}\r\n", event.aggregate, event.recorded_at)?;
    write!(out, "counterfoil-position: {}\r\n", event.position)?;
    write!(out, "{}: {}\r\n\r\n", NATS_EXPECTED_LAST_SEQUENCE.as_ref() as &str, event.position - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(answer: &str) -> String {
        acknowledged(7, answer.as_bytes()).unwrap_err().to_string()
    }

    #[test]
    fn only_the_right_place_is_an_acknowledgement() {
        acknowledged(7, br#"{"stream":"COUNTERFOIL","seq":7}"#).unwrap();
        assert_eq!(
            refusal(r#"{"stream":"COUNTERFOIL","seq":8}"#),
            "the stream is not where it was: event 7 became message 8"
        );
        let wrong = r#"{"error":{"code":400,"err_code":10071,"description":"wrong last sequence: 4"}}"#;
        assert!(refusal(wrong).starts_with("the stream is not where it was"), "{}", refusal(wrong));
        let full = r#"{"error":{"code":503,"err_code":10077,"description":"maximum bytes exceeded"}}"#;
        assert!(refusal(full).starts_with("NATS: "), "{}", refusal(full));
        assert!(refusal("?").starts_with("NATS: "));
    }
}
