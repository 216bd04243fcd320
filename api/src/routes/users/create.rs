//! POST /users: an admin registers somebody, with the roles they are to have.

use crate::app::App;
use crate::auth::require_recent_login;
use crate::auth::rule::Administer;
use crate::door::Arrival;
use crate::input::{Asked, Check, JsonBody, Raw};
use crate::openapi::Problems;
use crate::problem::{Flaw, Problem};
use crate::routes::auth::register::{self, RegisterForm, Registered};
use axum::extract::State;
use axum::response::Response;
use domain::user::Role;
use serde::Deserialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;

#[derive(Deserialize, ToSchema)]
#[schema(as = NewUser)]
pub(crate) struct NewUserForm<'a> {
    /// 3 to 32 of letters, digits, '_', '.' and '-'.
    #[serde(borrow)]
    #[schema(value_type = String, required, pattern = "^[A-Za-z0-9_.-]{3,32}$", example = "orders")]
    username: Raw<'a>,
    #[schema(value_type = String, required, format = Email, max_length = 254, example = "orders@example.com")]
    email: Raw<'a>,
    /// 8 to 128 characters, and not one of those that everybody tries first. A service may forget it: it signs in with
    /// keys.
    #[schema(value_type = String, required, format = Password, min_length = 8, max_length = 128, example = "correct horse battery staple")]
    password: Raw<'a>,
    #[schema(value_type = Option<String>, min_length = 1, max_length = 100, example = "Order service")]
    name: Raw<'a>,
    /// Of the first wallet.
    #[schema(value_type = Option<String>, example = "USD")]
    currency: Raw<'a>,
    /// At least one of `user`, `service` and `admin`; `user`, if left out.
    #[schema(value_type = Option<Vec<String>>, example = json!(["service"]))]
    roles: Raw<'a>,
    /// The admin's own, if their last sign-in is longer ago than a few minutes.
    #[schema(value_type = Option<String>, format = Password, max_length = 1024, example = "my own horse battery staple")]
    current_password: Raw<'a>,
}

/// Register a user with their roles (admin)
#[utoipa::path(
    post, path = "/users", tag = "users", security(("access_token" = [])),
    params(
        ("Idempotency-Key" = Option<String>, Header, description = "Makes repeating the request safe"),
    ),
    request_body = NewUserForm<'_>,
    responses((status = 201, description = "Registered", body = Registered), Problems)
)]
pub(crate) async fn create(
    State(app): State<App>,
    Asked { allowed, context }: Asked<Administer>,
    arrival: Arrival,
    body: JsonBody,
) -> Result<Response, Problem> {
    let form: NewUserForm<'_> = body.read()?;
    let mut registration = register::read(&form.registration(), app.settings().password_blocklist)?;
    registration.roles = form.roles()?;
    require_recent_login(&app, allowed.caller, form.current_password).await?;
    let done = app.commands().register(context, registration).await?;
    if !done.replayed {
        tracing::info!(
            event = "user_created",
            user_id = done.events.first().map(|recorded| recorded.owner.to_string()),
            request_id = arrival.request_id.as_str(),
            position = done.position,
        );
    }
    register::answer(&app, &done).await
}

impl<'a> NewUserForm<'a> {
    const fn registration(&self) -> RegisterForm<'a> {
        let Self { username, email, password, name, currency, .. } = *self;
        RegisterForm { username, email, password, name, currency }
    }

    fn roles(&self) -> Result<Vec<Role>, Problem> {
        let mut check = Check::default();
        let given = self.roles.filter(|raw| raw.get() != "null");
        let roles = given.and_then(|raw| check.take("/roles", roles(raw)));
        check.finish()?;
        Ok(roles.unwrap_or_else(|| vec![Role::User]))
    }
}

fn roles(raw: &RawValue) -> Result<Vec<Role>, Flaw> {
    let names: Vec<&str> = serde_json::from_str(raw.get()).map_err(|_| Flaw::NotStrings)?;
    let known = [("user", Role::User), ("service", Role::Service), ("admin", Role::Admin)];
    if names.is_empty() || names.iter().any(|name| known.iter().all(|(known, _)| known != name)) {
        return Err(Flaw::NoRoles);
    }
    // Each once, in one order: a list that is spelt otherwise is the same list.
    Ok(known.into_iter().filter(|(known, _)| names.contains(known)).map(|(_, role)| role).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::problem::FieldCode;

    fn read(json: &str) -> Result<Vec<Role>, FieldCode> {
        let raw: Box<RawValue> = serde_json::from_str(json).unwrap();
        roles(&raw).map_err(|flaw| flaw.code())
    }

    #[test]
    fn roles_are_a_list_of_known_names() {
        assert_eq!(read(r#"["admin", "user", "admin"]"#), Ok(vec![Role::User, Role::Admin]));
        assert_eq!(read(r#"["service"]"#), Ok(vec![Role::Service]));
        for unknown in ["[]", r#"["root"]"#, r#"["Admin"]"#] {
            assert_eq!(read(unknown), Err(FieldCode::Unknown), "{unknown}");
        }
        for other in [r#""admin""#, "7", "[7]", "{}"] {
            assert_eq!(read(other), Err(FieldCode::WrongType), "{other}");
        }
    }
}
