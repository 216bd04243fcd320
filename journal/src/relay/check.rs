//! Do stream and journal tell the same story?
//!
//! The stream is read first: it only ever holds what was committed before, so one that is ahead of the journal read
//! afterwards is not a mirror of it. The last message stands for all before it, because each was accepted only on top
//! of its predecessor. What is grave is looked at twice: a stream is asked in several requests, and somebody may make it
//! anew between two of them.

use super::RelayError;
use super::stream::{self, Found, STREAM};
use crate::{Head, Journal, Nats, NatsError};
use std::time::Duration;
use uuid::Uuid;

/// Somebody who makes the stream anew again and again is waited for elsewhere.
const LOOKS_MAX: usize = 5;

/// What a comparison came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The stream ends where the journal ends.
    InStep { at: i64 },
    /// The stream ends earlier: the rest is to be published.
    Behind { at: i64 },
    /// There is no stream, or messages are missing from it: nothing contradicts the journal, and it is to be made again
    /// from the beginning.
    Gone,
    /// They hold different events. Nobody may lead until a person has decided which is right.
    Different { reason: String },
    /// NATS could not be asked.
    Unreachable { reason: String },
}

impl Verdict {
    /// Why nobody may lead, if so.
    pub fn forbids_leading(&self) -> Option<&str> {
        match self {
            Self::Different { reason } => Some(reason),
            _ => None,
        }
    }
}

/// Compares, in no more than `patience`. Fails only if the journal cannot be read.
pub async fn check(journal: &Journal, nats: &Nats, patience: Duration) -> Result<Verdict, RelayError> {
    let compared = tokio::time::timeout(patience, async {
        nats.wait_until_ready(patience).await?;
        compare(journal, nats).await
    });
    match compared.await {
        Ok(Err(RelayError::Nats(error))) => Ok(Verdict::Unreachable { reason: error.to_string() }),
        Ok(known) => known.map(|(verdict, _)| verdict),
        Err(_) => Ok(Verdict::Unreachable { reason: NatsError::Unreachable.to_string() }),
    }
}

/// The verdict, and the stream it was made of.
pub(super) async fn compare(journal: &Journal, nats: &Nats) -> Result<(Verdict, Option<Found>), RelayError> {
    let mut seen = look(journal, nats).await?;
    for _ in 1..LOOKS_MAX {
        let Some(stream) = &seen.1 else { return Ok(seen) };
        if matches!(seen.0, Verdict::InStep { .. } | Verdict::Behind { .. }) {
            return Ok(seen);
        }
        let again = look(journal, nats).await?;
        let same_stream = again.1.as_ref().is_some_and(|now| now.created == stream.created);
        // Then the first look saw one stream only, so what it saw was so.
        if same_stream && std::mem::discriminant(&again.0) == std::mem::discriminant(&seen.0) {
            return Ok(seen);
        }
        seen = again;
    }
    Err(NatsError::failed("the stream changes whenever it is looked at").into())
}

async fn look(journal: &Journal, nats: &Nats) -> Result<(Verdict, Option<Found>), RelayError> {
    let found = stream::find(nats).await?;
    let head = journal.head().await?;
    let Some(found) = found else {
        return Ok((Verdict::Gone, None));
    };
    let verdict = judge(journal, nats, &found, &head).await?;
    Ok((verdict, Some(found)))
}

async fn judge(journal: &Journal, nats: &Nats, found: &Found, head: &Head) -> Result<Verdict, RelayError> {
    let different = |reason: String| Ok(Verdict::Different { reason });
    if found.journal_id != Some(head.journal_id) && found.last > 0 {
        return different(match found.journal_id {
            Some(other) => {
                format!("stream {STREAM} mirrors journal {other}, this one is {}", head.journal_id)
            }
            None => format!("stream {STREAM} holds messages of somebody else"),
        });
    }
    if found.last > head.position {
        let (last, head) = (found.last, head.position);
        return different(format!(
            "the stream reaches {last}, the journal only {head}: is it a restored copy?"
        ));
    }
    if found.last == 0 {
        return Ok(end_of(0, head));
    }
    let in_stream = stream::event_id_at(nats, found.last).await?;
    let in_journal = event_id_at(journal, found.last).await?;
    match (in_stream, in_journal) {
        (Some(a), Some(b)) if a == b && found.is_whole() => Ok(end_of(found.last, head)),
        // Purged, or damaged.
        (Some(a), Some(b)) if a == b => Ok(Verdict::Gone),
        (None, Some(_)) => Ok(Verdict::Gone),
        (a, b) => {
            let name = |id: Option<Uuid>| id.map_or_else(|| "nothing".to_owned(), |id| id.to_string());
            different(format!(
                "at position {} the stream holds {}, the journal {}",
                found.last,
                name(a),
                name(b)
            ))
        }
    }
}

const fn end_of(at: i64, head: &Head) -> Verdict {
    if at == head.position { Verdict::InStep { at } } else { Verdict::Behind { at } }
}

async fn event_id_at(journal: &Journal, position: i64) -> Result<Option<Uuid>, RelayError> {
    sqlx::query_scalar("select event_id from events where position = $1")
        .bind(position)
        .fetch_optional(journal.pool())
        .await
        .map_err(|error| RelayError::Journal(error.into()))
}
