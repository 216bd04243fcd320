//! POST /trading-sessions/{id}/pause and /resume.

use super::{Changed, ask, confirm, reach};
use crate::app::App;
use crate::auth::ConfirmationForm;
use crate::auth::rule::Trade;
use crate::door::Arrival;
use crate::input::{Asked, JsonBody, TradingSessionPath};
use crate::openapi::Problems;
use crate::output::TradingSessionAtBody;
use crate::problem::Problem;
use axum::extract::State;
use axum::response::Response;
use commands::sessions::SessionWish;

/// Pause a session
///
/// Nothing runs until it is resumed; a run that is under way is brought to its end. Pausing a paused one changes nothing.
#[utoipa::path(
    post, path = "/trading-sessions/{id}/pause", tag = "trading",
    security(("access_token" = []), ("api_key" = ["trading:write"])),
    params(
        ("id" = String, Path, description = "The session, or `current`"),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes repeating the request safe"),
        ("If-Match" = Option<String>, Header, description = "Only if the session is at this version"),
    ),
    request_body = Option<ConfirmationForm<'_>>,
    responses((status = 200, description = "The session as it is now", body = TradingSessionAtBody), Problems)
)]
pub(crate) async fn pause(
    State(app): State<App>,
    Asked { allowed, context }: Asked<Trade>,
    named: TradingSessionPath,
    arrival: Arrival,
    body: Option<JsonBody>,
) -> Result<Response, Problem> {
    ConfirmationForm::of(body.as_ref())?;
    let reached = reach(&app, &allowed, named, Some(&context)).await?;
    let changed = Changed { event: "trading_session_paused", updated_fields: "state" };
    ask(&app, context, &arrival, reached, (SessionWish::Pause, changed)).await
}

/// Resume a session
///
/// One that was paused, or one that was halted because it lost too much: from then on losses count from today's equity.
/// Resuming a running one changes nothing.
#[utoipa::path(
    post, path = "/trading-sessions/{id}/resume", tag = "trading",
    security(("access_token" = []), ("api_key" = ["trading:write"])),
    params(
        ("id" = String, Path, description = "The session, or `current`"),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes repeating the request safe"),
        ("If-Match" = Option<String>, Header, description = "Only if the session is at this version"),
    ),
    request_body = Option<ConfirmationForm<'_>>,
    responses((status = 200, description = "The session as it is now", body = TradingSessionAtBody), Problems)
)]
pub(crate) async fn resume(
    State(app): State<App>,
    Asked { allowed, context }: Asked<Trade>,
    named: TradingSessionPath,
    arrival: Arrival,
    body: Option<JsonBody>,
) -> Result<Response, Problem> {
    ConfirmationForm::of(body.as_ref())?;
    let reached = reach(&app, &allowed, named, Some(&context)).await?;
    confirm(&app, allowed.caller, reached.session.owner, body.as_ref()).await?;
    let changed = Changed { event: "trading_session_resumed", updated_fields: "state" };
    ask(&app, context, &arrival, reached, (SessionWish::Resume, changed)).await
}
