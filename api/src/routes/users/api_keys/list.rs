//! GET /users/{id}/api-keys.

use super::holder;
use crate::app::App;
use crate::auth::Subject;
use crate::auth::rule::ManageAnyAccount;
use crate::etag::ETag;
use crate::input::{IfNoneMatch, MinPosition};
use crate::openapi::Problems;
use crate::output::{Answer, ApiKeyBody, ListBody};
use crate::problem::Problem;
use axum::extract::State;
use axum::response::Response;
use domain::Timestamp;
use projections::{ApiKeyRow, ApiKeysOf};

/// A user's API keys, newest first
///
/// All of them at once: there are 25 at most.
#[utoipa::path(
    get, path = "/users/{id}/api-keys", tag = "api keys", security(("access_token" = [])),
    params(
        ("id" = String, Path, description = "One's own id, `me`, or for an admin a service's"),
        ("min_position" = Option<i64>, Query, description = "Wait until this position is included"),
        ("If-None-Match" = Option<String>, Header, description = "Only if the user has another version, or a key was used since"),
    ),
    responses(
        (status = 200, description = "All of them", body = ListBody<ApiKeyBody>),
        (status = 304, description = "They are as the client has them"),
        Problems,
    )
)]
pub(crate) async fn list(
    State(app): State<App>,
    subject: Subject<ManageAnyAccount>,
    min: MinPosition,
    known: Option<IfNoneMatch>,
) -> Result<Response, Problem> {
    let user_id = holder(&app, &subject).await?;
    let found = app.read_models().api_keys_of(user_id, min.0).await?;
    let ApiKeysOf { keys, version } = found.value;
    let tag = ETag { version, beside: uses(&keys) };
    let answer = Answer::ok().position(found.position).version(tag);
    if known.is_some_and(|known| known.has(tag)) {
        return Ok(answer.not_modified());
    }
    let items = keys.into_iter().map(ApiKeyBody::from).collect();
    Ok(answer.json(&ListBody { items, next_cursor: None, position: found.position }))
}

/// Uses are shown and are no part of the user's history. Of the same keys every later use makes another sum.
fn uses(keys: &[ApiKeyRow]) -> Option<i64> {
    let used = keys.iter().filter_map(|key| key.last_used_at).map(Timestamp::as_micros);
    used.reduce(i64::wrapping_add)
}
