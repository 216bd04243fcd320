//! Why a trade was made: its run, what that was planned by, and what happened to its order.

use super::NAME;
use super::runs::{self, RunRow};
use super::trades::{self, TradeRow};
use crate::read_models::{At, QueryError, ReadModels, position_of};
use domain::trading::{OrderId, SessionEvent};
use domain::{AggregateKind, AggregateRef, Event, TradingSessionId};
use journal::{JournalError, Recorded};
use uuid::Uuid;

/// Events before a run among which the one is looked for that asked for it: nothing else happens to a session between
/// them, but what its owner changes.
const ASKED_WITHIN: i64 = 100;
/// Events of one run that are looked at: each of its orders has a few.
const EVENTS_MAX: i64 = 500;

#[derive(Clone, Debug)]
pub struct ExplainedTrade {
    pub trade: TradeRow,
    pub run: RunRow,
    /// In their order: who asked for the run, if somebody did; its beginning and its plan; the order, and what became of it;
    /// its end.
    pub events: Vec<Recorded>,
}

impl ReadModels {
    /// A trade of a session.
    pub async fn explained_trade(
        &self,
        session: TradingSessionId,
        trade: Uuid,
        min_position: Option<i64>,
    ) -> Result<At<Option<ExplainedTrade>>, QueryError> {
        let found = self.at_least(NAME, min_position, || async move {
            let mut snapshot = self.snapshot().await?;
            let sql = format!(
                "select c.position as checkpoint, c.failure, {} from projection_checkpoints c \
                 left join trading_trades t on t.trade_id = $1 and t.session_id = $2 where c.name = 'trading'",
                trades::COLUMNS
            );
            let row = sqlx::query(&sql).bind(trade).bind(session.0).fetch_one(&mut *snapshot).await?;
            let position = position_of(&row, NAME)?;
            let Some(trade) = trades::read_row(&row)? else { return Ok(At { position, value: None }) };
            let sql = format!("select {} from trading_runs r where r.run_id = $1", runs::COLUMNS);
            let row = sqlx::query(&sql).bind(trade.run_id).fetch_one(&mut *snapshot).await?;
            let run = runs::read_row(&row)?.ok_or(sqlx::Error::RowNotFound)?;
            Ok(At { position, value: Some((trade, run)) })
        });
        let At { position, value } = found.await?;
        let Some((trade, run)) = value else { return Ok(At { position, value: None }) };
        // The journal does not change behind what was just read.
        let events = self.events_of(&trade, &run).await?;
        Ok(At { position, value: Some(ExplainedTrade { trade, run, events }) })
    }

    async fn events_of(&self, trade: &TradeRow, run: &RunRow) -> Result<Vec<Recorded>, QueryError> {
        let session = AggregateRef { kind: AggregateKind::TradingSession, id: run.session_id.0 };
        let before = (run.first_sequence - 1).clamp(0, ASKED_WITHIN);
        let events = before + (run.last_sequence - run.first_sequence + 1).min(EVENTS_MAX);
        let from = run.first_sequence - 1 - before;
        let mut told = Vec::new();
        for recorded in self.journal.read_aggregate(session, from, events).await? {
            let event = recorded.event().map_err(JournalError::from)?;
            if let Event::TradingSession(event) = event
                && is_about(&event, run.run_id, trade.order_id)
            {
                told.push(recorded);
            }
        }
        Ok(told)
    }
}

fn is_about(event: &SessionEvent, run: Uuid, order: Option<OrderId>) -> bool {
    match event {
        SessionEvent::RunRequested { run_id, .. } | SessionEvent::RunTakenOver { run_id, .. } => {
            *run_id == run
        }
        SessionEvent::RunStarted(begun) => begun.run_id == run,
        SessionEvent::RebalancePlanned(planned) => planned.run_id == run,
        SessionEvent::RunCompleted(ended) | SessionEvent::RunFailed(ended) => ended.run_id == run,
        SessionEvent::OrderIntended(intended) => Some(intended.intent.order_id) == order,
        SessionEvent::OrderFilled(filled) => Some(filled.order_id) == order,
        SessionEvent::OrderRejected(rejected) => Some(rejected.order_id) == order,
        SessionEvent::OrderOutcomeUnknown(unresolved) => Some(unresolved.order_id) == order,
        SessionEvent::OrderOutcomeResolved(resolved) => Some(resolved.order_id) == order,
        SessionEvent::OrderOutcomeUnbookable(unbookable) => Some(unbookable.order_id) == order,
        _ => false,
    }
}
