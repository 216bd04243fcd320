//! What the journal says of runs, after a position.

use sqlx::postgres::PgRow;
use sqlx::{PgConnection, Row};
use time::OffsetDateTime;
use uuid::Uuid;

use super::Bench;
use crate::error::{Doing, Result};

/// What came of the runs that somebody asked for.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct AskedRuns {
    pub(super) ended: i64,
    pub(super) failed: i64,
    /// Orders that were filled.
    pub(super) trades: i64,
    /// From the event that a run was asked for to the one that it ended, in milliseconds.
    pub(super) p50: f64,
    pub(super) p99: f64,
}

/// A run of the schedule, by its session and the time it was due at.
#[derive(Debug, Clone, Copy)]
pub(super) struct Due {
    pub(super) session: Uuid,
    pub(super) at: OffsetDateTime,
}

/// What came of runs that were due.
#[derive(Debug, Clone, Default)]
pub(super) struct DueRuns {
    /// Due, and not begun exactly once.
    pub(super) not_begun_once: i64,
    /// Begun, and not ended exactly once.
    pub(super) not_ended_once: i64,
    /// Begun, of sessions that are none of those due.
    pub(super) not_due: i64,
    /// Orders that were executed more than once, and those that were booked more than once.
    pub(super) executed_again: i64,
    pub(super) booked_again: i64,
    /// Executed, and nothing of it in the journal.
    pub(super) not_booked: i64,
    pub(super) taken_over: i64,
    pub(super) failed: i64,
    pub(super) trades: i64,
    /// How late runs began, in milliseconds: of sessions that no lost worker had, and of all.
    pub(super) late_p99: f64,
    pub(super) late_all_p99: f64,
    pub(super) late_max: f64,
    /// When the last of them ended.
    pub(super) ended_at: Option<OffsetDateTime>,
}

impl DueRuns {
    /// Each of these is one thing that must not be.
    pub(super) fn errors(&self) -> Vec<(&'static str, i64)> {
        let all = [
            ("due runs did not begin exactly once", self.not_begun_once),
            ("runs did not end exactly once", self.not_ended_once),
            ("runs began that were not due", self.not_due),
            ("orders were executed more than once", self.executed_again),
            ("trades were booked more than once", self.booked_again),
            ("executed orders were never booked", self.not_booked),
        ];
        all.into_iter().filter(|(_, count)| *count > 0).collect()
    }
}

pub(super) async fn head(bench: &Bench) -> Result<i64> {
    let head = crate::seed::head(bench.server()?).await?;
    Ok(i64::try_from(head).unwrap_or(i64::MAX))
}

pub(super) async fn asked_runs(bench: &Bench, after: i64) -> Result<AskedRuns> {
    let mut connection = bench.database().await?;
    let row = sqlx::query(include_str!("asked_runs.sql"))
        .bind(after)
        .fetch_one(&mut connection)
        .await
        .doing("reading runs that were asked for")?;
    AskedRuns::read(&row).doing("reading runs that were asked for")
}

impl AskedRuns {
    fn read(row: &PgRow) -> sqlx::Result<Self> {
        Ok(Self {
            ended: row.try_get("ended")?,
            failed: row.try_get("failed")?,
            trades: row.try_get("trades")?,
            p50: row.try_get("p50")?,
            p99: row.try_get("p99")?,
        })
    }
}

/// How many runs have ended.
pub(super) async fn ended(connection: &mut PgConnection, after: i64) -> Result<i64> {
    sqlx::query_scalar(
        "select count(*) from events where position > $1 and event_type in ('RunCompleted', 'RunFailed')",
    )
    .bind(after)
    .fetch_one(connection)
    .await
    .doing("counting runs")
}

/// `lost`: the sessions that a lost worker had.
pub(super) async fn due_runs(
    connection: &mut PgConnection,
    after: i64,
    due: &[Due],
    lost: &[Uuid],
) -> Result<DueRuns> {
    let row = sqlx::query(include_str!("due_runs.sql"))
        .bind(after)
        .bind(due.iter().map(|due| due.session.to_string()).collect::<Vec<_>>())
        .bind(due.iter().map(|due| due.at).collect::<Vec<_>>())
        .bind(lost.iter().map(Uuid::to_string).collect::<Vec<_>>())
        .fetch_one(connection)
        .await
        .doing("reading runs that were due")?;
    DueRuns::read(&row).doing("reading runs that were due")
}

impl DueRuns {
    fn read(row: &PgRow) -> sqlx::Result<Self> {
        Ok(Self {
            not_begun_once: row.try_get("not_begun_once")?,
            not_ended_once: row.try_get("not_ended_once")?,
            not_due: row.try_get("not_due")?,
            executed_again: row.try_get("executed_again")?,
            booked_again: row.try_get("booked_again")?,
            not_booked: row.try_get("not_booked")?,
            taken_over: row.try_get("taken_over")?,
            failed: row.try_get("failed")?,
            trades: row.try_get("trades")?,
            late_p99: row.try_get("late_p99")?,
            late_all_p99: row.try_get("late_all_p99")?,
            late_max: row.try_get("late_max")?,
            ended_at: row.try_get("ended_at")?,
        })
    }
}
