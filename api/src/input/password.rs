//! A password that somebody says is theirs: no rule but that it is one, so that nothing is learnt from a refusal.

use crate::problem::Flaw;
use secrecy::SecretString;

/// More than any password may have: refused before anybody is looked up, so it says nothing about who exists.
const PASSWORD_BYTES_MAX: usize = 1_024;

pub(crate) fn password(text: &str) -> Result<SecretString, Flaw> {
    if text.len() > PASSWORD_BYTES_MAX {
        return Err(Flaw::NoPassword);
    }
    Ok(SecretString::from(text))
}
