//! POST /auth/logout-all: ends every login session of the user, or all but the one that asks.

use crate::app::App;
use crate::auth::rule::ManageAccount;
use crate::door::Arrival;
use crate::input::{Asked, Check, Query};
use crate::openapi::Problems;
use crate::output::{Answer, EndedSessionBody};
use crate::problem::{Flaw, Problem};
use axum::extract::State;
use axum::response::Response;
use domain::LoginSessionId;
use domain::user::EndReason;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

#[derive(Clone, Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct LogoutAllQuery {
    /// Whether the session that asks goes on.
    #[param(value_type = Option<bool>, example = true)]
    keep_current: Option<String>,
}

/// The tokens of these sessions are refused from now on.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LoggedOutEverywhere {
    #[schema(value_type = Vec<uuid::Uuid>)]
    ended: Vec<LoginSessionId>,
    position: i64,
}

/// Sign out everywhere
#[utoipa::path(
    post, path = "/auth/logout-all", tag = "auth", security(("access_token" = [])),
    params(
        LogoutAllQuery,
        ("Idempotency-Key" = Option<String>, Header, description = "Names this request, so that it may be repeated"),
        ("If-Match" = Option<String>, Header, description = "Only if the user still has this version"),
    ),
    responses((status = 200, description = "Signed out", body = LoggedOutEverywhere), Problems)
)]
pub(crate) async fn logout_all(
    State(app): State<App>,
    Asked { allowed, context }: Asked<ManageAccount>,
    Query(query): Query<LogoutAllQuery>,
    arrival: Arrival,
) -> Result<Response, Problem> {
    let person = allowed.caller.person()?;
    let mut check = Check::default();
    let keep = check.parameter("?keep_current", query.keep_current, |text| {
        text.parse::<bool>().map_err(|_| Flaw::not_among(&["true", "false"]))
    });
    check.finish()?;
    let kept = keep.unwrap_or(false).then_some(person.session_id);
    let done = app.commands().end_sessions(context, person.user_id, kept, EndReason::LogoutAll).await?;
    let ended = EndedSessionBody::of(&done.events).map_err(|error| Problem::internal(&error))?;
    let ended: Vec<LoginSessionId> = ended.into_iter().map(|ended| ended.id).collect();
    // Before the answer: once a client has it, their tokens are worthless.
    for session in &ended {
        app.admission().revocations().end(*session);
    }
    if !done.replayed {
        tracing::info!(
            event = "logged_out_everywhere",
            user_id = %person.user_id,
            request_id = arrival.request_id.as_str(),
            position = done.position,
            sessions = ended.len()
        );
    }
    let body = LoggedOutEverywhere { ended, position: done.position };
    let answer = Answer::ok().position(done.position).version(done.user_version);
    Ok(answer.replayed(done.replayed).json(&body))
}
