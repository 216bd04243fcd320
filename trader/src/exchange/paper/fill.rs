//! What a trade on paper comes to: pure, so that the same order in the same market is the same trade.
//!
//! A buyer pays the ask and a little more, a seller gets the bid and a little less, each rounded to a tick against them. It
//! is all or nothing, at once, and never beyond the order's limit.

use super::super::Submitted;
use super::ledger::Executed;
use crate::tick;
use domain::trading::exact::{self, DECIMALS, Inexact};
use domain::trading::market::{Market, Rules};
use domain::trading::planner::QUOTE_AGE_MAX;
use domain::trading::{Fill, FillQuote, Intent, Side};
use domain::{Currency, Timestamp};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

/// Two basis points.
const SLIPPAGE: Decimal = Decimal::from_parts(2, 0, 0, false, 4);

/// How trades come about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Model {
    /// How much worse than its quote a trade is, as a share of it.
    pub slippage: Decimal,
    pub fee_in: FeeIn,
}

/// What a buyer pays the fee in. A seller pays it in what the trade brings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FeeIn {
    Quote,
    /// In what was bought, as Binance does: of one bitcoin 0.999 arrive.
    Base,
}

impl Default for Model {
    fn default() -> Self {
        Self { slippage: SLIPPAGE, fee_in: FeeIn::Quote }
    }
}

/// A trade that only has to be executed. So it stands in the ledger.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Priced {
    pub(super) symbol: String,
    asset: Currency,
    side: Side,
    quantity: Decimal,
    price: Decimal,
    fee: Decimal,
    fee_asset: Currency,
    fee_in_quote: Decimal,
    quote: FillQuote,
}

impl Priced {
    pub(super) fn fill(self, executed: Executed) -> Fill {
        Fill {
            trade_id: executed.id.to_string(),
            asset: self.asset,
            side: self.side,
            quantity: self.quantity,
            price: self.price,
            fee: self.fee,
            fee_asset: self.fee_asset,
            fee_in_quote: self.fee_in_quote,
            traded_at: executed.at,
            quote: Some(self.quote),
        }
    }
}

/// The trade that an order would be now, or why it would be none.
pub(super) fn price(
    intent: &Intent,
    market: &Market,
    model: Model,
    now: Timestamp,
) -> Result<Priced, Submitted> {
    let listed = market.listed.get(&intent.asset);
    let listed = listed.ok_or_else(|| Submitted::rejected("invalid_symbol", "Invalid symbol."))?;
    let age = listed.quote.age(now);
    if age > QUOTE_AGE_MAX {
        return Err(Submitted::rejected("price_stale", format!("the last price is {} s old", age.as_secs())));
    }
    obeys(intent, &listed.rules)?;
    let too_large = |Inexact| Submitted::rejected("lot_size", "Filter failure: LOT_SIZE");
    let price = executed_at(intent.side, market, intent.asset, model).map_err(too_large)?;
    let is_beyond = match intent.side {
        Side::Buy => price > intent.limit_price,
        Side::Sell => price < intent.limit_price || price.is_zero(),
    };
    if is_beyond {
        let moved = format!("the price is {price}, and the order's limit {}", intent.limit_price);
        return Err(Submitted::rejected("price_moved", moved));
    }
    let (fee, fee_asset, fee_in_quote) = fee(intent, market, model, price).map_err(too_large)?;
    let quote = FillQuote {
        bid: listed.quote.bid,
        ask: listed.quote.ask,
        as_of: listed.quote.as_of,
        source: market.source.clone(),
    };
    let Intent { symbol, asset, side, quantity, .. } = intent.clone();
    Ok(Priced { symbol, asset, side, quantity, price, fee, fee_asset, fee_in_quote, quote })
}

/// What Binance would say of an order, in its words.
fn obeys(intent: &Intent, rules: &Rules) -> Result<(), Submitted> {
    let whole = |value, unit| exact::floor_step(value, unit) == Ok(value.normalize());
    let failure =
        |code: &str, filter: &str| Err(Submitted::rejected(code, format!("Filter failure: {filter}")));
    let quantity = intent.quantity;
    if quantity <= Decimal::ZERO
        || quantity < rules.min_quantity
        || rules.max_quantity.is_some_and(|max| quantity > max)
        || !whole(quantity, rules.step)
    {
        return failure("lot_size", "LOT_SIZE");
    }
    if intent.limit_price <= Decimal::ZERO || !whole(intent.limit_price, rules.tick) {
        return failure("price_filter", "PRICE_FILTER");
    }
    let Ok(notional) = exact::mul(quantity, intent.limit_price) else {
        return failure("lot_size", "LOT_SIZE");
    };
    if notional < rules.min_notional || rules.max_notional.is_some_and(|max| notional > max) {
        return failure("notional", "NOTIONAL");
    }
    Ok(())
}

fn executed_at(side: Side, market: &Market, asset: Currency, model: Model) -> Result<Decimal, Inexact> {
    let listed = market.listed.get(&asset).ok_or(Inexact)?;
    let tick = listed.rules.tick;
    match side {
        Side::Buy => tick::up(exact::mul(listed.quote.ask, exact::add(Decimal::ONE, model.slippage)?)?, tick),
        Side::Sell => {
            tick::down(exact::mul(listed.quote.bid, exact::sub(Decimal::ONE, model.slippage)?)?, tick)
        }
    }
}

/// The fee, what it is paid in, and what it is worth. Rounded up.
fn fee(
    intent: &Intent,
    market: &Market,
    model: Model,
    price: Decimal,
) -> Result<(Decimal, Currency, Decimal), Inexact> {
    let up = |fee| exact::ceil_to(fee, DECIMALS);
    if intent.side == Side::Buy && model.fee_in == FeeIn::Base {
        let fee = up(exact::mul(intent.quantity, market.fee_rate)?);
        return Ok((fee, intent.asset, exact::mul(fee, price)?));
    }
    let fee = up(exact::mul(exact::mul(intent.quantity, price)?, market.fee_rate)?);
    Ok((fee, market.currency, fee))
}

#[cfg(test)]
mod tests;
