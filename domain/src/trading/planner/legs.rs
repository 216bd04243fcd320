//! The legs of a plan: one order each, by the rules of its exchange.

use crate::Currency;
use crate::trading::exact::{self, DECIMALS, Inexact};
use crate::trading::market::{Listed, Market, Rules};
use crate::trading::order::Side;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

/// An order is worth this share more than the least its exchange takes: between plan and order the price moves.
const HEADROOM: Decimal = Decimal::from_parts(101, 0, 0, false, 2);

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Leg {
    pub asset: Currency,
    pub symbol: String,
    pub side: Side,
    pub quantity: Decimal,
    pub expected_price: Decimal,
    /// Not for more than this, or not for less.
    pub limit_price: Decimal,
    /// Quantity times expected price.
    pub notional: Decimal,
    pub expected_fee: Decimal,
    /// At the limit, fees included: what a purchase costs at most, or what a sale brings at least.
    pub worst: Decimal,
    /// Why it is smaller than what is missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clipped_by: Option<Clip>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Clip {
    RiskPerTrade,
    MaxQuantity,
    MaxNotional,
    Cash,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Skipped {
    pub asset: Currency,
    pub code: SkipCode,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SkipCode {
    /// Near enough to its target.
    WithinBand,
    /// Too little for an order at this exchange.
    BelowMinQuantity,
    BelowMinNotional,
    /// Nothing is bought while the session is halted.
    ReduceOnly,
    NoCash,
    /// It is a matter of the next run.
    TooManyOrders,
}

/// Sells what an asset is worth too much. `Err` is a leg that would not be taken.
pub(super) fn sale(
    market: &Market,
    asset: Currency,
    listed: &Listed,
    worth: Decimal,
    held: Decimal,
    all: bool,
) -> Result<Result<Leg, SkipCode>, Inexact> {
    let wanted = if all { held } else { exact::div_floor(worth, listed.quote.bid, DECIMALS)?.min(held) };
    let price = listed.quote.bid;
    let slipped = exact::mul(price, exact::sub(Decimal::ONE, market.slippage)?)?;
    let limit = exact::floor_step(exact::floor_to(slipped, DECIMALS), listed.rules.tick)?;
    sized(market, asset, &listed.rules, Side::Sell, (wanted, price, limit), None)
}

/// Buys what an asset is worth too little, and not more at once than may be put at risk.
pub(super) fn purchase(
    market: &Market,
    asset: Currency,
    listed: &Listed,
    worth: Decimal,
    at_most: Decimal,
) -> Result<Result<Leg, SkipCode>, Inexact> {
    let price = listed.quote.ask;
    let slipped = exact::ceil_to(exact::mul(price, exact::add(Decimal::ONE, market.slippage)?)?, DECIMALS);
    let floored = exact::floor_step(slipped, listed.rules.tick)?;
    let limit = if floored < slipped { exact::add(floored, listed.rules.tick)? } else { floored };
    let (worth, clip) = if worth > at_most { (at_most, Some(Clip::RiskPerTrade)) } else { (worth, None) };
    let wanted = exact::div_floor(worth, price, DECIMALS)?;
    sized(market, asset, &listed.rules, Side::Buy, (wanted, price, limit), clip)
}

/// A quantity cut to what the exchange takes.
pub(super) fn sized(
    market: &Market,
    asset: Currency,
    rules: &Rules,
    side: Side,
    (wanted, price, limit): (Decimal, Decimal, Decimal),
    mut clip: Option<Clip>,
) -> Result<Result<Leg, SkipCode>, Inexact> {
    let mut quantity = wanted;
    if let Some(max) = rules.max_quantity.filter(|max| quantity > *max) {
        (quantity, clip) = (max, Some(Clip::MaxQuantity));
    }
    if let Some(max) = rules.max_notional {
        let fits = exact::div_floor(max, price.max(limit), DECIMALS)?;
        if quantity > fits {
            (quantity, clip) = (fits, Some(Clip::MaxNotional));
        }
    }
    quantity = exact::floor_step(exact::floor_to(quantity, DECIMALS), rules.step)?;
    if quantity <= Decimal::ZERO || quantity < rules.min_quantity {
        return Ok(Err(SkipCode::BelowMinQuantity));
    }
    let least = exact::mul(quantity, price.min(limit))?;
    if least < exact::mul(rules.min_notional, HEADROOM)? {
        return Ok(Err(SkipCode::BelowMinNotional));
    }
    Ok(Ok(leg(market, asset, side, (quantity, price, limit), clip)?))
}

fn leg(
    market: &Market,
    asset: Currency,
    side: Side,
    (quantity, price, limit): (Decimal, Decimal, Decimal),
    clipped_by: Option<Clip>,
) -> Result<Leg, Inexact> {
    let notional = exact::mul(quantity, price)?;
    let fee = |worth: Decimal| -> Result<Decimal, Inexact> {
        Ok(exact::ceil_to(exact::mul(exact::ceil_to(worth, DECIMALS), market.fee_rate)?, DECIMALS))
    };
    let at_limit = exact::mul(quantity, limit)?;
    let worst = match side {
        Side::Buy => exact::add(at_limit, fee(at_limit)?)?,
        Side::Sell => exact::sub(at_limit, fee(at_limit)?)?,
    };
    Ok(Leg {
        asset,
        symbol: Market::symbol(asset, market.currency),
        side,
        quantity,
        expected_price: price,
        limit_price: limit,
        notional,
        expected_fee: fee(notional)?,
        worst,
        clipped_by,
    })
}
