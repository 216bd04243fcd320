//! What an exchange asks of orders in each pair, and what it takes for them.

use crate::market::rules;
use domain::Currency;
use domain::trading::market::Rules;
use rust_decimal::Decimal;
use std::collections::BTreeMap;
use std::time::Duration;

/// Ten basis points.
const PAPER_FEE_RATE: Decimal = Decimal::from_parts(1, 0, 0, false, 3);
/// Half a per cent: much more than what an order of ordinary size moves, and less than what one would mind.
const SLIPPAGE: Decimal = Decimal::from_parts(5, 0, 0, false, 3);

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Terms {
    /// Of each trade, as a share of its worth.
    pub fee_rate: Decimal,
    /// How far the limit of an order is from the quote it was planned with, as a share of that.
    pub slippage: Decimal,
    /// How long after its last moment, by the exchange's clock, an order that is not there will not come any more.
    pub settled_after: Duration,
    /// Of pairs, asset and currency, that have some of their own; the others go by the table of simulated assets.
    pub pairs: BTreeMap<(Currency, Currency), Rules>,
}

impl Terms {
    /// On paper whoever looks for an order waits for what is on its way.
    pub const fn paper() -> Self {
        Self {
            fee_rate: PAPER_FEE_RATE,
            slippage: SLIPPAGE,
            settled_after: Duration::ZERO,
            pairs: BTreeMap::new(),
        }
    }

    pub fn rules(&self, asset: Currency, currency: Currency) -> Rules {
        self.pairs.get(&(asset, currency)).cloned().unwrap_or_else(|| rules(asset))
    }
}
