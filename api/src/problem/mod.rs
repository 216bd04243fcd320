//! Problems: what a client is told when it does not get what it asked for (RFC 9457).
//!
//! A handler returns a [`Problem`]; it travels as an extension of an empty response, and the door writes it down once,
//! with the request's id. So whatever made the error (a handler, the router, a library), it leaves in the same form.

mod codes;
mod failures;
mod settings;

pub(crate) use codes::{Code, FieldCode};

use axum::body::Body;
use axum::http::header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};
use std::borrow::Cow;
use std::time::Duration;

/// When nothing better is known, how long to wait before coming again.
const RETRY_AFTER_DEFAULT: Duration = Duration::from_secs(1);

const PROBLEM_JSON: HeaderValue = HeaderValue::from_static("application/problem+json");

/// What went wrong, as the client will read it. Small to pass around: it is the rare way out.
#[derive(Clone, Debug)]
pub(crate) struct Problem(Box<Details>);

#[derive(Clone, Debug)]
struct Details {
    code: Code,
    detail: Cow<'static, str>,
    errors: Vec<FieldError>,
    facts: Vec<(&'static str, serde_json::Value)>,
    retry_after: Option<Duration>,
    position: Option<i64>,
    replayed: bool,
    /// For the log only.
    cause: Option<String>,
}

/// One value that is not valid, and where it stands: a JSON pointer, `?name` for one of the query, or a header's name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FieldError {
    pub pointer: Cow<'static, str>,
    pub code: FieldCode,
    pub detail: Cow<'static, str>,
}

impl Problem {
    pub(crate) fn new(code: Code, detail: impl Into<Cow<'static, str>>) -> Self {
        Self(Box::new(Details {
            code,
            detail: detail.into(),
            errors: Vec::new(),
            facts: Vec::new(),
            retry_after: code.is_retryable().then_some(RETRY_AFTER_DEFAULT),
            position: None,
            replayed: false,
            cause: None,
        }))
    }

    /// A code whose title says all there is to say.
    pub(crate) fn of(code: Code) -> Self {
        Self::new(code, code.title())
    }

    pub(crate) fn validation(errors: Vec<FieldError>) -> Self {
        Self::with_errors(Code::ValidationFailed, errors)
    }

    /// Another code, where it is about values too.
    fn with_errors(code: Code, errors: Vec<FieldError>) -> Self {
        let detail = match errors.as_slice() {
            [only] => format!("{} {}", only.pointer, only.detail).into(),
            several => Cow::from(format!("{} values are not valid", several.len())),
        };
        let mut problem = Self::new(code, detail);
        problem.0.errors = errors;
        problem
    }

    /// Something broke: the client learns that it did, the log learns what.
    pub(crate) fn internal(cause: &dyn std::fmt::Display) -> Self {
        Self::of(Code::InternalError).because(cause)
    }

    #[must_use]
    pub(crate) fn because(mut self, cause: &dyn std::fmt::Display) -> Self {
        self.0.cause = Some(cause.to_string());
        self
    }

    /// A member of its own, such as the amount that was available.
    #[must_use]
    pub(crate) fn fact(mut self, name: &'static str, value: impl Into<serde_json::Value>) -> Self {
        self.0.facts.push((name, value.into()));
        self
    }

    /// Which command of a batch it is about: the first that cannot be.
    #[must_use]
    pub(crate) fn in_batch(self, index: usize) -> Self {
        self.fact("index", index).fact("pointer", format!("/commands/{index}"))
    }

    #[must_use]
    pub(crate) fn retry_after(mut self, span: Duration) -> Self {
        self.0.retry_after = Some(span);
        self
    }

    /// The head a refusal was decided at.
    #[must_use]
    pub(crate) fn at_position(mut self, position: i64) -> Self {
        self.0.position = Some(position);
        self
    }

    #[must_use]
    pub(crate) fn replayed(mut self, replayed: bool) -> Self {
        self.0.replayed = replayed;
        self
    }

    pub(crate) fn code(&self) -> Code {
        self.0.code
    }

    pub(crate) fn status(&self) -> StatusCode {
        self.0.code.status()
    }

    pub(crate) fn cause(&self) -> Option<&str> {
        self.0.cause.as_deref()
    }

    /// The headers it brings along, and its text.
    pub(crate) fn write(&self, headers: &mut HeaderMap, request_id: &str) -> Vec<u8> {
        headers.insert(CONTENT_TYPE, PROBLEM_JSON);
        if let Some(span) = self.0.retry_after {
            // Rounded up: a second is the unit, and zero would mean "at once".
            let seconds = span.as_secs() + u64::from(span.subsec_nanos() > 0);
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds.max(1)));
        }
        if let Some(challenge) = challenge(self.0.code) {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
        }
        if let Some(position) = self.0.position {
            headers.insert(crate::output::POSITION, HeaderValue::from(position));
        }
        if self.0.replayed {
            headers.insert(crate::output::REPLAYED, HeaderValue::from_static("true"));
        }
        // Strings, numbers and maps with text keys: writing them cannot fail.
        serde_json::to_vec(&Written { details: &self.0, request_id }).unwrap_or_default()
    }
}

const fn challenge(code: Code) -> Option<&'static str> {
    match code {
        Code::MissingToken | Code::InvalidCredentials => Some("Bearer"),
        Code::InvalidToken | Code::TokenExpired | Code::SessionEnded | Code::InvalidApiKey => {
            Some("Bearer error=\"invalid_token\"")
        }
        Code::InvalidRefreshToken | Code::RefreshTokenReused => Some("Bearer error=\"invalid_grant\""),
        _ => None,
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = self.status();
        response.extensions_mut().insert(self);
        response
    }
}

struct Written<'a> {
    details: &'a Details,
    request_id: &'a str,
}

impl Serialize for Written<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let details = self.details;
        let code = details.code;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("type", &format_args!("urn:counterfoil:problem:{}", code.as_str()))?;
        map.serialize_entry("title", code.title())?;
        map.serialize_entry("status", &code.status().as_u16())?;
        map.serialize_entry("code", code.as_str())?;
        map.serialize_entry("detail", &details.detail)?;
        map.serialize_entry("errors", &details.errors)?;
        for (name, value) in &details.facts {
            map.serialize_entry(name, value)?;
        }
        map.serialize_entry("request_id", self.request_id)?;
        map.serialize_entry("retryable", &code.is_retryable())?;
        // What the older clients of this interface look at.
        map.serialize_entry("success", &false)?;
        map.serialize_entry("error", &details.detail)?;
        map.end()
    }
}

impl Serialize for FieldError {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(3))?;
        map.serialize_entry("pointer", &self.pointer)?;
        map.serialize_entry("code", self.code.as_str())?;
        map.serialize_entry("detail", &self.detail)?;
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(problem: &Problem) -> (HeaderMap, serde_json::Value) {
        let mut headers = HeaderMap::new();
        let body = problem.write(&mut headers, "r-1");
        (headers, serde_json::from_slice(&body).unwrap())
    }

    #[test]
    fn a_problem_has_every_member_that_was_promised() {
        let (headers, body) = written(&Problem::of(Code::WalletNotFound));
        for member in [
            "type",
            "title",
            "status",
            "code",
            "detail",
            "errors",
            "request_id",
            "retryable",
            "success",
            "error",
        ] {
            assert!(body.get(member).is_some(), "{member}");
        }
        assert_eq!(body["status"], 404);
        assert_eq!(body["success"], false);
        assert_eq!(body["error"], body["detail"]);
        assert_eq!(headers[CONTENT_TYPE], "application/problem+json");
    }

    #[test]
    fn what_may_be_retried_says_when() {
        let (headers, body) = written(&Problem::of(Code::Unavailable).retry_after(Duration::from_secs(3)));
        assert_eq!(headers[RETRY_AFTER], "3");
        let (headers, _) = written(&Problem::of(Code::Unavailable).retry_after(Duration::from_millis(1_001)));
        assert_eq!(headers[RETRY_AFTER], "2");
        assert_eq!(body["retryable"], true);
        let (headers, _) = written(&Problem::of(Code::InFlight));
        assert_eq!(headers[RETRY_AFTER], "1");
        assert!(!written(&Problem::of(Code::WalletFrozen)).0.contains_key(RETRY_AFTER));
    }

    #[test]
    fn a_cause_stays_in_the_house() {
        let (_, body) = written(&Problem::internal(&"relation \"events\" does not exist"));
        assert!(!body.to_string().contains("relation"));
    }

    #[test]
    fn who_is_not_known_is_told_how_to_become_known() {
        for code in Code::ALL.iter().filter(|code| code.status() == StatusCode::UNAUTHORIZED) {
            assert!(written(&Problem::of(*code)).0.contains_key(WWW_AUTHENTICATE), "{code:?}");
        }
    }
}
