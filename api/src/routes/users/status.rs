//! POST /users/{id}/suspend and /reactivate.

use super::changed::{self, Happened, UserChanged};
use crate::app::App;
use crate::auth::rule::Administer;
use crate::auth::{ConfirmationForm, require_recent_login};
use crate::door::Arrival;
use crate::input::{Change, JsonBody};
use crate::openapi::Problems;
use crate::problem::Problem;
use axum::extract::State;
use axum::response::Response;
use commands::Done;
use domain::UserId;

/// Suspend a user (admin)
///
/// Their login sessions end, and they cannot sign in until they are reactivated. Suspending somebody who is suspended
/// changes nothing.
#[utoipa::path(
    post, path = "/users/{id}/suspend", tag = "users", security(("access_token" = [])),
    params(
        ("id" = String, Path, description = "The user"),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes repeating the request safe"),
        ("If-Match" = Option<String>, Header, description = "Only if the user is at this version"),
    ),
    request_body = Option<ConfirmationForm<'_>>,
    responses((status = 200, description = "Suspended", body = UserChanged), Problems)
)]
pub(crate) async fn suspend(
    State(app): State<App>,
    Change { subject, context }: Change<Administer>,
    arrival: Arrival,
    body: Option<JsonBody>,
) -> Result<Response, Problem> {
    let form = ConfirmationForm::of(body.as_ref())?;
    require_recent_login(&app, subject.caller(), form.current_password).await?;
    let done = app.commands().suspend(context, subject.user_id).await?;
    answer(&app, &arrival, "user_suspended", subject.user_id, &done).await
}

/// Let a suspended user sign in again (admin)
///
/// Reactivating somebody who is active changes nothing.
#[utoipa::path(
    post, path = "/users/{id}/reactivate", tag = "users", security(("access_token" = [])),
    params(
        ("id" = String, Path, description = "The user"),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes repeating the request safe"),
        ("If-Match" = Option<String>, Header, description = "Only if the user is at this version"),
    ),
    request_body = Option<ConfirmationForm<'_>>,
    responses((status = 200, description = "Active", body = UserChanged), Problems)
)]
pub(crate) async fn reactivate(
    State(app): State<App>,
    Change { subject, context }: Change<Administer>,
    arrival: Arrival,
    body: Option<JsonBody>,
) -> Result<Response, Problem> {
    let form = ConfirmationForm::of(body.as_ref())?;
    require_recent_login(&app, subject.caller(), form.current_password).await?;
    let done = app.commands().reactivate(context, subject.user_id).await?;
    answer(&app, &arrival, "user_reactivated", subject.user_id, &done).await
}

async fn answer(
    app: &App,
    arrival: &Arrival,
    event: &'static str,
    user_id: UserId,
    done: &Done,
) -> Result<Response, Problem> {
    let happened = Happened { event, user_id, updated_fields: &["status"], pending_email: None };
    changed::answer(app, arrival, happened, done).await
}
