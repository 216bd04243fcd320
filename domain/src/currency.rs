//! Currencies and how many decimals each has: a table, because a scale must never change once money exists in it.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::fmt;
use std::str::FromStr;
use std::sync::OnceLock;

/// No asset needs more, and 18 decimals leave ten digits for the whole part.
const SCALE_MAX: u8 = 18;
const CODE_MAX: usize = 10;

/// ISO 4217 and common crypto assets, sorted by code.
#[rustfmt::skip]
const TABLE: &[(&str, u8)] = &[
    ("AAVE", 18), ("ADA", 6), ("AED", 2), ("ALGO", 6), ("APT", 8), ("ARB", 18), ("ARS", 2), ("ATOM", 6), ("AUD", 2),
    ("AVAX", 18), ("BCH", 8), ("BGN", 2), ("BHD", 3), ("BNB", 18), ("BRL", 2), ("BTC", 8), ("BUSD", 18), ("CAD", 2),
    ("CHF", 2), ("CLP", 0), ("CNY", 2), ("COP", 2), ("CREDITS", 0), ("CZK", 2), ("DAI", 18), ("DKK", 2), ("DOGE", 8),
    ("DOT", 10), ("EGP", 2), ("ETC", 18), ("ETH", 18), ("EUR", 2), ("FIL", 18), ("GBP", 2), ("GEL", 2), ("HKD", 2),
    ("HUF", 2), ("IDR", 2), ("ILS", 2), ("INR", 2), ("ISK", 0), ("JOD", 3), ("JPY", 0), ("KRW", 0), ("KWD", 3),
    ("KZT", 2), ("LINK", 18), ("LTC", 8), ("MATIC", 18), ("MXN", 2), ("MYR", 2), ("NEAR", 18), ("NGN", 2), ("NOK", 2),
    ("NZD", 2), ("OMR", 3), ("OP", 18), ("PEN", 2), ("PHP", 2), ("PLN", 2), ("POL", 18), ("QAR", 2), ("RON", 2),
    ("RSD", 2), ("SAR", 2), ("SEK", 2), ("SGD", 2), ("SHIB", 18), ("SOL", 9), ("SUI", 9), ("THB", 2), ("TND", 3),
    ("TON", 9), ("TRX", 6), ("TRY", 2), ("TWD", 2), ("UAH", 2), ("UNI", 18), ("USD", 2), ("USDC", 6), ("USDT", 6),
    ("UYU", 2), ("VND", 0), ("XAF", 0), ("XLM", 7), ("XMR", 12), ("XOF", 0), ("XRP", 6), ("ZAR", 2), ("ZEC", 8),
];

static ADDED: OnceLock<Vec<(&'static str, u8)>> = OnceLock::new();

/// A currency of the table: its code and its number of decimals.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Currency {
    code: &'static str,
    scale: u8,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CurrencyError {
    #[error("is not a known currency")]
    Unknown,
    #[error(
        "currency {code:?}: a code has 2 to 10 capital letters or digits, a scale at most 18, and neither may change what exists"
    )]
    BadDefinition { code: String },
    #[error("the currency table was extended already")]
    ExtendedTwice,
}

impl Currency {
    pub const USD: Self = Self { code: "USD", scale: 2 };

    pub fn parse(code: &str) -> Result<Self, CurrencyError> {
        let mut upper = [0_u8; CODE_MAX];
        let upper = upper.get_mut(..code.len()).ok_or(CurrencyError::Unknown)?;
        upper.copy_from_slice(code.as_bytes());
        upper.make_ascii_uppercase();
        let find = |entry: &&(&'static str, u8)| entry.0.as_bytes() == upper;
        let added = || ADDED.get().and_then(|added| added.iter().find(find));
        let built_in =
            TABLE.binary_search_by(|entry| entry.0.as_bytes().cmp(upper)).ok().and_then(|at| TABLE.get(at));
        let &(code, scale) = built_in.or_else(added).ok_or(CurrencyError::Unknown)?;
        Ok(Self { code, scale })
    }

    /// Adds currencies of one's own, once, before anything is read. What is in the table already cannot be redefined.
    pub fn extend(definitions: &[(String, u8)]) -> Result<(), CurrencyError> {
        let mut added = Vec::with_capacity(definitions.len());
        for (code, scale) in definitions {
            let well_formed = (2..=CODE_MAX).contains(&code.len())
                && code.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
                && *scale <= SCALE_MAX
                && TABLE.iter().all(|entry| entry.0 != code);
            if !well_formed {
                return Err(CurrencyError::BadDefinition { code: code.clone() });
            }
            added.push((&*Box::leak(code.clone().into_boxed_str()), *scale));
        }
        ADDED.set(added).map_err(|_| CurrencyError::ExtendedTwice)
    }

    pub const fn code(self) -> &'static str {
        self.code
    }

    pub const fn scale(self) -> u8 {
        self.scale
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code)
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code)
    }
}

impl FromStr for Currency {
    type Err = CurrencyError;

    fn from_str(code: &str) -> Result<Self, Self::Err> {
        Self::parse(code)
    }
}

impl Serialize for Currency {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.code)
    }
}

impl<'de> Deserialize<'de> for Currency {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let code = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        Self::parse(&code).map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_and_well_formed() {
        assert!(TABLE.windows(2).all(|pair| pair[0].0 < pair[1].0));
        assert!(TABLE.iter().all(|(code, scale)| code.len() <= CODE_MAX && *scale <= SCALE_MAX));
    }

    #[test]
    fn codes_are_found_in_any_case() {
        assert_eq!(Currency::parse("usd"), Ok(Currency::USD));
        assert_eq!(Currency::parse("Eth").map(Currency::scale), Ok(18));
        for unknown in ["", "US", "USDX", "XXXXXXXXXXXXXXXX", "ドル"] {
            assert_eq!(Currency::parse(unknown), Err(CurrencyError::Unknown), "{unknown:?}");
        }
    }

    #[test]
    fn an_existing_scale_cannot_be_changed() {
        let redefinition = [("USD".to_owned(), 3)];
        assert!(matches!(Currency::extend(&redefinition), Err(CurrencyError::BadDefinition { .. })));
    }
}
