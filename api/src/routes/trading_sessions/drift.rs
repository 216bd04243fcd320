//! POST /trading-sessions/{id}/drift.

use super::Changed;
use super::control::Control;
use super::forms::DriftForm;
use crate::openapi::Problems;
use crate::output::TradingSessionAtBody;
use crate::problem::Problem;
use axum::response::Response;
use commands::sessions::SessionWish;

/// Change how far a session may drift from its targets
///
/// When one of its assets is further away than that, as a share of the whole, it runs out of turn. Null switches it off.
#[utoipa::path(
    post, path = "/trading-sessions/{id}/drift", tag = "trading",
    security(("access_token" = []), ("api_key" = ["trading:write"])),
    params(
        ("id" = String, Path, description = "The session, or `current`"),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes repeating the request safe"),
        ("If-Match" = Option<String>, Header, description = "Only if the session is at this version"),
    ),
    request_body = DriftForm<'_>,
    responses((status = 200, description = "The session as it is now", body = TradingSessionAtBody), Problems)
)]
pub(crate) async fn drift(control: Control) -> Result<Response, Problem> {
    control
        .change(|form: DriftForm<'_>, _| {
            let changed =
                Changed { event: "trading_session_drift_changed", updated_fields: "drift_threshold" };
            Ok((SessionWish::SetDrift { threshold: form.read()? }, changed))
        })
        .await
}
