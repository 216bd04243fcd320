//! Snapshots: states written down now and then, so that a long history need not be folded again.
//!
//! A cache, never the truth: they are taken from committed states, carry the version of the state's shape, and deleting
//! all of them changes nothing but the next first load.

use crate::{Journal, JournalError};
use domain::{AggregateRef, Decide};

#[derive(Clone, Debug)]
pub struct Snapshot {
    pub aggregate: AggregateRef,
    pub sequence: i64,
    pub schema_version: i32,
    pub state: String,
}

impl Snapshot {
    pub fn of<A: Decide>(id: uuid::Uuid, sequence: i64, state: &A) -> Result<Self, JournalError> {
        Ok(Self {
            aggregate: AggregateRef { kind: A::KIND, id },
            sequence,
            schema_version: A::SCHEMA,
            state: serde_json::to_string(state)?,
        })
    }
}

impl Journal {
    /// Keeps the newest of each: a snapshot that comes late replaces nothing. One that was taken under another epoch is
    /// not written: the database may have gone back to an earlier copy since, and the state with it.
    pub async fn write_snapshots(&self, epoch: i64, snapshots: &[Snapshot]) -> Result<(), JournalError> {
        let kinds: Vec<&str> = snapshots.iter().map(|s| s.aggregate.kind.as_str()).collect();
        let ids: Vec<String> = snapshots.iter().map(|s| s.aggregate.id.to_string()).collect();
        let sequences: Vec<i64> = snapshots.iter().map(|s| s.sequence).collect();
        let schemas: Vec<i32> = snapshots.iter().map(|s| s.schema_version).collect();
        let states: Vec<&str> = snapshots.iter().map(|s| s.state.as_str()).collect();
        sqlx::query(
            "insert into snapshots (aggregate_type, aggregate_id, sequence, schema_version, state) \
             select t, i, s, v, j::json from unnest($1::text[], $2::text[], $3::bigint[], $4::int[], $5::text[]) \
                 as x (t, i, s, v, j) \
             where (select epoch from journal_head) = $6 \
             on conflict (aggregate_type, aggregate_id) do update set sequence = excluded.sequence, \
                 schema_version = excluded.schema_version, state = excluded.state \
             where snapshots.sequence < excluded.sequence or snapshots.schema_version < excluded.schema_version",
        )
        .bind(kinds)
        .bind(ids)
        .bind(sequences)
        .bind(schemas)
        .bind(states)
        .bind(epoch)
        .execute(self.pool())
        .await?;
        Ok(())
    }
}
