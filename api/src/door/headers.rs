//! The headers that every answer has. Nothing here is cached, framed, sniffed or run, unless it is one of our pages.

use super::request_id::{RequestId, X_REQUEST_ID};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, REFERRER_POLICY, STRICT_TRANSPORT_SECURITY,
    X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use axum::http::{HeaderMap, HeaderValue};

/// For data: it is not a page, and nothing in it may ever act like one.
const DATA_POLICY: HeaderValue = HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'");
/// For the first page, which holds tokens of mails and new passwords: its own script and style, and the interface. The
/// image is the empty one that keeps a browser from looking for an icon.
const FRONT_POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; \
     base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
);
/// For the documentation: everything from here, nothing from anywhere else. Swagger UI styles itself inline.
const DOCS_POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
     font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
);

/// ReDoc's besides: it searches in a worker that it makes itself.
const REDOC_POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
     font-src 'self'; connect-src 'self'; worker-src blob:; base-uri 'none'; form-action 'none'; \
     frame-ancestors 'none'",
);
/// A year, for the whole domain: who came over TLS once is not to come without.
const ONLY_HTTPS: HeaderValue = HeaderValue::from_static("max-age=31536000; includeSubDomains");

/// What a path is to a browser.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Page {
    None,
    Front,
    Docs,
    Redoc,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Kind {
    pub page: Page,
    pub https: bool,
}

pub(super) fn page(path: &str) -> Page {
    match path {
        "/" => Page::Front,
        "/docs" => Page::Docs,
        "/redoc" => Page::Redoc,
        _ if path.starts_with("/docs/") => Page::Docs,
        _ => Page::None,
    }
}

pub(super) fn set(headers: &mut HeaderMap, request_id: &RequestId, kind: Kind) {
    let policy = match kind.page {
        Page::None => DATA_POLICY,
        Page::Front => FRONT_POLICY,
        Page::Docs => DOCS_POLICY,
        Page::Redoc => REDOC_POLICY,
    };
    headers.insert(X_REQUEST_ID, request_id.header());
    headers.insert(CONTENT_SECURITY_POLICY, policy);
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    if kind.https {
        headers.insert(STRICT_TRANSPORT_SECURITY, ONLY_HTTPS);
    }
    headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
}
