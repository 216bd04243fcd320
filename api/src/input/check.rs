//! Collects what is wrong with the values of one request.
//!
//! Each value is taken from its raw JSON text, so a number never passes through a float and a value of the wrong type
//! spoils nothing but itself.

use super::amount;
use crate::problem::{FieldError, Flaw, Problem};
use commands::password::{PASSWORD_CHARS_MAX, PASSWORD_CHARS_MIN, PasswordRefusal};
use domain::{Currency, CurrencyError, Money, TextError};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use std::borrow::Cow;

/// A value as it stands in the body.
pub(crate) type Raw<'a> = Option<&'a RawValue>;

/// For a field that means one thing when it is null and another when it is left out: `deserialize_with` this.
pub(crate) fn with_null<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Raw<'de>, D::Error> {
    <&RawValue>::deserialize(deserializer).map(Some)
}

#[derive(Debug, Default)]
pub(crate) struct Check {
    /// What every pointer begins with.
    within: String,
    errors: Vec<FieldError>,
}

impl Check {
    /// For a part of a body that has pointers of its own.
    pub(crate) fn within(place: String) -> Self {
        Self { within: place, errors: Vec::new() }
    }

    pub(crate) fn flaw(&mut self, pointer: impl Into<Cow<'static, str>>, flaw: Flaw) {
        let pointer = pointer.into();
        let pointer =
            if self.within.is_empty() { pointer } else { format!("{}{pointer}", self.within).into() };
        self.errors.push(FieldError::new(pointer, flaw));
    }

    /// What is wrong with a part is wrong with the whole.
    pub(crate) fn add(&mut self, part: Self) {
        self.errors.extend(part.errors);
    }

    #[cfg(test)]
    pub(crate) fn errors(&self) -> &[FieldError] {
        &self.errors
    }

    pub(crate) fn is_clean(&self) -> bool {
        self.errors.is_empty()
    }

    /// Keeps the value, or notes what is wrong with it.
    pub(crate) fn take<T, E: Into<Flaw>>(
        &mut self,
        pointer: &'static str,
        result: Result<T, E>,
    ) -> Option<T> {
        result.map_err(|flaw| self.flaw(pointer, flaw.into())).ok()
    }

    /// A text that must be there.
    pub(crate) fn required<T, E: Into<Flaw>>(
        &mut self,
        pointer: &'static str,
        raw: Raw<'_>,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        if is_absent(raw) {
            self.missing(pointer);
        }
        self.optional(pointer, raw, parse)
    }

    /// A text that may be missing or null.
    pub(crate) fn optional<T, E: Into<Flaw>>(
        &mut self,
        pointer: &'static str,
        raw: Raw<'_>,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        let raw = raw.filter(|raw| raw.get() != "null")?;
        let text = self.take(pointer, text_of(raw))?;
        self.take(pointer, parse(&text))
    }

    /// An amount of money: a decimal string, or a JSON number that is an integer.
    pub(crate) fn amount(
        &mut self,
        pointer: &'static str,
        raw: Raw<'_>,
        currency: Currency,
    ) -> Option<Money> {
        if is_absent(raw) {
            self.missing(pointer);
        }
        self.optional_amount(pointer, raw, currency)
    }

    /// The same, where it may be missing or null.
    pub(crate) fn optional_amount(
        &mut self,
        pointer: &'static str,
        raw: Raw<'_>,
        currency: Currency,
    ) -> Option<Money> {
        let raw = raw.filter(|raw| raw.get() != "null")?;
        self.take(pointer, amount::parse(raw, currency))
    }

    /// A balance that may be missing or null: an amount, or nothing at all.
    pub(crate) fn optional_balance(
        &mut self,
        pointer: &'static str,
        raw: Raw<'_>,
        currency: Currency,
    ) -> Option<Money> {
        let raw = raw.filter(|raw| raw.get() != "null")?;
        let parsed = match amount::parse(raw, currency) {
            Err(Flaw::NotPositive) => Ok(Money::zero(currency)),
            parsed => parsed,
        };
        self.take(pointer, parsed)
    }

    pub(crate) fn missing(&mut self, pointer: &'static str) {
        self.flaw(pointer, Flaw::Required);
    }

    pub(crate) fn finish(self) -> Result<(), Problem> {
        if self.is_clean() { Ok(()) } else { Err(self.into_problem()) }
    }

    pub(crate) fn into_problem(self) -> Problem {
        Problem::validation(self.errors)
    }
}

pub(crate) fn is_absent(raw: Raw<'_>) -> bool {
    raw.is_none_or(|raw| raw.get() == "null")
}

/// The text of a JSON string. Borrowed where nothing in it is escaped.
pub(super) fn text_of(raw: &RawValue) -> Result<Cow<'_, str>, Flaw> {
    let json = raw.get();
    let plain =
        json.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).filter(|text| !text.contains('\\'));
    match plain {
        Some(text) => Ok(Cow::Borrowed(text)),
        None => serde_json::from_str::<String>(json).map(Cow::Owned).map_err(|_| Flaw::NotAString),
    }
}

impl From<TextError> for Flaw {
    fn from(error: TextError) -> Self {
        match error {
            TextError::Empty => Self::Empty,
            TextError::TooShort { min } => Self::TooShort { min },
            TextError::TooLong { max } => Self::TooLong { max },
            TextError::ControlCharacter => Self::ControlCharacter,
            TextError::NotAUsername => Self::NotAUsername,
            TextError::NotAnEmail => Self::NotAnEmail,
        }
    }
}

impl From<CurrencyError> for Flaw {
    /// Of a code that was parsed: the table itself is settled at the start.
    fn from(_: CurrencyError) -> Self {
        Self::UnknownCurrency
    }
}

impl From<PasswordRefusal> for Flaw {
    fn from(refusal: PasswordRefusal) -> Self {
        match refusal {
            PasswordRefusal::TooShort => Self::TooShort { min: PASSWORD_CHARS_MIN },
            PasswordRefusal::TooLong => Self::TooLong { max: PASSWORD_CHARS_MAX },
            PasswordRefusal::TooCommon => Self::TooCommon,
            PasswordRefusal::ContextWord => Self::ContextWord,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::problem::FieldCode;
    use domain::{Reference, Username};

    fn raw(json: &'static str) -> &'static RawValue {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn everything_that_is_wrong_is_said_at_once() {
        let mut check = Check::default();
        let username = check.required("/username", Some(raw("\"a\"")), Username::parse);
        let email = check.required("/email", None, Username::parse);
        let reference = check.optional("/reference", Some(raw("12")), Reference::parse);
        assert!(username.is_none() && email.is_none() && reference.is_none());
        let found: Vec<_> =
            check.errors.iter().map(|error| (error.pointer.as_ref(), error.flaw.code())).collect();
        assert_eq!(
            found,
            [
                ("/username", FieldCode::TooShort),
                ("/email", FieldCode::Required),
                ("/reference", FieldCode::WrongType)
            ]
        );
    }

    #[test]
    fn a_part_of_a_body_is_named_from_its_beginning() {
        let mut part = Check::within("/commands/3".to_owned());
        part.amount("/amount", None, Currency::USD);
        assert!(part.optional_balance("/min_available_after", Some(raw("\"0\"")), Currency::USD).is_some());
        let mut whole = Check::default();
        whole.add(part);
        assert_eq!(whole.errors.len(), 1);
        assert_eq!(whole.errors[0].pointer, "/commands/3/amount");
    }

    #[test]
    fn null_is_the_same_as_nothing() {
        let mut check = Check::default();
        assert!(check.optional("/reference", Some(raw("null")), Reference::parse).is_none());
        assert!(check.optional("/reference", None, Reference::parse).is_none());
        assert!(check.finish().is_ok());
    }

    #[test]
    fn an_escape_cannot_smuggle_a_nul() {
        let mut check = Check::default();
        check.optional("/reference", Some(raw(r#""a\u0000b""#)), Reference::parse);
        assert_eq!(check.errors[0].flaw.code(), FieldCode::ControlCharacter);
    }
}
