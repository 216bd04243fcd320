//! What a session holds, and what that is worth: as it was valued last, and by today's quotes.

use domain::trading::market::Market;
use domain::trading::planner::QUOTE_AGE_MAX;
use domain::trading::{Holding, Portfolio, Position, Valuation, exact};
use domain::{Currency, Timestamp};
use rust_decimal::Decimal;
use serde::Serialize;
use utoipa::ToSchema;

/// What is held of one asset. What it costs and brings is told in the currency of the session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = Position)]
pub(crate) struct PositionBody {
    #[schema(value_type = String, example = "BTC")]
    pub asset: Currency,
    #[schema(value_type = String, example = "0.5")]
    pub quantity: Decimal,
    /// Of one unit, without fees.
    #[schema(value_type = String, example = "60000")]
    pub average_cost: Decimal,
    /// What one unit would bring; null, where nobody says so now.
    #[schema(value_type = Option<String>, example = "61000")]
    pub mark: Option<Decimal>,
    #[schema(value_type = Option<String>, example = "30500")]
    pub value: Option<Decimal>,
    #[schema(value_type = Option<String>, example = "500")]
    pub unrealised: Option<Decimal>,
    /// What was made by selling it, without fees.
    #[schema(value_type = String, example = "0")]
    pub realised: Decimal,
}

impl From<&Position> for PositionBody {
    fn from(position: &Position) -> Self {
        Self {
            asset: position.asset,
            quantity: position.quantity,
            average_cost: position.average_cost,
            mark: Some(position.mark),
            value: Some(position.value),
            unrealised: Some(position.unrealised),
            realised: position.realised,
        }
    }
}

impl PositionBody {
    /// By a quote that is not too old to say what it would bring.
    pub(crate) fn marked(asset: Currency, held: &Holding, market: Option<&Market>, now: Timestamp) -> Self {
        let quote = market.and_then(|market| market.quote(asset));
        let quote = quote.filter(|quote| quote.is_sound() && quote.age(now) <= QUOTE_AGE_MAX);
        let mark = quote.map(domain::trading::market::Quote::mark);
        let value = mark.and_then(|mark| exact::mul(held.quantity, mark).ok());
        Self {
            asset,
            quantity: held.quantity,
            average_cost: held.average_cost().unwrap_or_default(),
            mark,
            value,
            unrealised: value.and_then(|value| exact::sub(value, held.cost).ok()),
            realised: held.realised,
        }
    }
}

/// All that a session held at a moment, valued.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = Valuation)]
pub(crate) struct ValuationBody {
    #[schema(value_type = String, format = DateTime)]
    pub as_of: Timestamp,
    #[schema(value_type = String, example = "40000")]
    pub cash: Decimal,
    pub positions: Vec<PositionBody>,
    /// Cash and positions.
    #[schema(value_type = String, example = "100500")]
    pub equity: Decimal,
    #[schema(value_type = String, example = "500")]
    pub unrealised: Decimal,
    #[schema(value_type = String, example = "0")]
    pub realised: Decimal,
    #[schema(value_type = String, example = "60")]
    pub fees: Decimal,
}

impl From<&Valuation> for ValuationBody {
    fn from(valuation: &Valuation) -> Self {
        Self {
            as_of: valuation.as_of,
            cash: valuation.cash,
            positions: valuation.positions.iter().map(PositionBody::from).collect(),
            equity: valuation.equity,
            unrealised: valuation.unrealised,
            realised: valuation.realised,
            fees: valuation.fees,
        }
    }
}

/// What a session holds now, by the quotes of now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = Positions)]
pub(crate) struct PositionsBody {
    pub items: Vec<PositionBody>,
    /// Nothing: all of them are here.
    pub next_cursor: Option<String>,
    #[schema(value_type = String, format = DateTime)]
    pub as_of: Timestamp,
    #[schema(value_type = String, example = "USDT")]
    pub currency: Currency,
    #[schema(value_type = String, example = "40000")]
    pub cash: Decimal,
    /// Cash and positions; null, while one of them has no price.
    #[schema(value_type = Option<String>, example = "100500")]
    pub equity: Option<Decimal>,
    /// Also of what is not held any more.
    #[schema(value_type = String, example = "0")]
    pub realised: Decimal,
    #[schema(value_type = String, example = "60")]
    pub fees: Decimal,
    /// What has no price now.
    #[schema(value_type = Vec<String>)]
    pub unpriced: Vec<Currency>,
    pub position: i64,
}

impl PositionsBody {
    pub(crate) fn new(
        portfolio: &Portfolio,
        currency: Currency,
        market: Option<&Market>,
        as_of: Timestamp,
        position: i64,
    ) -> Self {
        let by_quote = |(asset, held)| PositionBody::marked(asset, held, market, as_of);
        let items: Vec<PositionBody> = portfolio.held().map(by_quote).collect();
        let unpriced = items.iter().filter(|item| item.value.is_none()).map(|item| item.asset).collect();
        let values: Option<Vec<Decimal>> = items.iter().map(|item| item.value).collect();
        Self {
            equity: values.and_then(|values| exact::sum(values.into_iter().chain([portfolio.cash])).ok()),
            items,
            next_cursor: None,
            as_of,
            currency,
            cash: portfolio.cash,
            realised: portfolio.realised().unwrap_or_default(),
            fees: portfolio.fees,
            unpriced,
            position,
        }
    }
}
