//! The OpenAPI document, and two ways to read it, Swagger UI and ReDoc. Both are inside the binary: nothing is fetched from
//! anywhere else.

use crate::app::App;
use crate::problem::{Code, Problem};
use axum::extract::{Path, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{Html, IntoResponse, Redirect, Response};
use bytes::Bytes;
use std::borrow::Cow;
use std::sync::{Arc, LazyLock};
use utoipa_swagger_ui::{Config, SwaggerFile};

/// The pages belong to one build of the binary; an hour after an upgrade everybody has the new ones.
const CACHE: HeaderValue = HeaderValue::from_static("public, max-age=3600");

static CONFIG: LazyLock<Arc<Config<'static>>> = LazyLock::new(|| {
    // Else the page would ask a validator on the internet about us.
    let config = Config::from("../openapi.json").try_it_out_enabled(true).validator_url("none");
    Arc::new(config)
});

pub(crate) async fn openapi(State(app): State<App>) -> Response {
    ([(CONTENT_TYPE, "application/json")], app.document().text()).into_response()
}

/// Relative, so that it works with and without the prefix.
pub(crate) async fn redirect() -> Redirect {
    Redirect::temporary("docs/")
}

pub(crate) async fn index() -> Result<Response, Problem> {
    file("index.html")
}

pub(crate) async fn asset(Path(path): Path<String>) -> Result<Response, Problem> {
    file(&path)
}

const REDOC: &str = include_str!("redoc.html");
/// Kept compressed, and sent as it is: there is no browser that does not read it.
const REDOC_SCRIPT: &[u8] = include_bytes!("../../assets/redoc/redoc.standalone.js.gz");

pub(crate) async fn redoc() -> Response {
    ([(CACHE_CONTROL, CACHE)], Html(REDOC)).into_response()
}

pub(crate) async fn redoc_script() -> Response {
    let headers = [
        (CONTENT_TYPE, HeaderValue::from_static("text/javascript; charset=utf-8")),
        (CONTENT_ENCODING, HeaderValue::from_static("gzip")),
        (CACHE_CONTROL, CACHE),
    ];
    (headers, Bytes::from_static(REDOC_SCRIPT)).into_response()
}

fn file(path: &str) -> Result<Response, Problem> {
    let found = utoipa_swagger_ui::serve(path, CONFIG.clone()).map_err(|error| Problem::internal(&error))?;
    let SwaggerFile { bytes, content_type, gzpipped, .. } =
        found.ok_or_else(|| Problem::of(Code::RouteNotFound))?;
    // The pages are inside the binary: what stands there already is not copied.
    let bytes = match bytes {
        Cow::Borrowed(bytes) => Bytes::from_static(bytes),
        Cow::Owned(bytes) => Bytes::from(bytes),
    };
    let mut response = (StatusCode::OK, [(CONTENT_TYPE, content_type)], bytes).into_response();
    response.headers_mut().insert(CACHE_CONTROL, CACHE);
    if gzpipped {
        response.headers_mut().insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    Ok(response)
}
