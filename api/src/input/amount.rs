//! An amount of money, from the raw text of the JSON value: `"12.34"`, or `12` without quotes.
//!
//! A number with a point or an exponent is refused even where it could be read: its sender holds it in a float.

use super::check::text_of;
use crate::problem::Flaw;
use domain::{Currency, Money, MoneyError};
use serde_json::value::RawValue;

pub(super) fn parse(raw: &RawValue, currency: Currency) -> Result<Money, Flaw> {
    let json = raw.get();
    let is_number = json.starts_with(|first: char| first.is_ascii_digit() || first == '-');
    if !is_number {
        return Ok(Money::parse(&text_of(raw)?, currency)?);
    }
    if json.contains(['.', 'e', 'E']) {
        return Err(Flaw::BareDecimal);
    }
    Ok(Money::parse(json, currency)?)
}

impl From<MoneyError> for Flaw {
    fn from(error: MoneyError) -> Self {
        match error {
            MoneyError::NotADecimal | MoneyError::ScalesDiffer => Self::NotADecimal { example: "\"12.34\"" },
            MoneyError::TooManyDigits => Self::TooManyDigits { max: Money::DIGITS_MAX },
            MoneyError::TooManyDecimals { currency, scale } => Self::TooManyDecimalsIn { currency, scale },
            MoneyError::NotPositive => Self::NotPositive,
            MoneyError::TooLarge => Self::TooLarge,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::problem::FieldCode;

    fn usd(json: &str) -> Result<String, FieldCode> {
        let raw: Box<RawValue> = serde_json::from_str(json).unwrap();
        parse(&raw, Currency::USD).map(|money| money.to_string()).map_err(|flaw| flaw.code())
    }

    #[test]
    fn a_string_is_read_to_the_last_digit() {
        assert_eq!(usd("\"12.34\""), Ok("12.34".to_owned()));
        assert_eq!(usd("\"5\""), Ok("5.00".to_owned()));
        assert_eq!(usd("\"12.345\""), Err(FieldCode::TooManyDecimals));
    }

    #[test]
    fn a_number_must_be_an_integer() {
        assert_eq!(usd("12"), Ok("12.00".to_owned()));
        for float in ["12.5", "12.0", "1e3", "1E3", "1.2e1"] {
            assert_eq!(usd(float), Err(FieldCode::NotAnInteger), "{float}");
        }
    }

    #[test]
    fn what_is_no_amount_is_refused() {
        assert_eq!(usd("\"0\""), Err(FieldCode::NotPositive));
        assert_eq!(usd("0"), Err(FieldCode::NotPositive));
        for text in
            ["\"-1\"", "\"+1\"", "\"1e3\"", "\" 1\"", "\"1_000\"", "\"\"", "-1", "\"0x10\"", "\"NaN\""]
        {
            assert_eq!(usd(text), Err(FieldCode::NotADecimal), "{text}");
        }
        for other in ["true", "[]", "{}"] {
            assert_eq!(usd(other), Err(FieldCode::WrongType), "{other}");
        }
        let forty = "1234567890".repeat(4);
        assert_eq!(usd(&forty), Err(FieldCode::TooManyDigits));
        assert_eq!(usd(&format!("\"{forty}\"")), Err(FieldCode::TooManyDigits));
    }
}
