//! Whose turn it is: a lease in the database, renewed long before it lapses.

use sqlx::PgPool;
use std::time::{Duration, Instant};
use uuid::Uuid;

/// Who is gone is missed for as long.
const LEASED_FOR: Duration = Duration::from_secs(10);
const RENEWED_AFTER: Duration = Duration::from_secs(5);

#[derive(Debug)]
pub(super) struct Turn {
    pool: PgPool,
    owner: Uuid,
    taken_at: Option<Instant>,
}

impl Turn {
    pub(super) fn new(pool: PgPool) -> Self {
        Self { pool, owner: Uuid::now_v7(), taken_at: None }
    }

    pub(super) async fn is_ours(&mut self) -> Result<bool, sqlx::Error> {
        if self.taken_at.is_some_and(|at| at.elapsed() < RENEWED_AFTER) {
            return Ok(true);
        }
        let asked_at = Instant::now();
        let taken = sqlx::query(
            "update trading_watch set owner = $1, leased_until = clock_timestamp() + make_interval(secs => $2) \
              where (owner = $1 or leased_until is null or leased_until < clock_timestamp()) \
                and set_config('synchronous_commit', 'off', true) is not null",
        )
        .bind(self.owner)
        .bind(LEASED_FOR.as_secs_f64())
        .execute(&self.pool)
        .await?;
        self.taken_at = (taken.rows_affected() == 1).then_some(asked_at);
        Ok(self.taken_at.is_some())
    }
}
