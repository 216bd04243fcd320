//! Values that are not texts: decimals, integers, switches.
//!
//! A decimal is read from its characters, whether it came as a number or in quotes, so that it is the one that was written.

use super::check::{Check, Raw, text_of};
use super::query::{number, out_of};
use crate::problem::Flaw;
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::fmt::Display;
use std::ops::RangeInclusive;
use std::str::FromStr;

impl Check {
    /// A decimal that may be missing or null: a JSON number, or a string.
    pub(crate) fn decimal<T, E: Into<Flaw>>(
        &mut self,
        pointer: &'static str,
        raw: Raw<'_>,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        let digits = self.take(pointer, digits_of(present(raw)?))?;
        self.take(pointer, parse(&digits))
    }

    /// The same for money: its decimals stand in quotes, because who sends them bare holds them in a float.
    pub(crate) fn money<T, E: Into<Flaw>>(
        &mut self,
        pointer: &'static str,
        raw: Raw<'_>,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        let raw = present(raw)?;
        if is_number(raw) && raw.get().contains(['.', 'e', 'E']) {
            self.flaw(pointer, Flaw::BareDecimal);
            return None;
        }
        self.decimal(pointer, Some(raw), parse)
    }

    /// A JSON number without a point that may be missing or null.
    pub(crate) fn integer<N: FromStr + PartialOrd + Display>(
        &mut self,
        pointer: &'static str,
        raw: Raw<'_>,
        range: RangeInclusive<N>,
    ) -> Option<N> {
        let raw = present(raw)?;
        if !is_number(raw) {
            self.flaw(pointer, Flaw::NotANumber);
            return None;
        }
        self.take(pointer, integer(raw.get(), range))
    }

    /// True or false, or nothing.
    pub(crate) fn switch(&mut self, pointer: &'static str, raw: Raw<'_>) -> Option<bool> {
        match present(raw)?.get() {
            "true" => Some(true),
            "false" => Some(false),
            _ => {
                self.flaw(pointer, Flaw::NotASwitch);
                None
            }
        }
    }
}

/// However large: what is an integer and fits nowhere is out of range.
fn integer<N: FromStr + PartialOrd + Display>(text: &str, range: RangeInclusive<N>) -> Result<N, Flaw> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    if digits.bytes().all(|b| b.is_ascii_digit()) && text.parse::<N>().is_err() {
        return Err(out_of(&range));
    }
    number(text, range)
}

fn present(raw: Raw<'_>) -> Raw<'_> {
    raw.filter(|raw| raw.get() != "null")
}

fn is_number(raw: &RawValue) -> bool {
    raw.get().starts_with(|first: char| first.is_ascii_digit() || first == '-')
}

fn digits_of(raw: &RawValue) -> Result<Cow<'_, str>, Flaw> {
    if is_number(raw) { Ok(Cow::Borrowed(raw.get())) } else { text_of(raw) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::user::preferences::{capital, share};

    fn asked<T>(json: &str, ask: impl FnOnce(&mut Check, Raw<'_>) -> Option<T>) -> Result<Option<T>, String> {
        let raw: Box<RawValue> = serde_json::from_str(json).unwrap();
        let mut check = Check::default();
        let value = ask(&mut check, Some(&raw));
        check.finish().map(|()| value).map_err(|problem| format!("{problem:?}"))
    }

    #[test]
    fn a_decimal_is_the_one_that_was_written() {
        let kept = |json| {
            let share = asked(json, |check, raw| check.decimal("/x", raw, share));
            share.map(|share| share.map(|share| share.to_string()))
        };
        assert_eq!(kept("0.1"), Ok(Some("0.1".to_owned())));
        assert_eq!(kept("\"0.100\""), Ok(Some("0.100".to_owned())));
        assert_eq!(kept("null"), Ok(None));
        for bad in ["1e-2", "-0.1", "0.0000001", "0", "1.1", "true", "[]", "{}", "\"\"", "\" 0.1\""] {
            assert!(kept(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn money_with_decimals_stands_in_quotes() {
        let kept = |json| {
            let capital = asked(json, |check, raw| check.money("/x", raw, capital));
            capital.map(|capital| capital.map(|capital| capital.to_string()))
        };
        assert_eq!(kept("1000"), Ok(Some("1000".to_owned())));
        assert_eq!(kept("\"10.50\""), Ok(Some("10.50".to_owned())));
        for bad in ["10.5", "1e3", "1E3", "-1", "0", "false"] {
            assert!(kept(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn an_integer_has_no_point_and_stays_in_its_range() {
        let kept = |json| asked(json, |check, raw| check.integer("/x", raw, 60..=604_800_u32));
        assert_eq!(kept("60"), Ok(Some(60)));
        for out in ["59", "604801", "-60", "99999999999999999999"] {
            assert!(kept(out).unwrap_err().contains("OutOfRange"), "{out}");
        }
        for bad in ["60.0", "6e1", "\"60\"", "true"] {
            assert!(kept(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_switch_is_on_or_off() {
        let kept = |json| asked(json, |check, raw| check.switch("/x", raw));
        assert_eq!(kept("true"), Ok(Some(true)));
        assert_eq!(kept("false"), Ok(Some(false)));
        for bad in ["1", "\"true\"", "0", "{}"] {
            assert!(kept(bad).is_err(), "{bad}");
        }
    }
}
