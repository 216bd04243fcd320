//! POST /users/{id}/api-keys/{key}/rotate.

use super::form::RotationForm;
use super::{after, holder, log};
use crate::app::App;
use crate::auth::require_recent_login;
use crate::auth::rule::ManageAnyAccount;
use crate::door::Arrival;
use crate::input::{ApiKeyPath, Change, Check, JsonBody};
use crate::openapi::Problems;
use crate::output::{Answer, IssuedKeyBody};
use crate::problem::Problem;
use axum::extract::State;
use axum::response::Response;
use commands::users::{OVERLAP_DEFAULT, OVERLAP_MAX};
use std::time::Duration;

/// Give an API key another secret
///
/// The secret before goes on working for a while, so that the new one can be put everywhere first; one that was before
/// it stops at once. The new key is in this answer and nowhere else, ever again.
#[utoipa::path(
    post, path = "/users/{id}/api-keys/{key}/rotate", tag = "api keys", security(("access_token" = [])),
    params(
        ("id" = String, Path, description = "One's own id, `me`, or for an admin a service's"),
        ("key" = String, Path, description = "The key's id"),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes repeating the request safe"),
        ("If-Match" = Option<String>, Header, description = "Only if the user is at this version"),
    ),
    request_body = Option<RotationForm<'_>>,
    responses((status = 200, description = "Rotated", body = IssuedKeyBody), Problems)
)]
pub(crate) async fn rotate(
    State(app): State<App>,
    Change { subject, context }: Change<ManageAnyAccount>,
    ApiKeyPath(key_id): ApiKeyPath,
    arrival: Arrival,
    body: Option<JsonBody>,
) -> Result<Response, Problem> {
    let user_id = holder(&app, &subject).await?;
    let form = body.as_ref().map(JsonBody::read::<RotationForm<'_>>).transpose()?.unwrap_or_default();
    let previous_for = read(&form)?;
    require_recent_login(&app, subject.caller(), form.current_password).await?;
    let issued = app.commands().rotate_api_key(context, user_id, key_id, previous_for).await?;
    let done = &issued.done;
    let api_key = after(&app, user_id, key_id, done).await?;
    log("ApiKeyRotated", &arrival, user_id, done, "key");
    Ok(Answer::ok()
        .position(done.position)
        .version(done.user_version)
        .replayed(done.replayed)
        .json(&IssuedKeyBody { api_key, key: issued.key, position: done.position }))
}

fn read(form: &RotationForm<'_>) -> Result<Duration, Problem> {
    let mut check = Check::default();
    let seconds = form.overlap_seconds(&mut check, 0..=OVERLAP_MAX.as_secs());
    check.finish()?;
    Ok(seconds.map_or(OVERLAP_DEFAULT, Duration::from_secs))
}
