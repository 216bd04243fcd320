//! The planner: what to buy and sell so that a portfolio is as it is meant to be.
//!
//! One pure function for everybody who asks: the preview, a run on paper or for real, and whoever checks a run years later
//! from its own event. Everything it looks at is in [`Inputs`], so the same inputs give the same plan and the same hash.
//!
//! It never trades on a guess: an asset without a price, or with an old one, refuses the whole plan. It never spends what
//! is not there: buys are cut to the cash that sales bring at their worst price, fees included.

mod buys;
mod legs;
#[cfg(test)]
mod tests;

pub use buys::affordable;
pub use legs::{Clip, Leg, SkipCode, Skipped};

use super::exact::{self, DECIMALS, Inexact};
use super::market::{Listed, Market};
use super::order::Side;
use super::portfolio::Portfolio;
use super::targets::Targets;
use crate::{Currency, Timestamp};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// A quote that is older says nothing about what an order would get.
pub const QUOTE_AGE_MAX: Duration = Duration::from_mins(1);
/// Orders of one run.
pub const ORDERS_MAX: usize = super::targets::TARGETS_MAX;

/// How a portfolio is brought to its targets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parameters {
    /// How far a share may be from its target, as a share of the whole, before anything is done about it.
    pub band: Decimal,
    /// Of the whole: stays in cash, whatever the targets say.
    pub cash_reserve: Decimal,
    /// The most that one order may add to what is at risk, as a share of the whole.
    pub leg_max: Decimal,
    /// Nothing is bought.
    pub reduce_only: bool,
}

/// Everything that a plan follows from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Inputs {
    pub planned_at: Timestamp,
    pub cash: Decimal,
    pub quantities: BTreeMap<Currency, Decimal>,
    pub targets: Targets,
    pub parameters: Parameters,
    /// What is held and what is meant to be, and nothing else.
    pub market: Market,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// Sales first, each side by its worth.
    pub legs: Vec<Leg>,
    /// What was not done, and why.
    pub skipped: Vec<Skipped>,
    pub equity: Decimal,
    /// What all legs are worth, as expected.
    pub turnover: Decimal,
    pub expected_fees: Decimal,
    /// Of the inputs and of all of the above.
    pub plan_hash: String,
}

/// Why there is no plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(tag = "fault", rename_all = "snake_case")]
pub enum Fault {
    #[error("there is no price for {asset}")]
    PriceMissing { asset: Currency },
    #[error("the price of {asset} is {age_s} s old")]
    PriceStale { asset: Currency, age_s: u64 },
    #[error("a number grew beyond what can be kept to the last digit")]
    TooLarge,
}

impl From<Inexact> for Fault {
    fn from(_: Inexact) -> Self {
        Self::TooLarge
    }
}

impl Fault {
    pub const fn code(&self) -> &'static str {
        match self {
            Self::PriceMissing { .. } => "price_missing",
            Self::PriceStale { .. } => "price_stale",
            Self::TooLarge => "number_too_large",
        }
    }
}

impl Inputs {
    pub fn new(
        portfolio: &Portfolio,
        targets: &Targets,
        parameters: Parameters,
        market: &Market,
        now: Timestamp,
    ) -> Self {
        let quantities: BTreeMap<_, _> =
            portfolio.held().map(|(asset, holding)| (asset, holding.quantity)).collect();
        let assets: BTreeSet<Currency> =
            quantities.keys().copied().chain(meant(targets, market.currency)).collect();
        Self {
            planned_at: now,
            cash: portfolio.cash,
            quantities,
            targets: targets.clone(),
            parameters,
            market: market.of(assets),
        }
    }

    /// What is held or is meant to be, beside cash.
    fn assets(&self) -> BTreeSet<Currency> {
        let assets = self.quantities.keys().copied().chain(meant(&self.targets, self.market.currency));
        assets.filter(|asset| *asset != self.market.currency).collect()
    }

    fn listed(&self, asset: Currency) -> Result<&Listed, Fault> {
        listed(&self.market, asset, self.planned_at)
    }
}

/// What is meant to be held, beside cash.
fn meant(targets: &Targets, currency: Currency) -> impl Iterator<Item = Currency> {
    let shares = targets.shares().filter(move |(asset, share)| !share.is_zero() && *asset != currency);
    shares.map(|(asset, _)| asset)
}

/// An asset with a price that says what an order would get now.
pub(super) fn listed(market: &Market, asset: Currency, now: Timestamp) -> Result<&Listed, Fault> {
    let listed = market.listed.get(&asset).filter(|listed| listed.quote.is_sound());
    let listed = listed.ok_or(Fault::PriceMissing { asset })?;
    let age = listed.quote.age(now);
    if age > QUOTE_AGE_MAX {
        return Err(Fault::PriceStale { asset, age_s: age.as_secs() });
    }
    Ok(listed)
}

/// The plan that follows from its inputs.
pub fn plan(inputs: &Inputs) -> Result<Plan, Fault> {
    let assets = inputs.assets();
    let mut equity = inputs.cash;
    let mut worths = BTreeMap::new();
    for asset in &assets {
        let mark = inputs.listed(*asset)?.quote.mark();
        let quantity = inputs.quantities.get(asset).copied().unwrap_or_default();
        let worth = exact::mul(quantity, mark)?;
        equity = exact::add(equity, worth)?;
        worths.insert(*asset, (quantity, worth));
    }
    // Shares of it have to fit: what a portfolio is worth may have more digits than any order.
    let whole = exact::floor_to(equity, DECIMALS);
    let (mut sales, mut wanted, mut skipped) = (Vec::new(), Vec::new(), Vec::new());
    for (asset, (quantity, worth)) in worths {
        let listed = inputs.listed(asset)?;
        let target = exact::mul(whole, inputs.targets.share(asset))?;
        let off = exact::sub(target, worth)?;
        let band = exact::mul(whole, inputs.parameters.band)?;
        let is_leaving = inputs.targets.share(asset).is_zero() && !quantity.is_zero();
        if off.abs() <= band && !is_leaving {
            skipped.extend((!off.is_zero()).then_some(Skipped { asset, code: SkipCode::WithinBand }));
            continue;
        }
        let made = if off.is_sign_negative() || is_leaving {
            legs::sale(&inputs.market, asset, listed, off.abs(), quantity, is_leaving)?
        } else if inputs.parameters.reduce_only {
            Err(SkipCode::ReduceOnly)
        } else {
            legs::purchase(&inputs.market, asset, listed, off, exact::mul(whole, inputs.parameters.leg_max)?)?
        };
        match made {
            Ok(leg) if leg.side == Side::Sell => sales.push(leg),
            Ok(leg) => wanted.push(leg),
            Err(code) => skipped.push(Skipped { asset, code }),
        }
    }
    sales.sort_by(|a, b| b.notional.cmp(&a.notional).then(a.asset.cmp(&b.asset)));
    wanted.sort_by(|a, b| b.notional.cmp(&a.notional).then(a.asset.cmp(&b.asset)));
    let reserve = exact::mul(whole, inputs.parameters.cash_reserve)?;
    let proceeds = exact::sum(sales.iter().map(|leg| leg.worst))?;
    let spendable = exact::sub(exact::add(inputs.cash, proceeds)?, reserve)?;
    let (bought, too_dear) = affordable(&wanted, spendable, &inputs.market)?;
    skipped.extend(too_dear);
    let mut legs: Vec<Leg> = sales.into_iter().chain(bought).collect();
    let left = legs.split_off(legs.len().min(ORDERS_MAX));
    skipped.extend(left.iter().map(|leg| Skipped { asset: leg.asset, code: SkipCode::TooManyOrders }));
    finish(inputs, equity, legs, skipped)
}

fn finish(inputs: &Inputs, equity: Decimal, legs: Vec<Leg>, skipped: Vec<Skipped>) -> Result<Plan, Fault> {
    let turnover = exact::sum(legs.iter().map(|leg| leg.notional))?;
    let expected_fees = exact::sum(legs.iter().map(|leg| leg.expected_fee))?;
    let plan = Plan { legs, skipped, equity, turnover, expected_fees, plan_hash: String::new() };
    let plan_hash = hash(inputs, &plan);
    Ok(Plan { plan_hash, ..plan })
}

/// Maps are sorted and numbers are written in one way, so equal plans are equal texts.
fn hash(inputs: &Inputs, plan: &Plan) -> String {
    let mut hasher = Sha256::new();
    // Plain data: writing it down cannot fail.
    hasher.update(serde_json::to_vec(&(inputs, plan)).unwrap_or_default());
    hasher.finalize().iter().fold(String::with_capacity(64), |mut hex, byte| {
        for digit in [byte >> 4, byte & 15] {
            hex.extend(char::from_digit(digit.into(), 16));
        }
        hex
    })
}
