//! What a session holds: cash, and what it bought with it.
//!
//! A holding keeps what it cost as a whole, not an average: an average is a quotient and would have to be rounded at every
//! step. So `realised + unrealised − fees` is the change of equity less what came from outside, to the last digit,
//! whatever was rounded on the way: what a sale takes off the cost of a holding it adds to what was realised, and nowhere
//! else.

use super::exact::{self, DECIMALS, Inexact};
use super::market::Market;
use super::order::{Fill, Side};
use crate::{Currency, Timestamp};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Of a share of the whole: a hundredth of a basis point.
const SHARE_DECIMALS: u32 = 6;

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Portfolio {
    pub cash: Decimal,
    /// Also those that were sold again, for what they brought.
    pub holdings: BTreeMap<Currency, Holding>,
    /// In the currency of the session, whatever they were paid in.
    pub fees: Decimal,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holding {
    pub quantity: Decimal,
    /// What all of it cost, without fees.
    pub cost: Decimal,
    /// What was made of it by selling, without fees.
    pub realised: Decimal,
}

/// What is worth what, at one moment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Valuation {
    pub as_of: Timestamp,
    pub cash: Decimal,
    pub positions: Vec<Position>,
    pub equity: Decimal,
    pub unrealised: Decimal,
    pub realised: Decimal,
    pub fees: Decimal,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    pub asset: Currency,
    pub quantity: Decimal,
    pub average_cost: Decimal,
    pub mark: Decimal,
    /// When that was last a price, where there is no fresh one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub priced_at: Option<Timestamp>,
    pub value: Decimal,
    pub unrealised: Decimal,
    pub realised: Decimal,
}

impl Valuation {
    /// What is valued at a price of the past, and when that was one.
    pub fn unpriced(&self) -> impl Iterator<Item = (Currency, Timestamp)> {
        self.positions.iter().filter_map(|position| Some((position.asset, position.priced_at?)))
    }

    pub fn is_priced(&self) -> bool {
        self.unpriced().next().is_none()
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(tag = "flaw", rename_all = "snake_case")]
pub enum BookError {
    #[error("there is no price for {asset}")]
    Unpriced { asset: Currency },
    #[error("more {asset} was sold than was held")]
    Oversold { asset: Currency },
    #[error("more was spent than there was")]
    Overspent,
    #[error("a trade was told that no order in {asset} can have come to")]
    NotOfTheOrder { asset: Currency },
    #[error("a number grew beyond what can be kept to the last digit")]
    TooLarge,
}

impl BookError {
    pub const fn code(self) -> &'static str {
        match self {
            Self::Unpriced { .. } => "unpriced",
            Self::Oversold { .. } => "oversold",
            Self::Overspent => "overspent",
            Self::NotOfTheOrder { .. } => "not_of_the_order",
            Self::TooLarge => "number_too_large",
        }
    }
}

impl From<Inexact> for BookError {
    fn from(_: Inexact) -> Self {
        Self::TooLarge
    }
}

impl Holding {
    pub fn average_cost(&self) -> Result<Decimal, Inexact> {
        if self.quantity.is_zero() {
            return Ok(Decimal::ZERO);
        }
        let average = self.cost.checked_div(self.quantity).ok_or(Inexact)?;
        Ok(exact::round_to(average, DECIMALS))
    }

    /// Takes some of it away. Returns what that had cost.
    fn take(&mut self, quantity: Decimal) -> Result<Option<Decimal>, Inexact> {
        if quantity > self.quantity {
            return Ok(None);
        }
        // Rounded as a share: cost times quantity may have more digits than fit.
        let share = || quantity.checked_div(self.quantity).and_then(|share| share.checked_mul(self.cost));
        let cost = if quantity == self.quantity {
            self.cost
        } else {
            exact::round_to(share().ok_or(Inexact)?, DECIMALS).min(self.cost)
        };
        self.quantity = exact::sub(self.quantity, quantity)?;
        self.cost = exact::sub(self.cost, cost)?;
        Ok(Some(cost))
    }
}

impl Portfolio {
    pub fn of_cash(cash: Decimal) -> Self {
        Self { cash, ..Self::default() }
    }

    pub fn quantity(&self, asset: Currency) -> Decimal {
        self.holdings.get(&asset).map_or(Decimal::ZERO, |holding| holding.quantity)
    }

    /// What is held, without cash.
    pub fn held(&self) -> impl Iterator<Item = (Currency, &Holding)> {
        let all = self.holdings.iter().map(|(asset, holding)| (*asset, holding));
        all.filter(|(_, holding)| !holding.quantity.is_zero())
    }

    pub fn realised(&self) -> Result<Decimal, Inexact> {
        exact::sum(self.holdings.values().map(|holding| holding.realised))
    }

    /// The portfolio after a trade in `currency`.
    pub fn after(&self, fill: &Fill, currency: Currency) -> Result<Self, BookError> {
        let mut after = self.clone();
        let worth = exact::mul(fill.quantity, fill.price)?;
        match fill.side {
            Side::Buy => {
                after.cash = exact::sub(after.cash, worth)?;
                let holding = after.holdings.entry(fill.asset).or_default();
                holding.quantity = exact::add(holding.quantity, fill.quantity)?;
                holding.cost = exact::add(holding.cost, worth)?;
            }
            Side::Sell => {
                let asset = fill.asset;
                let holding = after.holdings.entry(asset).or_default();
                let cost = holding.take(fill.quantity)?.ok_or(BookError::Oversold { asset })?;
                holding.realised = exact::add(holding.realised, exact::sub(worth, cost)?)?;
                after.cash = exact::add(after.cash, worth)?;
            }
        }
        after.pay_fee(fill, currency)?;
        if after.cash.is_sign_negative() && !after.cash.is_zero() {
            return Err(BookError::Overspent);
        }
        Ok(after)
    }

    /// A fee in an asset is a sale of that much of it, for what the fee is worth. One in an asset that is not here was paid by
    /// somebody else, who gets its worth: a trade that happened can be booked.
    fn pay_fee(&mut self, fill: &Fill, currency: Currency) -> Result<(), BookError> {
        self.fees = exact::add(self.fees, fill.fee_paid(currency))?;
        if fill.fee_asset == currency {
            self.cash = exact::sub(self.cash, fill.fee)?;
            return Ok(());
        }
        if fill.fee > self.quantity(fill.fee_asset) {
            self.cash = exact::sub(self.cash, fill.fee_in_quote)?;
            return Ok(());
        }
        let asset = fill.fee_asset;
        let holding = self.holdings.entry(asset).or_default();
        let cost = holding.take(fill.fee)?.ok_or(BookError::Oversold { asset })?;
        holding.realised = exact::add(holding.realised, exact::sub(fill.fee_in_quote, cost)?)?;
        Ok(())
    }

    /// Money that comes in from outside, or goes out, if it is below zero.
    pub fn with_flow(&self, amount: Decimal) -> Result<Self, BookError> {
        let cash = exact::add(self.cash, amount)?;
        if cash.is_sign_negative() && !cash.is_zero() {
            return Err(BookError::Overspent);
        }
        Ok(Self { cash, ..self.clone() })
    }

    pub fn equity(&self, market: &Market) -> Result<Decimal, BookError> {
        let mut equity = self.cash;
        for (asset, holding) in self.held() {
            let quote = market.quote(asset).ok_or(BookError::Unpriced { asset })?;
            equity = exact::add(equity, exact::mul(holding.quantity, quote.mark())?)?;
        }
        Ok(equity)
    }

    /// Every holding by its mark. One without a price is no guess: it is an error.
    pub fn valued(&self, market: &Market, as_of: Timestamp) -> Result<Valuation, BookError> {
        let mark = |asset, _: &Holding| {
            let quote = market.quote(asset).ok_or(BookError::Unpriced { asset })?;
            Ok((quote.mark(), None))
        };
        self.valued_by(as_of, mark)
    }

    /// Every holding by what somebody says that one of it is worth, and since when that is no price any more.
    pub(super) fn valued_by(
        &self,
        as_of: Timestamp,
        mark_of: impl Fn(Currency, &Holding) -> Result<(Decimal, Option<Timestamp>), BookError>,
    ) -> Result<Valuation, BookError> {
        let mut positions = Vec::with_capacity(self.holdings.len());
        let (mut equity, mut unrealised) = (self.cash, Decimal::ZERO);
        for (asset, holding) in self.held() {
            let (mark, priced_at) = mark_of(asset, holding)?;
            let value = exact::mul(holding.quantity, mark)?;
            let gain = exact::sub(value, holding.cost)?;
            equity = exact::add(equity, value)?;
            unrealised = exact::add(unrealised, gain)?;
            positions.push(Position {
                asset,
                quantity: holding.quantity,
                average_cost: holding.average_cost()?,
                mark,
                priced_at,
                value,
                unrealised: gain,
                realised: holding.realised,
            });
        }
        let realised = self.realised()?;
        Ok(Valuation { as_of, cash: self.cash, positions, equity, unrealised, realised, fees: self.fees })
    }
}

/// How far equity is below its highest, as a share of that. Rounded up, so that what is beyond a limit looks beyond it.
pub fn drawdown(high_water: Decimal, equity: Decimal) -> Decimal {
    if equity >= high_water || high_water <= Decimal::ZERO {
        return Decimal::ZERO;
    }
    let fallen = exact::sub(high_water, equity).ok().and_then(|fallen| fallen.checked_div(high_water));
    fallen.map_or(Decimal::ONE, |share| exact::ceil_to(share, SHARE_DECIMALS))
}

/// The highest equity, as it would have been with the money that came or went all along: what somebody puts in or takes
/// out is no gain and no loss. Rounded down: no flow may make a drawdown deeper.
pub fn high_water_after(high_water: Decimal, equity: Decimal, amount: Decimal) -> Result<Decimal, Inexact> {
    let after = exact::add(equity, amount)?;
    if equity <= Decimal::ZERO {
        return Ok(after);
    }
    let ratio = high_water.checked_div(equity).ok_or(Inexact)?;
    ratio.checked_mul(after).map(|moved| exact::floor_to(moved, DECIMALS).max(after)).ok_or(Inexact)
}
