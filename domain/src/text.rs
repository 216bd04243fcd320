//! Text from outside: bounded, and free of control characters.
//!
//! NUL is legal JSON and poison for a `text` column, and an invisible character in a name is a lie, so both stop here.

use serde::{Deserialize, Serialize};
use std::fmt;

/// Longest references, names and addresses, in characters. RFC 5321 bounds the last one.
const REFERENCE_MAX: usize = 140;
const CAPTURE_ID_MAX: usize = 64;
const NAME_MAX: usize = 100;
const USERNAME_MIN: usize = 3;
const USERNAME_MAX: usize = 32;
const EMAIL_MAX: usize = 254;
const EMAIL_LOCAL_MAX: usize = 64;

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TextError {
    #[error("must not be empty")]
    Empty,
    #[error("must be at least {min} characters long")]
    TooShort { min: usize },
    #[error("must be at most {max} characters long")]
    TooLong { max: usize },
    #[error("must not contain control characters")]
    ControlCharacter,
    #[error("may contain letters, digits, '_', '.' and '-' only")]
    NotAUsername,
    #[error("is not an e-mail address")]
    NotAnEmail,
}

fn bounded(text: &str, max: usize) -> Result<&str, TextError> {
    let text = text.trim();
    if text.is_empty() {
        return Err(TextError::Empty);
    }
    // The byte length first: counting the characters of a megabyte is work for nothing.
    if text.len() > max * 4 || text.chars().count() > max {
        return Err(TextError::TooLong { max });
    }
    if text.chars().any(is_invisible) {
        return Err(TextError::ControlCharacter);
    }
    Ok(text)
}

fn is_invisible(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

macro_rules! text {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    )+};
}

text! {
    /// What a transaction is for, in the words of who made it.
    Reference,
    /// What tells one capture of a hold from another, given by who captures.
    CaptureId,
    /// What a person is called.
    DisplayName,
    /// What a user is found by. Compared without regard to case.
    Username,
    /// An address as it was typed. Compared without regard to case.
    Email,
}

impl Reference {
    pub fn parse(text: &str) -> Result<Self, TextError> {
        bounded(text, REFERENCE_MAX).map(|text| Self(text.to_owned()))
    }
}

impl CaptureId {
    pub fn parse(text: &str) -> Result<Self, TextError> {
        bounded(text, CAPTURE_ID_MAX).map(|text| Self(text.to_owned()))
    }
}

impl DisplayName {
    pub fn parse(text: &str) -> Result<Self, TextError> {
        bounded(text, NAME_MAX).map(|text| Self(text.to_owned()))
    }
}

impl Username {
    pub fn parse(text: &str) -> Result<Self, TextError> {
        let text = bounded(text, USERNAME_MAX)?;
        if text.len() < USERNAME_MIN {
            return Err(TextError::TooShort { min: USERNAME_MIN });
        }
        if !text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-')) {
            return Err(TextError::NotAUsername);
        }
        Ok(Self(text.to_owned()))
    }

    /// The form two usernames are compared in.
    pub fn normalised(&self) -> String {
        self.0.to_ascii_lowercase()
    }
}

impl Email {
    pub fn parse(text: &str) -> Result<Self, TextError> {
        let text = bounded(text, EMAIL_MAX)?;
        let (local, host) = text.rsplit_once('@').ok_or(TextError::NotAnEmail)?;
        if local.is_empty() || local.len() > EMAIL_LOCAL_MAX || !local.bytes().all(is_atom) {
            return Err(TextError::NotAnEmail);
        }
        if local.starts_with('.') || local.ends_with('.') || local.contains("..") || !is_host(host) {
            return Err(TextError::NotAnEmail);
        }
        Ok(Self(text.to_owned()))
    }

    /// The form two addresses are compared in. Only ASCII is folded, and both parts are ASCII.
    pub fn normalised(&self) -> String {
        self.0.to_ascii_lowercase()
    }
}

fn is_atom(b: u8) -> bool {
    b.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~.".contains(&b)
}

fn is_host(host: &str) -> bool {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
    };
    host.contains('.') && host.split('.').all(label)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_holds_no_nul_and_no_novel() {
        assert_eq!(Reference::parse("invoice 7\0"), Err(TextError::ControlCharacter));
        assert_eq!(Reference::parse(&"x".repeat(141)), Err(TextError::TooLong { max: 140 }));
        assert_eq!(Reference::parse("  rent, März ").unwrap().as_str(), "rent, März");
    }

    #[test]
    fn usernames_are_short_and_plain() {
        assert!(Username::parse("ada.l-1815_").is_ok());
        assert_eq!(Username::parse("ad"), Err(TextError::TooShort { min: 3 }));
        assert_eq!(Username::parse("ada lovelace"), Err(TextError::NotAUsername));
        assert_eq!(Username::parse("аda"), Err(TextError::NotAUsername), "a Cyrillic letter is no a");
    }

    #[test]
    fn addresses_are_compared_without_case_and_kept_as_typed() {
        let email = Email::parse(" Ada@Example.COM ").unwrap();
        assert_eq!(email.as_str(), "Ada@Example.COM");
        assert_eq!(email.normalised(), "ada@example.com");
        for bad in [
            "",
            "ada",
            "@example.com",
            "ada@",
            "ada@example",
            "a da@example.com",
            "ada@exa\nmple.com",
            "ada@-a.com",
            "a..b@x.org",
        ] {
            assert!(Email::parse(bad).is_err(), "{bad:?}");
        }
    }
}
