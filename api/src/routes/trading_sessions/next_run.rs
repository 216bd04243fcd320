//! POST /trading-sessions/{id}/next-run, and /schedule, which is another name for it.

use super::forms::NextRunForm;
use super::{Changed, ask, confirm, reach};
use crate::app::App;
use crate::auth::rule::Trade;
use crate::door::Arrival;
use crate::input::{Asked, JsonBody, TradingSessionPath};
use crate::openapi::Problems;
use crate::output::TradingSessionAtBody;
use crate::problem::Problem;
use axum::extract::State;
use axum::response::Response;
use commands::sessions::SessionWish;

/// Set when a session runs next
///
/// Also where it does not run by itself: then it runs once. A moment that has passed means at once.
#[utoipa::path(
    post, path = "/trading-sessions/{id}/next-run", tag = "trading",
    security(("access_token" = []), ("api_key" = ["trading:write"])),
    params(
        ("id" = String, Path, description = "The session, or `current`"),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes repeating the request safe"),
        ("If-Match" = Option<String>, Header, description = "Only if the session is at this version"),
    ),
    request_body = NextRunForm<'_>,
    responses((status = 200, description = "The session as it is now", body = TradingSessionAtBody), Problems)
)]
pub(crate) async fn next_run(
    State(app): State<App>,
    asked: Asked<Trade>,
    named: TradingSessionPath,
    arrival: Arrival,
    body: JsonBody,
) -> Result<Response, Problem> {
    set(&app, asked, named, &arrival, &body).await
}

/// Set when a session runs next (alias)
///
/// Another name for `/next-run`.
#[utoipa::path(
    post, path = "/trading-sessions/{id}/schedule", tag = "trading",
    security(("access_token" = []), ("api_key" = ["trading:write"])),
    params(
        ("id" = String, Path, description = "The session, or `current`"),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes repeating the request safe"),
        ("If-Match" = Option<String>, Header, description = "Only if the session is at this version"),
    ),
    request_body = NextRunForm<'_>,
    responses((status = 200, description = "The session as it is now", body = TradingSessionAtBody), Problems)
)]
pub(crate) async fn schedule(
    State(app): State<App>,
    asked: Asked<Trade>,
    named: TradingSessionPath,
    arrival: Arrival,
    body: JsonBody,
) -> Result<Response, Problem> {
    set(&app, asked, named, &arrival, &body).await
}

async fn set(
    app: &App,
    Asked { allowed, context }: Asked<Trade>,
    named: TradingSessionPath,
    arrival: &Arrival,
    body: &JsonBody,
) -> Result<Response, Problem> {
    let form: NextRunForm<'_> = body.read()?;
    let reached = reach(app, &allowed, named, Some(&context)).await?;
    let next_run_at = form.read()?;
    confirm(app, allowed.caller, reached.session.owner, Some(body)).await?;
    let changed = Changed { event: "trading_session_rescheduled", updated_fields: "next_run_at" };
    ask(app, context, arrival, reached, (SessionWish::SetNextRun { next_run_at }, changed)).await
}
