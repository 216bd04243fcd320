//! The body of a command: JSON, at most 64 KiB (a batch's: 256) and not nested without end, arrived within ten seconds.
//!
//! What is too large is still read for a while before it is refused: a connection closed on a client that is sending
//! shows there as a reset, not as an answer.

use super::depth::{DEPTH_MAX, is_too_deep};
use super::query::repeated;
use crate::problem::{Code, Detail, Problem};
use axum::body::{Body, BodyDataStream, HttpBody};
use axum::extract::{FromRequest, OptionalFromRequest, Request};
use axum::http::HeaderMap;
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE, EXPECT};
use bytes::{Bytes, BytesMut};
use futures::StreamExt;
use serde::Deserialize;
use serde::de::{Error, IgnoredAny};
use serde_json::error::Category;
use std::time::Duration;

/// No single command needs more.
const BODY_MAX: usize = 64 * 1024;
/// A batch of as many commands as it may have, each as long as it can be.
const BATCH_MAX: usize = 256 * 1024;
/// How much of an oversize body is read and thrown away, so that its sender hears the answer.
const DRAIN_MAX: usize = 8 * 1024 * 1024;
/// Slower than this is not a client but somebody who holds connections.
const ARRIVES_WITHIN: Duration = Duration::from_secs(10);
const DRAINED_WITHIN: Duration = Duration::from_secs(3);

/// The bytes of a JSON body, unparsed: the handler reads them into a form that borrows from them.
pub(crate) struct JsonBody<const MAX: usize = BODY_MAX>(Bytes);

pub(crate) type BatchBody = JsonBody<BATCH_MAX>;

/// It may hold a password.
impl<const MAX: usize> std::fmt::Debug for JsonBody<MAX> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("JsonBody").field("bytes", &self.0.len()).finish_non_exhaustive()
    }
}

impl<const MAX: usize> JsonBody<MAX> {
    pub(crate) fn read<'a, T: Deserialize<'a>>(&'a self) -> Result<T, Problem> {
        if is_too_deep(&self.0) {
            return Err(Problem::new(Detail::TooDeep { max: DEPTH_MAX }));
        }
        // serde would take an array for an object, its values in the order of the fields.
        let is_object = self.0.trim_ascii_start().starts_with(b"{");
        let read = if is_object { serde_json::from_slice(&self.0) } else { self.no_object() };
        read.map_err(|error| match error.classify() {
            Category::Data => Problem::new(shape(&error)),
            Category::Syntax | Category::Eof | Category::Io => {
                Problem::new(Detail::NotJson { line: error.line(), column: error.column() })
            }
        })
    }

    fn no_object<T>(&self) -> Result<T, serde_json::Error> {
        serde_json::from_slice::<IgnoredAny>(&self.0)?;
        Err(serde_json::Error::custom("not an object"))
    }
}

/// serde's own words, where they are about the JSON and not about our types.
fn shape(error: &serde_json::Error) -> Detail {
    match repeated(&error.to_string()) {
        Some(name) => {
            let (line, column) = (error.line(), error.column());
            Detail::RepeatedMember { name: name.to_owned(), line, column }
        }
        None => Detail::NotAnObject,
    }
}

impl<S: Send + Sync, const MAX: usize> FromRequest<S> for JsonBody<MAX> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        let (parts, body) = request.into_parts();
        // The body comes first: one that is too large is refused as such, whatever it says it is.
        let bytes = read(&parts.headers, body, MAX).await?;
        if !is_json(&parts.headers) {
            return Err(Problem::new(Detail::SendJson));
        }
        Ok(Self(bytes))
    }
}

/// A body that may be left out.
impl<S: Send + Sync> OptionalFromRequest<S> for JsonBody {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Option<Self>, Problem> {
        if request.body().is_end_stream() {
            return Ok(None);
        }
        <Self as FromRequest<S>>::from_request(request, state).await.map(Some)
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    let Some(value) = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()) else {
        return false;
    };
    let essence = value.split(';').next().unwrap_or_default().trim();
    if essence.eq_ignore_ascii_case("application/json") {
        return true;
    }
    let essence = essence.to_ascii_lowercase();
    essence.starts_with("application/") && essence.ends_with("+json")
}

async fn read(headers: &HeaderMap, body: Body, max: usize) -> Result<Bytes, Problem> {
    let announced = headers
        .get(CONTENT_LENGTH)
        .and_then(|length| length.to_str().ok())
        .and_then(|length| length.parse::<usize>().ok())
        .unwrap_or(0);
    let mut stream = body.into_data_stream();
    if announced > max {
        // Who asks first has not sent anything yet.
        if !headers.contains_key(EXPECT) {
            drain(&mut stream).await;
        }
        return Err(too_large(max));
    }
    match tokio::time::timeout(ARRIVES_WITHIN, collect(&mut stream, max)).await {
        Ok(Ok(Some(bytes))) => Ok(bytes),
        Ok(Ok(None)) => {
            drain(&mut stream).await;
            Err(too_large(max))
        }
        Ok(Err(error)) => Err(Problem::new(Detail::BodyBroke).because(&error)),
        Err(_) => Err(Problem::of(Code::RequestTimeout)),
    }
}

fn too_large(max: usize) -> Problem {
    Problem::new(Detail::BodyTooLarge { max })
}

/// The whole body, or nothing if it is too large. Most bodies are one piece, which is passed on as it is.
async fn collect(stream: &mut BodyDataStream, max: usize) -> Result<Option<Bytes>, axum::Error> {
    let Some(first) = stream.next().await.transpose()? else {
        return Ok(Some(Bytes::new()));
    };
    let Some(second) = stream.next().await.transpose()? else {
        return Ok((first.len() <= max).then_some(first));
    };
    let mut whole = BytesMut::from(first);
    whole.extend_from_slice(&second);
    while whole.len() <= max {
        let Some(piece) = stream.next().await.transpose()? else {
            return Ok(Some(whole.freeze()));
        };
        whole.extend_from_slice(&piece);
    }
    Ok(None)
}

async fn drain(stream: &mut BodyDataStream) {
    let drained = async {
        let mut seen = 0;
        while let Some(Ok(piece)) = stream.next().await {
            seen += piece.len();
            if seen > DRAIN_MAX {
                break;
            }
        }
    };
    // Whether it got there does not matter: the answer is the same.
    let _ = tokio::time::timeout(DRAINED_WITHIN, drained).await;
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;
    use futures::stream;

    fn json_type(value: &'static str) -> bool {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(value));
        is_json(&headers)
    }

    fn pieces(count: usize) -> Body {
        let piece = || Ok::<_, std::io::Error>(Bytes::from(vec![b' '; 1024]));
        Body::from_stream(stream::iter((0..count).map(move |_| piece())))
    }

    #[test]
    fn json_comes_under_several_names() {
        assert!(json_type("application/json"));
        assert!(json_type("Application/JSON; charset=utf-8"));
        assert!(json_type("application/merge-patch+json"));
        assert!(!json_type("text/plain"));
        assert!(!json_type("application/x-www-form-urlencoded"));
        assert!(!is_json(&HeaderMap::new()));
    }

    #[tokio::test]
    async fn a_body_in_pieces_is_put_together_up_to_the_limit() {
        let headers = HeaderMap::new();
        assert_eq!(read(&headers, pieces(64), BODY_MAX).await.unwrap().len(), BODY_MAX);
        let refused = read(&headers, pieces(65), BODY_MAX).await.unwrap_err();
        assert_eq!(refused.code(), Code::BodyTooLarge);
    }

    #[tokio::test]
    async fn an_oversize_body_is_refused_by_its_length() {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_LENGTH, HeaderValue::from(2_000_000));
        let refused = read(&headers, pieces(1), BODY_MAX).await.unwrap_err();
        assert_eq!(refused.code(), Code::BodyTooLarge);
    }

    #[test]
    fn unreadable_and_misshapen_are_two_things() {
        let read =
            |text: &'static str| JsonBody::<BODY_MAX>(Bytes::from_static(text.as_bytes())).read::<Form>();
        assert_eq!(read("{\"a\": ").unwrap_err().code(), Code::MalformedJson);
        assert_eq!(read("").unwrap_err().code(), Code::MalformedJson);
        assert_eq!(read("{\"a\": 1} x").unwrap_err().code(), Code::MalformedJson);
        for other in ["[1]", "[]", "1", "null", "\"a\""] {
            assert_eq!(read(other).unwrap_err().code(), Code::ValidationFailed, "{other}");
        }
        assert_eq!(read("{\"a\": 1, \"a\": 2}").unwrap_err().code(), Code::ValidationFailed);
        assert!(read("{\"a\": 1, \"unknown\": 2}").is_ok());
    }

    #[derive(Debug, Deserialize)]
    struct Form {
        #[serde(rename = "a")]
        _a: u8,
    }
}
