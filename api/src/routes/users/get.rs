//! GET /users/{id}: oneself; for an admin anybody.

use crate::app::App;
use crate::auth::Subject;
use crate::auth::rule::ReadProfile;
use crate::input::{IfNoneMatch, MinPosition};
use crate::openapi::Problems;
use crate::output::{Answer, UserBody};
use crate::problem::Problem;
use crate::routes::reading;
use axum::extract::State;
use axum::response::Response;
use domain::UserId;

/// A user: by id, or `me`
#[utoipa::path(
    get, path = "/users/{id}", tag = "users", security(("access_token" = []), ("api_key" = ["profile:read"])),
    params(
        ("id" = String, Path, description = "One's own id, or `me`; an admin: anybody's"),
        ("min_position" = Option<i64>, Query, description = "Wait until this position is included"),
        ("If-None-Match" = Option<String>, Header, description = "Only if it has another version"),
    ),
    responses(
        (status = 200, description = "The user", body = UserBody),
        (status = 304, description = "It is as the client has it"),
        Problems,
    )
)]
pub(crate) async fn get(
    State(app): State<App>,
    subject: Subject<ReadProfile>,
    min: MinPosition,
    known: Option<IfNoneMatch>,
) -> Result<Response, Problem> {
    current(&app, subject.user_id, min, known).await
}

pub(super) async fn current(
    app: &App,
    user_id: UserId,
    min: MinPosition,
    known: Option<IfNoneMatch>,
) -> Result<Response, Problem> {
    let profile = reading::profile(app, user_id, min).await?;
    let version = profile.value.version;
    let answer = Answer::ok().position(profile.position).version(version);
    if known.is_some_and(|known| known.has(version)) {
        return Ok(answer.not_modified());
    }
    Ok(answer.json(&UserBody::from(profile.value)))
}
