//! Folding a read model again from the first event, beside the live one.
//!
//! The same `apply` as ever, on a connection whose tables are those of the next generation. The last step happens under
//! the lock of the checkpoint's row, where no worker can move: catch up, compare if asked to, switch. Readers see the
//! old generation until that commit and the new one after it, and never one half built.

mod progress;
mod reader;
mod tables;

pub use progress::Progress;

use crate::Projection;
use crate::checkpoint::Checkpoint;
use crate::projection::ApplyError;
use journal::{Journal, JournalError};
use reader::Reader;
use sqlx::{Connection, Executor, PgConnection};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Events that may be left for the last step, which holds the worker up: well under a second's work.
const LAST_STEP_MAX: i64 = 20_000;
/// How long `verify` waits for a live model that is behind what was rebuilt.
const LIVE_PATIENCE: Duration = Duration::from_secs(30);
const LIVE_INTERVAL: Duration = Duration::from_millis(50);
/// First half of the advisory lock "one rebuild of this name": "CFRB" in ASCII.
const REBUILD_LOCK: i32 = 0x4346_5242;

#[derive(Clone, Copy, Debug, Default)]
pub struct RebuildOptions {
    /// Compare old and new row by row before the switch, and do not switch if they differ.
    pub verify: bool,
}

/// What was rebuilt.
#[derive(Clone, Debug, PartialEq)]
pub struct Rebuilt {
    pub name: &'static str,
    pub generation: i64,
    pub position: i64,
    pub took: Duration,
    pub verified: bool,
}

#[derive(Debug, thiserror::Error)]
pub enum RebuildError {
    #[error("there is no projection {name:?}; there are {known}, and \"all\"")]
    Unknown { name: String, known: String },
    #[error("{0} is being rebuilt already")]
    Running(&'static str),
    #[error(
        "{name}: {rows} rows of {table} differ between what is live and what was rebuilt; nothing was switched"
    )]
    Differs { name: &'static str, table: &'static str, rows: i64 },
    #[error("{0} cannot be verified: its live model does not catch up")]
    LiveBehind(&'static str),
    #[error(
        "the journal went back to position {head} while {name} was rebuilt up to {built}; nothing was switched"
    )]
    WentBack { name: &'static str, built: i64, head: i64 },
    #[error(transparent)]
    Journal(#[from] JournalError),
    #[error(transparent)]
    Apply(#[from] ApplyError),
}

impl From<sqlx::Error> for RebuildError {
    fn from(error: sqlx::Error) -> Self {
        Self::Journal(error.into())
    }
}

/// Rebuilds one projection by name, or all of them.
pub async fn rebuild(
    journal: &Journal,
    projections: &[Arc<dyn Projection>],
    name: &str,
    options: RebuildOptions,
) -> Result<Vec<Rebuilt>, RebuildError> {
    let chosen: Vec<_> = projections.iter().filter(|p| name == "all" || p.name() == name).collect();
    if chosen.is_empty() {
        let known: Vec<&str> = projections.iter().map(|projection| projection.name()).collect();
        return Err(RebuildError::Unknown { name: name.to_owned(), known: known.join(", ") });
    }
    let mut rebuilt = Vec::with_capacity(chosen.len());
    for projection in chosen {
        let mut build = Rebuild::begin(journal, projection.as_ref(), options).await?;
        let outcome = build.run().await;
        if outcome.is_err() {
            // If the database does not let us now, the sweep does it later.
            let _ = tables::drop(&mut build.conn, projection.as_ref()).await;
        }
        rebuilt.push(outcome?);
    }
    Ok(rebuilt)
}

/// Takes away what rebuilds left that were broken off: nobody folds it on, so an erasure would not reach it.
pub async fn sweep(journal: &Journal, projections: &[Arc<dyn Projection>]) -> Result<(), RebuildError> {
    // Its locks end with it.
    let mut conn = journal.connection().await?;
    for projection in projections {
        if lock(&mut conn, projection.as_ref()).await? {
            tables::drop(&mut conn, projection.as_ref()).await?;
            unlock(&mut conn, projection.as_ref()).await?;
        }
    }
    Ok(())
}

/// Whether nobody else builds this one. Held until it is given back, or the connection ends.
async fn lock(conn: &mut PgConnection, projection: &dyn Projection) -> Result<bool, sqlx::Error> {
    let query = sqlx::query_scalar("select pg_try_advisory_lock($1, hashtext($2))");
    query.bind(REBUILD_LOCK).bind(projection.name()).fetch_one(conn).await
}

async fn unlock(conn: &mut PgConnection, projection: &dyn Projection) -> Result<(), sqlx::Error> {
    let query = sqlx::query("select pg_advisory_unlock($1, hashtext($2))");
    query.bind(REBUILD_LOCK).bind(projection.name()).execute(conn).await.map(|_| ())
}

struct Rebuild<'a> {
    journal: &'a Journal,
    projection: &'a dyn Projection,
    options: RebuildOptions,
    conn: PgConnection,
    /// Where the journal ended when it began.
    head: i64,
    /// Everything up to here is in the new generation.
    built: i64,
    progress: Progress,
    begun: Instant,
}

impl<'a> Rebuild<'a> {
    async fn begin(
        journal: &'a Journal,
        projection: &'a dyn Projection,
        options: RebuildOptions,
    ) -> Result<Self, RebuildError> {
        let mut conn = journal.connection().await?;
        if !lock(&mut conn, projection).await? {
            return Err(RebuildError::Running(projection.name()));
        }
        // A rebuild that is lost is begun again, so nothing of it need wait for the disk.
        conn.execute(
            "set synchronous_commit = off; set search_path = rebuild, public; set maintenance_work_mem = '256MB'; \
             set idle_in_transaction_session_timeout = 0",
        )
        .await?;
        conn.execute(crate::worker::BY_INDEX).await?;
        let head = journal.head().await?.position;
        let progress = Progress::begin(projection.name(), head);
        Ok(Self { journal, projection, options, conn, head, built: 0, progress, begun: Instant::now() })
    }

    async fn run(&mut self) -> Result<Rebuilt, RebuildError> {
        tables::create(&mut self.conn, self.projection).await?;
        self.build_to(self.head).await?;
        if self.projection.only_adds() {
            self.progress.stage("indexes");
            tables::create_indexes(&mut self.conn, self.projection).await?;
        }
        tables::analyze(&mut self.conn, self.projection).await?;
        self.catch_up().await?;
        if self.options.verify {
            self.wait_for_live().await?;
        }
        let checkpoint = self.finish().await?;
        self.progress.done(checkpoint.position);
        // The next one need not wait until the server has noticed that this connection ended.
        unlock(&mut self.conn, self.projection).await?;
        Ok(Rebuilt {
            name: self.projection.name(),
            generation: checkpoint.generation,
            position: checkpoint.position,
            took: self.begun.elapsed(),
            verified: self.options.verify,
        })
    }

    /// Applies the journal until so little is left that the last step can take it. Writers go on meanwhile, so that each
    /// turn has less to do than the one before, and never nothing.
    async fn catch_up(&mut self) -> Result<(), RebuildError> {
        loop {
            let head = self.journal.head().await?.position;
            if head - self.built <= LAST_STEP_MAX {
                return Ok(());
            }
            self.build_to(head).await?;
        }
    }

    async fn build_to(&mut self, head: i64) -> Result<(), RebuildError> {
        let mut reader = Reader::start(self.journal, self.projection.kinds(), self.built, head).await?;
        while let Some(batch) = reader.next().await? {
            let mut transaction = self.conn.begin().await?;
            self.projection.apply(&mut transaction, &batch.events).await?;
            transaction.commit().await?;
            self.built = batch.up_to;
            self.progress.reached(self.built);
        }
        Ok(())
    }

    /// Two generations can only be compared at one position, and the live one cannot go back.
    async fn wait_for_live(&mut self) -> Result<(), RebuildError> {
        self.progress.stage("waiting for the live model");
        let deadline = Instant::now() + LIVE_PATIENCE;
        loop {
            let name = self.projection.name();
            let live = Checkpoint::read(&mut self.conn, name).await?;
            if live.position >= self.built {
                return Ok(());
            }
            if Instant::now() > deadline {
                return Err(RebuildError::LiveBehind(name));
            }
            tokio::time::sleep(LIVE_INTERVAL).await;
        }
    }

    async fn finish(&mut self) -> Result<Checkpoint, RebuildError> {
        let (name, version) = (self.projection.name(), self.projection.version());
        let mut transaction = self.conn.begin().await?;
        // The same order as the worker's: first the row, then the tables.
        let live = Checkpoint::lock(&mut transaction, name).await?;
        let head: i64 =
            sqlx::query_scalar("select position from journal_head").fetch_one(&mut *transaction).await?;
        if self.built > head {
            return Err(RebuildError::WentBack { name, built: self.built, head });
        }
        // One that has seen more than the journal holds comes back to it.
        let position = live.position.clamp(self.built, head);
        let rest = reader::read(&mut transaction, self.projection.kinds(), self.built, position).await?;
        self.projection.apply(&mut transaction, &rest.events).await?;
        if self.options.verify {
            self.progress.stage("verifying");
            for table in self.projection.tables() {
                let rows = tables::differing_rows(&mut transaction, table).await?;
                if rows > 0 {
                    return Err(RebuildError::Differs { name, table, rows });
                }
            }
        }
        tables::switch(&mut transaction, self.projection).await?;
        let next = Checkpoint { generation: live.generation + 1, position, version, failure: None };
        next.write(&mut transaction, name).await?;
        transaction.commit().await?;
        Ok(next)
    }
}
