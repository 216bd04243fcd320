//! One's own freqtrade settings: what is set, its presets and its past.

pub(crate) mod change;
pub(crate) mod defaults;
pub(crate) mod get;
pub(crate) mod history;
pub(crate) mod import;
pub(crate) mod presets;
pub(crate) mod revert;

use crate::app::App;
use crate::door::Arrival;
use crate::input::MinPosition;
use crate::output::{Answer, SettingsBody, hints};
use crate::problem::{Code, Problem};
use axum::extract::{FromRequestParts, RawPathParams};
use axum::http::request::Parts;
use axum::response::Response;
use commands::{Done, Failure, Refusal};
use domain::settings::{PresetName, Value};
use domain::user::{SettingsHeld, User, UserEvent, UserRefusal};
use domain::{Event, UserId};
use projections::{At, SettingsOf};

/// The preset named in the path as `{name}`. What is no name names nothing.
#[derive(Clone, Debug)]
pub(crate) struct PresetPath(pub PresetName);

impl<S: Send + Sync> FromRequestParts<S> for PresetPath {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let not_found = || Problem::of(Code::PresetNotFound);
        let named = RawPathParams::from_request_parts(parts, state).await.map_err(|_| not_found())?;
        let name = named.iter().find(|(name, _)| *name == "name");
        name.and_then(|(_, name)| PresetName::parse(name).ok()).map(Self).ok_or_else(not_found)
    }
}

pub(super) async fn found(app: &App, user_id: UserId, min: MinPosition) -> Result<At<SettingsOf>, Problem> {
    Ok(app.read_models().settings_of(user_id, min.0).await?)
}

/// The settings as a command left them, so that a repeat reads the same.
pub(super) fn held_after(done: &Done) -> Result<SettingsHeld, Problem> {
    let person = done.user.as_deref().and_then(User::person);
    let person = person.ok_or_else(|| Problem::internal(&"a change of settings without a user"))?;
    Ok(person.settings.as_deref().cloned().unwrap_or_default())
}

pub(super) async fn body_after(
    app: &App,
    user_id: UserId,
    done: &Done,
) -> Result<(u64, SettingsBody), Problem> {
    let held = held_after(done)?;
    let hints = hints(app.vault(), user_id, &held.telegram).await?;
    let settings = match &held.settings {
        Some(settings) => settings.clone(),
        // Nothing was changed, so what holds is everybody's.
        None => found(app, user_id, MinPosition(Some(done.position))).await?.value.defaults.settings(),
    };
    Ok((held.version, SettingsBody::new(&settings, &held, &hints, done.position)))
}

pub(super) async fn answer(app: &App, user_id: UserId, done: &Done) -> Result<Response, Problem> {
    let (version, body) = body_after(app, user_id, done).await?;
    Ok(Answer::ok().position(done.position).version(number(version)).replayed(done.replayed).json(&body))
}

pub(super) fn number(version: u64) -> i64 {
    i64::try_from(version).unwrap_or(i64::MAX)
}

/// The names of what a command changed.
pub(super) fn changed_fields(done: &Done) -> Vec<String> {
    let fields = done.events.iter().filter_map(|recorded| match recorded.event() {
        Ok(Event::User(UserEvent::SettingsChanged { fields, .. })) => Some(fields),
        _ => None,
    });
    fields.flatten().collect()
}

/// One line for each that was tried, whatever came of it: names, never a value.
pub(super) fn log(arrival: &Arrival, user_id: UserId, outcome: &Result<Done, Failure>) {
    match outcome {
        // What is answered again was written down the first time.
        Ok(done) if done.replayed => {}
        Ok(done) => tracing::info!(
            component = "settings",
            event = "user_settings_updated",
            user_id = %user_id,
            request_id = arrival.request_id.as_str(),
            position = done.position,
            updated_fields = changed_fields(done).join(","),
        ),
        Err(failure) => tracing::warn!(
            component = "settings",
            event = "user_settings_update_failed",
            user_id = %user_id,
            request_id = arrival.request_id.as_str(),
            updated_fields = failed_fields(failure).join(","),
            error_type = failure_kind(failure),
            error_message = %failure,
        ),
    }
}

fn failed_fields(failure: &Failure) -> Vec<&str> {
    let Failure::Refused { refusal: Refusal::User(refusal), .. } = failure else { return Vec::new() };
    match refusal {
        UserRefusal::SettingsForbidden { barred } => barred.iter().map(|b| b.pointer.as_str()).collect(),
        UserRefusal::SettingsInvalid { flaws } => flaws.iter().map(|flaw| flaw.pointer.as_str()).collect(),
        _ => Vec::new(),
    }
}

const fn failure_kind(failure: &Failure) -> &'static str {
    match failure {
        Failure::Refused { refusal: Refusal::User(UserRefusal::SettingsForbidden { .. }), .. } => "Forbidden",
        Failure::Refused { refusal: Refusal::User(UserRefusal::SettingsInvalid { .. }), .. } => {
            "ValidationError"
        }
        Failure::Refused { .. } => "Refused",
        _ => "Failure",
    }
}

/// What is wrong with the settings inside a form, where they stand in it.
pub(super) fn inside(failure: Failure) -> Failure {
    let Failure::Refused { refusal: Refusal::User(mut refusal), position, replayed } = failure else {
        return failure;
    };
    match &mut refusal {
        UserRefusal::SettingsForbidden { barred } => {
            for barred in &mut *barred {
                barred.pointer.insert_str(0, "/settings");
            }
        }
        UserRefusal::SettingsInvalid { flaws } => {
            for flaw in &mut *flaws {
                flaw.pointer.insert_str(0, "/settings");
            }
        }
        _ => {}
    }
    Failure::Refused { refusal: Refusal::User(refusal), position, replayed }
}

/// A member of a body that was sent, unless it is null.
pub(super) fn member(body: &mut Value, name: &str) -> Option<Value> {
    let Value::Map(members) = body else { return None };
    members.remove(name).filter(|value| !value.is_nothing())
}
