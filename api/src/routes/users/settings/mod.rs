//! One's own freqtrade settings: what is set, its presets and its past.

pub(crate) mod change;
pub(crate) mod defaults;
mod form;
pub(crate) mod get;
pub(crate) mod history;
pub(crate) mod import;
mod log;
pub(crate) mod presets;
pub(crate) mod revert;

use crate::app::App;
use crate::auth::rule::WriteSettings;
use crate::door::Arrival;
use crate::etag::ETag;
use crate::input::{Asked, IfMatch, MinPosition};
use crate::output::{Answer, SettingsBody, hints};
use crate::problem::Problem;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::response::Response;
use commands::Done;
use commands::users::SettingsWish;
use domain::UserId;
use domain::settings_defaults::{DEFAULTS_ID, SettingsDefaults};
use domain::user::{SettingsHeld, User};
use projections::{At, SettingsOf};
use std::hash::{DefaultHasher, Hash, Hasher};

/// Something that is asked of one's own settings.
#[derive(Debug)]
pub(crate) struct Wished {
    wish: SettingsWish,
    arrival: Arrival,
}

impl FromRequestParts<App> for Wished {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let Asked { allowed, context } = Asked::<WriteSettings>::from_request_parts(parts, app).await?;
        let IfMatch(tag) = IfMatch::from_request_parts(parts, app).await?;
        // Beside what was never set stands the version of everybody's.
        let seen = tag.filter(|tag| tag.version == 0).and_then(|tag| tag.beside);
        let seen_defaults = seen.and_then(|version| u64::try_from(version).ok());
        let wish = SettingsWish { context, user_id: allowed.caller.user_id(), seen_defaults };
        Ok(Self { wish, arrival: Arrival::from_request_parts(parts, app).await? })
    }
}

async fn found(app: &App, user_id: UserId, min: MinPosition) -> Result<At<SettingsOf>, Problem> {
    Ok(app.read_models().settings_of(user_id, min.0).await?)
}

/// What everybody's were by then, so that a repeat reads the same.
async fn defaults_at(app: &App, position: i64) -> Result<SettingsDefaults, Problem> {
    Ok(app.journal().load_at::<SettingsDefaults>(DEFAULTS_ID, position).await?.state)
}

/// The settings as a command left them, so that a repeat reads the same.
fn held_after(done: &Done) -> Result<SettingsHeld, Problem> {
    let person = done.user.as_deref().and_then(User::person);
    let person = person.ok_or_else(|| Problem::internal(&"a change of settings without a user"))?;
    Ok(person.settings.as_deref().cloned().unwrap_or_default())
}

async fn body_after(app: &App, user_id: UserId, done: &Done) -> Result<(ETag, SettingsBody), Problem> {
    let held = held_after(done)?;
    let hints = hints(app.vault(), user_id, &held.telegram).await?;
    let defaults = match &held.settings {
        Some(_) => SettingsDefaults::default(),
        // Nothing was changed, so what holds is everybody's.
        None => defaults_at(app, done.position).await?,
    };
    let found = SettingsOf { held, hints, defaults };
    Ok((tag(&found), SettingsBody::of(&found, done.position)))
}

async fn answer(app: &App, user_id: UserId, done: &Done) -> Result<Response, Problem> {
    let (tag, body) = body_after(app, user_id, done).await?;
    Ok(Answer::ok().position(done.position).version(tag).replayed(done.replayed).json(&body))
}

/// Beside the version stands what else is shown: the version of everybody's for whoever has them, or which preset is active.
fn tag(found: &SettingsOf) -> ETag {
    let held = &found.held;
    let active = held.active.as_ref().map(|name| {
        let mut hasher = DefaultHasher::new();
        name.hash(&mut hasher);
        number(hasher.finish() >> 1)
    });
    let beside = if held.settings.is_some() { active } else { Some(number(found.defaults.version())) };
    ETag { version: number(held.version), beside }
}

/// Of what does not show which preset is active.
fn tag_of_values(found: &SettingsOf) -> ETag {
    let tag = tag(found);
    if found.held.settings.is_some() { ETag::from(tag.version) } else { tag }
}

fn number(version: u64) -> i64 {
    i64::try_from(version).unwrap_or(i64::MAX)
}
