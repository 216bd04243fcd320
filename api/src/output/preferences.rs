//! What somebody prefers, as the contract shows it: every field always has a value.

use domain::Currency;
use domain::user::{Locale, Preferences, Theme, TradingMode};
use serde::Serialize;
use utoipa::ToSchema;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct PreferencesBody {
    #[schema(value_type = String, example = "paper")]
    pub default_mode: TradingMode,
    #[schema(example = "100000")]
    pub default_capital: String,
    #[schema(value_type = String, example = "USDT")]
    pub default_currency: Currency,
    #[schema(example = "0.02")]
    pub risk_per_trade: String,
    #[schema(example = "0.10")]
    pub max_drawdown: String,
    #[schema(example = 3600)]
    pub default_interval_s: u32,
    pub auto_rebalance: bool,
    pub notifications: bool,
    #[schema(value_type = String, example = "light")]
    pub theme: Theme,
    #[schema(example = "UTC")]
    pub timezone: String,
    #[schema(value_type = String, example = "en")]
    pub locale: Locale,
    /// Of the preferences alone: how often they changed. It is their `ETag`, and what `If-Match` is compared with.
    #[schema(example = 3)]
    pub version: i64,
    pub position: i64,
}

impl PreferencesBody {
    pub(crate) fn new(preferences: Preferences, version: i64, position: i64) -> Self {
        Self {
            default_mode: preferences.default_mode,
            default_capital: preferences.default_capital.to_string(),
            default_currency: preferences.default_currency,
            risk_per_trade: preferences.risk_per_trade.to_string(),
            max_drawdown: preferences.max_drawdown.to_string(),
            default_interval_s: preferences.default_interval_s,
            auto_rebalance: preferences.auto_rebalance,
            notifications: preferences.notifications,
            theme: preferences.theme,
            timezone: preferences.timezone,
            locale: preferences.locale,
            version,
            position,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_never_chose_has_the_defaults() {
        let body = serde_json::to_value(PreferencesBody::new(Preferences::default(), 1, 2)).unwrap();
        let expected = serde_json::json!({
            "default_mode": "paper", "default_capital": "100000", "default_currency": "USDT",
            "risk_per_trade": "0.02", "max_drawdown": "0.10", "default_interval_s": 3600,
            "auto_rebalance": false, "notifications": true, "theme": "light", "timezone": "UTC", "locale": "en",
            "version": 1, "position": 2,
        });
        assert_eq!(body, expected);
    }
}
