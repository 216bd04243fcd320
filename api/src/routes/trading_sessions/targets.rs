//! POST /trading-sessions/{id}/targets.

use super::forms::TargetsForm;
use super::{Changed, ask, check_targets, confirm, reach};
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
pub(crate) async fn targets(
    State(app): State<App>,
    Asked { allowed, context }: Asked<Trade>,
    named: TradingSessionPath,
    arrival: Arrival,
    body: JsonBody,
) -> Result<Response, Problem> {
    let form: TargetsForm<'_> = body.read()?;
    let reached = reach(&app, &allowed, named, Some(&context)).await?;
    let targets = form.read()?;
    confirm(&app, allowed.caller, reached.session.owner, Some(&body)).await?;
    check_targets(&app, &context, reached.session.currency, &targets).await?;
    let changed = Changed { event: "trading_session_targets_changed", updated_fields: "targets" };
    ask(&app, context, &arrival, reached, (SessionWish::SetTargets { targets }, changed)).await
}
