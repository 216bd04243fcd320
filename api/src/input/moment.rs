//! Moments, as RFC 3339 writes them, and days.

use crate::problem::Flaw;
use domain::{Timestamp, Zone};
use time::format_description::BorrowedFormatItem;
use time::format_description::well_known::Rfc3339;
use time::macros::format_description;
use time::{Date, OffsetDateTime};

const DAY: &[BorrowedFormatItem<'_>] = format_description!("[year]-[month]-[day]");

pub(crate) fn moment(text: &str) -> Result<Timestamp, Flaw> {
    let read = OffsetDateTime::parse(text, &Rfc3339).ok().map(Timestamp::from);
    read.filter(|moment| moment.is_writable()).ok_or(Flaw::NotATime)
}

/// A moment, or a day for the one when it begins there.
pub(crate) fn moment_or_day(text: &str, zone: &Zone) -> Result<Timestamp, Flaw> {
    let begins = || zone.beginning_of(Date::parse(text, DAY).ok()?).filter(|moment| moment.is_writable());
    moment(text).ok().or_else(begins).ok_or(Flaw::NeitherTimeNorDay)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::problem::FieldCode;

    #[test]
    fn a_moment_has_a_zone() {
        assert_eq!(moment("1970-01-01T01:00:00.5+01:00"), Ok(Timestamp::from_micros(500_000)));
        for bad in [
            "",
            "2026-01-31",
            "2026-01-31T12:00:00",
            "2026-02-30T12:00:00Z",
            "now",
            "0",
            "0000-01-01T00:00:00+01:00",
            "9999-12-31T23:30:00-01:00",
        ] {
            assert_eq!(moment(bad).unwrap_err().code(), FieldCode::NotATime, "{bad}");
        }
    }

    #[test]
    fn a_day_begins_by_the_clocks_of_whoever_names_it() {
        let kyiv = Zone::named("Europe/Kyiv").unwrap();
        let begins = moment_or_day("2026-01-31", &kyiv);
        assert_eq!(begins, moment("2026-01-30T22:00:00Z"));
        assert_eq!(moment_or_day("2026-01-30T22:00:00Z", &kyiv), begins);
        for bad in [
            "",
            "2026-02-30",
            "2026-1-3",
            "31.01.2026",
            "2026-01-31T12:00:00",
            "+12026-01-31",
            "0000-01-01",
            "now",
        ] {
            assert_eq!(moment_or_day(bad, &kyiv), Err(Flaw::NeitherTimeNorDay), "{bad}");
        }
    }
}
