//! A run as the contract shows it: when it was due, what was planned, what came of it.

use super::session::LastErrorBody;
use super::{LegBody, SkippedBody};
use domain::trading::{Conclusion, Trigger};
use domain::{Timestamp, TradingSessionId};
use projections::{RunRow, RunState};
use rust_decimal::Decimal;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = Run)]
pub(crate) struct RunBody {
    pub id: Uuid,
    #[schema(value_type = uuid::Uuid)]
    pub session_id: TradingSessionId,
    /// `manual`, `scheduled` or `drift`.
    #[schema(value_type = String, example = "scheduled")]
    pub trigger: Trigger,
    /// `running`, `completed` or `failed`.
    #[schema(value_type = String, example = "completed")]
    pub state: RunState,
    /// `done`, `partial`, `nothing_to_do`, `dry_run` or `failed`, once it ended.
    #[schema(value_type = Option<String>, example = "done")]
    pub result: Option<Conclusion>,
    pub dry_run: bool,
    #[schema(value_type = String, format = DateTime)]
    pub due_at: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    pub started_at: Timestamp,
    #[schema(value_type = Option<String>, format = DateTime)]
    pub ended_at: Option<Timestamp>,
    /// How long after it was due it began.
    pub late_ms: i64,
    /// Null, if it could not be planned.
    pub plan_hash: Option<String>,
    pub legs: Vec<LegBody>,
    pub skipped: Vec<SkippedBody>,
    pub orders: i32,
    #[schema(value_type = String, example = "20000")]
    pub turnover: Decimal,
    #[schema(value_type = String, example = "20")]
    pub fees: Decimal,
    pub error: Option<LastErrorBody>,
    /// Of its first event.
    pub position: i64,
}

impl From<RunRow> for RunBody {
    fn from(row: RunRow) -> Self {
        let at = row.ended_at.unwrap_or(row.started_at);
        let error = row.error_code.map(|code| LastErrorBody {
            code,
            message: row.error_message.unwrap_or_default(),
            at,
        });
        Self {
            id: row.run_id,
            session_id: row.session_id,
            trigger: row.trigger,
            state: row.state,
            result: row.result,
            dry_run: row.dry_run,
            due_at: row.due_at,
            started_at: row.started_at,
            ended_at: row.ended_at,
            late_ms: row.late_ms,
            plan_hash: row.plan_hash,
            legs: row.legs.iter().map(LegBody::from).collect(),
            skipped: row.skipped.iter().map(SkippedBody::from).collect(),
            orders: row.orders,
            turnover: row.turnover,
            fees: row.fees,
            error,
            position: row.first_position,
        }
    }
}
