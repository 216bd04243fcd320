//! POST /trading-sessions/{id}/interval.

use super::forms::IntervalForm;
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
pub(crate) async fn interval(
    State(app): State<App>,
    Asked { allowed, context }: Asked<Trade>,
    named: TradingSessionPath,
    arrival: Arrival,
    body: JsonBody,
) -> Result<Response, Problem> {
    let form: IntervalForm<'_> = body.read()?;
    let reached = reach(&app, &allowed, named, Some(&context)).await?;
    let interval_s = form.read()?;
    confirm(&app, allowed.caller, reached.session.owner, Some(&body)).await?;
    let changed = Changed { event: "trading_session_rescheduled", updated_fields: "interval_s" };
    ask(&app, context, &arrival, reached, (SessionWish::SetInterval { interval_s }, changed)).await
}
