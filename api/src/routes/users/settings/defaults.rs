//! GET and PUT /admin/settings/defaults.

use super::log::changing_defaults;
use super::{defaults_at, found, number};
use crate::app::App;
use crate::auth::rule::Administer;
use crate::auth::{Allowed, require_recent_login};
use crate::door::Arrival;
use crate::input::{Asked, IfNoneMatch, JsonBody, MinPosition};
use crate::openapi::Problems;
use crate::output::{Answer, SettingsDefaultsBody};
use crate::problem::Problem;
use axum::extract::State;
use axum::response::Response;
use domain::UserId;
use domain::settings::Value;
use domain::settings_defaults::{DEFAULTS_ID, SettingsDefaults};

/// What everybody's settings are until they change them (admin)
///
/// All of them but telegram, which nobody sets for everybody. PUT with what is shown as `settings` changes nothing.
#[utoipa::path(
    get, path = "/admin/settings/defaults", tag = "settings", security(("access_token" = [])),
    params(
        ("min_position" = Option<i64>, Query, description = "Wait until this position is included"),
        ("If-None-Match" = Option<String>, Header, description = "Only if they have another version"),
    ),
    responses(
        (status = 200, description = "All of them", body = SettingsDefaultsBody),
        (status = 304, description = "They are as the client has them"),
        Problems,
    )
)]
pub(crate) async fn get(
    State(app): State<App>,
    _: Allowed<Administer>,
    min: MinPosition,
    known: Option<IfNoneMatch>,
) -> Result<Response, Problem> {
    // Nobody's: only what holds for all is looked at.
    let found = found(&app, UserId(DEFAULTS_ID), min).await?;
    let defaults = &found.value.defaults;
    let version = number(defaults.version());
    let answer = Answer::ok().position(found.position).version(version);
    if known.is_some_and(|known| known.has(version)) {
        return Ok(answer.not_modified());
    }
    Ok(answer.json(&body(defaults, found.position)))
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
    sent: Result<JsonBody, Problem>,
) -> Result<Response, Problem> {
    let user_id = allowed.caller.user_id();
    let attempt = async {
        let patch: Value = sent?.read()?;
        require_recent_login(&app, allowed.caller, None).await?;
        Ok(app.commands().set_settings_defaults(context, patch).await?)
    };
    let done = changing_defaults(&arrival, user_id, attempt).await?;
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
