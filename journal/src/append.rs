//! Appending one batch: everything a set of commands leaves behind, in one round trip and one transaction.
//!
//! Correct because `append_batch` (see `migrations/0002_append.sql`) moves the fence in the same transaction: a batch
//! decided on any other state of the journal than its present end is refused whole.

use crate::Recorded;
use domain::Timestamp;
use serde::Deserialize;
use sqlx::PgConnection;
use std::sync::Arc;
use uuid::Uuid;

/// What one batch writes. Events stand in order: the first is at `first_position`.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    pub recorded_at: Timestamp,
    pub first_position: i64,
    pub events: Vec<Arc<Recorded>>,
    pub commands: Vec<CommandRow>,
    pub claims: Vec<ClaimRow>,
    pub released: Vec<ReleasedClaims>,
    pub secrets: Vec<SecretRow>,
    pub dropped: Vec<DroppedSecret>,
    /// Owners of whom nothing outside the journal is to be left.
    pub erased: Vec<Uuid>,
}

/// What is remembered of a command that carried a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommandRow {
    pub key: Uuid,
    pub fingerprint: Uuid,
    /// First event's position; of a refusal, the head it was decided at.
    pub position: i64,
    pub events: i32,
    pub refusal: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClaimRow {
    pub kind: &'static str,
    pub digest: Uuid,
    pub owner: Uuid,
}

/// What somebody holds of a kind, all but one, is free again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReleasedClaims {
    pub kind: &'static str,
    pub owner: Uuid,
    pub keep: Uuid,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DroppedSecret {
    pub owner: Uuid,
    pub kind: &'static str,
    pub name: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecretRow {
    pub owner: Uuid,
    pub kind: &'static str,
    pub name: String,
    pub version: i64,
    pub value: Vec<u8>,
}

#[derive(Debug, thiserror::Error)]
pub enum AppendError {
    /// Another epoch or batch, or halted. Nothing was written.
    #[error("another writer leads")]
    Fenced,
    /// Keys that are taken and claims that are held, all of the batch's. Nothing was written.
    #[error("{} keys and {} claims of the batch are taken", keys.len(), claims.len())]
    Conflicts { keys: Vec<Uuid>, claims: Vec<(String, Uuid)> },
    /// An event with that sequence exists: what we hold in memory is not what the journal holds. Nothing was written.
    #[error("the journal holds other events of an aggregate than expected: {0}")]
    OutOfStep(String),
    /// The database declines some row of it. Nothing was written.
    #[error("the database rejected the batch: {0}")]
    Rejected(String),
    /// The database is there and could not do it now. Nothing was written.
    #[error("the database is not able to write: {0}")]
    Unable(String),
    /// The connection broke: it may or may not have been written.
    #[error("it is unknown whether the batch was written: {0}")]
    Unknown(String),
}

/// The detail of `CF002`.
#[derive(Deserialize)]
struct Conflicts {
    keys: Vec<Uuid>,
    claims: Vec<(String, Uuid)>,
}

pub(crate) async fn append(
    conn: &mut PgConnection,
    epoch: i64,
    batch: i64,
    what: &Batch,
) -> Result<(), AppendError> {
    let query = sqlx::query(
        "select append_batch($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12,$13,$14,$15,$16,$17,$18,$19,$20,$21,$22,$23,$24,$25,$26,$27,$28,$29,$30,$31,$32,$33)",
    );
    let query = query
        .bind(epoch)
        .bind(batch)
        .bind(what.recorded_at.to_datetime())
        .bind(what.first_position)
        .bind(column(&what.commands, |c| c.key))
        .bind(column(&what.commands, |c| c.fingerprint))
        .bind(column(&what.commands, |c| c.position))
        .bind(column(&what.commands, |c| c.events))
        .bind(column(&what.commands, |c| c.refusal.as_deref()))
        .bind(column(&what.claims, |c| c.kind))
        .bind(column(&what.claims, |c| c.digest))
        .bind(column(&what.claims, |c| c.owner))
        .bind(column(&what.events, |e| e.aggregate.kind.as_str()))
        .bind(column(&what.events, |e| e.aggregate.id.to_string()))
        .bind(column(&what.events, |e| e.sequence))
        .bind(column(&what.events, |e| &*e.event_type))
        .bind(column(&what.events, |e| &*e.version))
        .bind(column(&what.events, |e| e.payload.as_str()))
        .bind(column(&what.events, |e| e.metadata.to_stored()))
        .bind(column(&what.events, |e| e.event_id))
        .bind(column(&what.events, |e| e.owner.0))
        .bind(column(&what.secrets, |s| s.owner))
        .bind(column(&what.secrets, |s| s.kind))
        .bind(column(&what.secrets, |s| s.name.as_str()))
        .bind(column(&what.secrets, |s| s.version))
        .bind(column(&what.secrets, |s| s.value.as_slice()))
        .bind(column(&what.released, |r| r.kind))
        .bind(column(&what.released, |r| r.owner))
        .bind(column(&what.released, |r| r.keep))
        .bind(column(&what.dropped, |d| d.owner))
        .bind(column(&what.dropped, |d| d.kind))
        .bind(column(&what.dropped, |d| d.name.as_str()))
        .bind(what.erased.as_slice());
    // `execute` reads up to ReadyForQuery, which the server sends after its commit: `fetch_one` would not wait for that.
    query.execute(conn).await.map(|_| ()).map_err(|error| classify(&error))
}

fn column<'a, R, T>(rows: &'a [R], value: impl Fn(&'a R) -> T) -> Vec<T> {
    rows.iter().map(value).collect()
}

/// Sorts what can go wrong by what is known of the outcome.
fn classify(error: &sqlx::Error) -> AppendError {
    let sqlx::Error::Database(database) = error else {
        return AppendError::Unknown(error.to_string());
    };
    let Some(error) = database.try_downcast_ref::<sqlx::postgres::PgDatabaseError>() else {
        return AppendError::Unknown(database.to_string());
    };
    match error.code() {
        "CF001" => AppendError::Fenced,
        "CF002" => match error.detail().map(serde_json::from_str::<Conflicts>) {
            Some(Ok(Conflicts { keys, claims })) => AppendError::Conflicts { keys, claims },
            _ => AppendError::Unable("conflicts without a readable detail".to_owned()),
        },
        "23505" if error.table() == Some("events") => AppendError::OutOfStep(error.message().to_owned()),
        // 57: the server is going down, 08: the connection is. It may have got as far as the commit.
        code if code.starts_with("57") || code.starts_with("08") => {
            AppendError::Unknown(error.message().to_owned())
        }
        // 22 and 23: data and constraints; P0: a trigger's own word. The row's fault, not the server's.
        code if code.starts_with("22") || code.starts_with("23") || code.starts_with("P0") => {
            AppendError::Rejected(format!("{code}: {}", error.message()))
        }
        code => AppendError::Unable(format!("{code}: {}", error.message())),
    }
}
