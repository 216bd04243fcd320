//! Every request has a name, the client's or our own, which stands in its answer, its problem and its log lines.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use commands::{Context, Principal};
use std::net::IpAddr;
use std::time::Instant;
use uuid::Uuid;

pub(super) const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// What somebody else's name may be: long enough for any tracing system, short enough for a log line.
const LENGTHS: std::ops::RangeInclusive<usize> = 1..=64;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RequestId(HeaderValue);

impl RequestId {
    /// Letters, digits, '.', '_' and '-' only: it is written into headers and logs.
    fn of_client(value: &HeaderValue) -> Option<Self> {
        let bytes = value.as_bytes();
        let legal = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-');
        (LENGTHS.contains(&bytes.len()) && bytes.iter().all(legal)).then(|| Self(value.clone()))
    }

    fn of_uuid(id: Uuid) -> Self {
        let mut text = [0; uuid::fmt::Hyphenated::LENGTH];
        let text = id.hyphenated().encode_lower(&mut text);
        // A UUID is always a legal header.
        Self(HeaderValue::from_str(text).unwrap_or(HeaderValue::from_static("-")))
    }

    pub(crate) fn as_str(&self) -> &str {
        self.0.to_str().unwrap_or("-")
    }

    pub(super) fn header(&self) -> HeaderValue {
        self.0.clone()
    }
}

/// What is known of a request before its route is.
#[derive(Clone, Debug)]
pub(crate) struct Arrival {
    pub request_id: RequestId,
    /// The request's name as the events it leads to carry it.
    pub correlation_id: Uuid,
    pub peer: IpAddr,
    pub at: Instant,
}

impl Arrival {
    pub(crate) fn new(headers: &HeaderMap, peer: IpAddr) -> Self {
        let theirs = headers.get(&X_REQUEST_ID).and_then(RequestId::of_client);
        // A name that is not a UUID cannot stand in an event; then the event has one of ours.
        let correlation_id =
            theirs.as_ref().and_then(|id| Uuid::try_parse(id.as_str()).ok()).unwrap_or_else(Uuid::now_v7);
        let request_id = theirs.unwrap_or_else(|| RequestId::of_uuid(correlation_id));
        Self { request_id, correlation_id, peer, at: Instant::now() }
    }
}

impl Arrival {
    /// The circumstances of a command that came with this request.
    pub(crate) fn context(&self, principal: Principal, key: Option<String>) -> Context {
        let (correlation_id, received) = (self.correlation_id, self.at);
        Context { principal, key, correlation_id, expected_version: None, received }
    }
}

impl<S: Sync> FromRequestParts<S> for Arrival {
    type Rejection = crate::problem::Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        let arrival = parts.extensions.get::<Self>().cloned();
        arrival
            .ok_or_else(|| crate::problem::Problem::internal(&"a request that did not come through the door"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;

    fn named(theirs: &[u8]) -> Arrival {
        let mut headers = HeaderMap::new();
        headers.insert(X_REQUEST_ID, HeaderValue::from_bytes(theirs).unwrap());
        Arrival::new(&headers, IpAddr::V4(Ipv4Addr::LOCALHOST))
    }

    #[test]
    fn a_clients_name_is_kept_if_it_is_harmless() {
        assert_eq!(named(b"order-7_a.b").request_id.as_str(), "order-7_a.b");
        for harmful in [b"a b".as_slice(), b"a\tb", b"", b"<script>", "é".as_bytes(), &[b'x'; 65]] {
            let arrival = named(harmful);
            assert_eq!(arrival.request_id.as_str(), arrival.correlation_id.to_string(), "{harmful:?}");
        }
    }

    #[test]
    fn a_uuid_goes_through_to_the_events() {
        let id = Uuid::from_u128(7);
        assert_eq!(named(id.to_string().as_bytes()).correlation_id, id);
    }
}
