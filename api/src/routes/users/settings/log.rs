//! One line for each time that settings are read or changed, and for each time that this was tried.
//!
//! Lines name keys, never a value. A client names members as it likes, so what is no key of ours is only counted: a secret
//! may have been pasted in the place of a name.

use crate::door::Arrival;
use crate::problem::{Language, Problem};
use commands::Done;
use domain::settings::known_field;
use domain::settings_defaults::DefaultsEvent;
use domain::user::UserEvent;
use domain::{Event, UserId};
use std::future::Future;

/// What is said to have changed where it was presets.
const PRESETS: &str = "presets";
/// Where settings stand in what is sent of a preset.
const INSIDE: &str = "/settings";

/// `read`: which of them. `defaults_used`: whether they were everybody's, where that is known.
pub(super) fn was_read(arrival: &Arrival, user_id: UserId, read: &'static str, defaults_used: Option<bool>) {
    tracing::info!(
        component = "settings",
        event = "user_settings_read",
        user_id = %user_id,
        request_id = arrival.request_id.as_str(),
        read,
        defaults_used,
    );
}

/// An attempt on one's own settings, from its body to its outcome.
pub(super) async fn changing<T>(
    arrival: &Arrival,
    user_id: UserId,
    attempt: impl Future<Output = Result<(Done, T), Problem>>,
) -> Result<(Done, T), Problem> {
    told(arrival, user_id, ["user_settings_updated", "user_settings_update_failed"], attempt.await)
}

/// An attempt by an admin on everybody's.
pub(super) async fn changing_defaults(
    arrival: &Arrival,
    user_id: UserId,
    attempt: impl Future<Output = Result<Done, Problem>>,
) -> Result<Done, Problem> {
    let outcome = attempt.await.map(|done| (done, ()));
    let names = ["settings_defaults_updated", "settings_defaults_update_failed"];
    told(arrival, user_id, names, outcome).map(|(done, ())| done)
}

/// What is answered again was written down the first time.
fn told<T>(
    arrival: &Arrival,
    user_id: UserId,
    [updated, failed]: [&'static str; 2],
    outcome: Result<(Done, T), Problem>,
) -> Result<(Done, T), Problem> {
    let request_id = arrival.request_id.as_str();
    match &outcome {
        Ok((done, _)) if done.replayed => {}
        Ok((done, _)) => tracing::info!(
            component = "settings",
            event = updated,
            user_id = %user_id,
            request_id,
            position = done.position,
            updated_fields = updated_fields(done).join(","),
        ),
        Err(problem) if problem.is_replayed() => {}
        Err(problem) => {
            let (known, others) = named(problem);
            tracing::warn!(
                component = "settings",
                event = failed,
                user_id = %user_id,
                request_id,
                updated_fields = known.join(","),
                other_fields = others,
                error_type = problem.code().as_str(),
                error_message = problem.code().title(Language::English),
            );
        }
    }
    outcome
}

/// The names of the settings that a command changed.
pub(super) fn changed_fields(done: &Done) -> Vec<String> {
    let fields = done.events.iter().filter_map(|recorded| match recorded.event() {
        Ok(
            Event::User(UserEvent::SettingsChanged { fields, .. })
            | Event::SettingsDefaults(DefaultsEvent::SettingsDefaultsChanged { fields, .. }),
        ) => Some(fields),
        _ => None,
    });
    fields.flatten().collect()
}

fn updated_fields(done: &Done) -> Vec<String> {
    let mut fields = changed_fields(done);
    // A preset's name is its user's choice.
    let is_preset = |event| {
        use UserEvent::{PresetApplied, PresetDeleted, PresetRenamed, PresetSaved};
        matches!(
            event,
            Event::User(
                PresetSaved { .. } | PresetRenamed { .. } | PresetApplied { .. } | PresetDeleted { .. }
            )
        )
    };
    if done.events.iter().any(|recorded| recorded.event().is_ok_and(is_preset)) {
        fields.push(PRESETS.to_owned());
    }
    fields
}

/// What a problem is about: keys of ours, and how many others.
fn named(problem: &Problem) -> (Vec<String>, usize) {
    let (mut known, mut others) = (Vec::new(), 0);
    for pointer in problem.pointers() {
        match known_field(pointer.strip_prefix(INSIDE).unwrap_or(pointer)) {
            Some(field) if known.contains(&field) => {}
            Some(field) => known.push(field),
            None => others += 1,
        }
    }
    (known, others)
}
