//! What is wrong with settings, all of it at once. It never quotes a value: a value may be a secret in the wrong place.

use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// One value that cannot be, and where: a JSON pointer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Flaw {
    pub pointer: String,
    pub code: FlawCode,
    /// What was expected, in no language: a type, a range, words, a number, an example, or what it does not go with.
    pub expected: Cow<'static, str>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FlawCode {
    /// No key of freqtrade's.
    UnknownSetting,
    WrongType,
    NotAnInteger,
    NotADecimal,
    OutOfRange,
    TooManyDigits,
    /// None of the words that it may be.
    Unknown,
    /// A text of another form.
    NotAPattern,
    Empty,
    TooLong,
    Repeated,
    Required,
    /// Alone it could be, beside the others it cannot.
    Inconsistent,
}

/// A key that is not its user's to set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Barred {
    pub pointer: String,
    /// It is shown, and set by nobody; the others are not even that.
    pub read_only: bool,
}

/// Why a change of settings is not made. What is forbidden weighs more than what is wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Declined {
    Forbidden(Vec<Barred>),
    Invalid(Vec<Flaw>),
}

impl Flaw {
    pub fn new(pointer: impl Into<String>, code: FlawCode, expected: impl Into<Cow<'static, str>>) -> Self {
        Self { pointer: pointer.into(), code, expected: expected.into() }
    }
}

/// More than anybody mends at once, and few enough for an answer that is kept.
const FOUND_MAX: usize = 100;
/// Longer than any name there is; of others that is enough to find them by.
const NAME_MAX: usize = 64;

/// What was found so far, as far as it is told.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) flaws: Vec<Flaw>,
    pub(super) barred: Vec<Barred>,
}

impl Found {
    pub(super) fn flaw(&mut self, pointer: &str, code: FlawCode, expected: impl Into<Cow<'static, str>>) {
        self.add(Flaw::new(pointer, code, expected));
    }

    pub(super) fn add(&mut self, flaw: Flaw) {
        if self.flaws.len() < FOUND_MAX {
            self.flaws.push(flaw);
        }
    }

    pub(super) fn bar(&mut self, pointer: impl Into<String>, read_only: bool) {
        if self.barred.len() < FOUND_MAX {
            self.barred.push(Barred { pointer: pointer.into(), read_only });
        }
    }

    pub(super) fn finish(self) -> Result<(), Declined> {
        if !self.barred.is_empty() {
            return Err(Declined::Forbidden(self.barred));
        }
        if self.flaws.is_empty() { Ok(()) } else { Err(Declined::Invalid(self.flaws)) }
    }
}

/// A member of what is at a pointer. The name is the client's, so of a long one only the beginning is told.
pub(super) fn below(pointer: &str, name: &str) -> String {
    if let Some((end, _)) = name.char_indices().nth(NAME_MAX) {
        let begin = name.get(..end).unwrap_or_default();
        return below(pointer, begin) + "…";
    }
    if name.contains(['~', '/']) {
        format!("{pointer}/{}", name.replace('~', "~0").replace('/', "~1"))
    } else {
        format!("{pointer}/{name}")
    }
}
