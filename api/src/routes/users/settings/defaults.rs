//! GET and PUT /admin/settings/defaults.

use super::number;
use crate::app::App;
use crate::auth::rule::Administer;
use crate::auth::{Allowed, require_recent_login};
use crate::door::Arrival;
use crate::input::{Asked, JsonBody, MinPosition};
use crate::openapi::Problems;
use crate::output::{Answer, SettingsDefaultsBody};
use crate::problem::Problem;
use axum::extract::State;
use axum::response::Response;
use domain::UserId;
use domain::settings::Value;
use domain::settings_defaults::DEFAULTS_ID;
use projections::At;

/// What everybody's settings are until they change them (admin)
#[utoipa::path(
    get, path = "/admin/settings/defaults", tag = "settings", security(("access_token" = [])),
    params(("min_position" = Option<i64>, Query, description = "Wait until this position is included")),
    responses((status = 200, description = "All of them", body = SettingsDefaultsBody), Problems)
)]
pub(crate) async fn get(
    State(app): State<App>,
    _: Allowed<Administer>,
    min: MinPosition,
) -> Result<Response, Problem> {
    let (version, body) = read(&app, min.0).await?;
    Ok(Answer::ok().position(body.position).version(version).json(&body))
}

/// Set what everybody's settings are until they change them (admin)
///
/// What is left out is as it was built in. Whoever has changed their settings keeps them.
#[utoipa::path(
    put, path = "/admin/settings/defaults", tag = "settings", security(("access_token" = [])),
    params(
        ("Idempotency-Key" = Option<String>, Header, description = "Makes repeating the request safe"),
        ("If-Match" = Option<String>, Header, description = "Only if they still have this version"),
    ),
    request_body(content = Object, example = json!({"max_open_trades": 5})),
    responses((status = 200, description = "As they are now", body = SettingsDefaultsBody), Problems)
)]
pub(crate) async fn put(
    State(app): State<App>,
    Asked { allowed, context }: Asked<Administer>,
    arrival: Arrival,
    body: JsonBody,
) -> Result<Response, Problem> {
    let patch: Value = body.read()?;
    require_recent_login(&app, allowed.caller, None).await?;
    let done = app.commands().set_settings_defaults(context, patch).await?;
    if !done.replayed && !done.events.is_empty() {
        tracing::info!(
            component = "settings",
            event = "settings_defaults_changed",
            user_id = %allowed.caller.user_id(),
            request_id = arrival.request_id.as_str(),
            position = done.position,
        );
    }
    let (version, body) = read(&app, Some(done.position)).await?;
    Ok(Answer::ok().position(done.position).version(version).replayed(done.replayed).json(&body))
}

async fn read(app: &App, min: Option<i64>) -> Result<(i64, SettingsDefaultsBody), Problem> {
    // Nobody's: only what holds for all is looked at.
    let At { position, value } = app.read_models().settings_of(UserId(DEFAULTS_ID), min).await?;
    let defaults = value.defaults;
    let body = SettingsDefaultsBody {
        settings: (*defaults.settings()).clone(),
        version: defaults.version(),
        updated_at: defaults.changed_at(),
        position,
    };
    Ok((number(defaults.version()), body))
}
