//! Pages of lists. A cursor is opaque to who holds it: base64url of what its list needs to go on exactly there.

use super::QueryError;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Rows a page has unless asked otherwise, and at most.
pub const LIMIT_DEFAULT: u16 = 50;
pub const LIMIT_MAX: u16 = 200;

/// Which page is asked for.
#[derive(Clone, Debug)]
pub struct Page {
    pub cursor: Option<String>,
    pub limit: u16,
}

impl Default for Page {
    fn default() -> Self {
        Self { cursor: None, limit: LIMIT_DEFAULT }
    }
}

/// A page: its rows, and the cursor of the next one if there is one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Items<T> {
    pub items: Vec<T>,
    pub next_cursor: Option<String>,
}

impl Page {
    fn limit(&self) -> usize {
        usize::from(self.limit.clamp(1, LIMIT_MAX))
    }

    /// One more row than is shown tells whether there is a next page.
    pub(super) fn limit_plus_one(&self) -> i64 {
        i64::try_from(self.limit()).unwrap_or(1) + 1
    }

    pub(super) fn cursor<C: DeserializeOwned>(&self) -> Result<Option<C>, QueryError> {
        let Some(text) = &self.cursor else { return Ok(None) };
        let json = URL_SAFE_NO_PAD.decode(text).map_err(|_| QueryError::BadCursor)?;
        serde_json::from_slice(&json).map(Some).map_err(|_| QueryError::BadCursor)
    }

    /// Cuts the row too many off and names the place.
    pub(super) fn cut<T, C: Serialize>(
        &self,
        items: Vec<T>,
        after: impl Fn(&T) -> C,
    ) -> Result<Items<T>, QueryError> {
        self.cut_or(items, |last| last.map(&after))
    }

    /// The same for a list that may go on behind a page that is not full: then there is no last row to name the place.
    pub(super) fn cut_or<T, C: Serialize>(
        &self,
        mut items: Vec<T>,
        after: impl Fn(Option<&T>) -> Option<C>,
    ) -> Result<Items<T>, QueryError> {
        let more = items.len() > self.limit();
        items.truncate(self.limit());
        let next_cursor = after(items.last().filter(|_| more)).map(|cursor| encode(&cursor)).transpose()?;
        Ok(Items { items, next_cursor })
    }
}

fn encode(cursor: &impl Serialize) -> Result<String, QueryError> {
    let json = serde_json::to_vec(cursor).map_err(|_| QueryError::BadCursor)?;
    Ok(URL_SAFE_NO_PAD.encode(json))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_ends_where_the_next_begins() {
        let page = Page { cursor: None, limit: 2 };
        let first = page.cut(vec![9, 8, 7], |last| *last).unwrap();
        assert_eq!(first.items, [9, 8]);
        let next = Page { cursor: first.next_cursor, limit: 2 };
        assert_eq!(next.cursor::<i64>().unwrap(), Some(8));
        assert_eq!(next.cut(vec![7], |last| *last).unwrap().next_cursor, None);
    }

    #[test]
    fn a_cursor_of_somebody_elses_making_is_refused() {
        for text in ["", "%%", "bm90IGpzb24"] {
            let page = Page { cursor: Some(text.to_owned()), limit: 2 };
            assert!(matches!(page.cursor::<i64>(), Err(QueryError::BadCursor)), "{text:?}");
        }
    }
}
