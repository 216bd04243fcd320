//! POST /trading-sessions/{id}/risk.

use super::Changed;
use super::control::Control;
use super::forms::RiskForm;
use crate::openapi::Problems;
use crate::output::TradingSessionAtBody;
use crate::problem::Problem;
use axum::response::Response;
use commands::sessions::SessionWish;

/// Change what a session may risk
///
/// `max_drawdown`: how far equity may fall below its highest before the session halts. `risk_per_trade`: what may be lost on
/// one order; one order adds at most `risk_per_trade / max_drawdown` of the whole.
#[utoipa::path(
    post, path = "/trading-sessions/{id}/risk", tag = "trading",
    security(("access_token" = []), ("api_key" = ["trading:write"])),
    params(
        ("id" = String, Path, description = "The session, or `current`"),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes repeating the request safe"),
        ("If-Match" = Option<String>, Header, description = "Only if the session is at this version"),
    ),
    request_body = RiskForm<'_>,
    responses((status = 200, description = "The session as it is now", body = TradingSessionAtBody), Problems)
)]
pub(crate) async fn risk(control: Control) -> Result<Response, Problem> {
    control
        .change(|form: RiskForm<'_>, _| {
            let (risk_per_trade, max_drawdown) = form.read()?;
            let updated_fields = match (risk_per_trade, max_drawdown) {
                (Some(_), Some(_)) => "risk_per_trade,max_drawdown",
                (Some(_), None) => "risk_per_trade",
                _ => "max_drawdown",
            };
            let changed = Changed { event: "trading_session_limits_changed", updated_fields };
            Ok((SessionWish::SetLimits { risk_per_trade, max_drawdown }, changed))
        })
        .await
}
