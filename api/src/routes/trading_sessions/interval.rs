//! POST /trading-sessions/{id}/interval.

use super::Changed;
use super::control::Control;
use super::forms::IntervalForm;
use crate::openapi::Problems;
use crate::output::TradingSessionAtBody;
use crate::problem::Problem;
use axum::response::Response;
use commands::sessions::SessionWish;

/// Change how often a session runs
///
/// Where it runs by itself, the next run is one such interval from now.
#[utoipa::path(
    post, path = "/trading-sessions/{id}/interval", tag = "trading",
    security(("access_token" = []), ("api_key" = ["trading:write"])),
    params(
        ("id" = String, Path, description = "The session, or `current`"),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes repeating the request safe"),
        ("If-Match" = Option<String>, Header, description = "Only if the session is at this version"),
    ),
    request_body = IntervalForm<'_>,
    responses((status = 200, description = "The session as it is now", body = TradingSessionAtBody), Problems)
)]
pub(crate) async fn interval(control: Control) -> Result<Response, Problem> {
    control
        .change(|form: IntervalForm<'_>, _| {
            let changed = Changed { event: "trading_session_rescheduled", updated_fields: "interval_s" };
            Ok((SessionWish::SetInterval { interval_s: form.read()? }, changed))
        })
        .await
}
