//! POST /trading-sessions/{id}/next-run, and /schedule, which is another name for it.

use super::Changed;
use super::control::Control;
use super::forms::NextRunForm;
use crate::openapi::Problems;
use crate::output::TradingSessionAtBody;
use crate::problem::Problem;
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
pub(crate) async fn next_run(control: Control) -> Result<Response, Problem> {
    set(&control).await
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
pub(crate) async fn schedule(control: Control) -> Result<Response, Problem> {
    set(&control).await
}

async fn set(control: &Control) -> Result<Response, Problem> {
    control
        .change(|form: NextRunForm<'_>, _| {
            let changed = Changed { event: "trading_session_rescheduled", updated_fields: "next_run_at" };
            Ok((SessionWish::SetNextRun { next_run_at: form.read()? }, changed))
        })
        .await
}
