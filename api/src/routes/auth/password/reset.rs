//! POST /auth/password/reset: a new password, by who got the mail.

use super::password;
use crate::app::App;
use crate::door::Arrival;
use crate::input::{Anonymous, Check, JsonBody, Raw};
use crate::openapi::Problems;
use crate::problem::Problem;
use crate::routes::auth::changed;
use crate::routes::auth::mail_token;
use crate::routes::users::changed::UserChanged;
use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;
use utoipa::ToSchema;

#[derive(Deserialize, ToSchema)]
#[schema(as = ResetPasswordRequest)]
pub(crate) struct ResetPasswordForm<'a> {
    /// What stands after `#reset=` in the link.
    #[serde(borrow)]
    #[schema(value_type = String, required, example = "cfm_AAAA")]
    token: Raw<'a>,
    /// 8 to 128 characters, and not one of those that everybody tries first.
    #[schema(value_type = String, required, format = Password, example = "another horse battery staple")]
    new_password: Raw<'a>,
}

/// Reset a forgotten password
///
/// The token is good once, for half an hour, and only if no other was asked for since. All login sessions end and none
/// begins. API keys are switched off, until their owner has looked at them and switches them on again.
#[utoipa::path(
    post, path = "/auth/password/reset", tag = "auth",
    params(("Idempotency-Key" = Option<String>, Header, description = "Makes repeating the request safe: a repeat with the same token is answered as the first was, though the token is used up. Who is not signed in shares keys with everybody else who is not: take a random one, such as a UUID")),
    request_body = ResetPasswordForm<'_>,
    responses((status = 200, description = "Reset", body = UserChanged), Problems)
)]
pub(crate) async fn reset(
    State(app): State<App>,
    Anonymous(context): Anonymous,
    arrival: Arrival,
    body: JsonBody,
) -> Result<Response, Problem> {
    let form: ResetPasswordForm<'_> = body.read()?;
    let mut check = Check::default();
    let token = check.required("/token", form.token, mail_token);
    let new = check.required("/new_password", form.new_password, password);
    let (Some(token), Some(new)) = (token, new) else { return Err(check.into_problem()) };
    let blocklist = app.settings().password_blocklist;
    let done = app.commands().reset_password(context, &token, new, blocklist).await?;
    changed::answer(&app, &arrival, "password_reset", &["password"], &done).await
}
