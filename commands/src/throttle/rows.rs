//! The rows of `sign_in_failures`: what is remembered of accounts that were guessed at.

use super::{DISABLED_AT, WrongPasswords};
use journal::Journal;
use sqlx::Row;
use sqlx::postgres::PgRow;
use std::time::Duration;
use time::OffsetDateTime;
use uuid::Uuid;

/// A month after the last failure an account that is not disabled begins anew. Only this keeps the names that nobody has from
/// piling up; who guesses ten times a month is not stopped by counting.
const KEPT_DAYS: i32 = 30;
/// Rows swept with each that is added: more than one, so that there are never many too old.
const SWEPT_AT_ONCE: i64 = 100;

/// Failures in a row, and how long ago the last one was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Past {
    pub(super) failures: u32,
    pub(super) ago: Duration,
}

impl Past {
    /// What to select of the table under the name `f`, for [`Past::of`].
    pub(crate) const COLUMNS: &str =
        "f.failures, extract(epoch from clock_timestamp() - f.last_at)::float8 as ago";

    /// Nothing, where the columns are null: there is no row.
    pub(crate) fn of(row: &PgRow) -> Result<Option<Self>, sqlx::Error> {
        let failures: Option<i32> = row.try_get("failures")?;
        let ago: Option<f64> = row.try_get("ago")?;
        let known = failures.and_then(|failures| u32::try_from(failures).ok()).zip(ago);
        Ok(known.map(|(failures, ago)| {
            // A clock that was set back makes it last a little longer, and never shorter.
            Self { failures, ago: Duration::try_from_secs_f64(ago).unwrap_or_default() }
        }))
    }
}

#[derive(Clone, Debug)]
pub(super) struct Rows(Journal);

impl Rows {
    pub(super) const fn new(journal: Journal) -> Self {
        Self(journal)
    }

    pub(super) async fn find(&self, id: Uuid) -> Result<Option<Past>, sqlx::Error> {
        let query = format!("select {} from sign_in_failures f where f.id = $1", Past::COLUMNS);
        let row = sqlx::query(&query).bind(id).fetch_optional(self.0.pool()).await?;
        row.map_or(Ok(None), |row| Past::of(&row))
    }

    /// The same for who wants to be told: a moment, and not how long ago it was.
    pub(super) async fn read(&self, id: Uuid) -> Result<Option<WrongPasswords>, sqlx::Error> {
        let query = sqlx::query("select failures, last_at from sign_in_failures where id = $1");
        let Some(row) = query.bind(id).fetch_optional(self.0.pool()).await? else { return Ok(None) };
        let failures: i32 = row.try_get("failures")?;
        let last_at: OffsetDateTime = row.try_get("last_at")?;
        let count = u32::try_from(failures).unwrap_or(0);
        Ok(Some(WrongPasswords { count, last_at: Some(last_at.into()) }))
    }

    /// Writes a failure down, on top of what other nodes wrote: how many they are now.
    pub(super) async fn write(&self, id: Uuid, failures: u32) -> Result<u32, sqlx::Error> {
        let row = sqlx::query(
            "with swept as (delete from sign_in_failures where id in \
                 (select id from sign_in_failures where failures < $3 and id <> $1 \
                     and last_at < now() - make_interval(days => $4) order by last_at limit $5)) \
             insert into sign_in_failures as f (id, failures, last_at) values ($1, $2, clock_timestamp()) \
             on conflict (id) do update set last_at = excluded.last_at, \
                 failures = greatest(f.failures + 1, excluded.failures) \
             returning failures",
        )
        .bind(id)
        .bind(i32::try_from(failures).unwrap_or(i32::MAX))
        .bind(i32::try_from(DISABLED_AT).unwrap_or(i32::MAX))
        .bind(KEPT_DAYS)
        .bind(SWEPT_AT_ONCE)
        .fetch_one(self.0.pool())
        .await?;
        let written: i32 = row.try_get("failures")?;
        Ok(u32::try_from(written).unwrap_or(failures))
    }

    pub(super) async fn delete(&self, id: Uuid) -> Result<(), sqlx::Error> {
        sqlx::query("delete from sign_in_failures where id = $1").bind(id).execute(self.0.pool()).await?;
        Ok(())
    }
}
