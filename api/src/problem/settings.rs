//! What is wrong with settings, as a client reads it: a pointer for each key.

use super::{Code, Detail, FieldError, Flaw, Problem};
use domain::settings::{Barred, Flaw as SettingFlaw, FlawCode};
use domain::settings_defaults::DefaultsRefusal;
use std::borrow::Cow;

impl From<DefaultsRefusal> for Problem {
    fn from(refusal: DefaultsRefusal) -> Self {
        match refusal {
            DefaultsRefusal::Forbidden { barred } => forbidden(barred),
            DefaultsRefusal::Invalid { flaws } => invalid(flaws),
            DefaultsRefusal::Stale { expected, actual } => {
                Self::new(Detail::OtherDefaults { expected, actual })
                    .fact("expected", expected)
                    .fact("actual", actual)
            }
        }
    }
}

/// All of them, whatever else is wrong: they would be accepted by freqtrade, so nothing but this holds them back.
pub(super) fn forbidden(barred: Vec<Barred>) -> Problem {
    let errors = barred.into_iter().map(|barred| {
        let flaw = if barred.read_only { Flaw::ReadOnly } else { Flaw::SettingForbidden };
        FieldError::new(barred.pointer, flaw)
    });
    Problem::with_errors(Code::SettingForbidden, errors.collect())
}

/// Members of a body that there are not.
pub(crate) fn unknown_members(pointers: Vec<String>) -> Problem {
    let errors = pointers.into_iter().map(|pointer| FieldError::new(pointer, Flaw::NoSetting));
    Problem::with_errors(Code::UnknownSetting, errors.collect())
}

/// Where every one of them is unknown, that is said first.
pub(super) fn invalid(flaws: Vec<SettingFlaw>) -> Problem {
    let all_unknown = flaws.iter().all(|flaw| flaw.code == FlawCode::UnknownSetting);
    let code = if all_unknown { Code::UnknownSetting } else { Code::ValidationFailed };
    let errors = flaws.into_iter().map(|flaw| FieldError::new(flaw.pointer, told(flaw.code, flaw.expected)));
    Problem::with_errors(code, errors.collect())
}

pub(super) fn stale(expected: u64, actual: u64) -> Problem {
    let version = |version| i64::try_from(version).unwrap_or(i64::MAX);
    let detail = Detail::OtherVersion { expected: version(expected), actual: version(actual) };
    Problem::new(detail).fact("expected", expected).fact("actual", actual)
}

/// What was expected, in the words of the catalogue.
fn told(code: FlawCode, expected: Cow<'static, str>) -> Flaw {
    let max = || expected.parse().unwrap_or_default();
    match code {
        FlawCode::UnknownSetting => Flaw::NoSetting,
        FlawCode::WrongType => Flaw::NotOfType { name: expected },
        FlawCode::NotAnInteger => Flaw::NotAnInteger,
        FlawCode::NotADecimal => Flaw::NoNumber,
        FlawCode::OutOfRange => Flaw::NotWithin { range: expected },
        FlawCode::TooManyDigits => Flaw::TooManyDigits { max: max() },
        FlawCode::Unknown => Flaw::NoWord { words: expected },
        FlawCode::NotAPattern => Flaw::NotLike { example: expected },
        FlawCode::Empty => Flaw::Empty,
        FlawCode::TooLong => Flaw::TooManyMembers { max: max() },
        FlawCode::Repeated => Flaw::StandsBefore,
        FlawCode::Required => Flaw::Required,
        FlawCode::Inconsistent => Flaw::GoesNotWith { other: expected },
    }
}
