//! POST /trading-sessions/{id}/targets.

use super::Changed;
use super::control::Control;
use super::forms::TargetsForm;
use crate::openapi::Problems;
use crate::output::TradingSessionAtBody;
use crate::problem::Problem;
use axum::response::Response;
use commands::sessions::SessionWish;

/// Change what a session is to hold
///
/// The next run brings it there. An asset without a price is 422 `not_traded`.
#[utoipa::path(
    post, path = "/trading-sessions/{id}/targets", tag = "trading",
    security(("access_token" = []), ("api_key" = ["trading:write"])),
    params(
        ("id" = String, Path, description = "The session, or `current`"),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes repeating the request safe"),
        ("If-Match" = Option<String>, Header, description = "Only if the session is at this version"),
    ),
    request_body = TargetsForm<'_>,
    responses((status = 200, description = "The session as it is now", body = TradingSessionAtBody), Problems)
)]
pub(crate) async fn targets(control: Control) -> Result<Response, Problem> {
    control
        .change(|form: TargetsForm<'_>, _| {
            let changed = Changed { event: "trading_session_targets_changed", updated_fields: "targets" };
            Ok((SessionWish::SetTargets { targets: form.read()? }, changed))
        })
        .await
}
