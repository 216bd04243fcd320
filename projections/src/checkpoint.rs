//! How far a projection is, and of which generation and version.

use journal::Recorded;
use sqlx::{PgConnection, Row};

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Checkpoint {
    pub(crate) generation: i64,
    pub(crate) position: i64,
    pub(crate) version: i32,
    pub(crate) failure: Option<String>,
}

impl Checkpoint {
    pub(crate) async fn read(conn: &mut PgConnection, name: &str) -> Result<Self, sqlx::Error> {
        Self::select(conn, name, "").await
    }

    /// Reads it and keeps everybody else from moving it until the transaction ends.
    pub(crate) async fn lock(conn: &mut PgConnection, name: &str) -> Result<Self, sqlx::Error> {
        Self::select(conn, name, "for update").await
    }

    async fn select(conn: &mut PgConnection, name: &str, lock: &str) -> Result<Self, sqlx::Error> {
        let sql = format!(
            "select generation, position, version, failure from projection_checkpoints where name = $1 {lock}"
        );
        let row = sqlx::query(&sql).bind(name).fetch_one(conn).await?;
        Ok(Self {
            generation: row.try_get("generation")?,
            position: row.try_get("position")?,
            version: row.try_get("version")?,
            failure: row.try_get("failure")?,
        })
    }

    /// Moves it on to an event, if it still is what we read and the journal beside it holds that very event. Whoever
    /// succeeds holds its row until the transaction ends.
    pub(crate) async fn advance(
        &self,
        conn: &mut PgConnection,
        name: &str,
        to: &Recorded,
    ) -> Result<bool, sqlx::Error> {
        let moved = sqlx::query(
            "update projection_checkpoints set position = $1, failure = null, updated_at = clock_timestamp() \
             where name = $2 and position = $3 and generation = $4 and version = $5 \
               and exists (select from events where position = $1 and event_id = $6)",
        )
        .bind(to.position)
        .bind(name)
        .bind(self.position)
        .bind(self.generation)
        .bind(self.version)
        .bind(to.event_id)
        .execute(conn)
        .await?;
        Ok(moved.rows_affected() == 1)
    }

    /// Writes all of it: a new generation, under the lock of [`Self::lock`].
    pub(crate) async fn write(&self, conn: &mut PgConnection, name: &str) -> Result<(), sqlx::Error> {
        sqlx::query(
            "update projection_checkpoints set generation = $1, position = $2, version = $3, failure = $4, \
                 updated_at = clock_timestamp() where name = $5",
        )
        .bind(self.generation)
        .bind(self.position)
        .bind(self.version)
        .bind(&self.failure)
        .bind(name)
        .execute(conn)
        .await
        .map(|_| ())
    }
}
