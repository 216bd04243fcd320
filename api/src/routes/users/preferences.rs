//! GET, PUT and PATCH /users/{id}/preferences.
//!
//! PUT sets all of them, and what it leaves out falls back to its default; PATCH changes what it names. Either is applied
//! whole or not at all.

mod form;

use form::PreferencesForm;

use crate::app::App;
use crate::auth::Subject;
use crate::auth::rule::{ManageAccount, ReadProfile};
use crate::door::Arrival;
use crate::input::{Change, IfNoneMatch, JsonBody, MinPosition};
use crate::openapi::Problems;
use crate::output::{Answer, PreferencesBody};
use crate::problem::Problem;
use crate::routes::reading;
use axum::extract::State;
use axum::response::Response;
use commands::Done;
use domain::user::{PreferencesChange, User};

/// What somebody prefers
#[utoipa::path(
    get, path = "/users/{id}/preferences", tag = "users", security(("access_token" = []), ("api_key" = ["profile:read"])),
    params(
        ("id" = String, Path, description = "One's own id, or `me`"),
        ("min_position" = Option<i64>, Query, description = "Wait until this position is included"),
        ("If-None-Match" = Option<String>, Header, description = "Only if they have another version"),
    ),
    responses(
        (status = 200, description = "All of them, the defaults where nothing was chosen", body = PreferencesBody),
        (status = 304, description = "They are as the client has them"),
        Problems,
    )
)]
pub(crate) async fn get(
    State(app): State<App>,
    subject: Subject<ReadProfile>,
    min: MinPosition,
    known: Option<IfNoneMatch>,
) -> Result<Response, Problem> {
    let found = reading::preferences(&app, subject.user_id, min).await?;
    let version = found.value.version;
    let answer = Answer::ok().position(found.position).version(version);
    if known.is_some_and(|known| known.has(version)) {
        return Ok(answer.not_modified());
    }
    Ok(answer.json(&PreferencesBody::new(found.value.preferences, version, found.position)))
}

/// Set all preferences: what is left out falls back to its default
#[utoipa::path(
    put, path = "/users/{id}/preferences", tag = "users", security(("access_token" = [])),
    params(
        ("id" = String, Path, description = "One's own id, or `me`"),
        ("Idempotency-Key" = Option<String>, Header, description = "Names this request, so that it may be repeated"),
        ("If-Match" = Option<String>, Header, description = "Only if they still have this version: their own, which nothing else changes"),
    ),
    request_body = PreferencesForm<'_>,
    responses((status = 200, description = "The preferences as they are now", body = PreferencesBody), Problems)
)]
pub(crate) async fn put(
    State(app): State<App>,
    change: Change<ManageAccount>,
    arrival: Arrival,
    body: JsonBody,
) -> Result<Response, Problem> {
    let asked = body.read::<PreferencesForm<'_>>()?.read()?;
    apply(&app, change, &arrival, asked.or_defaults()).await
}

/// Change some preferences
#[utoipa::path(
    patch, path = "/users/{id}/preferences", tag = "users", security(("access_token" = [])),
    params(
        ("id" = String, Path, description = "One's own id, or `me`"),
        ("Idempotency-Key" = Option<String>, Header, description = "Names this request, so that it may be repeated"),
        ("If-Match" = Option<String>, Header, description = "Only if they still have this version: their own, which nothing else changes"),
    ),
    request_body = PreferencesForm<'_>,
    responses((status = 200, description = "The preferences as they are now", body = PreferencesBody), Problems)
)]
pub(crate) async fn patch(
    State(app): State<App>,
    change: Change<ManageAccount>,
    arrival: Arrival,
    body: JsonBody,
) -> Result<Response, Problem> {
    let asked = body.read::<PreferencesForm<'_>>()?.read()?;
    apply(&app, change, &arrival, asked).await
}

async fn apply(
    app: &App,
    Change { subject, context }: Change<ManageAccount>,
    arrival: &Arrival,
    asked: PreferencesChange,
) -> Result<Response, Problem> {
    let user_id = subject.user_id;
    let updated = form::named(&asked);
    let done = app.commands().change_preferences(context, user_id, asked).await?;
    app.admission().heed(&done.events);
    if !done.replayed && !done.events.is_empty() {
        tracing::info!(
            event = "preferences_changed",
            user_id = %user_id,
            request_id = arrival.request_id.as_str(),
            position = done.position,
            updated_fields = updated
        );
    }
    let body = after(&done)?;
    Ok(Answer::ok().position(body.position).version(body.version).replayed(done.replayed).json(&body))
}

/// As the command left them, so that a repeat reads the same.
fn after(done: &Done) -> Result<PreferencesBody, Problem> {
    let person = done.user.as_deref().and_then(User::person);
    let person = person.ok_or_else(|| Problem::internal(&"a change of preferences without a user"))?;
    let version = i64::try_from(person.preferences_version).unwrap_or(i64::MAX);
    Ok(PreferencesBody::new(person.preferences.clone(), version, done.position))
}
