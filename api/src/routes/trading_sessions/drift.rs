//! POST /trading-sessions/{id}/drift.

use super::forms::DriftForm;
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
pub(crate) async fn drift(
    State(app): State<App>,
    Asked { allowed, context }: Asked<Trade>,
    named: TradingSessionPath,
    arrival: Arrival,
    body: JsonBody,
) -> Result<Response, Problem> {
    let form: DriftForm<'_> = body.read()?;
    let reached = reach(&app, &allowed, named, Some(&context)).await?;
    let threshold = form.read()?;
    confirm(&app, allowed.caller, reached.session.owner, Some(&body)).await?;
    let changed = Changed { event: "trading_session_drift_changed", updated_fields: "drift_threshold" };
    ask(&app, context, &arrival, reached, (SessionWish::SetDrift { threshold }, changed)).await
}
