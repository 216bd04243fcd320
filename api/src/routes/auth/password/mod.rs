//! A user's password: changed by who knows it, or reset by mail.

pub(crate) mod change;
pub(crate) mod forgot;
pub(crate) mod reset;

use crate::input::Flaw;
use crate::problem::FieldCode;
use secrecy::SecretString;

/// More than any password may have: refused before anybody is looked up, so it says nothing about who exists.
const PASSWORD_BYTES_MAX: usize = 1_024;

pub(in crate::routes) fn password(text: &str) -> Result<SecretString, Flaw> {
    if text.len() > PASSWORD_BYTES_MAX {
        return Err(Flaw::new(FieldCode::TooLong, "is longer than any password"));
    }
    Ok(SecretString::from(text))
}
