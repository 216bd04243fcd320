//! GET /.well-known/jwks.json: the public keys that access tokens are verified with.

use crate::app::App;
use crate::output::Answer;
use crate::problem::Problem;
use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, ETAG, IF_NONE_MATCH};
use axum::http::{HeaderMap, HeaderValue};
use axum::response::Response;
use std::hash::{DefaultHasher, Hash, Hasher};

/// Verifiers ask again this often, so a key is published this long before it signs.
const CACHE: HeaderValue = HeaderValue::from_static("public, max-age=300");

/// A tag is a number of at most 15 digits, as all tags here are.
const TAGS: u64 = 1_000_000_000_000_000;

/// The public keys of access tokens (RFC 7517)
#[utoipa::path(
    get, path = "/.well-known/jwks.json", tag = "auth",
    params(("If-None-Match" = Option<String>, Header, description = "Only if they are other keys")),
    responses(
        (status = 200, description = "A JSON Web Key Set", body = serde_json::Value),
        (status = 304, description = "They are as the client has them"),
    )
)]
pub(crate) async fn jwks(State(app): State<App>, headers: HeaderMap) -> Result<Response, Problem> {
    let keys = app.admission().tokens().keys().published();
    let text = serde_json::to_vec(&keys).map_err(|error| Problem::internal(&error))?;
    let tag = tag_of(&text);
    let known = headers.get(IF_NONE_MATCH).and_then(|tags| tags.to_str().ok()).unwrap_or_default();
    let is_known =
        known.split(',').any(|known| [tag.as_str(), "*"].contains(&known.trim().trim_start_matches("W/")));
    let mut response = if is_known { Answer::ok().not_modified() } else { Answer::ok().json(&keys) };
    response.headers_mut().insert(CACHE_CONTROL, CACHE);
    if let Ok(tag) = HeaderValue::try_from(tag) {
        response.headers_mut().insert(ETAG, tag);
    }
    Ok(response)
}

/// Tells one set of keys from another: nobody gains by making two look the same.
fn tag_of(text: &[u8]) -> String {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    format!("\"{}\"", hasher.finish() % TAGS)
}
