//! Whether one value can stand at its key, and how it is written there.

use super::catalogue::{Kind, notices};
use super::flaw::{Found, below};
use super::value::number;
use super::{FlawCode, Value, pairlists};
use rust_decimal::Decimal;
use std::collections::{BTreeMap, BTreeSet};

/// freqtrade reads numbers as doubles, and these are the digits that every double keeps.
const DIGITS_MAX: usize = 15;
const STAKE_MIN: &str = "0.0001";
const MOST: &str = "1000000000000";
const ASSET: std::ops::RangeInclusive<usize> = 2..=10;
const DIGITS: std::ops::RangeInclusive<usize> = 1..=20;
/// As many as one bot follows, and few enough for an event.
const PAIRS_MAX: usize = 200;
const COIN_MAX: usize = 24;
/// Steps of returns, currencies of a wallet, reasons of a notice.
const MEMBERS_MAX: usize = 50;
/// Ten years of them.
const MINUTES_MAX: i64 = 5_256_000;

pub(super) struct Checker<'a> {
    pub(super) found: &'a mut Found,
    /// Whether what has members of its own choosing is replaced instead of merged.
    pub(super) replaces: bool,
}

impl Checker<'_> {
    pub(super) fn check(
        &mut self,
        kind: Kind,
        at: &str,
        value: &Value,
        before: Option<&Value>,
    ) -> Option<Value> {
        match kind {
            Kind::Switch => match value {
                Value::Switch(_) => Some(value.clone()),
                _ => self.no(at, FlawCode::WrongType, "boolean"),
            },
            Kind::Integer(from, to) => self.integer(at, value, from, to),
            Kind::Number(from, to) => self.number(at, value, (from, true), (to, true)),
            Kind::Between(from, to) => self.number(at, value, (from, false), (to, false)),
            Kind::Choice(words) => self.choice(at, value, words),
            Kind::Asset => self.pattern(at, value, is_asset, "USDT"),
            Kind::Digits => self.pattern(at, value, is_digits, "1234"),
            Kind::Stake => match value {
                Value::Text(text) if text == "unlimited" => Some(value.clone()),
                Value::Text(text) if plain(text).is_none() => self.no(at, FlawCode::Unknown, "unlimited"),
                _ => self.number(at, value, (STAKE_MIN, true), (MOST, true)),
            },
            Kind::Wallet => match value {
                Value::Map(members) => self.members(at, members, before, |checker, at, name, value| {
                    if !is_asset(name) {
                        return checker.no(at, FlawCode::NotAPattern, "BTC");
                    }
                    checker.number(at, value, ("0", true), (MOST, true))
                }),
                _ => self.number(at, value, ("0", true), (MOST, true)),
            },
            Kind::Returns => match value {
                Value::Map(members) => self.members(at, members, before, |checker, at, name, value| {
                    if !is_minutes(name) {
                        return checker.no(at, FlawCode::NotAPattern, "30");
                    }
                    checker.number(at, value, ("-1", true), (MOST, true))
                }),
                _ => self.no(at, FlawCode::WrongType, "object"),
            },
            Kind::Notice => match value {
                Value::Map(members) => self.members(at, members, before, |checker, at, name, value| {
                    if !is_reason(name) {
                        return checker.no(at, FlawCode::NotAPattern, "stop_loss");
                    }
                    checker.choice(at, value, notices())
                }),
                _ => self.choice(at, value, notices()),
            },
            Kind::Pairs => self.pairs(at, value),
            Kind::Pairlists => pairlists::check(self, at, value),
            // Taken out before, so this is nothing that was sent.
            Kind::Sealed(_) => None,
        }
    }

    /// Notes what is wrong.
    pub(super) fn no<T>(&mut self, at: &str, code: FlawCode, expected: &'static str) -> Option<T> {
        self.found.flaw(at, code, expected);
        None
    }

    pub(super) fn choice(
        &mut self,
        at: &str,
        value: &Value,
        words: &'static [&'static str],
    ) -> Option<Value> {
        let Some(text) = value.as_text() else { return self.no(at, FlawCode::WrongType, "string") };
        if words.contains(&text) {
            return Some(value.clone());
        }
        self.found.flaw(at, FlawCode::Unknown, words.join(", "));
        None
    }

    fn pattern(
        &mut self,
        at: &str,
        value: &Value,
        is_one: fn(&str) -> bool,
        expected: &'static str,
    ) -> Option<Value> {
        match value.as_text() {
            None => self.no(at, FlawCode::WrongType, "string"),
            Some("") => self.no(at, FlawCode::Empty, ""),
            Some(text) if is_one(text) => Some(value.clone()),
            Some(_) => self.no(at, FlawCode::NotAPattern, expected),
        }
    }

    pub(super) fn integer(&mut self, at: &str, value: &Value, from: i64, to: i64) -> Option<Value> {
        match value {
            Value::Number(number) if !number.is_integer() => self.no(at, FlawCode::NotAnInteger, "integer"),
            Value::TooFine => self.no(at, FlawCode::NotAnInteger, "integer"),
            Value::Number(number) if (Decimal::from(from)..=Decimal::from(to)).contains(number) => {
                Some(value.clone())
            }
            Value::Number(_) | Value::Beyond => {
                self.found.flaw(at, FlawCode::OutOfRange, format!("{from} … {to}"));
                None
            }
            _ => self.no(at, FlawCode::WrongType, "integer"),
        }
    }

    /// A JSON number, or a decimal as a text. Each bound with whether it belongs to what may be.
    pub(super) fn number(
        &mut self,
        at: &str,
        value: &Value,
        (from, from_too): (&'static str, bool),
        (to, to_too): (&'static str, bool),
    ) -> Option<Value> {
        let value = match value {
            Value::Text(text) => match plain(text) {
                Some(number) => number,
                None => return self.no(at, FlawCode::NotADecimal, "number"),
            },
            value => value.clone(),
        };
        let bound = |text| plain(text).and_then(|bound| bound.as_number());
        let (Some(least), Some(most)) = (bound(from), bound(to)) else { return None };
        let is_inside =
            |n: Decimal| (n > least || (from_too && n == least)) && (n < most || (to_too && n == most));
        match value {
            Value::Number(number) if !is_inside(number) => self.range(at, from, to, from_too && to_too),
            Value::Beyond => self.range(at, from, to, from_too && to_too),
            Value::Number(number) if digits(number) <= DIGITS_MAX => Some(value),
            Value::Number(_) | Value::TooFine => self.no(at, FlawCode::TooManyDigits, "15"),
            _ => self.no(at, FlawCode::WrongType, "number"),
        }
    }

    fn range<T>(&mut self, at: &str, from: &str, to: &str, with_ends: bool) -> Option<T> {
        let expected = if with_ends { format!("{from} … {to}") } else { format!("{from} < … < {to}") };
        self.found.flaw(at, FlawCode::OutOfRange, expected);
        None
    }

    /// What has members of its own choosing; null takes one away.
    fn members(
        &mut self,
        at: &str,
        members: &BTreeMap<String, Value>,
        before: Option<&Value>,
        mut check: impl FnMut(&mut Self, &str, &str, &Value) -> Option<Value>,
    ) -> Option<Value> {
        let mut after = match before {
            Some(Value::Map(before)) if !self.replaces => before.clone(),
            _ => BTreeMap::new(),
        };
        let known = self.found.flaws.len();
        for (name, value) in members {
            let place = below(at, name);
            if value.is_nothing() {
                after.remove(name);
            } else if let Some(value) = check(self, &place, name, value) {
                after.insert(name.clone(), value);
            }
        }
        if self.found.flaws.len() > known {
            return None;
        }
        match after.len() {
            0 => self.no(at, FlawCode::Empty, ""),
            many if many > MEMBERS_MAX => self.no(at, FlawCode::TooLong, "50"),
            _ => Some(Value::Map(after)),
        }
    }

    fn pairs(&mut self, at: &str, value: &Value) -> Option<Value> {
        let Value::List(pairs) = value else {
            return self.no(at, FlawCode::WrongType, "array");
        };
        if pairs.len() > PAIRS_MAX {
            return self.no(at, FlawCode::TooLong, "200");
        }
        let (known, mut seen) = (self.found.flaws.len(), BTreeSet::new());
        for (index, pair) in pairs.iter().enumerate() {
            let place = format!("{at}/{index}");
            match pair.as_text() {
                None => self.found.flaw(&place, FlawCode::WrongType, "string"),
                Some(text) if !is_pair(text) => {
                    self.found.flaw(&place, FlawCode::NotAPattern, "BTC/USDT");
                }
                Some(text) if !seen.insert(text) => {
                    self.found.flaw(&place, FlawCode::Repeated, "");
                }
                Some(_) => {}
            }
        }
        (self.found.flaws.len() == known).then(|| value.clone())
    }
}

/// A plain number: no exponent, no space.
fn plain(text: &str) -> Option<Value> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
    let are_digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    (are_digits(whole) && are_digits(fraction)).then(|| number(text))
}

fn digits(number: Decimal) -> usize {
    number.normalize().mantissa().unsigned_abs().to_string().len().max(number.scale() as usize)
}

fn is_asset(text: &str) -> bool {
    ASSET.contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
}

fn is_digits(text: &str) -> bool {
    DIGITS.contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Written as everybody writes it: another spelling would be another key for the same minute.
fn is_minutes(text: &str) -> bool {
    text.parse::<i64>()
        .is_ok_and(|minutes| (0..=MINUTES_MAX).contains(&minutes) && minutes.to_string() == text)
}

fn is_reason(text: &str) -> bool {
    (1..=40).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
}

/// `BTC/USDT`, `BTC/USDT:USDT`; `.*` stands for any, as freqtrade has it.
fn is_pair(text: &str) -> bool {
    let Some((base, rest)) = text.split_once('/') else { return false };
    let (quote, settle) = rest.split_once(':').map_or((rest, None), |(quote, settle)| (quote, Some(settle)));
    is_coin(base) && is_coin(quote) && settle.is_none_or(is_coin)
}

fn is_coin(text: &str) -> bool {
    let plain = text.strip_suffix(".*").unwrap_or(text);
    !text.is_empty() && text.len() <= COIN_MAX && plain.bytes().all(|byte| byte.is_ascii_alphanumeric())
}
