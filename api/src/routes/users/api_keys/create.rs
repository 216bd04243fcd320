//! POST /users/{id}/api-keys.

use super::form::{KeyForm, NewKeyForm};
use super::{after, holder, log};
use crate::app::App;
use crate::auth::require_recent_login;
use crate::auth::rule::ManageAnyAccount;
use crate::door::{Arrival, PREFIX};
use crate::input::{Change, Check, JsonBody};
use crate::openapi::Problems;
use crate::output::{Answer, IssuedKeyBody};
use crate::problem::Problem;
use axum::extract::State;
use axum::response::Response;
use commands::users::NewApiKey;

/// Make an API key
///
/// The key is in this answer and nowhere else, ever again: what is kept of it cannot be turned back into it.
#[utoipa::path(
    post, path = "/users/{id}/api-keys", tag = "api keys", security(("access_token" = [])),
    params(
        ("id" = String, Path, description = "One's own id, `me`, or for an admin a service's"),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes repeating the request safe"),
        ("If-Match" = Option<String>, Header, description = "Only if the user is at this version"),
    ),
    request_body = NewKeyForm,
    responses((status = 201, description = "Made", body = IssuedKeyBody), Problems)
)]
pub(crate) async fn create(
    State(app): State<App>,
    Change { subject, context }: Change<ManageAnyAccount>,
    arrival: Arrival,
    body: JsonBody,
) -> Result<Response, Problem> {
    let user_id = holder(&app, &subject).await?;
    let form: KeyForm<'_> = body.read()?;
    let new = read(&form)?;
    require_recent_login(&app, subject.caller(), form.current_password).await?;
    let issued = app.commands().create_api_key(context, user_id, new).await?;
    let done = &issued.done;
    let api_key = after(&app, user_id, issued.key_id, done).await?;
    log("ApiKeyCreated", &arrival, user_id, done, "name,scopes,expires_at,cidrs");
    Ok(Answer::created()
        .position(done.position)
        .version(done.user_version)
        .replayed(done.replayed)
        .location(&format!("{PREFIX}/users/{user_id}/api-keys/{}", api_key.id))
        .json(&IssuedKeyBody { api_key, key: issued.key, position: done.position }))
}

fn read(form: &KeyForm<'_>) -> Result<NewApiKey, Problem> {
    let mut check = Check::default();
    let (name, scopes) = (form.new_name(&mut check), form.new_scopes(&mut check));
    let (expires_at, networks) = (form.expires_at(&mut check), form.networks(&mut check));
    let (Some(name), Some(scopes)) = (name, scopes) else { return Err(check.into_problem()) };
    check.finish()?;
    Ok(NewApiKey { name, scopes, expires_at, networks: networks.unwrap_or_default() })
}
