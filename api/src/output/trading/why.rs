//! Why a trade was made: who or what asked for its run, what the plan went by, what was intended, what happened.

use super::{PlanBody, RunBody, TradeBody};
use crate::output::sealed_events;
use domain::trading::planner::{Inputs, Plan};
use domain::trading::{Intended, OrderId, SessionEvent, Side, Trigger};
use domain::{Event, Timestamp, UnreadableEvent};
use projections::ExplainedTrade;
use rust_decimal::Decimal;
use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;
use uuid::Uuid;

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ExplainedTrade)]
pub(crate) struct ExplainedTradeBody {
    pub trade: TradeBody,
    pub cause: CauseBody,
    pub run: RunBody,
    /// With the prices of then.
    pub plan: Option<PlanBody>,
    /// What was meant to be sent; null in a dry run.
    pub intent: Option<IntentBody>,
    /// All of this as it stands in the journal, in its order.
    #[schema(value_type = Vec<Object>)]
    pub events: Vec<Box<RawValue>>,
    pub position: i64,
}

/// Who or what asked for the run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = Cause)]
pub(crate) struct CauseBody {
    /// `manual`: somebody asked; `scheduled`: it was time; `drift`: the portfolio was too far from its targets.
    #[schema(value_type = String, example = "manual")]
    pub trigger: Trigger,
    #[schema(value_type = String, format = DateTime)]
    pub due_at: Timestamp,
    /// Where that was asked for, if it was; null for a run whose time had come.
    pub requested_position: Option<i64>,
    /// `user`, `service` or `system`.
    #[schema(example = "user")]
    pub actor_kind: Option<&'static str>,
    pub actor_id: Option<Uuid>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = Intent)]
pub(crate) struct IntentBody {
    #[schema(value_type = uuid::Uuid)]
    pub order_id: OrderId,
    /// What it goes by at the exchange.
    pub client_order_id: String,
    #[schema(example = "BTCUSDT")]
    pub symbol: String,
    #[schema(value_type = String, example = "buy")]
    pub side: Side,
    #[schema(value_type = String, example = "0.5")]
    pub quantity: Decimal,
    #[schema(value_type = String, example = "61061")]
    pub limit_price: Decimal,
    #[schema(value_type = String, example = "61000")]
    pub expected_price: Decimal,
    #[schema(value_type = String, example = "30.5")]
    pub expected_fee: Decimal,
    #[schema(value_type = String, format = DateTime)]
    pub valid_until: Timestamp,
    /// Where it was made durable, before anything was sent.
    pub position: i64,
}

impl IntentBody {
    fn new(intended: &Intended, position: i64) -> Self {
        let intent = &intended.intent;
        Self {
            order_id: intent.order_id,
            client_order_id: intended.client_order_id.clone(),
            symbol: intent.symbol.clone(),
            side: intent.side,
            quantity: intent.quantity,
            limit_price: intent.limit_price,
            expected_price: intent.expected_price,
            expected_fee: intent.expected_fee,
            valid_until: intent.valid_until,
            position,
        }
    }
}

impl ExplainedTradeBody {
    pub(crate) fn new(explained: ExplainedTrade, position: i64) -> Result<Self, UnreadableEvent> {
        let ExplainedTrade { trade, run, events } = explained;
        let mut plan: Option<(Inputs, Plan)> = None;
        let mut intent = None;
        let mut cause = CauseBody {
            trigger: run.trigger,
            due_at: run.due_at,
            requested_position: None,
            actor_kind: None,
            actor_id: None,
        };
        for recorded in &events {
            let Event::TradingSession(event) = recorded.event()? else { continue };
            match event {
                SessionEvent::RunRequested { .. } => {
                    let actor = recorded.metadata.actor;
                    cause.requested_position = Some(recorded.position);
                    (cause.actor_kind, cause.actor_id) = (Some(actor.kind.as_str()), actor.id);
                }
                SessionEvent::RebalancePlanned(planned) => plan = Some((planned.inputs, planned.plan)),
                SessionEvent::OrderIntended(intended) => {
                    intent = Some(IntentBody::new(&intended, recorded.position));
                }
                _ => {}
            }
        }
        Ok(Self {
            trade: trade.into(),
            cause,
            run: run.into(),
            plan: plan.map(|(inputs, plan)| PlanBody::new(&inputs, &plan)),
            intent,
            events: sealed_events(&events),
            position,
        })
    }
}
