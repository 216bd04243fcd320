//! The version of a resource as it stands in `ETag`.
//!
//! What is shown beside it and is no part of it, such as when a key was used last, follows after a dot. Whoever sends the
//! tag back with `If-Match` means the version; with `If-None-Match` they mean all they have.

use std::fmt;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ETag {
    pub(crate) version: i64,
    pub(crate) beside: Option<i64>,
}

impl ETag {
    /// `"7"`, or 7 without the quotes.
    pub(crate) fn parse(tag: &str) -> Option<Self> {
        let bare = tag.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(tag);
        match bare.split_once('.') {
            Some((version, beside)) => {
                Some(Self { version: number(version)?, beside: Some(number(beside)?) })
            }
            None => number(bare).map(Self::from),
        }
    }
}

/// `parse` alone would take "+7" too.
fn number(text: &str) -> Option<i64> {
    text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

impl From<i64> for ETag {
    fn from(version: i64) -> Self {
        Self { version, beside: None }
    }
}

impl fmt::Display for ETag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.beside {
            Some(beside) => write!(f, "\"{}.{beside}\"", self.version),
            None => write!(f, "\"{}\"", self.version),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_reads_as_it_was_written() {
        for tag in [ETag::from(7), ETag { version: 7, beside: Some(1_763_760_000_000_000) }] {
            assert_eq!(ETag::parse(&tag.to_string()), Some(tag));
        }
        assert_eq!(ETag::parse("7"), Some(ETag::from(7)));
        for other in ["", "\"\"", "\"+7\"", "\"7.\"", "\".7\"", "\"7.8.9\"", "\"seven\"", "W/\"7\"", "\"7"] {
            assert_eq!(ETag::parse(other), None, "{other}");
        }
    }
}
