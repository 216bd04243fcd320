//! PATCH /users/{id}/api-keys/{key}.

use super::form::KeyForm;
use super::{after, holder, log};
use crate::app::App;
use crate::auth::require_recent_login_if;
use crate::auth::rule::ManageAnyAccount;
use crate::door::Arrival;
use crate::input::{ApiKeyPath, Change, Check, JsonBody};
use crate::openapi::Problems;
use crate::output::{Answer, ChangedKeyBody};
use crate::problem::{Detail, Problem};
use axum::extract::State;
use axum::response::Response;
use commands::users::ApiKeyPatch;

/// Change an API key
///
/// What is left out stays. It holds from the next request on, on every node within a second. Another name is given and a
/// key is switched off at any time; the rest takes a sign-in of the last few minutes, or `current_password`.
#[utoipa::path(
    patch, path = "/users/{id}/api-keys/{key}", tag = "api keys", security(("access_token" = [])),
    params(
        ("id" = String, Path, description = "One's own id, `me`, or for an admin a service's"),
        ("key" = String, Path, description = "The key's id"),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes repeating the request safe"),
        ("If-Match" = Option<String>, Header, description = "Only if the user is at this version"),
    ),
    request_body = KeyForm<'_>,
    responses((status = 200, description = "Changed", body = ChangedKeyBody), Problems)
)]
pub(crate) async fn change(
    State(app): State<App>,
    Change { subject, context }: Change<ManageAnyAccount>,
    ApiKeyPath(key_id): ApiKeyPath,
    arrival: Arrival,
    body: JsonBody,
) -> Result<Response, Problem> {
    let user_id = holder(&app, &subject).await?;
    let form: KeyForm<'_> = body.read()?;
    let patch = read(&form)?;
    require_recent_login_if(gives_power(&patch), &app, subject.caller(), form.current_password).await?;
    let updated = updated_fields(&patch);
    let done = app.commands().change_api_key(context, user_id, key_id, patch).await?;
    let api_key = after(&app, user_id, key_id, &done).await?;
    log("ApiKeyChanged", &arrival, user_id, &done, &updated);
    Ok(Answer::ok()
        .position(done.position)
        .version(done.user_version)
        .replayed(done.replayed)
        .json(&ChangedKeyBody { api_key, position: done.position }))
}

fn read(form: &KeyForm<'_>) -> Result<ApiKeyPatch, Problem> {
    let mut check = Check::default();
    let patch = ApiKeyPatch {
        name: form.name(&mut check),
        scopes: form.scopes(&mut check),
        is_active: form.is_active(&mut check),
        expires_at: form.expires_at(&mut check),
        networks: form.networks(&mut check),
    };
    check.finish()?;
    if updated_fields(&patch).is_empty() {
        return Err(Problem::new(Detail::NothingToChange));
    }
    Ok(patch)
}

/// Whether more may come of it than another name, or less that the key can do: what makes it as good as a new key.
const fn gives_power(patch: &ApiKeyPatch) -> bool {
    let ApiKeyPatch { name: _, scopes, is_active, expires_at, networks } = patch;
    scopes.is_some() || expires_at.is_some() || networks.is_some() || matches!(is_active, Some(true))
}

fn updated_fields(patch: &ApiKeyPatch) -> String {
    let fields = [
        ("name", patch.name.is_some()),
        ("scopes", patch.scopes.is_some()),
        ("is_active", patch.is_active.is_some()),
        ("expires_at", patch.expires_at.is_some()),
        ("cidrs", patch.networks.is_some()),
    ];
    let updated: Vec<&str> = fields.iter().filter(|(_, is)| *is).map(|(name, _)| *name).collect();
    updated.join(",")
}
