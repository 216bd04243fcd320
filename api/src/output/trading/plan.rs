//! A plan: what would be bought and sold, what would not, and what that rests on.

use domain::trading::Side;
use domain::trading::planner::{Clip, Inputs, Leg, Plan, SkipCode, Skipped};
use domain::{Currency, Timestamp, TradingSessionId};
use rust_decimal::Decimal;
use serde::Serialize;
use utoipa::ToSchema;

/// One order of a plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = Leg)]
pub(crate) struct LegBody {
    #[schema(value_type = String, example = "BTC")]
    pub asset: Currency,
    #[schema(example = "BTCUSDT")]
    pub symbol: String,
    #[schema(value_type = String, example = "buy")]
    pub side: Side,
    #[schema(value_type = String, example = "0.5")]
    pub quantity: Decimal,
    #[schema(value_type = String, example = "61000")]
    pub expected_price: Decimal,
    /// Not for more than this, or not for less.
    #[schema(value_type = String, example = "61061")]
    pub limit_price: Decimal,
    /// Quantity times expected price.
    #[schema(value_type = String, example = "30500")]
    pub notional: Decimal,
    #[schema(value_type = String, example = "30.5")]
    pub expected_fee: Decimal,
    /// Why it is smaller than what is missing: `risk_per_trade`, `max_quantity`, `max_notional` or `cash`.
    #[schema(value_type = Option<String>, example = "risk_per_trade")]
    pub clipped_by: Option<Clip>,
}

/// What is not as it is meant to be, and is left so.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = SkippedAsset)]
pub(crate) struct SkippedBody {
    #[schema(value_type = String, example = "ETH")]
    pub asset: Currency,
    /// `within_band`, `below_min_quantity`, `below_min_notional`, `reduce_only`, `no_cash` or
    /// `too_many_orders`.
    #[schema(value_type = String, example = "within_band")]
    pub code: SkipCode,
}

/// What a plan went by.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = PlannedAsset)]
pub(crate) struct PlannedAssetBody {
    #[schema(value_type = String, example = "BTC")]
    pub asset: Currency,
    #[schema(value_type = String, example = "0")]
    pub quantity: Decimal,
    /// As a share of the whole.
    #[schema(value_type = String, example = "0.5")]
    pub target: Decimal,
    /// What a seller gets.
    #[schema(value_type = Option<String>, example = "60990")]
    pub bid: Option<Decimal>,
    /// What a buyer pays.
    #[schema(value_type = Option<String>, example = "61000")]
    pub ask: Option<Decimal>,
    #[schema(value_type = Option<String>, format = DateTime)]
    pub quoted_at: Option<Timestamp>,
}

/// What is to be bought and sold, and all that this rests on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = Plan)]
pub(crate) struct PlanBody {
    #[schema(value_type = String, format = DateTime)]
    pub planned_at: Timestamp,
    /// Whether nothing may be bought, because the session is halted.
    pub reduce_only: bool,
    /// Who says what things cost.
    #[schema(example = "scripted")]
    pub source: String,
    #[schema(value_type = String, example = "100000")]
    pub cash: Decimal,
    /// Cash, and what is held by the quotes of then.
    #[schema(value_type = String, example = "100000")]
    pub equity: Decimal,
    /// What is held and what is meant to be.
    pub assets: Vec<PlannedAssetBody>,
    /// Sales first.
    pub legs: Vec<LegBody>,
    pub skipped: Vec<SkippedBody>,
    #[schema(value_type = String, example = "20000")]
    pub turnover: Decimal,
    #[schema(value_type = String, example = "20")]
    pub expected_fees: Decimal,
    /// Of everything the plan rests on and of the plan: two that are alike have the same.
    pub plan_hash: String,
}

/// What a run would do now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = Preview)]
pub(crate) struct PreviewBody {
    #[schema(value_type = uuid::Uuid)]
    pub session_id: TradingSessionId,
    /// Whether a run would only be planned.
    pub dry_run: bool,
    #[serde(flatten)]
    pub plan: PlanBody,
    pub position: i64,
}

impl From<&Leg> for LegBody {
    fn from(leg: &Leg) -> Self {
        Self {
            asset: leg.asset,
            symbol: leg.symbol.clone(),
            side: leg.side,
            quantity: leg.quantity,
            expected_price: leg.expected_price,
            limit_price: leg.limit_price,
            notional: leg.notional,
            expected_fee: leg.expected_fee,
            clipped_by: leg.clipped_by,
        }
    }
}

impl From<&Skipped> for SkippedBody {
    fn from(skipped: &Skipped) -> Self {
        Self { asset: skipped.asset, code: skipped.code }
    }
}

impl PlannedAssetBody {
    /// All that a plan looked at, but for cash.
    fn of(inputs: &Inputs) -> Vec<Self> {
        let meant = inputs.targets.assets().filter(|asset| !inputs.quantities.contains_key(asset));
        let assets = inputs.quantities.keys().copied().chain(meant);
        let assets = assets.filter(|asset| *asset != inputs.market.currency);
        let one = |asset| {
            let quote = inputs.market.quote(asset);
            Self {
                asset,
                quantity: inputs.quantities.get(&asset).copied().unwrap_or_default(),
                target: inputs.targets.share(asset),
                bid: quote.map(|quote| quote.bid),
                ask: quote.map(|quote| quote.ask),
                quoted_at: quote.map(|quote| quote.as_of),
            }
        };
        assets.map(one).collect()
    }
}

impl PlanBody {
    pub(crate) fn new(inputs: &Inputs, plan: &Plan) -> Self {
        Self {
            planned_at: inputs.planned_at,
            reduce_only: inputs.parameters.reduce_only,
            source: inputs.market.source.clone(),
            cash: inputs.cash,
            equity: plan.equity,
            assets: PlannedAssetBody::of(inputs),
            legs: plan.legs.iter().map(LegBody::from).collect(),
            skipped: plan.skipped.iter().map(SkippedBody::from).collect(),
            turnover: plan.turnover,
            expected_fees: plan.expected_fees,
            plan_hash: plan.plan_hash.clone(),
        }
    }
}
