//! What a market says: quotes, and the rules by which an exchange takes orders.
//!
//! Everything that a decision rests on stands here, so that the event of it can tell all of it.

use crate::{Currency, Timestamp};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::time::Duration;

/// Assets one market tells of, at most: what is put beside a command, and into an event.
pub const ASSETS_MAX: usize = 64;

/// What one unit of an asset costs and brings, in the currency of the market.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quote {
    /// What a seller gets.
    pub bid: Decimal,
    /// What a buyer pays.
    pub ask: Decimal,
    pub as_of: Timestamp,
}

impl Quote {
    /// What an asset is worth that one holds: what it would bring.
    pub const fn mark(&self) -> Decimal {
        self.bid
    }

    pub fn is_sound(&self) -> bool {
        self.bid > Decimal::ZERO && self.ask >= self.bid
    }

    pub fn age(&self, now: Timestamp) -> Duration {
        now.since(self.as_of)
    }
}

/// What an exchange asks of an order in one asset. Nothing, where a value is zero or missing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rules {
    /// Quantities are whole steps.
    pub step: Decimal,
    /// Prices are whole ticks.
    pub tick: Decimal,
    pub min_quantity: Decimal,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_quantity: Option<Decimal>,
    /// Price times quantity.
    pub min_notional: Decimal,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_notional: Option<Decimal>,
}

/// One asset, as the market has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listed {
    pub quote: Quote,
    pub rules: Rules,
}

/// All that is said of what trades against one currency.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Market {
    /// Who says so: the name of a feed.
    pub source: String,
    pub currency: Currency,
    /// Of each trade, as a share of its worth.
    pub fee_rate: Decimal,
    /// How far the price of an order may be from the quote it was planned with, as a share of it.
    pub slippage: Decimal,
    pub listed: BTreeMap<Currency, Listed>,
}

impl Market {
    /// One that says nothing: what is held has no price there, and nothing is decided on a guess.
    pub fn without_quotes(currency: Currency) -> Self {
        Self {
            source: "none".to_owned(),
            currency,
            fee_rate: Decimal::ZERO,
            slippage: Decimal::ZERO,
            listed: BTreeMap::new(),
        }
    }

    pub fn quote(&self, asset: Currency) -> Option<&Quote> {
        self.listed.get(&asset).map(|listed| &listed.quote)
    }

    /// The name of a pair, as exchanges write it.
    pub fn symbol(asset: Currency, currency: Currency) -> String {
        format!("{asset}{currency}")
    }

    /// The same, of those assets alone.
    #[must_use]
    pub fn of(&self, assets: impl IntoIterator<Item = Currency>) -> Self {
        let listed = assets.into_iter().filter_map(|asset| Some((asset, self.listed.get(&asset)?.clone())));
        Self { listed: listed.collect(), source: self.source.clone(), ..*self }
    }
}
