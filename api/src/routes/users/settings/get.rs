//! GET /users/settings and /users/settings/export.

use super::{found, log, tag, tag_of_values};
use crate::app::App;
use crate::auth::Allowed;
use crate::auth::rule::ReadSettings;
use crate::door::Arrival;
use crate::input::{Check, IfNoneMatch, MinPosition, Query};
use crate::openapi::Problems;
use crate::output::{Answer, SettingsBody};
use crate::problem::{Flaw, Problem};
use axum::extract::State;
use axum::response::Response;
use domain::settings::Placeholders;
use serde::Deserialize;
use utoipa::IntoParams;

/// One's freqtrade settings
///
/// The settings object itself. Whoever never set anything sees the defaults. Of secrets it shows only whether they are set,
/// and how they end. `dry_run`, `bot_name`, `strategy`, `version`, `updated_at`, `source`, `preset` and `position` are only
/// read.
#[utoipa::path(
    get, path = "/users/settings", tag = "settings",
    security(("access_token" = []), ("api_key" = ["settings:read"])),
    params(
        ("min_position" = Option<i64>, Query, description = "Wait until this position is included"),
        ("If-None-Match" = Option<String>, Header, description = "Only if they have another version"),
    ),
    responses(
        (status = 200, description = "All of them", body = SettingsBody),
        (status = 304, description = "They are as the client has them"),
        Problems,
    )
)]
pub(crate) async fn get(
    State(app): State<App>,
    allowed: Allowed<ReadSettings>,
    min: MinPosition,
    known: Option<IfNoneMatch>,
    arrival: Arrival,
) -> Result<Response, Problem> {
    let user_id = allowed.caller.user_id();
    let found = found(&app, user_id, min).await?;
    log::was_read(&arrival, user_id, "settings", Some(found.value.held.settings.is_none()));
    let tag = tag(&found.value);
    let answer = Answer::ok().position(found.position).version(tag);
    if known.is_some_and(|known| known.has(tag)) {
        return Ok(answer.not_modified());
    }
    Ok(answer.json(&SettingsBody::of(&found.value, found.position)))
}

#[derive(Clone, Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct ExportQuery {
    /// `env`: with telegram, and in the place of its secrets the names of the variables that freqtrade reads them from.
    #[param(pattern = "^env$")]
    secrets: Option<String>,
}

/// A `config.json` for freqtrade
///
/// It trades on paper, and holds no secret: `telegram` is left out, or, with `?secrets=env` and if it is set up, stands there
/// with `FREQTRADE__TELEGRAM__TOKEN` and `FREQTRADE__TELEGRAM__CHAT_ID` for what those variables are to say. Where authorized
/// users are set, `FREQTRADE__TELEGRAM__AUTHORIZED_USERS` stands for them in a list: that variable is a JSON list of their ids.
#[utoipa::path(
    get, path = "/users/settings/export", tag = "settings",
    security(("access_token" = []), ("api_key" = ["settings:read"])),
    params(
        ExportQuery,
        ("min_position" = Option<i64>, Query, description = "Wait until this position is included"),
        ("If-None-Match" = Option<String>, Header, description = "Only if they have another version"),
    ),
    responses(
        (status = 200, description = "The file", content_type = "application/json", body = Object),
        (status = 304, description = "It is as the client has it"),
        Problems,
    )
)]
pub(crate) async fn export(
    State(app): State<App>,
    allowed: Allowed<ReadSettings>,
    Query(query): Query<ExportQuery>,
    min: MinPosition,
    known: Option<IfNoneMatch>,
    arrival: Arrival,
) -> Result<Response, Problem> {
    let mut check = Check::default();
    let env = check.parameter("?secrets", query.secrets.as_deref(), |text| {
        if text == "env" { Ok(()) } else { Err(Flaw::not_among(&["env"])) }
    });
    check.finish()?;
    let user_id = allowed.caller.user_id();
    let found = found(&app, user_id, min).await?;
    let held = &found.value.held;
    log::was_read(&arrival, user_id, "export", Some(held.settings.is_none()));
    // Which secrets are set is part of the version too.
    let tag = tag_of_values(&found.value);
    let answer = Answer::ok().position(found.position).version(tag);
    if known.is_some_and(|known| known.has(tag)) {
        return Ok(answer.not_modified());
    }
    let settings = held.settings.clone().unwrap_or_else(|| found.value.defaults.settings());
    let placeholders = if env.is_some() { held.telegram.placeholders() } else { Placeholders::None };
    Ok(answer.file("config.json", settings.export(placeholders)))
}
