//! Where a page ended: which list it was with its filters, and the position the next page starts from.
//!
//! It holds nothing secret and gives no access: what may be read is decided again for every page.

use crate::problem::{Code, Detail, Problem};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// Ours are a tenth of this.
const CURSOR_MAX: usize = 1_024;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Cursor {
    pub position: i64,
    filters: String,
}

#[derive(Serialize, Deserialize)]
struct Written<'a> {
    #[serde(rename = "l")]
    list: &'a str,
    #[serde(rename = "p")]
    position: i64,
    #[serde(rename = "f", borrow)]
    filters: &'a RawValue,
}

impl Cursor {
    pub(crate) fn parse(text: &str, list: &str) -> Result<Self, Problem> {
        Self::read(text, list).ok_or_else(|| Problem::new(Detail::ForeignCursor))
    }

    fn read(text: &str, list: &str) -> Option<Self> {
        if text.len() > CURSOR_MAX {
            return None;
        }
        let json = URL_SAFE_NO_PAD.decode(text).ok()?;
        let written: Written<'_> = serde_json::from_slice(&json).ok()?;
        let ours = written.list == list && written.position >= 0;
        ours.then(|| Self { position: written.position, filters: written.filters.get().to_owned() })
    }

    /// The filters of the page it came from; they win over those of the query.
    pub(crate) fn filters<'a, F: Deserialize<'a>>(&'a self) -> Result<F, Problem> {
        serde_json::from_str(&self.filters).map_err(|_| Problem::of(Code::InvalidCursor))
    }

    pub(crate) fn write(list: &str, position: i64, filters: &impl Serialize) -> String {
        let write = || {
            let filters = serde_json::value::to_raw_value(filters)?;
            serde_json::to_vec(&Written { list, position, filters: &filters })
        };
        // Texts and numbers: writing them cannot fail.
        URL_SAFE_NO_PAD.encode(write().unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Filters {
        kind: Option<String>,
    }

    #[test]
    fn a_cursor_brings_its_filters_back() {
        let filters = Filters { kind: Some("WalletDeposited".to_owned()) };
        let cursor = Cursor::parse(&Cursor::write("events", 41, &filters), "events").unwrap();
        assert_eq!(cursor.position, 41);
        assert_eq!(cursor.filters::<Filters>().unwrap(), filters);
    }

    #[test]
    fn a_cursor_of_another_list_is_refused() {
        let cursor = Cursor::write("events", 41, &Filters { kind: None });
        assert!(Cursor::parse(&cursor, "transactions").is_err());
        for garbage in ["", "x", "e30", "bnVsbA", &"A".repeat(2_000)] {
            assert!(Cursor::parse(garbage, "events").is_err(), "{garbage:?}");
        }
    }
}
