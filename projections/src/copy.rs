//! Rows for `COPY … FROM STDIN` in text form: the fastest way in, and the same for ten rows as for ten thousand.

use sqlx::PgConnection;
use std::fmt::{Display, Write};

#[derive(Debug, Default)]
pub(crate) struct CopyRows {
    text: String,
    row_begun: bool,
}

impl CopyRows {
    pub(crate) fn with_capacity(rows: usize, bytes_per_row: usize) -> Self {
        Self { text: String::with_capacity(rows * bytes_per_row), row_begun: false }
    }

    /// A value that is known to hold nothing COPY would take for its own: ids, numbers, times, names of ours.
    pub(crate) fn plain(&mut self, value: impl Display) -> &mut Self {
        self.separate();
        // Writing to a String cannot fail.
        let _ = write!(self.text, "{value}");
        self
    }

    /// As `plain`, or null.
    pub(crate) fn optional(&mut self, value: Option<impl Display>) -> &mut Self {
        match value {
            Some(value) => self.plain(value),
            None => self.text(None),
        }
    }

    /// Any text, or null.
    pub(crate) fn text(&mut self, value: Option<&str>) -> &mut Self {
        self.separate();
        let Some(value) = value else {
            self.text.push_str("\\N");
            return self;
        };
        for character in value.chars() {
            match character {
                '\\' => self.text.push_str("\\\\"),
                '\t' => self.text.push_str("\\t"),
                '\n' => self.text.push_str("\\n"),
                '\r' => self.text.push_str("\\r"),
                other => self.text.push(other),
            }
        }
        self
    }

    pub(crate) fn end_row(&mut self) {
        self.text.push('\n');
        self.row_begun = false;
    }

    fn separate(&mut self) {
        if self.row_begun {
            self.text.push('\t');
        }
        self.row_begun = true;
    }

    /// Writes them into `table (columns)`.
    pub(crate) async fn write(self, conn: &mut PgConnection, into: &str) -> Result<(), sqlx::Error> {
        if self.text.is_empty() {
            return Ok(());
        }
        let mut copy = conn.copy_in_raw(&format!("copy {into} from stdin")).await?;
        if let Err(error) = copy.send(self.text.as_bytes()).await {
            copy.abort("the rows could not be sent").await?;
            return Err(error);
        }
        copy.finish().await.map(|_| ())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_copy_would_misread_is_escaped() {
        let mut rows = CopyRows::default();
        rows.plain(7).text(Some("a\tb\\c\nd")).text(None).text(Some("\\N")).end_row();
        assert_eq!(rows.text, "7\ta\\tb\\\\c\\nd\t\\N\t\\\\N\n");
    }
}
