//! Which pages of other origins may call from a browser: those that were named, and no other.
//!
//! There are no cookies here, so nothing is ever sent along that a page did not put in itself: credentials stay off.

use crate::limits::{RATELIMIT, RATELIMIT_POLICY};
use crate::output::{POSITION, REPLAYED};
use axum::body::Body;
use axum::http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_METHOD, ETAG, LOCATION,
    ORIGIN, RETRY_AFTER, VARY,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use axum::response::Response;

const METHODS: HeaderValue = HeaderValue::from_static("GET, HEAD, POST, PUT, PATCH, DELETE");
const REQUEST_HEADERS: HeaderValue = HeaderValue::from_static(
    "Authorization, Content-Type, Accept-Language, Idempotency-Key, If-Match, If-None-Match, Last-Event-ID, \
     Counterfoil-Min-Position, X-Request-Id",
);
const ANSWER_HEADERS: [HeaderName; 8] = [
    ETAG,
    LOCATION,
    RETRY_AFTER,
    super::request_id::X_REQUEST_ID,
    POSITION,
    REPLAYED,
    RATELIMIT,
    RATELIMIT_POLICY,
];
/// A browser asks once in two hours, the most that any of them remembers.
const MAX_AGE: HeaderValue = HeaderValue::from_static("7200");

#[derive(Debug)]
pub(super) struct Cors {
    origins: Vec<HeaderValue>,
    exposed: HeaderValue,
}

impl Cors {
    pub(super) fn new(origins: &[String]) -> Self {
        let names = ANSWER_HEADERS.map(|name| name.to_string()).join(", ");
        Self {
            // An origin that is no legal header cannot come in one.
            origins: origins.iter().filter_map(|origin| HeaderValue::from_str(origin).ok()).collect(),
            exposed: HeaderValue::from_str(&names).unwrap_or(HeaderValue::from_static("ETag")),
        }
    }

    /// The origin a request comes from, if it is one of those.
    pub(super) fn allowed(&self, headers: &HeaderMap) -> Option<HeaderValue> {
        let origin = headers.get(ORIGIN)?;
        self.origins.iter().find(|known| *known == origin).cloned()
    }

    /// A browser asks first whether it may ask at all. Who may not is answered like anybody who sends such a method.
    pub(super) fn preflight(&self, method: &Method, headers: &HeaderMap) -> Option<Response> {
        if method != Method::OPTIONS || !headers.contains_key(ACCESS_CONTROL_REQUEST_METHOD) {
            return None;
        }
        self.allowed(headers)?;
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::NO_CONTENT;
        let answer = response.headers_mut();
        answer.insert(ACCESS_CONTROL_ALLOW_METHODS, METHODS);
        answer.insert(ACCESS_CONTROL_ALLOW_HEADERS, REQUEST_HEADERS);
        answer.insert(ACCESS_CONTROL_MAX_AGE, MAX_AGE);
        Some(response)
    }

    pub(super) fn write(&self, headers: &mut HeaderMap, origin: Option<HeaderValue>) {
        if self.origins.is_empty() {
            return;
        }
        // For whoever keeps answers: this one is not for every origin.
        headers.append(VARY, HeaderValue::from_static("Origin"));
        if let Some(origin) = origin {
            headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
            headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, self.exposed.clone());
        }
    }
}
