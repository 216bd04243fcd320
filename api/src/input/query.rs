//! The query string: pages, filters, and the position a client wants to have been seen.
//!
//! Every parameter is read as text first and parsed here, so that a wrong one is named and all wrong ones are.

use super::check::Check;
use crate::problem::{Code, Detail, Flaw, Problem};
use axum::extract::FromRequestParts;
use axum::http::HeaderName;
use axum::http::request::Parts;
use projections::{LIMIT_DEFAULT, LIMIT_MAX};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::fmt::Display;
use std::ops::RangeInclusive;
use std::str::FromStr;
use utoipa::IntoParams;

const MIN_POSITION: HeaderName = HeaderName::from_static("counterfoil-min-position");
const LIMITS: RangeInclusive<u16> = 1..=LIMIT_MAX;

/// A query string as a form whose fields are all optional texts.
#[derive(Clone, Debug)]
pub(crate) struct Query<T>(pub T);

impl<S: Sync, T: DeserializeOwned> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        axum::extract::Query::try_from_uri(&parts.uri)
            .map(|axum::extract::Query(form)| Self(form))
            .map_err(|error| unreadable(&error.body_text()))
    }
}

/// That a parameter stands twice is all that can be wrong with texts that may be missing.
fn unreadable(text: &str) -> Problem {
    match repeated(text) {
        Some(name) => Problem::new(Detail::RepeatedParameter { name: name.to_owned() }),
        None => Problem::of(Code::InvalidQuery).because(&text),
    }
}

/// The name that stands twice, in serde's words.
pub(super) fn repeated(text: &str) -> Option<&str> {
    text.split_once("duplicate field `")?.1.split_once('`').map(|(name, _)| name)
}

/// The position an answer must include, if the client named one: `min_position`, or the header of the same meaning.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct MinPosition(pub Option<i64>);

#[derive(Deserialize)]
struct MinPositionForm {
    min_position: Option<String>,
}

impl<S: Sync> FromRequestParts<S> for MinPosition {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let header =
            parts.headers.get(&MIN_POSITION).map(|value| value.to_str().unwrap_or_default().to_owned());
        if parts.uri.query().is_none() && header.is_none() {
            return Ok(Self(None));
        }
        let Query(form) = Query::<MinPositionForm>::from_request_parts(parts, state).await?;
        let mut check = Check::default();
        // The one in the query wins.
        let (name, text) = match form.min_position {
            Some(text) => ("?min_position", Some(text)),
            None => ("Counterfoil-Min-Position", header),
        };
        let position = check.parameter(name, text, |text| number(text, 0..=i64::MAX));
        check.finish()?;
        Ok(Self(position))
    }
}

/// The parameters of every list.
#[derive(Clone, Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListQuery {
    /// Where the page before ended: its `next_cursor`.
    pub cursor: Option<String>,
    /// Items on a page, at most 200.
    #[param(value_type = Option<i64>, example = 50)]
    pub limit: Option<String>,
}

impl ListQuery {
    pub(crate) fn limit(&self, check: &mut Check) -> u16 {
        let limit = check.parameter("?limit", self.limit.as_deref(), |text| number(text, LIMITS));
        limit.unwrap_or(LIMIT_DEFAULT)
    }
}

impl Check {
    /// A parameter that may be missing.
    pub(crate) fn parameter<T, E: Into<Flaw>>(
        &mut self,
        name: &'static str,
        text: Option<impl AsRef<str>>,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        let text = text?;
        self.take(name, parse(text.as_ref()))
    }
}

pub(crate) fn number<N: FromStr + PartialOrd + Display>(
    text: &str,
    range: RangeInclusive<N>,
) -> Result<N, Flaw> {
    let number: N = text.parse().map_err(|_| Flaw::NotAnInteger)?;
    if range.contains(&number) { Ok(number) } else { Err(out_of(&range)) }
}

pub(super) fn out_of<N: Display>(range: &RangeInclusive<N>) -> Flaw {
    Flaw::OutOfRange { from: range.start().to_string(), to: range.end().to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::Request;

    async fn min_position(uri: &str, header: Option<&str>) -> Result<Option<i64>, Code> {
        let mut request = Request::builder().uri(uri);
        if let Some(header) = header {
            request = request.header("counterfoil-min-position", header);
        }
        let (mut parts, ()) = request.body(()).unwrap().into_parts();
        MinPosition::from_request_parts(&mut parts, &())
            .await
            .map(|found| found.0)
            .map_err(|problem| problem.code())
    }

    #[tokio::test]
    async fn a_position_stands_in_the_query_or_in_a_header() {
        assert_eq!(min_position("/wallets/1", None).await, Ok(None));
        assert_eq!(min_position("/wallets/1?min_position=7", None).await, Ok(Some(7)));
        assert_eq!(min_position("/wallets/1", Some("8")).await, Ok(Some(8)));
        assert_eq!(min_position("/wallets/1?min_position=7", Some("8")).await, Ok(Some(7)));
        for bad in [
            "/w?min_position=-1",
            "/w?min_position=",
            "/w?min_position=1.0",
            "/w?min_position=99999999999999999999",
        ] {
            assert_eq!(min_position(bad, None).await, Err(Code::ValidationFailed), "{bad}");
        }
        assert_eq!(min_position("/w?min_position=1&min_position=2", None).await, Err(Code::InvalidQuery));
    }

    #[test]
    fn a_page_is_bounded() {
        let page = |limit: Option<&str>| {
            let mut check = Check::default();
            let limit = ListQuery { cursor: None, limit: limit.map(str::to_owned) }.limit(&mut check);
            check.finish().map(|()| limit).map_err(|problem| problem.code())
        };
        assert_eq!(page(None), Ok(50));
        assert_eq!(page(Some("200")), Ok(200));
        for bad in ["0", "201", "-1", "ten", ""] {
            assert_eq!(page(Some(bad)), Err(Code::ValidationFailed), "{bad:?}");
        }
    }
}
