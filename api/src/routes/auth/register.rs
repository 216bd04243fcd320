//! POST /auth/register: a user and their first wallet.

use crate::app::App;
use crate::door::PREFIX;
use crate::input::{Anonymous, Check, JsonBody, Raw};
use crate::openapi::Problems;
use crate::output::{Answer, RenderError, UserBody, WalletBody};
use crate::problem::Problem;
use axum::extract::State;
use axum::response::Response;
use commands::Done;
use commands::password::NewPassword;
use commands::users::Registration;
use commands::vault::Vault;
use domain::user::Role;
use domain::{AggregateKind, Currency, DisplayName, Email, TextError, Username};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

#[derive(Deserialize, ToSchema)]
#[schema(as = RegisterRequest)]
pub(crate) struct RegisterForm<'a> {
    /// 3 to 32 of letters, digits, '_', '.' and '-'.
    #[serde(borrow)]
    #[schema(value_type = String, required, pattern = "^[A-Za-z0-9_.-]{3,32}$", example = "ada")]
    pub(crate) username: Raw<'a>,
    #[schema(value_type = String, required, format = Email, max_length = 254, example = "ada@example.com")]
    pub(crate) email: Raw<'a>,
    /// 8 to 128 characters, and not one of those that everybody tries first.
    #[schema(value_type = String, required, format = Password, min_length = 8, max_length = 128, example = "correct horse battery staple")]
    pub(crate) password: Raw<'a>,
    #[schema(value_type = Option<String>, min_length = 1, max_length = 100, example = "Ada Lovelace")]
    pub(crate) name: Raw<'a>,
    /// Of the first wallet.
    #[schema(value_type = Option<String>, example = "USD")]
    pub(crate) currency: Raw<'a>,
}

/// A user with the wallet that was opened for them.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Registered {
    user: UserBody,
    wallet: WalletBody,
    position: i64,
}

/// Register a user and open their first wallet
#[utoipa::path(
    post, path = "/auth/register", tag = "auth",
    params(("Idempotency-Key" = Option<String>, Header, description = "Makes repeating the request safe. Who is not signed in shares keys with everybody else who is not: take a random one, such as a UUID")),
    request_body = RegisterForm<'_>,
    responses((status = 201, description = "Registered", body = Registered), Problems)
)]
pub(crate) async fn register(
    State(app): State<App>,
    Anonymous(context): Anonymous,
    body: JsonBody,
) -> Result<Response, Problem> {
    let registration = read(&body.read()?, app.settings().password_blocklist)?;
    let done = app.commands().register(context, registration).await?;
    answer(&app, &done).await
}

pub(crate) async fn answer(app: &App, done: &Done) -> Result<Response, Problem> {
    let registered = render(app.vault(), done).await?;
    let registered = registered.ok_or_else(|| Problem::internal(&"a registration without its events"))?;
    Ok(Answer::created()
        .position(registered.position)
        .version(registered.user.version)
        .replayed(done.replayed)
        .location(&format!("{PREFIX}/users/{}", registered.user.id))
        .json(&registered))
}

pub(crate) fn read(form: &RegisterForm<'_>, blocklist: bool) -> Result<Registration, Problem> {
    let mut check = Check::default();
    let username = check.required("/username", form.username, Username::parse);
    let email = check.required("/email", form.email, Email::parse);
    let password =
        check.required("/password", form.password, |text| Ok::<_, TextError>(SecretString::from(text)));
    let name = check.optional("/name", form.name, DisplayName::parse);
    let currency = check.optional("/currency", form.currency, Currency::parse);
    let (Some(username), Some(email), Some(password)) = (username, email, password) else {
        return Err(check.into_problem());
    };
    let password = check.take("/password", NewPassword::parse(password, &username, &email, blocklist));
    let Some(password) = password else { return Err(check.into_problem()) };
    check.finish()?;
    Ok(Registration { username, email, password, name, currency, roles: vec![Role::User] })
}

/// From the two events alone, so that a repeat reads the same.
async fn render(vault: &Vault, done: &Done) -> Result<Option<Registered>, RenderError> {
    let of = |kind| done.events.iter().find(|recorded| recorded.aggregate.kind == kind);
    let (Some(user), Some(wallet)) = (of(AggregateKind::User), of(AggregateKind::Wallet)) else {
        return Ok(None);
    };
    let user = UserBody::of_registration(vault, user).await?;
    let wallet = WalletBody::of(wallet)?;
    Ok(user.zip(wallet).map(|(user, wallet)| Registered { user, wallet, position: done.position }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::problem::Code;

    fn refused(json: &str) -> serde_json::Value {
        let form: RegisterForm<'_> = serde_json::from_str(json).unwrap();
        let problem = read(&form, true).unwrap_err();
        assert_eq!(problem.code(), Code::ValidationFailed);
        serde_json::from_slice(&problem.write(
            &mut axum::http::HeaderMap::new(),
            "r",
            crate::problem::Language::English,
        ))
        .unwrap()
    }

    #[test]
    fn all_that_is_wrong_is_said_at_once() {
        let body = refused(r#"{"username": "a", "email": "nobody", "currency": "XYZ", "name": 7}"#);
        let pointers: Vec<_> =
            body["errors"].as_array().unwrap().iter().map(|error| &error["pointer"]).collect();
        assert_eq!(pointers, ["/username", "/email", "/password", "/name", "/currency"]);
    }

    #[test]
    fn a_password_that_everybody_tries_is_named_as_such() {
        let body = refused(r#"{"username": "ada", "email": "a@example.com", "password": "password123"}"#);
        assert_eq!(body["errors"][0]["code"], "too_common");
        assert!(!body.to_string().contains("password123"));
    }

    #[test]
    fn what_one_cannot_choose_is_not_taken() {
        let json = r#"{"username": "ada", "email": "a@example.com", "password": "correct horse", "roles": ["admin"], "id": 1}"#;
        let form: RegisterForm<'_> = serde_json::from_str(json).unwrap();
        assert!(read(&form, true).is_ok());
    }
}
