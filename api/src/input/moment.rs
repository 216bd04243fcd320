//! Moments, as RFC 3339 writes them.

use crate::problem::Flaw;
use domain::Timestamp;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

pub(crate) fn moment(text: &str) -> Result<Timestamp, Flaw> {
    OffsetDateTime::parse(text, &Rfc3339).map(Timestamp::from).map_err(|_| Flaw::NotATime)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::problem::FieldCode;

    #[test]
    fn a_moment_has_a_zone() {
        assert_eq!(moment("1970-01-01T01:00:00.5+01:00"), Ok(Timestamp::from_micros(500_000)));
        for bad in ["", "2026-01-31", "2026-01-31T12:00:00", "2026-02-30T12:00:00Z", "now", "0"] {
            assert_eq!(moment(bad).unwrap_err().code(), FieldCode::NotATime, "{bad}");
        }
    }
}
