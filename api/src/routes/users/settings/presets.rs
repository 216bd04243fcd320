//! GET and POST /users/settings/presets, PUT, PATCH and DELETE …/{name}, and POST …/{name}/apply.

use super::form::{PresetForm, PresetPath, inside};
use super::log::{changing, was_read};
use super::{Wished, answer, found, held_after, number};
use crate::app::App;
use crate::auth::Allowed;
use crate::auth::rule::ReadSettings;
use crate::door::Arrival;
use crate::input::{JsonBody, MinPosition};
use crate::openapi::Problems;
use crate::output::{Answer, DeletedPresetBody, ListBody, PresetBody, SettingsBody};
use crate::problem::{Code, Flaw, Problem};
use axum::extract::State;
use axum::response::Response;
use commands::Done;
use domain::settings::PresetName;
use domain::user::{PresetFrom, SettingsCommand};

/// One's presets
///
/// All of them, by name: there are at most 20. The one that was applied last is marked, as long as the settings are its.
#[utoipa::path(
    get, path = "/users/settings/presets", tag = "settings",
    security(("access_token" = []), ("api_key" = ["settings:read"])),
    params(("min_position" = Option<i64>, Query, description = "Wait until this position is included")),
    responses((status = 200, description = "All of them", body = ListBody<PresetBody>), Problems)
)]
pub(crate) async fn list(
    State(app): State<App>,
    allowed: Allowed<ReadSettings>,
    min: MinPosition,
    arrival: Arrival,
) -> Result<Response, Problem> {
    let user_id = allowed.caller.user_id();
    let found = found(&app, user_id, min).await?;
    let (position, held) = (found.position, found.value.held);
    was_read(&arrival, user_id, "presets", Some(held.settings.is_none()));
    let body = |preset| PresetBody::new(preset, &held, position);
    let mut items: Vec<PresetBody> = held.presets.iter().map(body).collect();
    items.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(Answer::ok().position(position).json(&ListBody { items, next_cursor: None, position }))
}

/// Save settings under a new name
///
/// Those of now, with `settings` merged into them. Telegram is no part of a preset.
#[utoipa::path(
    post, path = "/users/settings/presets", tag = "settings",
    security(("access_token" = []), ("api_key" = ["settings:write"])),
    params(
        ("Idempotency-Key" = Option<String>, Header, description = "Makes repeating the request safe"),
        ("If-Match" = Option<String>, Header, description = "Only if the settings still have this version"),
    ),
    request_body(content = Object, example = json!({"name": "careful", "settings": {"max_open_trades": 1}})),
    responses((status = 201, description = "Saved", body = PresetBody), Problems)
)]
pub(crate) async fn create(
    State(app): State<App>,
    wished: Wished,
    body: Result<JsonBody, Problem>,
) -> Result<Response, Problem> {
    let (done, name) = ask(&app, wished, || {
        let PresetForm { name, settings: patch } = PresetForm::read(&body?)?;
        let name = name.ok_or_else(|| Problem::flaw("/name", Flaw::Required))?;
        let (from, is_new) = (PresetFrom::Settings, true);
        Ok((SettingsCommand::SavePreset { name: name.clone(), patch, from, is_new }, name))
    })
    .await?;
    preset_after(Answer::created().location(&format!("/api/v1/users/settings/presets/{name}")), &done, &name)
}

/// Set what a preset is
///
/// `settings` over the defaults, or without them the settings of now; made if it is not there.
#[utoipa::path(
    put, path = "/users/settings/presets/{name}", tag = "settings",
    security(("access_token" = []), ("api_key" = ["settings:write"])),
    params(
        ("name" = String, Path, description = "What it is called: 1 to 40 letters, digits, `_`, `.` and `-`", example = "careful"),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes repeating the request safe"),
        ("If-Match" = Option<String>, Header, description = "Only if the preset still has this version"),
    ),
    request_body(content = Object, example = json!({"settings": {"max_open_trades": 1}})),
    responses((status = 200, description = "As it is now", body = PresetBody), Problems)
)]
pub(crate) async fn put(
    State(app): State<App>,
    wished: Wished,
    PresetPath(name): PresetPath,
    body: Result<JsonBody, Problem>,
) -> Result<Response, Problem> {
    let (done, name) = ask(&app, wished, || {
        let patch = PresetForm::read_settings(&body?)?;
        let from = if patch.is_some() { PresetFrom::Defaults } else { PresetFrom::Settings };
        Ok((SettingsCommand::SavePreset { name: name.clone(), patch, from, is_new: false }, name))
    })
    .await?;
    preset_after(Answer::ok(), &done, &name)
}

/// Rename a preset, or change some of it
#[utoipa::path(
    patch, path = "/users/settings/presets/{name}", tag = "settings",
    security(("access_token" = []), ("api_key" = ["settings:write"])),
    params(
        ("name" = String, Path, description = "What it is called", example = "careful"),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes repeating the request safe"),
        ("If-Match" = Option<String>, Header, description = "Only if the preset still has this version"),
    ),
    request_body(content = Object, example = json!({"name": "bold", "settings": {"max_open_trades": 9}})),
    responses((status = 200, description = "As it is now", body = PresetBody), Problems)
)]
pub(crate) async fn change(
    State(app): State<App>,
    wished: Wished,
    PresetPath(name): PresetPath,
    body: Result<JsonBody, Problem>,
) -> Result<Response, Problem> {
    let (done, name) = ask(&app, wished, || {
        let PresetForm { name: new_name, settings: patch } = PresetForm::read(&body?)?;
        let now = new_name.clone().unwrap_or_else(|| name.clone());
        Ok((SettingsCommand::EditPreset { name, new_name, patch }, now))
    })
    .await?;
    preset_after(Answer::ok(), &done, &name)
}

/// Delete a preset
///
/// The settings stay as they are, whether it was active or not.
#[utoipa::path(
    delete, path = "/users/settings/presets/{name}", tag = "settings",
    security(("access_token" = []), ("api_key" = ["settings:write"])),
    params(
        ("name" = String, Path, description = "What it is called", example = "careful"),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes repeating the request safe"),
        ("If-Match" = Option<String>, Header, description = "Only if the preset still has this version"),
    ),
    responses((status = 200, description = "It is no more", body = DeletedPresetBody), Problems)
)]
pub(crate) async fn delete(
    State(app): State<App>,
    wished: Wished,
    PresetPath(name): PresetPath,
) -> Result<Response, Problem> {
    let command = SettingsCommand::DeletePreset { name: name.clone() };
    let (done, ()) = ask(&app, wished, || Ok((command, ()))).await?;
    let body = DeletedPresetBody { name: name.to_string(), deleted: true, position: done.position };
    Ok(Answer::ok().position(done.position).replayed(done.replayed).json(&body))
}

/// Make a preset's settings one's own
#[utoipa::path(
    post, path = "/users/settings/presets/{name}/apply", tag = "settings",
    security(("access_token" = []), ("api_key" = ["settings:write"])),
    params(
        ("name" = String, Path, description = "What it is called", example = "careful"),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes repeating the request safe"),
        ("If-Match" = Option<String>, Header, description = "Only if the settings still have this version"),
    ),
    responses((status = 200, description = "The settings as they are now", body = SettingsBody), Problems)
)]
pub(crate) async fn apply(
    State(app): State<App>,
    wished: Wished,
    PresetPath(name): PresetPath,
) -> Result<Response, Problem> {
    let user_id = wished.wish.user_id;
    let (done, ()) = ask(&app, wished, || Ok((SettingsCommand::ApplyPreset { name }, ()))).await?;
    answer(&app, user_id, &done).await
}

/// Everything that is asked of a preset: what is sent is read, and its command decided.
async fn ask<T>(
    app: &App,
    Wished { wish, arrival }: Wished,
    read: impl FnOnce() -> Result<(SettingsCommand, T), Problem>,
) -> Result<(Done, T), Problem> {
    let user_id = wish.user_id;
    let attempt = async {
        let (command, rest) = read()?;
        Ok((app.commands().ask_of_presets(wish, command).await.map_err(inside)?, rest))
    };
    changing(&arrival, user_id, attempt).await
}

/// As the command left it, so that a repeat reads the same.
fn preset_after(answer: Answer, done: &Done, name: &PresetName) -> Result<Response, Problem> {
    let held = held_after(done)?;
    let preset = held.preset(name).ok_or_else(|| Problem::of(Code::PresetNotFound))?;
    let body = PresetBody::new(preset, &held, done.position);
    let answer = answer.position(done.position).version(number(preset.version));
    Ok(answer.replayed(done.replayed).json(&body))
}
