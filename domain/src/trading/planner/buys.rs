//! Purchases, cut to the cash that is there.
//!
//! Asked twice: for the plan, with what sales will bring at least; and when they have brought it, with what they brought.

use super::legs::{Clip, Leg, SkipCode, Skipped, sized};
use crate::trading::exact::{self, DECIMALS, Inexact};
use crate::trading::market::{Listed, Market};
use crate::trading::order::Side;
use rust_decimal::Decimal;

/// As many of the purchases as there is cash for: all of them a little less rather than one of them not at all.
pub fn affordable(
    wanted: &[Leg],
    cash: Decimal,
    market: &Market,
) -> Result<(Vec<Leg>, Vec<Skipped>), Inexact> {
    let needed = exact::sum(wanted.iter().map(|leg| leg.worst))?;
    if needed <= cash {
        return Ok((wanted.to_vec(), Vec::new()));
    }
    // Each fee is rounded up, by less than the last decimal.
    let roundings = Decimal::new(i64::try_from(wanted.len()).map_err(|_| Inexact)?, DECIMALS);
    let cash = exact::sub(cash, roundings)?;
    let (mut bought, mut skipped) = (Vec::new(), Vec::new());
    for leg in wanted {
        let made = if cash > Decimal::ZERO { cut(leg, cash, needed, market)? } else { Err(SkipCode::NoCash) };
        match made {
            Ok(leg) => bought.push(leg),
            Err(code) => skipped.push(Skipped { asset: leg.asset, code }),
        }
    }
    Ok((bought, skipped))
}

/// The same share of it as there is cash for all.
fn cut(leg: &Leg, cash: Decimal, needed: Decimal, market: &Market) -> Result<Result<Leg, SkipCode>, Inexact> {
    let share = exact::div_floor(cash, needed, DECIMALS)?;
    let quantity = exact::floor_to(exact::mul(leg.quantity, share)?, DECIMALS);
    let Some(Listed { rules, .. }) = market.listed.get(&leg.asset) else {
        return Ok(Err(SkipCode::NoCash));
    };
    let prices = (quantity, leg.expected_price, leg.limit_price);
    sized(market, leg.asset, rules, Side::Buy, prices, Some(leg.clipped_by.unwrap_or(Clip::Cash)))
}
