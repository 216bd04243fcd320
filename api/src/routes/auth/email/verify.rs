//! POST /auth/email/verify: proves the address that a token was mailed to.

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
#[schema(as = VerifyEmailRequest)]
pub(crate) struct VerifyEmailForm<'a> {
    /// What stands after `#verify=` in the link.
    #[serde(borrow)]
    #[schema(value_type = String, required, example = "cfm_AAAA")]
    token: Raw<'a>,
}

/// Prove an e-mail address
///
/// The token is good once, for a day, and only if no other was asked for since. If it was mailed to a new address, that
/// takes the place of the present one.
#[utoipa::path(
    post, path = "/auth/email/verify", tag = "auth",
    params(("Idempotency-Key" = Option<String>, Header, description = "Makes repeating the request safe: a repeat with the same token is answered as the first was, though the token is used up. Who is not signed in shares keys with everybody else who is not: take a random one, such as a UUID")),
    request_body = VerifyEmailForm<'_>,
    responses((status = 200, description = "Proved", body = UserChanged), Problems)
)]
pub(crate) async fn verify(
    State(app): State<App>,
    Anonymous(context): Anonymous,
    arrival: Arrival,
    body: JsonBody,
) -> Result<Response, Problem> {
    let form: VerifyEmailForm<'_> = body.read()?;
    let mut check = Check::default();
    let Some(token) = check.required("/token", form.token, mail_token) else {
        return Err(check.into_problem());
    };
    let done = app.commands().verify_email(context, &token).await?;
    changed::answer(&app, &arrival, "email_verified", &["email_verified"], &done).await
}
