//! The headers that every answer has. Nothing here is cached, framed, sniffed or run, unless it is one of our pages.

use super::request_id::{RequestId, X_REQUEST_ID};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use axum::http::{HeaderMap, HeaderValue};

/// For data: it is not a page, and nothing in it may ever act like one.
const DATA_POLICY: HeaderValue = HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'");
/// For our own pages: everything from here, nothing from anywhere else. Swagger UI styles itself inline.
const PAGE_POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
     font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
);

pub(super) fn is_page(path: &str) -> bool {
    path == "/" || path == "/docs" || path.starts_with("/docs/")
}

pub(super) fn set(headers: &mut HeaderMap, request_id: &RequestId, is_page: bool) {
    headers.insert(X_REQUEST_ID, request_id.header());
    headers.insert(CONTENT_SECURITY_POLICY, if is_page { PAGE_POLICY } else { DATA_POLICY });
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
}
