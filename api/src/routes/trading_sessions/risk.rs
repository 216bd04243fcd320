//! POST /trading-sessions/{id}/risk.

use super::forms::RiskForm;
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
pub(crate) async fn risk(
    State(app): State<App>,
    Asked { allowed, context }: Asked<Trade>,
    named: TradingSessionPath,
    arrival: Arrival,
    body: JsonBody,
) -> Result<Response, Problem> {
    let form: RiskForm<'_> = body.read()?;
    let reached = reach(&app, &allowed, named, Some(&context)).await?;
    let (risk_per_trade, max_drawdown) = form.read()?;
    confirm(&app, allowed.caller, reached.session.owner, Some(&body)).await?;
    let updated_fields = match (risk_per_trade, max_drawdown) {
        (Some(_), Some(_)) => "risk_per_trade,max_drawdown",
        (Some(_), None) => "risk_per_trade",
        _ => "max_drawdown",
    };
    let changed = Changed { event: "trading_session_limits_changed", updated_fields };
    ask(&app, context, &arrival, reached, (SessionWish::SetLimits { risk_per_trade, max_drawdown }, changed))
        .await
}
