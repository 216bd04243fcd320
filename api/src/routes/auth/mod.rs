//! Registration, login sessions and tokens.

mod changed;
pub(crate) mod email;
pub(crate) mod login;
pub(crate) mod logout;
pub(crate) mod logout_all;
pub(crate) mod me;
pub(crate) mod password;
pub(crate) mod refresh;
pub(crate) mod register;
pub(crate) mod sessions;
mod signed_in;

use domain::TextError;

/// The text of a token from a mail, as long as one can be at most: what is wrong with it otherwise is not said.
fn mail_token(text: &str) -> Result<String, TextError> {
    const CHARS_MAX: usize = 256;
    match text.trim() {
        "" => Err(TextError::Empty),
        text if text.len() > CHARS_MAX => Err(TextError::TooLong { max: CHARS_MAX }),
        text => Ok(text.to_owned()),
    }
}
