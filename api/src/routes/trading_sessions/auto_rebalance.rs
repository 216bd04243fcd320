//! POST /trading-sessions/{id}/auto-rebalance.

use super::Changed;
use super::control::Control;
use super::forms::AutoRebalanceForm;
use crate::openapi::Problems;
use crate::output::TradingSessionAtBody;
use crate::problem::Problem;
use axum::response::Response;
use commands::sessions::SessionWish;

/// Let a session run by itself, or not
///
/// Switched on, it runs one interval from now, if no other moment was set; switched off, it runs when it is asked to.
#[utoipa::path(
    post, path = "/trading-sessions/{id}/auto-rebalance", tag = "trading",
    security(("access_token" = []), ("api_key" = ["trading:write"])),
    params(
        ("id" = String, Path, description = "The session, or `current`"),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes repeating the request safe"),
        ("If-Match" = Option<String>, Header, description = "Only if the session is at this version"),
    ),
    request_body = AutoRebalanceForm<'_>,
    responses((status = 200, description = "The session as it is now", body = TradingSessionAtBody), Problems)
)]
pub(crate) async fn auto_rebalance(control: Control) -> Result<Response, Problem> {
    control
        .change(|form: AutoRebalanceForm<'_>, _| {
            let changed = Changed { event: "trading_session_rescheduled", updated_fields: "auto_rebalance" };
            Ok((SessionWish::SetAutoRebalance { enabled: form.read()? }, changed))
        })
        .await
}
