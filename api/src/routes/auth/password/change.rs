//! POST /auth/password: a new password, by who knows the present one.

use super::password;
use crate::app::App;
use crate::auth::rule::ManageAccount;
use crate::door::Arrival;
use crate::input::{Asked, Check, JsonBody, Raw};
use crate::openapi::Problems;
use crate::problem::Problem;
use crate::routes::auth::changed;
use crate::routes::users::changed::UserChanged;
use axum::extract::State;
use axum::response::Response;
use commands::users::PasswordChange;
use secrecy::SecretString;
use serde::Deserialize;
use utoipa::ToSchema;

#[derive(Deserialize, ToSchema)]
#[schema(as = ChangePasswordRequest)]
pub(crate) struct ChangePasswordForm<'a> {
    #[serde(borrow)]
    #[schema(value_type = String, required, format = Password, example = "correct horse battery staple")]
    current_password: Raw<'a>,
    /// 8 to 128 characters, and not one of those that everybody tries first.
    #[schema(value_type = String, required, format = Password, example = "another horse battery staple")]
    new_password: Raw<'a>,
}

/// Change the password
///
/// It takes the present one; a wrong one counts like a failed sign-in. All other login sessions end, this one goes on.
#[utoipa::path(
    post, path = "/auth/password", tag = "auth", security(("access_token" = [])),
    params(
        ("Idempotency-Key" = Option<String>, Header, description = "Makes repeating the request safe. A repeat is known by both passwords, and another one under the same key counts like a failed sign-in"),
        ("If-Match" = Option<String>, Header, description = "Only if the user still has this version"),
    ),
    request_body = ChangePasswordForm<'_>,
    responses((status = 200, description = "Changed", body = UserChanged), Problems)
)]
pub(crate) async fn change(
    State(app): State<App>,
    Asked { allowed, context }: Asked<ManageAccount>,
    arrival: Arrival,
    body: JsonBody,
) -> Result<Response, Problem> {
    let person = allowed.caller.person()?;
    let (current, new) = read(&body.read()?)?;
    let change = PasswordChange { current, new, blocklist: app.settings().password_blocklist };
    let changed = app.commands().change_password(context, person.user_id, person.session_id, change).await;
    changed::answer(&app, &arrival, "password_changed", &["password"], &changed?).await
}

fn read(form: &ChangePasswordForm<'_>) -> Result<(SecretString, SecretString), Problem> {
    let mut check = Check::default();
    let current = check.required("/current_password", form.current_password, password);
    let new = check.required("/new_password", form.new_password, password);
    match (current, new) {
        (Some(current), Some(new)) => Ok((current, new)),
        _ => Err(check.into_problem()),
    }
}
