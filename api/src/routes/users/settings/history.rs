//! GET /users/settings/history and /users/settings/history/{version}.

use super::defaults_at;
use super::log::was_read;
use crate::app::App;
use crate::auth::Allowed;
use crate::auth::rule::ReadSettings;
use crate::door::Arrival;
use crate::input::{Check, ListQuery, MinPosition, Query};
use crate::openapi::Problems;
use crate::output::{Answer, ListBody, SettingsThenBody, SettingsVersionBody};
use crate::problem::{Code, Problem};
use axum::extract::{FromRequestParts, Path, State};
use axum::http::request::Parts;
use axum::response::Response;
use domain::settings::Settings;
use domain::user::UserEvent;
use domain::{AggregateKind, AggregateRef, Event, UserId};
use projections::Page;
use std::sync::Arc;

/// The event that makes a version.
const EVENT: &str = "SettingsChanged";

/// A version named in the path: what is no number names none, and neither does the one before the first.
#[derive(Clone, Copy, Debug)]
pub(crate) struct VersionPath(i64);

impl<S: Send + Sync> FromRequestParts<S> for VersionPath {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let named = Path::<i64>::from_request_parts(parts, state).await.ok();
        let version = named.map(|Path(version)| version).filter(|version| *version > 0);
        version.map(Self).ok_or_else(|| Problem::of(Code::SettingsVersionNotFound))
    }
}

/// How one's settings came to be what they are, newest first
///
/// Who changed what, when, and by what: a patch, an import, a preset, or going back. Each of them has an address of its own,
/// which says from what to what. `POST /users/settings/revert` goes back
/// to any of these versions.
#[utoipa::path(
    get, path = "/users/settings/history", tag = "settings",
    security(("access_token" = []), ("api_key" = ["settings:read"])),
    params(
        ListQuery,
        ("min_position" = Option<i64>, Query, description = "Wait until this position is included"),
    ),
    responses((status = 200, description = "A page", body = ListBody<SettingsVersionBody>), Problems)
)]
pub(crate) async fn history(
    State(app): State<App>,
    allowed: Allowed<ReadSettings>,
    Query(paging): Query<ListQuery>,
    min: MinPosition,
    arrival: Arrival,
) -> Result<Response, Problem> {
    let mut check = Check::default();
    let limit = paging.limit(&mut check);
    check.finish()?;
    let page = Page { cursor: paging.cursor, limit };
    let user_id = allowed.caller.user_id();
    let found = app.read_models().settings_history(user_id, &page, min.0).await?;
    was_read(&arrival, user_id, "history", None);
    let body = ListBody {
        items: found.value.items.into_iter().map(SettingsVersionBody::from).collect(),
        next_cursor: found.value.next_cursor,
        position: found.position,
    };
    Ok(Answer::ok().position(body.position).json(&body))
}

/// One's settings as they were, and what had changed
///
/// Of secrets it says that they were changed, and neither from what nor to what.
#[utoipa::path(
    get, path = "/users/settings/history/{version}", tag = "settings",
    security(("access_token" = []), ("api_key" = ["settings:read"])),
    params(("version" = i64, Path, description = "As the history has it", example = 2)),
    responses((status = 200, description = "The version", body = SettingsThenBody), Problems)
)]
pub(crate) async fn version(
    State(app): State<App>,
    allowed: Allowed<ReadSettings>,
    VersionPath(version): VersionPath,
    arrival: Arrival,
) -> Result<Response, Problem> {
    let user_id = allowed.caller.user_id();
    let (then, settings) = made(&app, user_id, version).await?;
    let before = match version {
        // The first took over what held for everybody.
        1 => defaults_at(&app, then.position - 1).await?.settings(),
        _ => made(&app, user_id, version - 1).await?.1,
    };
    was_read(&arrival, user_id, "version", None);
    let position = then.position;
    Ok(Answer::ok().position(position).json(&SettingsThenBody::new(then, &before, (*settings).clone())))
}

/// From the journal: an event says what the settings became.
async fn made(
    app: &App,
    user_id: UserId,
    version: i64,
) -> Result<(SettingsVersionBody, Arc<Settings>), Problem> {
    let aggregate = AggregateRef { kind: AggregateKind::User, id: user_id.0 };
    let recorded = app.journal().nth_of_type(aggregate, EVENT, version).await?;
    let recorded = recorded.ok_or_else(|| Problem::of(Code::SettingsVersionNotFound))?;
    let event = recorded.event().map_err(|error| Problem::internal(&error))?;
    let Event::User(UserEvent::SettingsChanged { settings, fields, cause, changed_at, .. }) = event else {
        return Err(Problem::internal(&"a change of settings that is none"));
    };
    let (actor, position) = (recorded.metadata.actor.into(), recorded.position);
    Ok((SettingsVersionBody { version, fields, cause, actor, changed_at, position }, settings))
}
