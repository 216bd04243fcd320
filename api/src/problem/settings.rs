//! What is wrong with settings, as a client reads it: a pointer for each key.

use super::{Code, FieldCode, FieldError, Problem};
use domain::settings::{Barred, Flaw, FlawCode};
use domain::settings_defaults::DefaultsRefusal;

impl From<DefaultsRefusal> for Problem {
    fn from(refusal: DefaultsRefusal) -> Self {
        match refusal {
            DefaultsRefusal::Forbidden { barred } => forbidden(barred),
            DefaultsRefusal::Invalid { flaws } => invalid(flaws),
            DefaultsRefusal::Stale { expected, actual } => stale(expected, actual),
        }
    }
}

/// All of them, whatever else is wrong: they would be accepted by freqtrade, so nothing but this holds them back.
pub(super) fn forbidden(barred: Vec<Barred>) -> Problem {
    let errors = barred.into_iter().map(|barred| {
        let (code, detail) = if barred.read_only {
            (FieldCode::ReadOnly, "is shown and cannot be set")
        } else {
            (FieldCode::SettingForbidden, "may not be set here")
        };
        FieldError { pointer: barred.pointer.into(), code, detail: detail.into() }
    });
    Problem::with_errors(Code::SettingForbidden, errors.collect())
}

/// Where every one of them is unknown, that is said first.
pub(super) fn invalid(flaws: Vec<Flaw>) -> Problem {
    let all_unknown = flaws.iter().all(|flaw| flaw.code == FlawCode::UnknownSetting);
    let code = if all_unknown { Code::UnknownSetting } else { Code::ValidationFailed };
    let errors = flaws.into_iter().map(|flaw| FieldError {
        pointer: flaw.pointer.into(),
        code: field_code(flaw.code),
        detail: flaw.detail,
    });
    Problem::with_errors(code, errors.collect())
}

pub(super) fn stale(expected: u64, actual: u64) -> Problem {
    let detail = format!("version {expected} was expected, it is {actual}");
    Problem::new(Code::VersionMismatch, detail).fact("expected", expected).fact("actual", actual)
}

const fn field_code(code: FlawCode) -> FieldCode {
    match code {
        FlawCode::UnknownSetting => FieldCode::UnknownSetting,
        FlawCode::WrongType => FieldCode::WrongType,
        FlawCode::NotAnInteger => FieldCode::NotAnInteger,
        FlawCode::NotADecimal => FieldCode::NotADecimal,
        FlawCode::OutOfRange => FieldCode::OutOfRange,
        FlawCode::TooManyDigits => FieldCode::TooManyDigits,
        FlawCode::Unknown => FieldCode::Unknown,
        FlawCode::NotAPattern => FieldCode::WrongForm,
        FlawCode::Empty => FieldCode::Empty,
        FlawCode::TooLong => FieldCode::TooLong,
        FlawCode::Repeated => FieldCode::Repeated,
        FlawCode::Required => FieldCode::Required,
        FlawCode::Inconsistent => FieldCode::Inconsistent,
    }
}
