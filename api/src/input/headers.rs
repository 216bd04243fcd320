//! Headers that change what a request means: the idempotency key and the preconditions.

use crate::etag::ETag;
use crate::problem::{Detail, Problem};
use axum::extract::{FromRequestParts, OptionalFromRequestParts};
use axum::http::header::{IF_MATCH, IF_NONE_MATCH};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName};

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
/// Long enough for any id somebody may want to use, short enough to be read aloud in a log.
const KEY_MAX: usize = 255;

/// A client's name for one command: visible ASCII, written bare or as a quoted string.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct IdempotencyKey(pub Option<String>);

/// The same where there must be one: money moves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RequiredKey(pub(crate) String);

impl IdempotencyKey {
    pub(crate) fn parse(text: &str) -> Result<String, Problem> {
        let invalid = |detail| Err(Problem::new(detail));
        let text = text.trim();
        let key = match text.strip_prefix('"') {
            Some(rest) => match rest.strip_suffix('"') {
                Some(inner) if !inner.contains(['"', '\\']) => inner,
                _ => return invalid(Detail::KeyQuotes),
            },
            None => text,
        };
        if key.is_empty() || key.len() > KEY_MAX {
            return invalid(Detail::KeyLength { max: KEY_MAX });
        }
        if !key.bytes().all(|b| b.is_ascii_graphic() && b != b'"') {
            return invalid(Detail::KeyCharacters);
        }
        Ok(key.to_owned())
    }
}

impl<S: Sync> FromRequestParts<S> for IdempotencyKey {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        text(&parts.headers, &IDEMPOTENCY_KEY)?.map(Self::parse).transpose().map(Self)
    }
}

impl<S: Sync> FromRequestParts<S> for RequiredKey {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        match text(&parts.headers, &IDEMPOTENCY_KEY)? {
            Some(key) => IdempotencyKey::parse(key).map(Self),
            None => Err(Problem::new(Detail::SendAKey)),
        }
    }
}

/// The only value of a header, if it is there.
fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Result<Option<&'a str>, Problem> {
    let mut values = headers.get_all(name).iter();
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(Problem::new(Detail::RepeatedHeader { name: name.to_string() }));
    }
    value.to_str().map(Some).map_err(|_| Problem::new(Detail::HeaderNotAscii { name: name.to_string() }))
}

/// The version a command was made for, from `If-Match`, with what stood beside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct IfMatch(pub(crate) Option<ETag>);

impl<S: Sync> FromRequestParts<S> for IfMatch {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let Some(tag) = text(&parts.headers, &IF_MATCH)?.map(str::trim) else { return Ok(Self(None)) };
        if tag == "*" {
            return Ok(Self(None));
        }
        // Bare it is a version; what may stand beside one belongs to a tag.
        let is_tag = tag.starts_with('"') || tag.bytes().all(|b| b.is_ascii_digit());
        match ETag::parse(tag).filter(|_| is_tag) {
            Some(known) => Ok(Self(Some(known))),
            None if tag.starts_with('"') && tag.ends_with('"') && !tag.contains(',') => {
                Err(Problem::new(Detail::NoVersion { tag: tag.to_owned() }))
            }
            None => Err(Problem::new(Detail::OneETag)),
        }
    }
}

/// What the client has already, from `If-None-Match`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct IfNoneMatch(String);

impl IfNoneMatch {
    pub(crate) fn has(&self, current: impl Into<ETag>) -> bool {
        let current = Some(current.into());
        let mut tags = self.0.split(',').map(str::trim);
        tags.any(|tag| tag == "*" || ETag::parse(tag.strip_prefix("W/").unwrap_or(tag)) == current)
    }
}

impl<S: Sync> OptionalFromRequestParts<S> for IfNoneMatch {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Option<Self>, Problem> {
        // A condition that cannot be read is one that does not hold.
        let tags = parts.headers.get(IF_NONE_MATCH).and_then(|tags| tags.to_str().ok());
        Ok(tags.map(|tags| Self(tags.to_owned())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::problem::Code;
    use axum::http::Request;

    async fn if_match(tag: &str) -> Result<IfMatch, Code> {
        let (mut parts, ()) = Request::builder().header("if-match", tag).body(()).unwrap().into_parts();
        IfMatch::from_request_parts(&mut parts, &()).await.map_err(|problem| problem.code())
    }

    #[test]
    fn a_key_is_taken_bare_or_quoted() {
        assert_eq!(IdempotencyKey::parse("order-7").unwrap(), "order-7");
        assert_eq!(IdempotencyKey::parse("\"order-7\"").unwrap(), "order-7");
        let longest = "k".repeat(255);
        assert_eq!(IdempotencyKey::parse(&longest).unwrap(), longest);
        for bad in ["", "\"\"", "\"open", "a b", "a\"b", "schlüssel", "a\u{7f}", &"k".repeat(256)] {
            assert!(IdempotencyKey::parse(bad).is_err(), "{bad:?}");
        }
    }

    #[tokio::test]
    async fn if_match_names_a_version() {
        let seven = ETag::from(7);
        assert_eq!(if_match("\"7\"").await, Ok(IfMatch(Some(seven))));
        assert_eq!(if_match("7").await, Ok(IfMatch(Some(seven))));
        assert_eq!(if_match("\"7.8\"").await, Ok(IfMatch(Some(ETag { beside: Some(8), ..seven }))));
        assert_eq!(if_match("7.8").await, Err(Code::InvalidHeader));
        assert_eq!(if_match("*").await, Ok(IfMatch(None)));
        assert_eq!(if_match("\"seven\"").await, Err(Code::VersionMismatch));
        assert_eq!(if_match("W/\"7\"").await, Err(Code::InvalidHeader), "a weak tag proves nothing");
        assert_eq!(if_match("\"7\", \"8\"").await, Err(Code::InvalidHeader));
    }

    #[test]
    fn what_the_client_has_is_compared_weakly() {
        let tags = IfNoneMatch("\"6\", W/\"7\"".to_owned());
        assert!(tags.has(6) && tags.has(7) && !tags.has(8));
        assert!(IfNoneMatch("*".to_owned()).has(1));
        let used = |at| ETag { version: 7, beside: Some(at) };
        assert!(!tags.has(used(1)) && IfNoneMatch("\"7.1\"".to_owned()).has(used(1)));
        assert!(!IfNoneMatch("\"7.1\"".to_owned()).has(used(2)));
    }
}
