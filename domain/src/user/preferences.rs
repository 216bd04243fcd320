//! How somebody wants things to be, where a request does not say.

use crate::Currency;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

/// Every field always has a value: what was never chosen is the default.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Preferences {
    pub default_mode: TradingMode,
    pub default_capital: Decimal,
    pub default_currency: Currency,
    /// Shares of the whole: 0.02 is 2 %.
    pub risk_per_trade: Decimal,
    pub max_drawdown: Decimal,
    pub default_interval_s: u32,
    pub auto_rebalance: bool,
    pub notifications: bool,
    pub theme: Theme,
    /// A name of the IANA database.
    pub timezone: String,
    pub locale: Locale,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TradingMode {
    #[default]
    Paper,
    Live,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Theme {
    #[default]
    Light,
    Dark,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Locale {
    #[default]
    En,
    Uk,
}

impl Default for Preferences {
    fn default() -> Self {
        Self {
            default_mode: TradingMode::default(),
            default_capital: Decimal::new(100_000, 0),
            default_currency: Currency::USDT,
            risk_per_trade: Decimal::new(2, 2),
            max_drawdown: Decimal::new(10, 2),
            default_interval_s: 3_600,
            auto_rebalance: false,
            notifications: true,
            theme: Theme::default(),
            timezone: "UTC".to_owned(),
            locale: Locale::default(),
        }
    }
}
