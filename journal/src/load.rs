//! Loading aggregates: by snapshot and tail, or by their whole history.
//!
//! All wanted ids go in one question each for snapshots and tails. An aggregate without a snapshot is loaded by a stock
//! postgres-es store in event-store mode, the one mode of it that is right for additive state.

use crate::{Journal, JournalError};
use cqrs_es::persist::PersistedEventStore;
use cqrs_es::{AggregateError, EventStore};
use domain::{AggregateRef, Decide, Event};
use futures::{StreamExt, TryStreamExt, stream};
use postgres_es::PostgresEventRepository;
use sqlx::Row;
use std::collections::HashMap;
use uuid::Uuid;

/// Histories folded at once: each holds a connection of the pool.
const PARALLEL_LOADS: usize = 4;

/// A state and the sequence of the last event in it: 0 for what does not exist.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Loaded<A> {
    pub state: A,
    pub sequence: i64,
    /// The sequence of the snapshot it was loaded from: 0 without one.
    pub snapshot_sequence: i64,
}

impl Journal {
    /// Loads every wanted aggregate; one that does not exist comes back empty, at sequence 0.
    pub async fn load<A>(&self, ids: &[Uuid]) -> Result<HashMap<Uuid, Loaded<A>>, JournalError>
    where
        A: Decide + 'static,
        Event: TryInto<A::Event>,
    {
        let mut loaded = self.load_snapshots::<A>(ids).await?;
        self.add_tails(&mut loaded, i64::MAX).await?;
        let rest: Vec<Uuid> = ids.iter().copied().filter(|id| !loaded.contains_key(id)).collect();
        let folded: Vec<(Uuid, Loaded<A>)> = stream::iter(rest)
            .map(|id| async move { self.fold_history::<A>(id).await.map(|state| (id, state)) })
            .buffer_unordered(PARALLEL_LOADS)
            .try_collect()
            .await?;
        loaded.extend(folded);
        Ok(loaded)
    }

    /// One aggregate as it was at a position; empty, at sequence 0, if it did not exist yet.
    pub async fn load_at<A>(&self, id: Uuid, position: i64) -> Result<Loaded<A>, JournalError>
    where
        A: Decide,
        Event: TryInto<A::Event>,
    {
        let last: i64 = sqlx::query_scalar("select last_sequence_at($1, $2, $3)")
            .bind(A::KIND.as_str())
            .bind(id.to_string())
            .bind(position)
            .fetch_one(self.pool())
            .await?;
        let mut loaded = self.load_snapshots::<A>(&[id]).await?;
        // One that was taken later tells what was not so yet.
        loaded.retain(|_, loaded| loaded.sequence <= last);
        loaded.entry(id).or_default();
        self.add_tails(&mut loaded, last).await?;
        Ok(loaded.remove(&id).unwrap_or_default())
    }

    async fn load_snapshots<A: Decide>(
        &self,
        ids: &[Uuid],
    ) -> Result<HashMap<Uuid, Loaded<A>>, JournalError> {
        let texts: Vec<String> = ids.iter().map(Uuid::to_string).collect();
        let rows = sqlx::query(
            "select aggregate_id, sequence, state::text as state from snapshots \
             where aggregate_type = $1 and aggregate_id = any($2) and schema_version = $3",
        )
        .bind(A::KIND.as_str())
        .bind(texts)
        .bind(A::SCHEMA)
        .fetch_all(self.pool())
        .await?;
        let mut loaded = HashMap::with_capacity(ids.len());
        for row in rows {
            let id: Uuid = parse_id(row.try_get("aggregate_id")?)?;
            // A snapshot that cannot be read is as good as none.
            if let Ok(state) = serde_json::from_str(row.try_get("state")?) {
                let sequence = row.try_get("sequence")?;
                loaded.insert(id, Loaded { state, sequence, snapshot_sequence: sequence });
            }
        }
        Ok(loaded)
    }

    /// What happened to each since, up to and with its sequence `last`.
    async fn add_tails<A>(&self, loaded: &mut HashMap<Uuid, Loaded<A>>, last: i64) -> Result<(), JournalError>
    where
        A: Decide,
        Event: TryInto<A::Event>,
    {
        if loaded.is_empty() {
            return Ok(());
        }
        let (ids, sequences): (Vec<String>, Vec<i64>) =
            loaded.iter().map(|(id, loaded)| (id.to_string(), loaded.sequence)).unzip();
        let mut rows = sqlx::query(
            "select e.aggregate_id, e.sequence, e.event_type, e.event_version, e.payload::text as payload \
             from unnest($2::text[], $3::bigint[]) as s (id, sequence) \
             join events e on e.aggregate_type = $1 and e.aggregate_id = s.id and e.sequence > s.sequence \
                            and e.sequence <= $4 \
             order by e.aggregate_id, e.sequence",
        )
        .bind(A::KIND.as_str())
        .bind(ids)
        .bind(sequences)
        .bind(last)
        .fetch(self.pool());
        while let Some(row) = rows.try_next().await? {
            let id = parse_id(row.try_get("aggregate_id")?)?;
            let aggregate = AggregateRef { kind: A::KIND, id };
            let event = Event::from_stored(
                aggregate,
                row.try_get("event_type")?,
                row.try_get("event_version")?,
                row.try_get("payload")?,
            )?;
            let event = event.try_into().map_err(|_| JournalError::Load {
                aggregate,
                reason: "an event of another aggregate".to_owned(),
            })?;
            if let Some(loaded) = loaded.get_mut(&id) {
                loaded.state.evolve(&event);
                loaded.sequence = row.try_get("sequence")?;
            }
        }
        Ok(())
    }

    async fn fold_history<A: Decide + 'static>(&self, id: Uuid) -> Result<Loaded<A>, JournalError> {
        let repository = PostgresEventRepository::new(self.pool().clone());
        let store =
            PersistedEventStore::<_, A>::new_event_store(repository).with_upcasters(domain::upcast::chain());
        let aggregate = AggregateRef { kind: A::KIND, id };
        let context =
            store.load_aggregate(&id.to_string()).await.map_err(|error| not_loaded(aggregate, error))?;
        let sequence = i64::try_from(context.current_sequence).unwrap_or(i64::MAX);
        Ok(Loaded { state: context.aggregate, sequence, snapshot_sequence: 0 })
    }
}

/// A database that is away is told from a history that cannot be read: the one passes, the other does not.
fn not_loaded<E: std::error::Error>(aggregate: AggregateRef, error: AggregateError<E>) -> JournalError {
    let unreadable = |reason: String| JournalError::Load { aggregate, reason };
    match error {
        AggregateError::DatabaseConnectionError(cause) | AggregateError::UnexpectedError(cause) => {
            match cause.downcast::<sqlx::Error>() {
                Ok(away) => JournalError::Postgres(*away),
                Err(cause) => unreadable(cause.to_string()),
            }
        }
        other => unreadable(other.to_string()),
    }
}

fn parse_id(text: &str) -> Result<Uuid, JournalError> {
    Uuid::parse_str(text).map_err(|e| JournalError::Postgres(sqlx::Error::Decode(e.into())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::wallet::Wallet;
    use sqlx::postgres::PgConnectOptions;

    #[tokio::test]
    async fn a_history_that_cannot_be_asked_for_is_a_database_that_is_away() {
        let options = PgConnectOptions::new();
        let pool = sqlx::PgPool::connect_lazy_with(options.clone());
        pool.close().await;
        let away = Journal::lazy(pool, options).fold_history::<Wallet>(Uuid::nil()).await.unwrap_err();
        assert!(matches!(away, JournalError::Postgres(sqlx::Error::PoolClosed)), "{away}");
    }

    #[test]
    fn a_history_that_cannot_be_read_says_whose_it_is() {
        let aggregate = AggregateRef { kind: domain::AggregateKind::Wallet, id: Uuid::nil() };
        let damaged = AggregateError::<std::fmt::Error>::UnexpectedError("an event too few".into());
        let error = not_loaded(aggregate, damaged);
        assert!(matches!(&error, JournalError::Load { .. }), "{error}");
        assert!(error.to_string().ends_with("cannot be loaded: an event too few"), "{error}");
    }
}
