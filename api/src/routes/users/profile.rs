//! GET and PUT /users/{id}/profile: the user by another name, for clients that ask for a profile.

use super::changed::UserChanged;
use super::get::current;
use super::update::{UpdateForm, apply};
use crate::app::App;
use crate::auth::Subject;
use crate::auth::rule::{ManageAnyAccount, ReadProfile};
use crate::door::Arrival;
use crate::input::{Change, IfNoneMatch, JsonBody, MinPosition};
use crate::openapi::Problems;
use crate::output::UserBody;
use crate::problem::Problem;
use axum::extract::State;
use axum::response::Response;

/// A user's profile
#[utoipa::path(
    get, path = "/users/{id}/profile", tag = "users", security(("access_token" = []), ("api_key" = ["profile:read"])),
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
pub(crate) async fn profile(
    State(app): State<App>,
    subject: Subject<ReadProfile>,
    min: MinPosition,
    known: Option<IfNoneMatch>,
) -> Result<Response, Problem> {
    current(&app, subject.user_id, min, known).await
}

/// Change a user's profile
///
/// What is left out stays as it is. Whatever else is sent (status, roles, balance, …) changes nothing.
#[utoipa::path(
    put, path = "/users/{id}/profile", tag = "users", security(("access_token" = [])),
    params(
        ("id" = String, Path, description = "One's own id, or `me`; an admin: anybody's"),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes repeating the request safe"),
        ("If-Match" = Option<String>, Header, description = "Only if the user is at this version"),
    ),
    request_body = UpdateForm<'_>,
    responses(
        (status = 200, description = "Changed", body = UserChanged),
        (status = 202, description = "Changed, but for the address: a mail asks the new one", body = UserChanged),
        Problems,
    )
)]
pub(crate) async fn change_profile(
    State(app): State<App>,
    change: Change<ManageAnyAccount>,
    arrival: Arrival,
    body: JsonBody,
) -> Result<Response, Problem> {
    let form: UpdateForm<'_> = body.read()?;
    apply(&app, change, &arrival, form.read()?, form.current_password).await
}
