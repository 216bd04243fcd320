//! The stream itself: what it is made with, and what is asked about it.
//!
//! It carries the id of the journal it mirrors in its description, the one field of our own that servers of every
//! supported version keep.

use crate::{Nats, NatsError};
use async_nats::jetstream::ErrorCode;
use async_nats::jetstream::context::GetStreamErrorKind;
use async_nats::jetstream::stream::{Config, RawMessageErrorKind, StorageType};
use std::time::Duration;
use time::OffsetDateTime;
use uuid::Uuid;

pub const STREAM: &str = "COUNTERFOIL";
/// Everything that is mirrored. A subscriber filters with one subject below it.
pub const SUBJECTS: &str = "counterfoil.events.>";
pub(super) const EVENT_ID_HEADER: &str = "ce-id";
const DESCRIPTION: &str = "Mirror of Counterfoil's journal ";
/// Sequences make duplicates impossible, so the window only costs memory: the smallest there is.
const DUPLICATE_WINDOW: Duration = Duration::from_millis(100);

/// What stands in NATS under our name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Found {
    /// Nothing, if somebody else made it.
    pub(super) journal_id: Option<Uuid>,
    /// Tells it from one that was made in its place.
    pub(super) created: OffsetDateTime,
    pub(super) messages: u64,
    pub(super) last: i64,
    pub(super) replicas: usize,
}

fn config(journal_id: Uuid, replicas: usize) -> Config {
    Config {
        name: STREAM.to_owned(),
        description: Some(format!("{DESCRIPTION}{journal_id}")),
        subjects: vec![SUBJECTS.to_owned()],
        storage: StorageType::File,
        num_replicas: replicas,
        deny_delete: true,
        allow_direct: true,
        duplicate_window: DUPLICATE_WINDOW,
        ..Config::default()
    }
}

pub(super) async fn find(nats: &Nats) -> Result<Option<Found>, NatsError> {
    let stream = match nats.jetstream().get_stream(STREAM).await {
        Ok(stream) => stream,
        Err(error) => {
            return match error.kind() {
                GetStreamErrorKind::JetStream(e) if e.error_code() == ErrorCode::STREAM_NOT_FOUND => Ok(None),
                _ => Err(NatsError::failed(error)),
            };
        }
    };
    let info = stream.cached_info();
    let description = info.config.description.as_deref().unwrap_or_default();
    Ok(Some(Found {
        journal_id: description.strip_prefix(DESCRIPTION).and_then(|id| Uuid::parse_str(id).ok()),
        created: info.created,
        messages: info.state.messages,
        last: i64::try_from(info.state.last_sequence).unwrap_or(i64::MAX),
        replicas: info.config.num_replicas,
    }))
}

impl Found {
    /// Whether a message stands at every sequence up to the last.
    pub(super) fn is_whole(&self) -> bool {
        i64::try_from(self.messages) == Ok(self.last)
    }
}

pub(super) async fn create(nats: &Nats, journal_id: Uuid, replicas: usize) -> Result<(), NatsError> {
    nats.jetstream().create_stream(config(journal_id, replicas)).await.map(|_| ()).map_err(NatsError::failed)
}

/// Adopts an empty stream, or changes the number of replicas.
pub(super) async fn update(nats: &Nats, journal_id: Uuid, replicas: usize) -> Result<(), NatsError> {
    nats.jetstream().update_stream(config(journal_id, replicas)).await.map(|_| ()).map_err(NatsError::failed)
}

pub(super) async fn delete(nats: &Nats) -> Result<(), NatsError> {
    if find(nats).await?.is_none() {
        return Ok(());
    }
    nats.jetstream().delete_stream(STREAM).await.map(|_| ()).map_err(NatsError::failed)
}

/// The id of the event that stands at a position of the stream.
pub(super) async fn event_id_at(nats: &Nats, position: i64) -> Result<Option<Uuid>, NatsError> {
    let Ok(sequence) = u64::try_from(position) else {
        return Ok(None);
    };
    let stream = nats.jetstream().get_stream_no_info(STREAM).await.map_err(NatsError::failed)?;
    match stream.get_raw_message(sequence).await {
        Ok(message) => {
            Ok(message.headers.get(EVENT_ID_HEADER).and_then(|id| Uuid::parse_str(id.as_str()).ok()))
        }
        Err(error) if matches!(error.kind(), RawMessageErrorKind::NoMessageFound) => Ok(None),
        Err(error) => Err(NatsError::failed(error)),
    }
}
