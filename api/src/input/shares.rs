//! Shares of a whole by asset: `{"BTC": "0.5", "USDT": "0.5"}`.
//!
//! Each is read from its characters, as a string or a JSON number. Nothing is overwritten in silence: an asset that stands
//! twice, in whatever spelling, is a flaw.

use super::check::{Check, Raw};
use crate::problem::Flaw;
use domain::Currency;
use domain::trading::{TARGET_DECIMALS_MAX, TARGETS_MAX, Targets, TargetsError};
use domain::user::preferences::{ShareError, share};
use rust_decimal::Decimal;
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;
use std::collections::BTreeMap;
use std::fmt;

/// The pairs of an object in their order, those that stand twice, too.
struct Pairs<'a>(Vec<(String, &'a RawValue)>);

impl<'de> Deserialize<'de> for Pairs<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Read;

        impl<'de> Visitor<'de> for Read {
            type Value = Pairs<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Pairs<'de>, M::Error> {
                let mut pairs = Vec::new();
                while let Some(pair) = map.next_entry()? {
                    pairs.push(pair);
                }
                Ok(Pairs(pairs))
            }
        }

        deserializer.deserialize_map(Read)
    }
}

impl Check {
    /// Shares that may be missing or null.
    pub(crate) fn targets(&mut self, pointer: &'static str, raw: Raw<'_>) -> Option<Targets> {
        let raw = raw.filter(|raw| raw.get() != "null")?;
        let Ok(Pairs(pairs)) = serde_json::from_str::<Pairs<'_>>(raw.get()) else {
            self.flaw(pointer, Flaw::NotShares);
            return None;
        };
        // Before any of them is looked at: an answer names a bounded number of flaws.
        if pairs.len() > TARGETS_MAX {
            self.flaw(pointer, TargetsError::TooMany.into());
            return None;
        }
        let mut shares = BTreeMap::new();
        let mut is_whole = true;
        for (name, raw) in pairs {
            let read = Currency::parse(&name).map_err(Flaw::from).and_then(|asset| Ok((asset, one(raw)?)));
            let flaw = match read {
                Ok((asset, share)) => shares.insert(asset, share).map(|_| Flaw::AssetRepeated { asset }),
                Err(flaw) => Some(flaw),
            };
            if let Some(flaw) = flaw {
                is_whole = false;
                self.flaw(at(pointer, &name), flaw);
            }
        }
        if is_whole { self.take(pointer, Targets::new(shares)) } else { None }
    }
}

/// Where one asset stands: a name is written as JSON pointers write it.
pub(crate) fn at(pointer: &str, name: &str) -> String {
    format!("{pointer}/{}", name.replace('~', "~0").replace('/', "~1"))
}

fn one(raw: &RawValue) -> Result<Decimal, Flaw> {
    let json = raw.get();
    let is_number = json.starts_with(|first: char| first.is_ascii_digit() || first == '-');
    let text = if is_number { json.into() } else { super::check::text_of(raw)? };
    match share(&text) {
        // Nothing at all is a share here.
        Err(ShareError::OutOfRange) if text.bytes().all(|b| matches!(b, b'0' | b'.')) => Ok(Decimal::ZERO),
        read => Ok(read?),
    }
}

impl From<TargetsError> for Flaw {
    fn from(error: TargetsError) -> Self {
        match error {
            TargetsError::Empty => Self::NoAssets,
            TargetsError::TooMany => Self::TooManyAssets { max: TARGETS_MAX },
            TargetsError::NotAShare => Self::SharesOutOfRange { decimals: TARGET_DECIMALS_MAX },
            TargetsError::NotOne { sum } => Self::NotOne { sum: sum.to_string() },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::problem::{FieldCode, Problem};

    fn read(json: &str) -> Result<String, Problem> {
        let raw: Box<RawValue> = serde_json::from_str(json).unwrap();
        let mut check = Check::default();
        let targets = check.targets("/targets", Some(&raw));
        check.finish().map(|()| serde_json::to_string(&targets).unwrap())
    }

    fn refused(json: &str) -> Vec<(String, FieldCode)> {
        let raw: Box<RawValue> = serde_json::from_str(json).unwrap();
        let mut check = Check::default();
        assert!(check.targets("/targets", Some(&raw)).is_none(), "{json}");
        check.errors().iter().map(|error| (error.pointer.to_string(), error.flaw.code())).collect()
    }

    #[test]
    fn shares_are_read_to_the_last_digit_however_they_are_written() {
        for json in [
            r#"{"BTC":"0.1","USDT":"0.9"}"#,
            r#"{"btc":0.1,"usdt":0.90}"#,
            r#"{ "USDT": "0.9", "BTC": 0.100000 }"#,
        ] {
            assert_eq!(read(json).unwrap(), r#"{"BTC":"0.1","USDT":"0.9"}"#);
        }
        assert_eq!(read(r#"{"BTC":0,"ETH":"0.0","USDT":1}"#).unwrap(), r#"{"BTC":"0","ETH":"0","USDT":"1"}"#);
        assert_eq!(read("null").unwrap(), "null");
    }

    #[test]
    fn each_flaw_is_said_where_it_stands() {
        for (json, pointer, code) in [
            ("[]", "/targets", FieldCode::WrongType),
            ("\"BTC\"", "/targets", FieldCode::WrongType),
            ("{}", "/targets", FieldCode::Empty),
            (r#"{"BTC":"0.5"}"#, "/targets", FieldCode::NotOne),
            (r#"{"BTC":"0.5","USDT":"0.6"}"#, "/targets", FieldCode::NotOne),
            (r#"{"BTC":1.5}"#, "/targets/BTC", FieldCode::OutOfRange),
            (r#"{"BTC":-1}"#, "/targets/BTC", FieldCode::NotADecimal),
            (r#"{"BTC":1e0}"#, "/targets/BTC", FieldCode::NotADecimal),
            (r#"{"BTC":"NaN"}"#, "/targets/BTC", FieldCode::NotADecimal),
            (r#"{"BTC":""}"#, "/targets/BTC", FieldCode::NotADecimal),
            (r#"{"BTC":true}"#, "/targets/BTC", FieldCode::WrongType),
            (r#"{"BTC":null}"#, "/targets/BTC", FieldCode::WrongType),
            (r#"{"BTC":"0.1234567"}"#, "/targets/BTC", FieldCode::TooManyDecimals),
            (r#"{"no~such/thing":1}"#, "/targets/no~0such~1thing", FieldCode::UnknownCurrency),
            (r#"{"BTC":0.5,"btc":0.5}"#, "/targets/btc", FieldCode::Repeated),
        ] {
            assert_eq!(refused(json), [(pointer.to_owned(), code)], "{json}");
        }
        let many: String = (0..21).fold(String::new(), |many, n| many + &format!("\"X{n}\":0,"));
        assert_eq!(refused(&format!("{{{many}\"USDT\":1}}")), [("/targets".to_owned(), FieldCode::TooLong)]);
    }
}
