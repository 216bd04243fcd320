//! GET and PUT /admin/settings/defaults.

use super::{defaults_at, found, number};
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
use commands::Done;
use domain::settings::Value;
use domain::settings_defaults::{DEFAULTS_ID, DefaultsEvent, SettingsDefaults};
use domain::{Event, UserId};

/// What everybody's settings are until they change them (admin)
///
/// All of them but telegram, which nobody sets for everybody. PUT with what is shown as `settings` changes nothing.
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
    // Nobody's: only what holds for all is looked at.
    let found = found(&app, UserId(DEFAULTS_ID), min).await?;
    let body = body(&found.value.defaults, found.position);
    Ok(Answer::ok().position(body.position).version(number(body.version)).json(&body))
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
    sent: JsonBody,
) -> Result<Response, Problem> {
    let patch: Value = sent.read()?;
    require_recent_login(&app, allowed.caller, None).await?;
    let done = app.commands().set_settings_defaults(context, patch).await?;
    if !done.replayed && !done.events.is_empty() {
        tracing::info!(
            component = "settings",
            event = "settings_defaults_changed",
            user_id = %allowed.caller.user_id(),
            request_id = arrival.request_id.as_str(),
            position = done.position,
            updated_fields = changed_fields(&done).join(","),
        );
    }
    // As the command left them, so that a repeat reads the same.
    let body = body(&defaults_at(&app, done.position).await?, done.position);
    let answer = Answer::ok().position(done.position).version(number(body.version));
    Ok(answer.replayed(done.replayed).json(&body))
}

fn body(defaults: &SettingsDefaults, position: i64) -> SettingsDefaultsBody {
    SettingsDefaultsBody {
        settings: defaults.settings().without_telegram(),
        version: defaults.version(),
        updated_at: defaults.changed_at(),
        position,
    }
}

fn changed_fields(done: &Done) -> Vec<String> {
    let fields = done.events.iter().filter_map(|recorded| match recorded.event() {
        Ok(Event::SettingsDefaults(DefaultsEvent::SettingsDefaultsChanged { fields, .. })) => Some(fields),
        _ => None,
    });
    fields.flatten().collect()
}
