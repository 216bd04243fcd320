//! The table `trading_runs`: when a session ran, what was planned, and what came of it.

mod fold;

pub(super) use fold::{RunChange, write};

use super::NAME;
use crate::read_models::cursor::{Items, Page};
use crate::read_models::value::{column, read};
use crate::read_models::{At, QueryError, ReadModels, position_of};
use domain::trading::planner::{Leg, Skipped};
use domain::trading::{Conclusion, Trigger};
use domain::{Timestamp, TradingSessionId, UserId};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use sqlx::Row;
use sqlx::postgres::PgRow;
use sqlx::types::Json;
use time::OffsetDateTime;
use uuid::Uuid;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunState {
    Running,
    Completed,
    Failed,
}

impl RunState {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Completed => "completed",
            Self::Failed => "failed",
        }
    }

    pub(super) const fn of(result: Conclusion) -> Self {
        match result {
            Conclusion::Failed => Self::Failed,
            Conclusion::Done | Conclusion::Partial | Conclusion::NothingToDo | Conclusion::DryRun => {
                Self::Completed
            }
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunRow {
    pub run_id: Uuid,
    pub session_id: TradingSessionId,
    pub user_id: UserId,
    pub trigger: Trigger,
    pub state: RunState,
    /// Once it ended.
    pub result: Option<Conclusion>,
    pub dry_run: bool,
    pub due_at: Timestamp,
    pub started_at: Timestamp,
    pub ended_at: Option<Timestamp>,
    pub late_ms: i64,
    /// Nothing, and no legs, if it could not be planned.
    pub plan_hash: Option<String>,
    pub legs: Vec<Leg>,
    pub skipped: Vec<Skipped>,
    pub orders: i32,
    pub turnover: Decimal,
    pub fees: Decimal,
    pub error_code: Option<String>,
    pub error_message: Option<String>,
    /// Where it began and what its last event is so far.
    pub first_position: i64,
    pub first_sequence: i64,
    pub last_position: i64,
    pub last_sequence: i64,
}

pub(super) const COLUMNS: &str = "r.run_id, r.session_id, r.user_id, r.trigger, r.state, r.result, r.dry_run, r.due_at, \
     r.started_at, r.ended_at, r.late_ms, r.plan_hash, r.legs, r.skipped, r.orders, r.turnover::text as turnover, \
     r.fees::text as fees, r.error_code, r.error_message, r.first_position, r.first_sequence, r.last_position, \
     r.last_sequence";

/// Nothing, where an outer join found none.
pub(super) fn read_row(row: &PgRow) -> Result<Option<RunRow>, sqlx::Error> {
    let Some(run_id) = row.try_get::<Option<Uuid>, _>("run_id")? else { return Ok(None) };
    let moment = |name: &str| row.try_get::<Option<OffsetDateTime>, _>(name);
    let begun_at = |name: &str| row.try_get::<OffsetDateTime, _>(name).map(Timestamp::from);
    let result: Option<&str> = row.try_get("result")?;
    Ok(Some(RunRow {
        run_id,
        session_id: TradingSessionId(row.try_get("session_id")?),
        user_id: UserId(row.try_get("user_id")?),
        trigger: column(row, "trigger")?,
        state: column(row, "state")?,
        result: result.map(read).transpose()?,
        dry_run: row.try_get("dry_run")?,
        due_at: begun_at("due_at")?,
        started_at: begun_at("started_at")?,
        ended_at: moment("ended_at")?.map(Timestamp::from),
        late_ms: row.try_get("late_ms")?,
        plan_hash: row.try_get("plan_hash")?,
        legs: row.try_get::<Option<Json<Vec<Leg>>>, _>("legs")?.map(|legs| legs.0).unwrap_or_default(),
        skipped: row
            .try_get::<Option<Json<Vec<Skipped>>>, _>("skipped")?
            .map(|all| all.0)
            .unwrap_or_default(),
        orders: row.try_get("orders")?,
        turnover: column(row, "turnover")?,
        fees: column(row, "fees")?,
        error_code: row.try_get("error_code")?,
        error_message: row.try_get("error_message")?,
        first_position: row.try_get("first_position")?,
        first_sequence: row.try_get("first_sequence")?,
        last_position: row.try_get("last_position")?,
        last_sequence: row.try_get("last_sequence")?,
    }))
}

/// Where a list goes on: with runs that began before that one.
#[derive(Debug, Serialize, Deserialize)]
struct Cursor {
    runs_of: TradingSessionId,
    before: i64,
}

impl ReadModels {
    /// The runs of a session, newest first.
    pub async fn trading_runs(
        &self,
        session: TradingSessionId,
        page: &Page,
        min_position: Option<i64>,
    ) -> Result<At<Items<RunRow>>, QueryError> {
        let before = match page.cursor::<Cursor>()? {
            Some(cursor) if cursor.runs_of != session => return Err(QueryError::BadCursor),
            Some(cursor) => cursor.before,
            None => i64::MAX,
        };
        self.at_least(NAME, min_position, || async move {
            let sql = format!(
                "select c.position as checkpoint, c.failure, {COLUMNS} from projection_checkpoints c \
                 left join lateral (select * from trading_runs where session_id = $1 and first_position < $2 \
                                     order by first_position desc limit $3) r on true \
                  where c.name = 'trading' order by r.first_position desc"
            );
            let query = sqlx::query(&sql).bind(session.0).bind(before).bind(page.limit_plus_one());
            let rows = query.fetch_all(self.pool()).await?;
            let position = position_of(rows.first().ok_or(sqlx::Error::RowNotFound)?, NAME)?;
            let runs = rows.iter().filter_map(|row| read_row(row).transpose()).collect::<Result<_, _>>()?;
            let after = |last: &RunRow| Cursor { runs_of: session, before: last.first_position };
            Ok(At { position, value: page.cut(runs, after)? })
        })
        .await
    }
}
