//! DELETE /users/{id}/api-keys/{key}.

use super::{holder, log};
use crate::app::App;
use crate::auth::rule::ManageAnyAccount;
use crate::door::Arrival;
use crate::input::{ApiKeyPath, Change};
use crate::openapi::Problems;
use crate::output::{Answer, RevokedKeyBody};
use crate::problem::Problem;
use axum::extract::State;
use axum::response::Response;

/// Revoke an API key
///
/// With all of its secrets, at once here and within a second on every other node. It does not come back.
#[utoipa::path(
    delete, path = "/users/{id}/api-keys/{key}", tag = "api keys", security(("access_token" = [])),
    params(
        ("id" = String, Path, description = "One's own id, `me`, or for an admin a service's"),
        ("key" = String, Path, description = "The key's id"),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes repeating the request safe"),
        ("If-Match" = Option<String>, Header, description = "Only if the user is at this version"),
    ),
    responses((status = 200, description = "Revoked", body = RevokedKeyBody), Problems)
)]
pub(crate) async fn revoke(
    State(app): State<App>,
    Change { subject, context }: Change<ManageAnyAccount>,
    ApiKeyPath(key_id): ApiKeyPath,
    arrival: Arrival,
) -> Result<Response, Problem> {
    let user_id = holder(&app, &subject).await?;
    let done = app.commands().revoke_api_key(context, user_id, key_id).await?;
    // Before the answer: once a client has it, the key is worthless.
    app.admission().heed(&done.events);
    log("ApiKeyRevoked", &arrival, user_id, &done, "is_active");
    Ok(Answer::ok()
        .position(done.position)
        .version(done.user_version)
        .replayed(done.replayed)
        .json(&RevokedKeyBody { id: key_id, is_active: false, position: done.position }))
}
