//! Leases on sessions that are due: one worker at a time, and whoever is late is known by its fence.
//!
//! A lease is taken in the statement that finds the row (`for update skip locked`), so no two workers get it; it lapses by
//! the database's clock, so nobody's clock matters; and its number rises every time, so a session can tell the one whose
//! lease lapsed from the one who has it now.

use domain::{Currency, Timestamp, TradingSessionId};
use sqlx::{PgPool, Row};
use std::time::Duration;
use time::OffsetDateTime;
use uuid::Uuid;

/// Longer than a run may take: whoever has not finished by then is gone, or stands still.
pub const LEASED_FOR: Duration = Duration::from_secs(45);
/// The pause after the first attempt that came to nothing, and the longest one.
const RETRY_FIRST: Duration = Duration::from_millis(500);
const RETRY_LAST: Duration = Duration::from_mins(1);

/// The right to move a session on, for a while.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    pub session_id: TradingSessionId,
    pub currency: Currency,
    pub fence: i64,
    /// Attempts before this one that came to nothing.
    pub failures: i32,
}

/// What a look found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Taken {
    pub leases: Vec<Lease>,
    /// When the next session is due, if that is soon.
    pub next_due_at: Option<Timestamp>,
}

#[derive(Clone, Debug)]
pub struct Leases {
    pool: PgPool,
    /// This worker.
    owner: Uuid,
}

impl Leases {
    pub fn new(pool: PgPool) -> Self {
        Self { pool, owner: Uuid::now_v7() }
    }

    /// Some of the sessions that are due, the longest due first; and when the first of the others is, until a moment. One
    /// statement, so that whoever wants to be there in time asks no more often than anybody else.
    pub async fn take(&self, now: Timestamp, at_most: usize, until: Timestamp) -> Result<Taken, sqlx::Error> {
        let rows = sqlx::query(
            "with taken as ( \
                update trading_timers \
                   set owner = $1, leased_until = clock_timestamp() + make_interval(secs => $2), fence = fence + 1 \
                 where session_id in ( \
                       select session_id from trading_timers \
                        where due_at <= $3 and version >= handled \
                          and (leased_until is null or leased_until < clock_timestamp()) \
                          and (retry_at is null or retry_at <= clock_timestamp()) \
                        order by due_at limit $4 for update skip locked) \
                returning session_id, currency, fence, failures) \
             select session_id, currency, fence, failures, null::timestamptz as next_due_at from taken \
             union all \
             select null, null, null, null, min(due_at) from trading_timers \
              where due_at > $3 and due_at <= $5 and version >= handled",
        )
        .bind(self.owner)
        .bind(LEASED_FOR.as_secs_f64())
        .bind(now.to_datetime())
        .bind(i64::try_from(at_most).unwrap_or(i64::MAX))
        .bind(until.to_datetime())
        .fetch_all(&self.pool)
        .await?;
        let mut taken = Taken::default();
        for row in &rows {
            let Some(session_id) = row.try_get("session_id")? else {
                let next: Option<OffsetDateTime> = row.try_get("next_due_at")?;
                taken.next_due_at = next.map(Timestamp::from);
                continue;
            };
            let currency: &str = row.try_get("currency")?;
            taken.leases.push(Lease {
                session_id: TradingSessionId(session_id),
                currency: Currency::parse(currency).map_err(|error| sqlx::Error::Decode(error.into()))?,
                fence: row.try_get("fence")?,
                failures: row.try_get("failures")?,
            });
        }
        Ok(taken)
    }

    /// It was moved on as far as it goes now: up to that sequence.
    pub async fn done(&self, lease: &Lease, version: i64) -> Result<(), sqlx::Error> {
        sqlx::query(
            "update trading_timers \
                set owner = null, leased_until = null, handled = greatest(handled, $4), failures = 0, \
                    retry_at = null \
              where session_id = $1 and fence = $2 and owner = $3",
        )
        .bind(lease.session_id.0)
        .bind(lease.fence)
        .bind(self.owner)
        .bind(version)
        .execute(&self.pool)
        .await
        .map(|_| ())
    }

    /// Not now, but then.
    pub async fn put_back(&self, lease: &Lease, pause: Duration) -> Result<(), sqlx::Error> {
        sqlx::query(
            "update trading_timers \
                set owner = null, leased_until = null, failures = failures + 1, \
                    retry_at = clock_timestamp() + make_interval(secs => $4) \
              where session_id = $1 and fence = $2 and owner = $3",
        )
        .bind(lease.session_id.0)
        .bind(lease.fence)
        .bind(self.owner)
        .bind(pause.as_secs_f64())
        .execute(&self.pool)
        .await
        .map(|_| ())
    }
}

impl Lease {
    /// Ever longer, for what comes to nothing again and again.
    pub fn pause(&self) -> Duration {
        let doublings = u32::try_from(self.failures).unwrap_or(0).min(16);
        RETRY_FIRST.saturating_mul(1 << doublings).min(RETRY_LAST)
    }
}
