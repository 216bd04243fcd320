//! GET /trading-sessions/{id}/why/{trade}.

use super::reach;
use crate::app::App;
use crate::auth::Allowed;
use crate::auth::rule::ReadTrading;
use crate::input::{MinPosition, TradePath, TradingSessionPath};
use crate::openapi::Problems;
use crate::output::{Answer, ExplainedTradeBody};
use crate::problem::Problem;
use crate::routes::reading;
use axum::extract::State;
use axum::response::Response;

/// Why a trade was made
///
/// Who or what asked for its run, the plan with the prices it went by, the order as it was intended, what came of it, and
/// where each of these stands in the journal.
#[utoipa::path(
    get, path = "/trading-sessions/{id}/why/{trade}", tag = "trading",
    security(("access_token" = []), ("api_key" = ["trading:read"])),
    params(
        ("id" = String, Path, description = "The session, or `current`"),
        ("trade" = uuid::Uuid, Path, description = "One of its trades"),
        ("min_position" = Option<i64>, Query, description = "Wait until this position is included"),
    ),
    responses((status = 200, description = "All that led to it", body = ExplainedTradeBody), Problems)
)]
pub(crate) async fn why(
    State(app): State<App>,
    allowed: Allowed<ReadTrading>,
    named: TradingSessionPath,
    trade: TradePath,
    min: MinPosition,
) -> Result<Response, Problem> {
    let id = reach(&app, &allowed, named, None).await?.session.id;
    let explained = reading::explained_trade(&app, id, trade.0, min).await?;
    let body = ExplainedTradeBody::new(explained.value, explained.position);
    let body = body.map_err(|error| Problem::internal(&error))?;
    Ok(Answer::ok().position(body.position).json(&body))
}
