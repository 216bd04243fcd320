//! POST /auth/login: opens a login session.

use super::signed_in;
use crate::app::App;
use crate::auth::count_login;
use crate::door::Arrival;
use crate::input::{Anonymous, Check, JsonBody, Raw, password};
use crate::openapi::Problems;
use crate::output::SignedInBody;
use crate::problem::{Flaw, Problem};
use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::header::USER_AGENT;
use axum::response::Response;
use commands::users::{Identifier, Login};
use commands::{Context, Failure};
use domain::{Email, Username};
use secrecy::SecretString;
use serde::Deserialize;
use utoipa::ToSchema;

/// Enough to recognise a browser by.
const USER_AGENT_CHARS_MAX: usize = 256;

#[derive(Deserialize, ToSchema)]
#[schema(as = LoginRequest)]
pub(crate) struct LoginForm<'a> {
    #[serde(borrow)]
    #[schema(value_type = Option<String>, format = Email, example = "ada@example.com")]
    email: Raw<'a>,
    /// Instead of the address.
    #[schema(value_type = Option<String>, example = "ada")]
    username: Raw<'a>,
    #[schema(value_type = String, required, format = Password, example = "correct horse battery staple")]
    password: Raw<'a>,
}

/// Sign in with an e-mail address or a username
///
/// Wrong passwords are counted for each account, whether it exists or not. Five in a row are free; then every further one
/// makes the next attempt wait twice as long, up to 15 minutes, and until then the right password is refused too (429
/// `too_many_attempts` with `Retry-After`). After a hundred only a reset or an admin helps. Besides, a client may try ten
/// times a minute (429 `too_many_requests`).
#[utoipa::path(
    post, path = "/auth/login", tag = "auth",
    request_body = LoginForm<'_>,
    responses((status = 200, description = "Signed in", body = SignedInBody), Problems)
)]
pub(crate) async fn login(
    State(app): State<App>,
    Anonymous(context): Anonymous,
    arrival: Arrival,
    headers: HeaderMap,
    body: JsonBody,
) -> Result<Response, Problem> {
    let (identifier, password) = read(&body.read()?)?;
    let login =
        Login { identifier, password, ip: Some(arrival.peer.to_string()), user_agent: user_agent(&headers) };
    // A key would let a secret be shown twice.
    let context = Context { key: None, ..context };
    let signed_in = app.commands().login(context, login).await.inspect_err(|failure| {
        count_login(outcome(failure));
        tracing::info!(
            event = "login_refused",
            request_id = arrival.request_id.as_str(),
            error_type = outcome(failure)
        );
    })?;
    count_login("accepted");
    signed_in::answer(&app, signed_in).await
}

const fn outcome(failure: &Failure) -> &'static str {
    match failure {
        Failure::InvalidCredentials => "invalid_credentials",
        Failure::TooManyAttempts { .. } => "too_many_attempts",
        Failure::Refused { .. } => "refused",
        Failure::Unavailable { .. } => "unavailable",
        _ => "failed",
    }
}

fn read(form: &LoginForm<'_>) -> Result<(Identifier, SecretString), Problem> {
    let mut check = Check::default();
    let email = check.optional("/email", form.email, Email::parse).map(Identifier::Email);
    let username = check.optional("/username", form.username, Username::parse).map(Identifier::Username);
    if form.email.is_none() && form.username.is_none() {
        check.flaw("/email", Flaw::EitherRequired { other: "username" });
    }
    let password = check.required("/password", form.password, password);
    let (Some(identifier), Some(password)) = (email.or(username), password) else {
        return Err(check.into_problem());
    };
    check.finish()?;
    Ok((identifier, password))
}

fn user_agent(headers: &HeaderMap) -> Option<String> {
    // A header that reads as text holds visible ASCII and tabs only.
    let text = headers.get(USER_AGENT)?.to_str().ok()?;
    Some(text.chars().take(USER_AGENT_CHARS_MAX).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identifier(json: &str) -> Option<Identifier> {
        read(&serde_json::from_str(json).unwrap()).ok().map(|(identifier, _)| identifier)
    }

    #[test]
    fn either_name_will_do() {
        let by_email = identifier(r#"{"email": "ada@example.com", "password": "x"}"#);
        assert!(matches!(by_email, Some(Identifier::Email(_))));
        let by_username = identifier(r#"{"username": "ada", "password": ""}"#);
        assert!(matches!(by_username, Some(Identifier::Username(_))));
        assert!(identifier(r#"{"password": "x"}"#).is_none());
        assert!(identifier(r#"{"email": "ada@example.com"}"#).is_none());
    }

    #[test]
    fn a_novel_is_no_password() {
        let json = format!(r#"{{"username": "ada", "password": "{}"}}"#, "x".repeat(2_000));
        assert!(identifier(&json).is_none());
    }
}
