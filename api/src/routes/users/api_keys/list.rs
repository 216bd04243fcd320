//! GET /users/{id}/api-keys.

use super::holder;
use crate::app::App;
use crate::auth::Subject;
use crate::auth::rule::ManageAnyAccount;
use crate::input::MinPosition;
use crate::openapi::Problems;
use crate::output::{Answer, ApiKeyBody, ListBody};
use crate::problem::Problem;
use axum::extract::State;
use axum::response::Response;

/// A user's API keys, newest first
///
/// All of them at once: there are 25 at most.
#[utoipa::path(
    get, path = "/users/{id}/api-keys", tag = "api keys", security(("access_token" = [])),
    params(
        ("id" = String, Path, description = "One's own id, `me`, or for an admin a service's"),
        ("min_position" = Option<i64>, Query, description = "Wait until this position is included"),
    ),
    responses((status = 200, description = "All of them", body = ListBody<ApiKeyBody>), Problems)
)]
pub(crate) async fn list(
    State(app): State<App>,
    subject: Subject<ManageAnyAccount>,
    min: MinPosition,
) -> Result<Response, Problem> {
    let user_id = holder(&app, &subject).await?;
    let keys = app.read_models().api_keys_of(user_id, min.0).await?;
    let items = keys.value.into_iter().map(ApiKeyBody::from).collect();
    let body = ListBody { items, next_cursor: None, position: keys.position };
    Ok(Answer::ok().position(body.position).json(&body))
}
