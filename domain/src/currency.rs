//! Currencies and how many decimals each has: a table, because a scale must never change once money exists in it.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::fmt;
use std::str::FromStr;
use std::sync::OnceLock;

/// No asset needs more, and 18 decimals leave ten digits for the whole part.
const SCALE_MAX: u8 = 18;
const CODE_MAX: usize = 10;

/// ISO 4217 (national currencies and funds with a minor unit) and common crypto assets, sorted by code. A code that ISO
/// withdraws stays: money of it may exist.
#[rustfmt::skip]
const TABLE: &[(&str, u8)] = &[
    ("AAVE", 18), ("ADA", 6), ("AED", 2), ("AFN", 2), ("ALGO", 6), ("ALL", 2), ("AMD", 2), ("AOA", 2), ("APT", 8),
    ("ARB", 18), ("ARS", 2), ("ATOM", 6), ("AUD", 2), ("AVAX", 18), ("AWG", 2), ("AZN", 2), ("BAM", 2), ("BBD", 2),
    ("BCH", 8), ("BDT", 2), ("BGN", 2), ("BHD", 3), ("BIF", 0), ("BMD", 2), ("BNB", 18), ("BND", 2), ("BOB", 2),
    ("BOV", 2), ("BRL", 2), ("BSD", 2), ("BTC", 8), ("BTN", 2), ("BUSD", 18), ("BWP", 2), ("BYN", 2), ("BZD", 2),
    ("CAD", 2), ("CDF", 2), ("CHE", 2), ("CHF", 2), ("CHW", 2), ("CLF", 4), ("CLP", 0), ("CNY", 2), ("COP", 2),
    ("COU", 2), ("CRC", 2), ("CREDITS", 0), ("CUP", 2), ("CVE", 2), ("CZK", 2), ("DAI", 18), ("DJF", 0), ("DKK", 2),
    ("DOGE", 8), ("DOP", 2), ("DOT", 10), ("DZD", 2), ("EGP", 2), ("ERN", 2), ("ETB", 2), ("ETC", 18), ("ETH", 18),
    ("EUR", 2), ("FIL", 18), ("FJD", 2), ("FKP", 2), ("GBP", 2), ("GEL", 2), ("GHS", 2), ("GIP", 2), ("GMD", 2),
    ("GNF", 0), ("GTQ", 2), ("GYD", 2), ("HKD", 2), ("HNL", 2), ("HTG", 2), ("HUF", 2), ("IDR", 2), ("ILS", 2),
    ("INR", 2), ("IQD", 3), ("IRR", 2), ("ISK", 0), ("JMD", 2), ("JOD", 3), ("JPY", 0), ("KES", 2), ("KGS", 2),
    ("KHR", 2), ("KMF", 0), ("KPW", 2), ("KRW", 0), ("KWD", 3), ("KYD", 2), ("KZT", 2), ("LAK", 2), ("LBP", 2),
    ("LINK", 18), ("LKR", 2), ("LRD", 2), ("LSL", 2), ("LTC", 8), ("LYD", 3), ("MAD", 2), ("MATIC", 18), ("MDL", 2),
    ("MGA", 2), ("MKD", 2), ("MMK", 2), ("MNT", 2), ("MOP", 2), ("MRU", 2), ("MUR", 2), ("MVR", 2), ("MWK", 2),
    ("MXN", 2), ("MXV", 2), ("MYR", 2), ("MZN", 2), ("NAD", 2), ("NEAR", 18), ("NGN", 2), ("NIO", 2), ("NOK", 2),
    ("NPR", 2), ("NZD", 2), ("OMR", 3), ("OP", 18), ("PAB", 2), ("PEN", 2), ("PGK", 2), ("PHP", 2), ("PKR", 2),
    ("PLN", 2), ("POL", 18), ("PYG", 0), ("QAR", 2), ("RON", 2), ("RSD", 2), ("RUB", 2), ("RWF", 0), ("SAR", 2),
    ("SBD", 2), ("SCR", 2), ("SDG", 2), ("SEK", 2), ("SGD", 2), ("SHIB", 18), ("SHP", 2), ("SLE", 2), ("SOL", 9),
    ("SOS", 2), ("SRD", 2), ("SSP", 2), ("STN", 2), ("SUI", 9), ("SVC", 2), ("SYP", 2), ("SZL", 2), ("THB", 2),
    ("TJS", 2), ("TMT", 2), ("TND", 3), ("TON", 9), ("TOP", 2), ("TRX", 6), ("TRY", 2), ("TTD", 2), ("TWD", 2),
    ("TZS", 2), ("UAH", 2), ("UGX", 0), ("UNI", 18), ("USD", 2), ("USDC", 6), ("USDT", 6), ("USN", 2), ("UYI", 0),
    ("UYU", 2), ("UYW", 4), ("UZS", 2), ("VED", 2), ("VES", 2), ("VND", 0), ("VUV", 0), ("WST", 2), ("XAF", 0),
    ("XCD", 2), ("XCG", 2), ("XLM", 7), ("XMR", 12), ("XOF", 0), ("XPF", 0), ("XRP", 6), ("YER", 2), ("ZAR", 2),
    ("ZEC", 8), ("ZMW", 2), ("ZWG", 2),
];

static ADDED: OnceLock<Vec<(&'static str, u8)>> = OnceLock::new();

/// A currency of the table: its code and its number of decimals.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
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
    #[error("the currency table was extended already, by others")]
    ExtendedTwice,
}

impl Currency {
    pub const USD: Self = Self { code: "USD", scale: 2 };
    pub const USDT: Self = Self { code: "USDT", scale: 6 };

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

    /// Adds currencies of one's own, before anything is read; saying the same again changes nothing. What is in the table
    /// already cannot be redefined.
    pub fn extend(definitions: &[(String, u8)]) -> Result<(), CurrencyError> {
        let mut added: Vec<(&'static str, u8)> = Vec::with_capacity(definitions.len());
        for (code, scale) in definitions {
            let well_formed = (2..=CODE_MAX).contains(&code.len())
                && code.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
                && *scale <= SCALE_MAX
                && TABLE.iter().chain(&added).all(|entry| entry.0 != code);
            if !well_formed {
                return Err(CurrencyError::BadDefinition { code: code.clone() });
            }
            added.push((&*Box::leak(code.clone().into_boxed_str()), *scale));
        }
        if *ADDED.get_or_init(|| added.clone()) == added { Ok(()) } else { Err(CurrencyError::ExtendedTwice) }
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
    fn exponents_are_those_of_iso_4217() {
        let of = |scale: u8| TABLE.iter().filter(move |entry| entry.0.len() == 3 && entry.1 == scale);
        let codes = |scale| of(scale).map(|entry| entry.0).collect::<Vec<_>>().join(" ");
        assert_eq!(codes(0), "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF");
        assert_eq!(codes(3), "BHD IQD JOD KWD LYD OMR TND");
        assert_eq!(of(2).count(), 139);
        assert_eq!(Currency::parse("CLF").map(Currency::scale), Ok(4));
        assert_eq!(Currency::parse("UYW").map(Currency::scale), Ok(4));
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
        let own = |code: &str, scale| (code.to_owned(), scale);
        for bad in [
            vec![own("USD", 3)],
            vec![own("XYZ", 6), own("XYZ", 8)],
            vec![own("X", 2)],
            vec![own("xyz", 2)],
            vec![own("XYZ", 19)],
        ] {
            assert!(matches!(Currency::extend(&bad), Err(CurrencyError::BadDefinition { .. })), "{bad:?}");
        }
    }
}
