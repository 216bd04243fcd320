//! `as_of`: a place in the past, by its position or by the time of day.

use super::check::Check;
use super::{moment, number};
use crate::problem::{Flaw, Problem};
use domain::Timestamp;
use serde::Deserialize;
use utoipa::IntoParams;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AsOf {
    Position(i64),
    Moment(Timestamp),
}

#[derive(Clone, Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct AsOfQuery {
    /// As it was at this position of the journal, or at this moment, such as `2026-01-31T12:00:00Z`. As it is now, without it.
    #[param(example = "42")]
    as_of: Option<String>,
}

impl AsOfQuery {
    pub(crate) fn read(&self) -> Result<Option<AsOf>, Problem> {
        let mut check = Check::default();
        let as_of = check.parameter("?as_of", self.as_of.as_deref(), parse);
        check.finish()?;
        Ok(as_of)
    }
}

fn parse(text: &str) -> Result<AsOf, Flaw> {
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        return number(text, 0..=i64::MAX).map(AsOf::Position);
    }
    moment(text).map(AsOf::Moment).map_err(|_| Flaw::NeitherTimeNorPosition)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_past_is_named_by_position_or_by_time() {
        assert_eq!(parse("42"), Ok(AsOf::Position(42)));
        assert_eq!(parse("1970-01-01T00:00:01Z"), Ok(AsOf::Moment(Timestamp::from_micros(1_000_000))));
        for bad in ["", "-1", "+1", "4.2", "yesterday", "2026-01-31", "99999999999999999999"] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }
}
