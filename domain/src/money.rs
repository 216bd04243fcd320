//! Money: an exact number of minor units at its currency's fixed scale.
//!
//! Correct because there is one door for what comes from outside (`parse`, from the text itself, never through a
//! float), every sum is checked, two scales never meet, and the bound lies well below what `rust_decimal` can hold
//! without silently giving up decimals.

use crate::Currency;
use rust_decimal::Decimal;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::fmt;

/// Most digits an amount or a balance may have: 10²⁸ − 1 minor units. The 96-bit mantissa of a `Decimal` holds 7.9 × 10²⁸.
const DIGITS_MAX: usize = Money::DIGITS_MAX;
const MINOR_LIMIT: i128 = 10_i128.pow(28);

/// An amount in some currency. It knows its scale, not its currency: that stands once beside it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Money {
    minor: i128,
    scale: u8,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MoneyError {
    #[error("must be a decimal number such as \"12.34\": digits and one point, no sign, exponent or space")]
    NotADecimal,
    #[error("must have at most {DIGITS_MAX} digits")]
    TooManyDigits,
    #[error("must have at most {scale} decimals in {currency}")]
    TooManyDecimals { currency: Currency, scale: u8 },
    #[error("must be greater than zero")]
    NotPositive,
    #[error("is more than a wallet can hold")]
    TooLarge,
    #[error("amounts of different scales cannot be added")]
    ScalesDiffer,
}

impl Money {
    /// Of an amount or a balance, before and after the point together.
    pub const DIGITS_MAX: usize = 28;

    pub const fn zero(currency: Currency) -> Self {
        Self { minor: 0, scale: currency.scale() }
    }

    /// The door for amounts in requests: positive, plain, and no finer than the currency. Never rounds.
    pub fn parse(text: &str, currency: Currency) -> Result<Self, MoneyError> {
        let (whole, decimals) = plain_decimal(text)?;
        if decimals.len() > usize::from(currency.scale()) {
            return Err(MoneyError::TooManyDecimals { currency, scale: currency.scale() });
        }
        let mut value = Decimal::from_str_exact(text).map_err(|_| MoneyError::TooManyDigits)?;
        if value.is_zero() {
            return Err(MoneyError::NotPositive);
        }
        if whole.len() + usize::from(currency.scale()) > DIGITS_MAX {
            return Err(MoneyError::TooLarge);
        }
        value.rescale(u32::from(currency.scale()));
        Self::of(value.mantissa(), currency.scale())
    }

    /// So many minor units: cents, satoshis, wei.
    pub fn from_minor(minor: i128, currency: Currency) -> Result<Self, MoneyError> {
        Self::of(minor, currency.scale())
    }

    fn of(minor: i128, scale: u8) -> Result<Self, MoneyError> {
        if minor.abs() >= MINOR_LIMIT {
            return Err(MoneyError::TooLarge);
        }
        Ok(Self { minor, scale })
    }

    pub const fn minor(self) -> i128 {
        self.minor
    }

    pub const fn scale(self) -> u8 {
        self.scale
    }

    pub const fn is_zero(self) -> bool {
        self.minor == 0
    }

    pub const fn is_negative(self) -> bool {
        self.minor < 0
    }

    pub fn checked_add(self, other: Self) -> Result<Self, MoneyError> {
        self.combine(other, i128::checked_add)
    }

    pub fn checked_sub(self, other: Self) -> Result<Self, MoneyError> {
        self.combine(other, i128::checked_sub)
    }

    /// What is left, or nothing if there is not enough.
    pub fn take(self, amount: Self) -> Option<Self> {
        self.checked_sub(amount).ok().filter(|rest| !rest.is_negative())
    }

    fn combine(self, other: Self, op: fn(i128, i128) -> Option<i128>) -> Result<Self, MoneyError> {
        if self.scale != other.scale {
            return Err(MoneyError::ScalesDiffer);
        }
        Self::of(op(self.minor, other.minor).ok_or(MoneyError::TooLarge)?, self.scale)
    }

    /// As a `Decimal`, for prices, rates and sums across currencies.
    pub fn to_decimal(self) -> Decimal {
        // In range by construction: the bound of `of` is below the mantissa's.
        Decimal::try_from_i128_with_scale(self.minor, u32::from(self.scale)).unwrap_or_default()
    }

    /// Reads what `Display` wrote: the scale is the number of decimals written.
    fn read(text: &str) -> Result<Self, MoneyError> {
        let (sign, digits) = text.strip_prefix('-').map_or((1, text), |rest| (-1, rest));
        let (whole, decimals) = plain_decimal(digits)?;
        let scale = u8::try_from(decimals.len()).map_err(|_| MoneyError::TooManyDigits)?;
        let mut minor: i128 = 0;
        for digit in whole.bytes().chain(decimals.bytes()) {
            minor = minor * 10 + i128::from(digit - b'0');
        }
        Self::of(sign * minor, scale)
    }
}

/// The two halves of `123.45`, if that is all there is.
pub(crate) fn plain_decimal(text: &str) -> Result<(&str, &str), MoneyError> {
    let (whole, decimals) = match text.split_once('.') {
        Some((_, "")) => return Err(MoneyError::NotADecimal),
        Some(halves) => halves,
        None => (text, ""),
    };
    let digits = |half: &str| half.bytes().all(|b| b.is_ascii_digit());
    let leading_zero = whole.len() > 1 && whole.starts_with('0');
    if whole.is_empty() || leading_zero || !digits(whole) || !digits(decimals) {
        return Err(MoneyError::NotADecimal);
    }
    if whole.len() + decimals.len() > DIGITS_MAX + 1 {
        return Err(MoneyError::TooManyDigits);
    }
    Ok((whole, decimals))
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.to_decimal().fmt(f)
    }
}

impl Serialize for Money {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Money {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        Self::read(&text).map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn eth() -> Currency {
        Currency::parse("ETH").unwrap()
    }

    #[test]
    fn an_amount_is_kept_to_the_last_digit() {
        assert_eq!(Money::parse("12.34", Currency::USD).unwrap().minor(), 1234);
        assert_eq!(Money::parse("5", Currency::USD).unwrap().to_string(), "5.00");
        let wei = Money::parse("0.000000000000000001", eth()).unwrap();
        assert_eq!(wei.minor(), 1);
        assert_eq!(wei.to_string(), "0.000000000000000001");
        let odd = Money::parse("9007199254740993", Currency::parse("CREDITS").unwrap()).unwrap();
        assert_eq!(odd.to_string(), "9007199254740993", "2^53 + 1");
    }

    #[test]
    fn what_is_not_a_plain_positive_decimal_is_declined() {
        use MoneyError::{NotADecimal, NotPositive, TooManyDecimals, TooManyDigits};
        let usd = Currency::USD;
        let too_fine = TooManyDecimals { currency: usd, scale: 2 };
        for (text, error) in [
            ("12.345", too_fine),
            ("0", NotPositive),
            ("0.00", NotPositive),
            ("-1", NotADecimal),
            ("+1", NotADecimal),
            ("1e3", NotADecimal),
            (" 1", NotADecimal),
            ("", NotADecimal),
            (".5", NotADecimal),
            ("5.", NotADecimal),
            ("01", NotADecimal),
            ("1,5", NotADecimal),
            ("NaN", NotADecimal),
            ("١", NotADecimal),
            ("1234567890123456789012345678901234567890", TooManyDigits),
        ] {
            assert_eq!(Money::parse(text, usd), Err(error), "{text:?}");
        }
        assert_eq!(Money::parse("12345678901234567890123456789", usd), Err(MoneyError::TooLarge));
    }

    #[test]
    fn sums_stop_at_the_bound_instead_of_losing_digits() {
        let most = Money::from_minor(MINOR_LIMIT - 1, eth()).unwrap();
        assert_eq!(most.to_string(), "9999999999.999999999999999999");
        assert_eq!(most.checked_add(most), Err(MoneyError::TooLarge));
        assert_eq!(Money::zero(eth()).checked_add(Money::zero(Currency::USD)), Err(MoneyError::ScalesDiffer));
        assert_eq!(Money::zero(eth()).take(most), None);
    }

    proptest! {
        #[test]
        fn every_amount_reads_back_as_written(minor in -(MINOR_LIMIT - 1)..MINOR_LIMIT, scale in 0_u8..=18) {
            let money = Money { minor, scale };
            let text = serde_json::to_string(&money).unwrap();
            prop_assert_eq!(serde_json::from_str::<Money>(&text).unwrap(), money);
        }

        #[test]
        fn no_text_makes_the_door_panic(text in "\\PC{0,60}") {
            let _ = Money::parse(&text, Currency::USD);
        }

        #[test]
        fn numbers_through_the_door_are_the_numbers_written(minor in 1..MINOR_LIMIT) {
            let money = Money::from_minor(minor, Currency::USD).unwrap();
            prop_assert_eq!(Money::parse(&money.to_string(), Currency::USD), Ok(money));
        }
    }
}
