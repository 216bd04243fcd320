//! Orders: what is meant to be bought or sold, and what became of it.
//!
//! An order is intended before anything leaves the house, and what was intended is sent at most once: there is no state to
//! go back to. Its outcome is told by the exchange, or settled by evidence when nobody knows.

use super::portfolio::BookError;
use crate::{Currency, Timestamp};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use std::fmt;
use uuid::Uuid;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    Buy,
    Sell,
}

impl Side {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Buy => "buy",
            Self::Sell => "sell",
        }
    }
}

/// What an order goes by at its exchange: at most 36 characters of letters and digits, and never two alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct OrderId(pub Uuid);

impl OrderId {
    /// One leg of one run: the same, however often it is asked for.
    pub fn of(run_id: Uuid, leg: u32) -> Self {
        Self(super::derived(run_id, &leg.to_be_bytes()))
    }

    pub fn client_order_id(self) -> String {
        format!("cf{}", self.0.simple())
    }
}

impl fmt::Display for OrderId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// An order that is meant to be sent, once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Intent {
    pub order_id: OrderId,
    pub run_id: Uuid,
    pub leg: u32,
    pub symbol: String,
    pub asset: Currency,
    pub side: Side,
    pub quantity: Decimal,
    /// Not for more than this, or not for less. What cannot be had at once is not waited for.
    pub limit_price: Decimal,
    pub expected_price: Decimal,
    pub expected_fee: Decimal,
    /// The exchange takes it until then, and not after.
    pub valid_until: Timestamp,
}

impl Intent {
    /// A trade of this order is in its asset, on its side, and no more than what is left of it.
    pub(super) fn check(&self, fill: &Fill, unfilled: Decimal) -> Result<(), BookError> {
        let is_of_it = fill.asset == self.asset && fill.side == self.side;
        let is_trade =
            fill.quantity > Decimal::ZERO && fill.price > Decimal::ZERO && fill.fee >= Decimal::ZERO;
        let is_sound = is_of_it && is_trade && fill.quantity <= unfilled;
        if is_sound { Ok(()) } else { Err(BookError::NotOfTheOrder { asset: self.asset }) }
    }
}

/// A trade that happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fill {
    /// The exchange's name for it.
    pub trade_id: String,
    pub asset: Currency,
    pub side: Side,
    pub quantity: Decimal,
    pub price: Decimal,
    pub fee: Decimal,
    pub fee_asset: Currency,
    /// What the fee was worth in the currency of the session when it was paid.
    pub fee_in_quote: Decimal,
    /// The exchange's time.
    pub traded_at: Timestamp,
    /// What a simulated trade was priced by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quote: Option<FillQuote>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FillQuote {
    pub bid: Decimal,
    pub ask: Decimal,
    pub as_of: Timestamp,
    pub source: String,
}

impl Fill {
    /// What its fee was worth in the currency of the session.
    pub fn fee_paid(&self, currency: Currency) -> Decimal {
        if self.fee_asset == currency { self.fee } else { self.fee_in_quote }
    }
}

/// What is known of an order that was sent, or was to be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum Outcome {
    /// All of what will ever be of it: at least one trade.
    Filled { fills: Vec<Fill> },
    /// The exchange said no, and that is final.
    Rejected { code: String, message: String },
    /// Nobody knows. It may have been executed.
    Unknown { cause: String },
    /// The exchange, asked after it could have taken it any more, does not know of it.
    NeverAccepted { evidence: String },
}
