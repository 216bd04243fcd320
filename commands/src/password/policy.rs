//! Which passwords are accepted: long enough, not on the list everybody tries first, not the person's own name.
//!
//! No rule about kinds of characters, and nothing is cut or folded before hashing: a password is verified exactly as it
//! was given. Only the comparisons here ignore ASCII case.

use domain::{Email, Username};
use secrecy::{ExposeSecret, SecretString};
use std::cmp::Ordering;
use zeroize::Zeroizing;

pub const PASSWORD_CHARS_MIN: usize = 8;
/// Hashing time does not depend on length; the bound keeps a request from carrying a novel to the hasher.
pub const PASSWORD_CHARS_MAX: usize = 128;
/// A shorter username or address inside a password is a coincidence.
const CONTEXT_WORD_MIN: usize = 4;

/// Sorted by bytes, lower-case, one a line; only what is long enough to be tried at all.
const COMMON: &str = include_str!("common.txt");

/// A password that passed the policy.
#[derive(Debug)]
pub struct NewPassword(SecretString);

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PasswordRefusal {
    #[error("must be at least {PASSWORD_CHARS_MIN} characters long")]
    TooShort,
    #[error("must be at most {PASSWORD_CHARS_MAX} characters long")]
    TooLong,
    #[error("is one of the passwords that are tried first")]
    TooCommon,
    #[error("must not contain the username or the e-mail address")]
    ContextWord,
}

impl PasswordRefusal {
    pub const fn code(self) -> &'static str {
        match self {
            Self::TooShort => "too_short",
            Self::TooLong => "too_long",
            Self::TooCommon => "too_common",
            Self::ContextWord => "context_word",
        }
    }
}

impl NewPassword {
    pub fn parse(
        password: SecretString,
        username: &Username,
        email: &Email,
        blocklist: bool,
    ) -> Result<Self, PasswordRefusal> {
        let text = password.expose_secret();
        // The byte length first: counting the characters of a megabyte is work for nothing.
        if text.len() > PASSWORD_CHARS_MAX * 4 || text.chars().count() > PASSWORD_CHARS_MAX {
            return Err(PasswordRefusal::TooLong);
        }
        if text.chars().count() < PASSWORD_CHARS_MIN {
            return Err(PasswordRefusal::TooShort);
        }
        let folded = Zeroizing::new(text.to_ascii_lowercase());
        if blocklist && (is_common(&folded) || is_one_character(&folded)) {
            return Err(PasswordRefusal::TooCommon);
        }
        let address = email.normalised();
        let local = address.split('@').next().unwrap_or_default();
        if contains_word(&folded, &username.normalised()) || contains_word(&folded, local) {
            return Err(PasswordRefusal::ContextWord);
        }
        Ok(Self(password))
    }

    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }

    pub fn into_secret(self) -> SecretString {
        self.0
    }
}

fn contains_word(folded: &str, word: &str) -> bool {
    word.len() >= CONTEXT_WORD_MIN && folded.contains(word)
}

fn is_one_character(folded: &str) -> bool {
    let mut chars = folded.chars();
    let first = chars.next();
    chars.all(|c| Some(c) == first)
}

/// Halves the text of the list, not a table of its lines: nothing is built and nothing allocated.
fn is_common(folded: &str) -> bool {
    let mut rest = COMMON;
    while !rest.is_empty() {
        let middle = rest.floor_char_boundary(rest.len() / 2);
        let (before, after) = rest.split_at(middle);
        let start = before.rfind('\n').map_or(0, |newline| newline + 1);
        let end = after.find('\n').map_or(rest.len(), |newline| middle + newline);
        match rest.get(start..end).unwrap_or_default().cmp(folded) {
            Ordering::Equal => return true,
            Ordering::Less => rest = rest.get(end + 1..).unwrap_or_default(),
            Ordering::Greater => rest = rest.get(..start).unwrap_or_default(),
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(password: &str) -> Result<NewPassword, PasswordRefusal> {
        let username = Username::parse("ada.lovelace").unwrap();
        let email = Email::parse("Countess@example.com").unwrap();
        NewPassword::parse(SecretString::from(password), &username, &email, true)
    }

    #[test]
    fn the_list_is_sorted_and_every_line_of_it_is_found() {
        let lines: Vec<&str> = COMMON.lines().collect();
        assert!(lines.windows(2).all(|pair| pair[0] < pair[1]));
        assert!(lines.iter().all(|line| is_common(line) && line.len() >= PASSWORD_CHARS_MIN));
        assert!(lines.iter().all(|line| *line == line.to_ascii_lowercase()));
    }

    #[test]
    fn what_everybody_tries_first_is_declined_in_any_case() {
        for common in ["password123", "PassWord123", "12345678", "qwertyuiop", "zzzzzzzzzzz", "99999999"] {
            assert_eq!(parse(common).unwrap_err().code(), "too_common", "{common}");
        }
        for rare in ["", "!!!", "0", "zzz", "\u{10ffff}", "correct horse"] {
            assert!(!is_common(rare), "{rare}");
        }
    }

    #[test]
    fn the_list_can_be_switched_off() {
        let username = Username::parse("ada").unwrap();
        let email = Email::parse("ada@example.com").unwrap();
        assert!(NewPassword::parse(SecretString::from("password123"), &username, &email, false).is_ok());
    }

    #[test]
    fn length_is_counted_in_characters() {
        assert_eq!(parse("seven77").unwrap_err().code(), "too_short");
        assert!(parse("пароль-ї").is_ok());
        assert!(parse(&"ab".repeat(64)).is_ok());
        assert_eq!(parse(&"ab".repeat(65)).unwrap_err().code(), "too_long");
        assert_eq!(parse(&"x".repeat(1 << 20)).unwrap_err().code(), "too_long");
    }

    #[test]
    fn ones_own_name_is_no_password() {
        assert_eq!(parse("Ada.Lovelace-1815").unwrap_err().code(), "context_word");
        assert_eq!(parse("my-COUNTESS-key").unwrap_err().code(), "context_word");
    }

    #[test]
    fn a_long_plain_sentence_is_fine() {
        assert!(parse("correct horse battery staple").is_ok());
        assert_eq!(parse("  spaces count  ").unwrap().expose(), "  spaces count  ");
    }

    #[test]
    fn a_password_is_not_printed() {
        assert!(!format!("{:?}", parse("correct horse battery staple").unwrap()).contains("horse"));
    }
}
