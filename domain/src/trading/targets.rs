//! What a session is to hold, as shares of the whole.

use super::exact;
use crate::Currency;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Assets in one portfolio, its cash among them: a run stays a matter of some orders.
pub const TARGETS_MAX: usize = 20;
pub const DECIMALS_MAX: u32 = 6;

/// Shares that are exactly one together. What is not named is cash.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Targets(BTreeMap<Currency, Decimal>);

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TargetsError {
    #[error("must name at least one asset")]
    Empty,
    #[error("must name at most {TARGETS_MAX} assets")]
    TooMany,
    #[error("must be shares from 0 to 1 with at most {DECIMALS_MAX} decimals")]
    NotAShare,
    #[error("must add up to exactly 1, and not to {sum}")]
    NotOne { sum: Decimal },
}

impl Targets {
    pub fn new(shares: BTreeMap<Currency, Decimal>) -> Result<Self, TargetsError> {
        if shares.is_empty() {
            return Err(TargetsError::Empty);
        }
        if shares.len() > TARGETS_MAX {
            return Err(TargetsError::TooMany);
        }
        let is_share = |share: &Decimal| {
            *share >= Decimal::ZERO && *share <= Decimal::ONE && share.normalize().scale() <= DECIMALS_MAX
        };
        if !shares.values().all(is_share) {
            return Err(TargetsError::NotAShare);
        }
        let sum = exact::sum(shares.values().copied()).unwrap_or_default();
        if sum != Decimal::ONE {
            return Err(TargetsError::NotOne { sum });
        }
        Ok(Self(shares.into_iter().map(|(asset, share)| (asset, share.normalize())).collect()))
    }

    /// Nothing but cash.
    pub fn cash(currency: Currency) -> Self {
        Self(BTreeMap::from([(currency, Decimal::ONE)]))
    }

    pub fn share(&self, asset: Currency) -> Decimal {
        self.0.get(&asset).copied().unwrap_or_default()
    }

    pub fn assets(&self) -> impl Iterator<Item = Currency> {
        self.0.keys().copied()
    }

    pub fn shares(&self) -> impl Iterator<Item = (Currency, Decimal)> {
        self.0.iter().map(|(asset, share)| (*asset, *share))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn targets(shares: &[(&str, &str)]) -> Result<Targets, TargetsError> {
        let read = |(asset, share): &(&str, &str)| {
            (Currency::parse(asset).unwrap(), Decimal::from_str_exact(share).unwrap())
        };
        Targets::new(shares.iter().map(read).collect())
    }

    #[test]
    fn shares_are_one_together() {
        let halves = targets(&[("BTC", "0.50"), ("USDT", "0.5")]).unwrap();
        assert_eq!(serde_json::to_string(&halves).unwrap(), r#"{"BTC":"0.5","USDT":"0.5"}"#);
        let thirds = targets(&[("BTC", "0.333333"), ("ETH", "0.333333"), ("USDT", "0.333334")]);
        assert!(thirds.is_ok());
        assert_eq!(targets(&[]), Err(TargetsError::Empty));
        let sum = Decimal::from_str_exact("0.9").unwrap();
        assert_eq!(targets(&[("BTC", "0.4"), ("USDT", "0.5")]), Err(TargetsError::NotOne { sum }));
        assert_eq!(targets(&[("BTC", "1.5"), ("USDT", "-0.5")]), Err(TargetsError::NotAShare));
        assert_eq!(targets(&[("BTC", "0.1234567"), ("USDT", "0.8765433")]), Err(TargetsError::NotAShare));
    }
}
