//! How somebody wants things to be, where a request does not say.
//!
//! Each value has its door here; the one rule over two of them, that the capital fits its currency, is decided on the
//! preferences as they would be: a change may name only one of the two.

use super::UserRefusal;
use crate::money::plain_decimal;
use crate::{Currency, Money, MoneyError};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use std::ops::RangeInclusive;

/// Not oftener than markets are asked, not rarer than once a week.
pub const INTERVAL_S: RangeInclusive<u32> = 60..=604_800;
/// A millionth is finer than any share of a portfolio that can be kept.
pub const SHARE_DECIMALS_MAX: u32 = 6;
/// Areas and locations of the IANA database (2025b), and UTC, in the order of their bytes.
const TIMEZONES: &str = include_str!("timezones.txt");

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

/// What is to be different; what is left out stays.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PreferencesChange {
    pub default_mode: Option<TradingMode>,
    pub default_capital: Option<Decimal>,
    pub default_currency: Option<Currency>,
    pub risk_per_trade: Option<Decimal>,
    pub max_drawdown: Option<Decimal>,
    pub default_interval_s: Option<u32>,
    pub auto_rebalance: Option<bool>,
    pub notifications: Option<bool>,
    pub theme: Option<Theme>,
    pub timezone: Option<String>,
    pub locale: Option<Locale>,
}

impl PreferencesChange {
    /// The same change where what is left out falls back to its default.
    #[must_use]
    pub fn or_defaults(self) -> Self {
        let all = self.of(&Preferences::default());
        Self {
            default_mode: Some(all.default_mode),
            default_capital: Some(all.default_capital),
            default_currency: Some(all.default_currency),
            risk_per_trade: Some(all.risk_per_trade),
            max_drawdown: Some(all.max_drawdown),
            default_interval_s: Some(all.default_interval_s),
            auto_rebalance: Some(all.auto_rebalance),
            notifications: Some(all.notifications),
            theme: Some(all.theme),
            timezone: Some(all.timezone),
            locale: Some(all.locale),
        }
    }

    fn of(self, before: &Preferences) -> Preferences {
        Preferences {
            default_mode: self.default_mode.unwrap_or(before.default_mode),
            default_capital: self.default_capital.unwrap_or(before.default_capital),
            default_currency: self.default_currency.unwrap_or(before.default_currency),
            risk_per_trade: self.risk_per_trade.unwrap_or(before.risk_per_trade),
            max_drawdown: self.max_drawdown.unwrap_or(before.max_drawdown),
            default_interval_s: self.default_interval_s.unwrap_or(before.default_interval_s),
            auto_rebalance: self.auto_rebalance.unwrap_or(before.auto_rebalance),
            notifications: self.notifications.unwrap_or(before.notifications),
            theme: self.theme.unwrap_or(before.theme),
            timezone: self.timezone.unwrap_or_else(|| before.timezone.clone()),
            locale: self.locale.unwrap_or(before.locale),
        }
    }
}

impl Preferences {
    /// The preferences after a change, if they are sound as a whole.
    pub(super) fn changed(&self, change: PreferencesChange) -> Result<Self, UserRefusal> {
        let after = change.of(self);
        let currency = after.default_currency;
        match Money::parse(&after.default_capital.to_string(), currency) {
            Ok(_) => Ok(after),
            Err(MoneyError::TooManyDecimals { .. }) => Err(UserRefusal::CapitalTooFine { currency }),
            Err(_) => Err(UserRefusal::CapitalTooLarge { currency }),
        }
    }
}

/// The door for capital, whatever its currency: a plain decimal greater than zero.
pub fn capital(text: &str) -> Result<Decimal, MoneyError> {
    let (whole, decimals) = plain_decimal(text)?;
    if whole.len() + decimals.len() > Money::DIGITS_MAX {
        return Err(MoneyError::TooManyDigits);
    }
    let capital = Decimal::from_str_exact(text).map_err(|_| MoneyError::TooManyDigits)?;
    if capital.is_zero() { Err(MoneyError::NotPositive) } else { Ok(capital) }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ShareError {
    #[error("must be a decimal number such as 0.02: digits and one point, no sign, exponent or space")]
    NotADecimal,
    #[error("must have at most {SHARE_DECIMALS_MAX} decimals")]
    TooManyDecimals,
    #[error("must be greater than 0 and at most 1")]
    OutOfRange,
}

/// The door for a share of the whole: more than nothing, and not more than all of it.
pub fn share(text: &str) -> Result<Decimal, ShareError> {
    let (_, decimals) = plain_decimal(text).map_err(|error| match error {
        MoneyError::TooManyDigits => ShareError::OutOfRange,
        _ => ShareError::NotADecimal,
    })?;
    if decimals.len() > SHARE_DECIMALS_MAX as usize {
        return Err(ShareError::TooManyDecimals);
    }
    let share = Decimal::from_str_exact(text).map_err(|_| ShareError::OutOfRange)?;
    let is_share = share > Decimal::ZERO && share <= Decimal::ONE;
    if is_share { Ok(share) } else { Err(ShareError::OutOfRange) }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be a name of the IANA time zone database such as Europe/Kyiv, or UTC")]
pub struct UnknownTimezone;

/// The door for a time zone. Names are written as the database writes them.
pub fn timezone(name: &str) -> Result<String, UnknownTimezone> {
    let is_known = TIMEZONES.lines().any(|known| known == name);
    if is_known { Ok(name.to_owned()) } else { Err(UnknownTimezone) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Zone;

    #[test]
    fn a_share_is_more_than_nothing_and_at_most_all() {
        for (text, kept) in [("0.02", "0.02"), ("1", "1"), ("1.000000", "1.000000"), ("0.000001", "0.000001")]
        {
            assert_eq!(share(text).map(|share| share.to_string()), Ok(kept.to_owned()));
        }
        for (text, error) in [
            ("0", ShareError::OutOfRange),
            ("0.0", ShareError::OutOfRange),
            ("1.000001", ShareError::OutOfRange),
            ("2", ShareError::OutOfRange),
            ("99999999999999999999999999999999999999", ShareError::OutOfRange),
            ("0.0000001", ShareError::TooManyDecimals),
            ("-0.1", ShareError::NotADecimal),
            ("1e-2", ShareError::NotADecimal),
            (".5", ShareError::NotADecimal),
            ("", ShareError::NotADecimal),
        ] {
            assert_eq!(share(text), Err(error), "{text:?}");
        }
    }

    #[test]
    fn capital_is_kept_to_the_last_digit() {
        let most = "9".repeat(28);
        assert_eq!(capital(&most).map(|capital| capital.to_string()), Ok(most.clone()));
        assert_eq!(capital("0.1000").map(|capital| capital.to_string()), Ok("0.1000".to_owned()));
        assert_eq!(capital(&format!("{most}9")), Err(MoneyError::TooManyDigits));
        assert_eq!(capital("0.00"), Err(MoneyError::NotPositive));
        for bad in ["-1", "1e5", "", "1.", "0x10", " 1", "1,000"] {
            assert_eq!(capital(bad), Err(MoneyError::NotADecimal), "{bad:?}");
        }
    }

    #[test]
    fn capital_fits_the_currency_it_would_be_in() {
        let before = Preferences::default();
        let fine = Some(capital("10.123456").unwrap());
        let fine = before.changed(PreferencesChange { default_capital: fine, ..Default::default() }).unwrap();
        let currency = Currency::USD;
        let in_usd = PreferencesChange { default_currency: Some(currency), ..Default::default() };
        assert_eq!(fine.changed(in_usd.clone()), Err(UserRefusal::CapitalTooFine { currency }));
        let both = PreferencesChange { default_capital: Some(capital("10.12").unwrap()), ..in_usd.clone() };
        assert_eq!(fine.changed(both).map(|after| after.default_currency), Ok(currency));
        let most = PreferencesChange { default_capital: Some(capital(&"9".repeat(28)).unwrap()), ..in_usd };
        assert_eq!(before.changed(most), Err(UserRefusal::CapitalTooLarge { currency }));
    }

    #[test]
    fn what_is_left_out_stays_or_falls_back() {
        let dark = PreferencesChange { theme: Some(Theme::Dark), ..Default::default() };
        let before = Preferences { locale: Locale::Uk, ..Preferences::default() };
        let patched = before.changed(dark.clone()).unwrap();
        assert_eq!((patched.theme, patched.locale), (Theme::Dark, Locale::Uk));
        let put = before.changed(dark.or_defaults()).unwrap();
        assert_eq!(put, Preferences { theme: Theme::Dark, ..Preferences::default() });
    }

    #[test]
    fn time_zones_go_by_their_names() {
        let names: Vec<&str> = TIMEZONES.lines().collect();
        assert!(names.len() > 400 && names.is_sorted());
        assert!(names.iter().all(|name| Zone::named(name).is_ok()));
        for known in ["UTC", "Europe/Kyiv", "Asia/Kolkata", "America/Argentina/Buenos_Aires"] {
            assert_eq!(timezone(known).as_deref(), Ok(known));
        }
        for unknown in
            ["", "utc", "Europe/Atlantis", "EST5EDT", "Etc/GMT+5", "UTC\nEurope/Kyiv", "Europe/Kyiv "]
        {
            assert_eq!(timezone(unknown), Err(UnknownTimezone), "{unknown:?}");
        }
    }
}
