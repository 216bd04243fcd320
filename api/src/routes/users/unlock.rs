//! POST /users/{id}/unlock: wrong passwords forgotten.

use crate::app::App;
use crate::auth::rule::Administer;
use crate::auth::{ConfirmationForm, require_recent_login};
use crate::door::Arrival;
use crate::input::{Change, JsonBody};
use crate::openapi::Problems;
use crate::output::{Answer, UserBody};
use crate::problem::{Code, Problem};
use axum::extract::State;
use axum::response::Response;
use commands::Refusal;
use domain::user::{User, UserStatus};
use serde::Serialize;
use utoipa::ToSchema;

/// The user, who is as before: being locked out is not part of them.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct UnlockedUser {
    user: UserBody,
    position: i64,
}

/// Let a user sign in again at once, whatever was guessed (admin)
///
/// After five wrong passwords in a row every further one costs time, and after a hundred a password is not enough any more.
/// This forgets them. It happens to the counter only and leaves no event, so doing it twice is doing it once.
#[utoipa::path(
    post, path = "/users/{id}/unlock", tag = "users", security(("access_token" = [])),
    params(
        ("id" = String, Path, description = "The user's id"),
        ("Idempotency-Key" = Option<String>, Header, description = "Taken, and not needed"),
        ("If-Match" = Option<String>, Header, description = "Only if the user still has this version"),
    ),
    request_body = Option<ConfirmationForm<'_>>,
    responses((status = 200, description = "Unlocked", body = UnlockedUser), Problems)
)]
pub(crate) async fn unlock(
    State(app): State<App>,
    change: Change<Administer>,
    arrival: Arrival,
    body: Option<JsonBody>,
) -> Result<Response, Problem> {
    let form = ConfirmationForm::of(body.as_ref())?;
    require_recent_login(&app, change.subject.caller(), form.current_password).await?;
    let user_id = change.subject.user_id;
    // The head first: whatever the user is loaded with has happened by then, or after.
    let position = app.journal().head().await?.position;
    let loaded = app.journal().load::<User>(&[user_id.0]).await?.remove(&user_id.0).unwrap_or_default();
    let person = loaded.state.person().filter(|person| person.status != UserStatus::Erased);
    let person = person.ok_or_else(|| Problem::of(Code::UserNotFound))?;
    let version = loaded.sequence;
    if let Some(expected) = change.context.expected_version.filter(|expected| *expected != version) {
        return Err(Refusal::StaleVersion { expected, actual: version }.into());
    }
    app.commands().unlock(user_id).await?;
    tracing::info!(
        event = "user_unlocked",
        user_id = %user_id,
        request_id = arrival.request_id.as_str(),
        by = %change.subject.caller().user_id()
    );
    let user = UserBody::of_person(app.vault(), person, version).await?;
    Ok(Answer::ok().position(position).version(version).json(&UnlockedUser { user, position }))
}
