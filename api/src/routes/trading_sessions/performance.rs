//! GET /trading-sessions/{id}/performance.

use super::reach;
use crate::app::App;
use crate::auth::Allowed;
use crate::auth::rule::ReadTrading;
use crate::input::{MinPosition, TradingSessionPath};
use crate::openapi::Problems;
use crate::output::{Answer, PerformanceBody};
use crate::problem::Problem;
use crate::routes::reading;
use axum::extract::State;
use axum::response::Response;

/// How a session has done: return, drawdown, ratios, and its trades
///
/// Of all that was recorded of its equity. Returns are time-weighted: money that comes or goes is no gain and no loss.
#[utoipa::path(
    get, path = "/trading-sessions/{id}/performance", tag = "trading",
    security(("access_token" = []), ("api_key" = ["trading:read"])),
    params(
        ("id" = String, Path, description = "The session, or `current`"),
        ("min_position" = Option<i64>, Query, description = "Wait until this position is included"),
    ),
    responses((status = 200, description = "Its figures", body = PerformanceBody), Problems)
)]
pub(crate) async fn performance(
    State(app): State<App>,
    allowed: Allowed<ReadTrading>,
    named: TradingSessionPath,
    min: MinPosition,
) -> Result<Response, Problem> {
    let session = reach(&app, &allowed, named, None).await?.session;
    let inputs = reading::performance(&app, session.id, min).await?;
    let body = PerformanceBody {
        session_id: session.id,
        currency: session.currency,
        figures: inputs.value.performance().into(),
        position: inputs.position,
    };
    Ok(Answer::ok().position(body.position).json(&body))
}
