//! GET /auth/sessions, DELETE /auth/sessions/{sid}: where somebody is signed in, and no longer.

use crate::app::App;
use crate::auth::Allowed;
use crate::auth::rule::ManageAnyAccount;
use crate::door::Arrival;
use crate::input::{Asked, Check, ListQuery, LoginSessionPath, MinPosition, Query};
use crate::openapi::Problems;
use crate::output::{Answer, EndedSessionBody, ListBody, LoginSessionBody};
use crate::problem::{Code, Flaw, Problem};
use crate::routes::reading;
use axum::extract::State;
use axum::response::Response;
use commands::Authority;
use domain::user::EndReason;
use domain::{LoginSessionId, UserId};
use projections::Page;
use serde::Deserialize;
use utoipa::IntoParams;

#[derive(Clone, Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct SessionsQuery {
    /// Whose: one's own unless an admin asks for somebody else's.
    #[param(value_type = Option<String>, example = "me")]
    user_id: Option<String>,
}

/// Where one is signed in, newest first
#[utoipa::path(
    get, path = "/auth/sessions", tag = "auth", security(("access_token" = [])),
    params(
        SessionsQuery,
        ListQuery,
        ("min_position" = Option<i64>, Query, description = "Wait until this position is included"),
    ),
    responses((status = 200, description = "The sessions that are open", body = ListBody<LoginSessionBody>), Problems)
)]
pub(crate) async fn sessions(
    State(app): State<App>,
    allowed: Allowed<ManageAnyAccount>,
    Query(query): Query<SessionsQuery>,
    Query(paging): Query<ListQuery>,
    min: MinPosition,
) -> Result<Response, Problem> {
    let person = allowed.caller.person()?;
    let mut check = Check::default();
    let limit = paging.limit(&mut check);
    let named = check.parameter("?user_id", query.user_id, |text| user_named(text, person.user_id));
    check.finish()?;
    let user_id = named.unwrap_or(person.user_id);
    if !allowed.authority.covers(user_id) {
        return Err(Problem::of(Code::UserNotFound));
    }
    let page = Page { cursor: paging.cursor, limit };
    let found = reading::login_sessions(&app, user_id, &page, min).await?;
    let rows = found.value.items.into_iter();
    let body = ListBody {
        items: rows.map(|row| LoginSessionBody::new(row, person.session_id)).collect(),
        next_cursor: found.value.next_cursor,
        position: found.position,
    };
    Ok(Answer::ok().position(body.position).json(&body))
}

fn user_named(text: &str, me: UserId) -> Result<UserId, Flaw> {
    if text == "me" {
        return Ok(me);
    }
    text.parse().map_err(|_| Flaw::NobodyOrMe)
}

/// Sign a device out: one of one's own; admins anybody's
#[utoipa::path(
    delete, path = "/auth/sessions/{sid}", tag = "auth", security(("access_token" = [])),
    params(
        ("sid" = uuid::Uuid, Path, description = "The login session"),
        ("Idempotency-Key" = Option<String>, Header, description = "Names this request, so that it may be repeated"),
        ("If-Match" = Option<String>, Header, description = "Only if the user still has this version"),
    ),
    responses((status = 200, description = "It has ended", body = EndedSessionBody), Problems)
)]
pub(crate) async fn end(
    State(app): State<App>,
    Asked { allowed, context }: Asked<ManageAnyAccount>,
    LoginSessionPath(session_id): LoginSessionPath,
    arrival: Arrival,
) -> Result<Response, Problem> {
    let owner = owner(&app, &allowed, session_id).await?;
    let done = app.commands().end_session(context, owner, session_id, EndReason::Revoked).await?;
    let ended = EndedSessionBody::of(&done.events).map_err(|error| Problem::internal(&error))?;
    // Nothing ended: it had already, or it never was this user's.
    let ended = ended.into_iter().find(|ended| ended.id == session_id);
    let ended = ended.ok_or_else(|| Problem::of(Code::SessionNotFound))?;
    // Before the answer: once a client has it, the session's tokens are worthless.
    app.admission().revocations().end(session_id);
    if !done.replayed {
        tracing::info!(
            event = "login_session_revoked",
            user_id = %owner,
            request_id = arrival.request_id.as_str(),
            position = done.position
        );
    }
    Ok(Answer::ok().position(ended.position).version(done.user_version).replayed(done.replayed).json(&ended))
}

/// Whose session it is, as far as the caller may know: their own, unless an admin looks.
async fn owner(
    app: &App,
    allowed: &Allowed<ManageAnyAccount>,
    session_id: LoginSessionId,
) -> Result<UserId, Problem> {
    let own = allowed.caller.user_id();
    match allowed.authority {
        Authority::Owner(owner) => Ok(owner),
        Authority::Anybody => Ok(reading::login_session_owner(app, session_id).await?.unwrap_or(own)),
    }
}
