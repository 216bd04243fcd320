//! POST /auth/logout: ends the login session the access token belongs to.

use crate::app::App;
use crate::auth::Allowed;
use crate::auth::rule::ManageAccount;
use crate::door::Arrival;
use crate::openapi::Problems;
use crate::output::Answer;
use crate::problem::Problem;
use axum::extract::State;
use axum::response::Response;
use serde::Serialize;
use utoipa::ToSchema;

/// The session has ended; its tokens are refused from now on.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LoggedOut {
    position: i64,
}

/// Sign out
#[utoipa::path(
    post, path = "/auth/logout", tag = "auth", security(("access_token" = [])),
    responses((status = 200, description = "Signed out", body = LoggedOut), Problems)
)]
pub(crate) async fn logout(
    State(app): State<App>,
    allowed: Allowed<ManageAccount>,
    arrival: Arrival,
) -> Result<Response, Problem> {
    let person = allowed.caller.person()?;
    let context = arrival.context(allowed.caller.principal(), None);
    let done = app.commands().logout(context, person.user_id, person.session_id).await?;
    // Before the answer: once a client has it, the token is worthless.
    app.admission().revocations().end(person.session_id);
    let answer = Answer::ok().position(done.position).version(done.user_version);
    Ok(answer.json(&LoggedOut { position: done.position }))
}
