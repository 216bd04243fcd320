//! Problems: what a client is told when it does not get what it asked for (RFC 9457).
//!
//! A handler returns a [`Problem`]; it travels as an extension of an empty response, and the door writes it down once,
//! with the request's id and in the language of whoever asked. So whatever made the error (a handler, the router, a
//! library), it leaves in the same form.

mod catalogue;
mod codes;
mod failures;
mod settings;

pub(crate) use catalogue::{Detail, Flaw, Language, chosen};
pub(crate) use codes::{Code, FieldCode};
pub(crate) use settings::unknown_members;

use axum::body::Body;
use axum::http::header::{
    ACCEPT_LANGUAGE, CONTENT_LANGUAGE, CONTENT_TYPE, RETRY_AFTER, VARY, WWW_AUTHENTICATE,
};
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
pub(crate) struct Problem(Box<Contents>);

#[derive(Clone, Debug)]
struct Contents {
    code: Code,
    /// None if the title, or what is wrong with the values, says all there is to say.
    detail: Option<Detail>,
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
    pub flaw: Flaw,
}

impl FieldError {
    pub(crate) fn new(pointer: impl Into<Cow<'static, str>>, flaw: Flaw) -> Self {
        Self { pointer: pointer.into(), flaw }
    }
}

impl Problem {
    pub(crate) fn new(detail: Detail) -> Self {
        let mut problem = Self::of(detail.code());
        problem.0.detail = Some(detail);
        problem
    }

    /// A code whose title says all there is to say.
    pub(crate) fn of(code: Code) -> Self {
        Self(Box::new(Contents {
            code,
            detail: None,
            errors: Vec::new(),
            facts: Vec::new(),
            retry_after: code.is_retryable().then_some(RETRY_AFTER_DEFAULT),
            position: None,
            replayed: false,
            cause: None,
        }))
    }

    pub(crate) fn validation(errors: Vec<FieldError>) -> Self {
        Self::with_errors(Code::ValidationFailed, errors)
    }

    /// Another code, where it is about values too.
    fn with_errors(code: Code, errors: Vec<FieldError>) -> Self {
        let mut problem = Self::of(code);
        problem.0.errors = errors;
        problem
    }

    /// The same, for one value.
    pub(crate) fn flaw(pointer: impl Into<Cow<'static, str>>, flaw: Flaw) -> Self {
        Self::validation(vec![FieldError::new(pointer, flaw)])
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

    pub(crate) fn is_replayed(&self) -> bool {
        self.0.replayed
    }

    /// Where the values stand that are not valid. Clients choose names too: no line of a log may hold these as they are.
    pub(crate) fn pointers(&self) -> impl Iterator<Item = &str> {
        self.0.errors.iter().map(|error| &*error.pointer)
    }

    pub(crate) fn cause(&self) -> Option<&str> {
        self.0.cause.as_deref()
    }

    fn detail(&self, language: Language) -> String {
        let Contents { code, detail, errors, .. } = &*self.0;
        match (detail, errors.as_slice()) {
            (Some(detail), _) => detail.said(language).to_string(),
            (None, []) => code.title(language).to_owned(),
            (None, [FieldError { pointer, flaw }]) => format!("{pointer} {}", flaw.said(language)),
            (None, several) => several_flaws(*code, several.len()).said(language).to_string(),
        }
    }

    /// The headers it brings along, and its text.
    pub(crate) fn write(&self, headers: &mut HeaderMap, request_id: &str, language: Language) -> Vec<u8> {
        headers.insert(CONTENT_TYPE, PROBLEM_JSON);
        headers.insert(CONTENT_LANGUAGE, language.header());
        headers.append(VARY, HeaderValue::from(ACCEPT_LANGUAGE));
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
        let detail = &self.detail(language);
        let written = Written { contents: &self.0, detail, request_id, language };
        serde_json::to_vec(&written).unwrap_or_default()
    }
}

/// How many there are of what a code is about.
const fn several_flaws(code: Code, count: usize) -> Detail {
    match code {
        Code::SettingForbidden => Detail::SeveralForbidden { count },
        Code::UnknownSetting => Detail::SeveralUnknown { count },
        _ => Detail::SeveralFlaws { count },
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
    contents: &'a Contents,
    detail: &'a str,
    request_id: &'a str,
    language: Language,
}

impl Serialize for Written<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { contents, detail, language, .. } = *self;
        let code = contents.code;
        let errors = contents.errors.iter().map(|error| WrittenError { error, language });
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("type", &format_args!("urn:counterfoil:problem:{}", code.as_str()))?;
        map.serialize_entry("title", code.title(language))?;
        map.serialize_entry("status", &code.status().as_u16())?;
        map.serialize_entry("code", code.as_str())?;
        map.serialize_entry("detail", detail)?;
        map.serialize_entry("errors", &errors.collect::<Vec<_>>())?;
        for (name, value) in &contents.facts {
            map.serialize_entry(name, value)?;
        }
        map.serialize_entry("request_id", self.request_id)?;
        map.serialize_entry("retryable", &code.is_retryable())?;
        // What the older clients of this interface look at.
        map.serialize_entry("success", &false)?;
        map.serialize_entry("error", detail)?;
        map.end()
    }
}

struct WrittenError<'a> {
    error: &'a FieldError,
    language: Language,
}

impl Serialize for WrittenError<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let FieldError { pointer, flaw } = self.error;
        let mut map = serializer.serialize_map(Some(3))?;
        map.serialize_entry("pointer", pointer)?;
        map.serialize_entry("code", flaw.code().as_str())?;
        map.serialize_entry("detail", &format_args!("{}", flaw.said(self.language)))?;
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(problem: &Problem) -> (HeaderMap, serde_json::Value) {
        let mut headers = HeaderMap::new();
        let body = problem.write(&mut headers, "r-1", Language::English);
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
    fn a_language_changes_the_words_and_nothing_else() {
        let value = |text: &'static str| FieldError::new("/username", Flaw::not_among(&[text]));
        for problem in [
            Problem::of(Code::WalletNotFound),
            Problem::new(Detail::OtherVersion { expected: 1, actual: 2 }).fact("actual", 2),
            Problem::flaw("/username", Flaw::TooShort { min: 3 }),
            Problem::validation(vec![value("a"), value("b")]),
        ] {
            let told = |language| {
                let mut headers = HeaderMap::new();
                let body = problem.write(&mut headers, "r-1", language);
                (headers, serde_json::from_slice::<serde_json::Value>(&body).unwrap())
            };
            let ((english, mut en), (ukrainian, mut uk)) =
                (told(Language::English), told(Language::Ukrainian));
            assert_eq!(
                (&english[CONTENT_LANGUAGE], &ukrainian[CONTENT_LANGUAGE]),
                (&"en".parse().unwrap(), &"uk".parse().unwrap())
            );
            assert_eq!(english[VARY], "accept-language");
            for words in ["title", "detail", "error"] {
                assert_ne!(en[words], uk[words]);
                (en[words], uk[words]) = (words.into(), words.into());
            }
            for at in 0..en["errors"].as_array().unwrap().len() {
                assert_ne!(en["errors"][at]["detail"], uk["errors"][at]["detail"]);
                (en["errors"][at]["detail"], uk["errors"][at]["detail"]) = ("".into(), "".into());
            }
            assert_eq!(en, uk);
        }
    }

    #[test]
    fn several_of_a_kind_are_told_as_what_they_are() {
        let detail = |problem: &Problem| written(problem).1["detail"].as_str().unwrap().to_owned();
        let errors =
            || ["/db_url", "/dry_run"].map(|at| FieldError::new(at, Flaw::SettingForbidden)).to_vec();
        let forbidden = Problem::with_errors(Code::SettingForbidden, errors());
        assert_eq!(detail(&forbidden), "2 of these settings may not be changed here");
        let unknown = Problem::with_errors(Code::UnknownSetting, errors());
        assert_eq!(detail(&unknown), "2 of these are no settings that there are here");
        assert_eq!(detail(&Problem::validation(errors())), "2 values are not valid");
    }

    #[test]
    fn numbers_and_nouns_agree() {
        let told = |flaw| {
            let body =
                Problem::flaw("/username", flaw).write(&mut HeaderMap::new(), "r", Language::Ukrainian);
            let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
            body["detail"].as_str().unwrap().to_owned()
        };
        assert_eq!(told(Flaw::TooShort { min: 1 }), "/username має містити щонайменше 1 символ");
        assert_eq!(told(Flaw::TooShort { min: 3 }), "/username має містити щонайменше 3 символи");
        assert_eq!(told(Flaw::TooShort { min: 8 }), "/username має містити щонайменше 8 символів");
        assert_eq!(told(Flaw::not_among(&["a", "b", "c"])), "/username має бути a, b або c");
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
