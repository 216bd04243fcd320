//! The table of what was executed on paper.
//!
//! Executing is one statement and one transaction (`paper_execute` in `migrations/0021_paper_orders.sql`), which looks at
//! the database's clock itself. Executing and looking take the same lock for an order: who has looked and found nothing
//! after the order's last moment knows that nothing comes any more.

use super::fill::Priced;
use domain::Timestamp;
use domain::trading::{Intent, OrderId};
use sqlx::{PgPool, Row};
use std::time::Duration;
use time::OffsetDateTime;
use uuid::Uuid;

/// An order is settled within minutes of the house being up; after that nobody asks for its row. Those of sessions that
/// still wait for an answer stay, however long it was down.
pub const KEPT_FOR: Duration = Duration::from_hours(24);
/// Rows of one sweep: some milliseconds.
pub const PRUNED_AT_ONCE: i64 = 5_000;

#[derive(Clone, Debug)]
pub(super) struct Ledger {
    pool: PgPool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Executed {
    pub(super) id: i64,
    pub(super) at: Timestamp,
}

/// What was found, and when, by the ledger's clock.
#[derive(Debug)]
pub(super) struct Look {
    pub(super) as_of: Timestamp,
    pub(super) executed: Option<(Priced, Executed)>,
}

impl Ledger {
    pub(super) const fn new(pool: PgPool) -> Self {
        Self { pool }
    }

    /// Nothing, if it is too late.
    pub(super) async fn execute(
        &self,
        account: Uuid,
        intent: &Intent,
        priced: &Priced,
    ) -> Result<Option<Executed>, sqlx::Error> {
        let trade = serde_json::to_string(priced).map_err(|error| sqlx::Error::Encode(error.into()))?;
        let row = sqlx::query("select id, executed_at from paper_execute($1, $2, $3, $4::json)")
            .bind(account)
            .bind(intent.order_id.0)
            .bind(intent.valid_until.to_datetime())
            .bind(trade)
            .fetch_optional(&self.pool)
            .await?;
        row.map(|row| Ok(Executed { id: row.try_get("id")?, at: moment(row.try_get("executed_at")?) }))
            .transpose()
    }

    /// The newest of that id, as exchanges answer.
    pub(super) async fn look(&self, account: Uuid, order_id: OrderId) -> Result<Look, sqlx::Error> {
        let row = sqlx::query("select as_of, id, executed_at, trade::text as trade from paper_look($1, $2)")
            .bind(account)
            .bind(order_id.0)
            .fetch_one(&self.pool)
            .await?;
        let as_of = moment(row.try_get("as_of")?);
        let Some(id) = row.try_get::<Option<i64>, _>("id")? else {
            return Ok(Look { as_of, executed: None });
        };
        let trade: &str = row.try_get("trade")?;
        let priced = serde_json::from_str(trade).map_err(|error| sqlx::Error::Decode(error.into()))?;
        let executed = Executed { id, at: moment(row.try_get("executed_at")?) };
        Ok(Look { as_of, executed: Some((priced, executed)) })
    }

    pub(super) async fn prune(&self, older_than: Duration, at_once: i64) -> Result<u64, sqlx::Error> {
        sqlx::query(
            "delete from paper_orders o \
              where executed_at < clock_timestamp() - make_interval(secs => $1) \
                and id = any(array(select id from paper_orders order by id limit $2)) \
                and not exists (select from trading_timers t \
                                 where t.session_id = o.account and t.settle_at is not null)",
        )
        .bind(older_than.as_secs_f64())
        .bind(at_once)
        .execute(&self.pool)
        .await
        .map(|done| done.rows_affected())
    }
}

fn moment(at: OffsetDateTime) -> Timestamp {
    at.into()
}
