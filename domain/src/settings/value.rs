//! JSON with exact numbers.
//!
//! A number is read from its own text and written as its own text; no float is ever made of it, so what comes out is what
//! went in. It is kept without trailing zeros: one way to write each number.

use rust_decimal::Decimal;
use serde::de::{self, Deserializer, MapAccess, Visitor};
use serde::ser::{SerializeMap, SerializeSeq, Serializer};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::collections::BTreeMap;
use std::fmt;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    Nothing,
    Switch(bool),
    Number(Decimal),
    /// A number that is larger than any decimal: valid JSON, and no setting.
    Beyond,
    /// A number with more digits than any decimal has; it is no integer.
    TooFine,
    Text(String),
    List(Vec<Value>),
    Map(BTreeMap<String, Value>),
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unreadable(String);

impl Value {
    pub fn parse(json: &str) -> Result<Self, Unreadable> {
        let raw: &RawValue = serde_json::from_str(json).map_err(|error| Unreadable(error.to_string()))?;
        read(raw).map_err(|error| Unreadable(error.to_string()))
    }

    pub fn text(text: &str) -> Self {
        Self::Text(text.to_owned())
    }

    pub const fn as_map(&self) -> Option<&BTreeMap<String, Self>> {
        if let Self::Map(map) = self { Some(map) } else { None }
    }

    pub const fn as_text(&self) -> Option<&str> {
        if let Self::Text(text) = self { Some(text.as_str()) } else { None }
    }

    pub const fn as_number(&self) -> Option<Decimal> {
        if let Self::Number(number) = self { Some(*number) } else { None }
    }

    pub const fn is_nothing(&self) -> bool {
        matches!(self, Self::Nothing)
    }
}

fn read(raw: &RawValue) -> Result<Value, serde_json::Error> {
    let text = raw.get();
    Ok(match text.as_bytes().first() {
        Some(b'n') => Value::Nothing,
        Some(b't') => Value::Switch(true),
        Some(b'f') => Value::Switch(false),
        Some(b'"') => Value::Text(serde_json::from_str(text)?),
        Some(b'[') => {
            let items: Vec<&RawValue> = serde_json::from_str(text)?;
            Value::List(items.into_iter().map(read).collect::<Result<_, _>>()?)
        }
        Some(b'{') => {
            let Members(members) = serde_json::from_str(text)?;
            let read = |(name, raw): (String, &RawValue)| Ok((name, read(raw)?));
            Value::Map(members.into_iter().map(read).collect::<Result<_, serde_json::Error>>()?)
        }
        _ => number(text),
    })
}

/// Whatever has as many, before and after the point together, is a decimal.
const DIGITS_MAX: i64 = 28;

/// A number as JSON writes it, digit by digit: it is never rounded to one that can be held.
pub(super) fn number(text: &str) -> Value {
    let (unsigned, is_negative) = text.strip_prefix('-').map_or((text, false), |rest| (rest, true));
    let (base, exponent) = unsigned.split_once(['e', 'E']).unwrap_or((unsigned, "0"));
    let (whole, fraction) = base.split_once('.').unwrap_or((base, ""));
    let all = format!("{whole}{fraction}");
    let significant = all.trim_start_matches('0');
    let digits = significant.trim_end_matches('0');
    if digits.is_empty() {
        return Value::Number(Decimal::ZERO);
    }
    // It is `digits` times ten to the power of:
    let power = power(exponent) + length(significant) - length(digits) - length(fraction);
    if power + length(digits) > DIGITS_MAX {
        return Value::Beyond;
    }
    let zeros = "0".repeat(usize::try_from(power).unwrap_or(0));
    let mantissa = format!("{digits}{zeros}")
        .parse()
        .map(|mantissa: i128| if is_negative { -mantissa } else { mantissa });
    let scale = u32::try_from((-power).max(0)).unwrap_or(u32::MAX);
    match mantissa.map(|mantissa| Decimal::try_from_i128_with_scale(mantissa, scale)) {
        Ok(Ok(number)) if length(digits) <= DIGITS_MAX => Value::Number(number),
        _ => Value::TooFine,
    }
}

fn length(text: &str) -> i64 {
    i64::try_from(text.len()).unwrap_or(i64::MAX)
}

/// Beyond what any other number makes up for, it is all the same.
fn power(exponent: &str) -> i64 {
    const FAR: i64 = 1 << 40;
    let beyond = if exponent.starts_with('-') { -FAR } else { FAR };
    exponent.parse().map_or(beyond, |power: i64| power.clamp(-FAR, FAR))
}

/// An object of which no member stands twice: of two, one would be read and nobody knows which.
struct Members<'a>(BTreeMap<String, &'a RawValue>);

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;

        impl<'de> Visitor<'de> for Reader {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members<'de>, A::Error> {
                let mut members = BTreeMap::new();
                while let Some((name, value)) = map.next_entry::<String, &RawValue>()? {
                    if members.contains_key(&name) {
                        return Err(de::Error::custom(format_args!("duplicate field `{name}`")));
                    }
                    members.insert(name, value);
                }
                Ok(Members(members))
            }
        }

        deserializer.deserialize_map(Reader)
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        read(&raw).map_err(de::Error::custom)
    }
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Nothing => serializer.serialize_unit(),
            Self::Switch(on) => serializer.serialize_bool(*on),
            Self::Number(number) => raw(number.to_string())?.serialize(serializer),
            // Any that cannot be held will do: it is refused wherever it comes to.
            Self::Beyond => raw("1e999".to_owned())?.serialize(serializer),
            Self::TooFine => raw("1e-999".to_owned())?.serialize(serializer),
            Self::Text(text) => serializer.serialize_str(text),
            Self::List(items) => {
                let mut list = serializer.serialize_seq(Some(items.len()))?;
                for item in items {
                    list.serialize_element(item)?;
                }
                list.end()
            }
            Self::Map(members) => {
                let mut map = serializer.serialize_map(Some(members.len()))?;
                for (name, value) in members {
                    map.serialize_entry(name, value)?;
                }
                map.end()
            }
        }
    }
}

fn raw<E: serde::ser::Error>(text: String) -> Result<Box<RawValue>, E> {
    RawValue::from_string(text).map_err(|error| E::custom(error.to_string()))
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&serde_json::to_string(self).map_err(|_| fmt::Error)?)
    }
}
