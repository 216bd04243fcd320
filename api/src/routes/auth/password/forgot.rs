//! POST /auth/password/forgot: a mail with a link to choose a new password.

use crate::app::App;
use crate::input::{Check, IdempotencyKey, JsonBody, Raw};
use crate::openapi::Problems;
use crate::problem::Problem;
use crate::routes::auth::changed::{self, MailAccepted};
use axum::extract::State;
use axum::response::Response;
use domain::Email;
use serde::Deserialize;
use utoipa::ToSchema;

#[derive(Deserialize, ToSchema)]
#[schema(as = ForgotPasswordRequest)]
pub(crate) struct ForgotPasswordForm<'a> {
    #[serde(borrow)]
    #[schema(value_type = String, required, format = Email, example = "ada@example.com")]
    email: Raw<'a>,
}

/// Ask for a mail to reset a forgotten password
///
/// The answer is the same whether anybody has the address or not, and so is the work. Few mails are sent to one address in
/// an hour; what is asked for beyond them is accepted, and not sent.
#[utoipa::path(
    post, path = "/auth/password/forgot", tag = "auth",
    params(("Idempotency-Key" = Option<String>, Header, description = "Taken, and not needed: nothing changes but which link is good, and that is the newest, however often one is asked for")),
    request_body = ForgotPasswordForm<'_>,
    responses((status = 202, description = "Accepted", body = MailAccepted), Problems)
)]
pub(crate) async fn forgot(
    State(app): State<App>,
    // Only that it is one: a repeat does what the first did, and says the same.
    _: IdempotencyKey,
    body: JsonBody,
) -> Result<Response, Problem> {
    let form: ForgotPasswordForm<'_> = body.read()?;
    let mut check = Check::default();
    let Some(email) = check.required("/email", form.email, Email::parse) else {
        return Err(check.into_problem());
    };
    app.commands().forgot_password(&email).await?;
    Ok(changed::accepted())
}
