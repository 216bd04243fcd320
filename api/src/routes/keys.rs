//! GET /.well-known/jwks.json: the public keys that access tokens are verified with.

use crate::app::App;
use crate::output::Answer;
use axum::extract::State;
use axum::http::HeaderValue;
use axum::http::header::CACHE_CONTROL;
use axum::response::Response;

/// Verifiers ask again this often, so a key is published this long before it signs.
const CACHE: HeaderValue = HeaderValue::from_static("public, max-age=300");

/// The public keys of access tokens (RFC 7517)
#[utoipa::path(
    get, path = "/.well-known/jwks.json", tag = "auth",
    responses((status = 200, description = "A JSON Web Key Set", body = serde_json::Value))
)]
pub(crate) async fn jwks(State(app): State<App>) -> Response {
    let mut response = Answer::ok().json(&app.admission().tokens().keys().published());
    response.headers_mut().insert(CACHE_CONTROL, CACHE);
    response
}
