//! POST /trading-sessions/{id}/dry-run.

use super::Changed;
use super::control::Control;
use super::forms::DryRunForm;
use crate::openapi::Problems;
use crate::output::TradingSessionAtBody;
use crate::problem::Problem;
use axum::response::Response;
use commands::sessions::SessionWish;

/// Let orders leave, or only plan them
///
/// Not while a run is under way: 409 `run_under_way`.
#[utoipa::path(
    post, path = "/trading-sessions/{id}/dry-run", tag = "trading",
    security(("access_token" = []), ("api_key" = ["trading:write"])),
    params(
        ("id" = String, Path, description = "The session, or `current`"),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes repeating the request safe"),
        ("If-Match" = Option<String>, Header, description = "Only if the session is at this version"),
    ),
    request_body = DryRunForm<'_>,
    responses((status = 200, description = "The session as it is now", body = TradingSessionAtBody), Problems)
)]
pub(crate) async fn dry_run(control: Control) -> Result<Response, Problem> {
    control
        .change(|form: DryRunForm<'_>, _| {
            let changed = Changed { event: "trading_session_dry_run_changed", updated_fields: "dry_run" };
            Ok((SessionWish::SetDryRun { dry_run: form.read()? }, changed))
        })
        .await
}
