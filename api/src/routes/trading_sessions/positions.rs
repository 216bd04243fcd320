//! GET /trading-sessions/{id}/positions.

use super::reach;
use crate::app::App;
use crate::auth::Allowed;
use crate::auth::rule::ReadTrading;
use crate::input::{MinPosition, TradingSessionPath};
use crate::openapi::Problems;
use crate::output::{Answer, PositionsBody};
use crate::problem::Problem;
use crate::routes::reading;
use axum::extract::State;
use axum::response::Response;

/// What a session holds, by the quotes of now
///
/// An asset whose price is missing or older than a minute has no `mark`, and stands in `unpriced`.
#[utoipa::path(
    get, path = "/trading-sessions/{id}/positions", tag = "trading",
    security(("access_token" = []), ("api_key" = ["trading:read"])),
    params(
        ("id" = String, Path, description = "The session, or `current`"),
        ("min_position" = Option<i64>, Query, description = "Wait until this position is included"),
    ),
    responses((status = 200, description = "All of them", body = PositionsBody), Problems)
)]
pub(crate) async fn positions(
    State(app): State<App>,
    allowed: Allowed<ReadTrading>,
    named: TradingSessionPath,
    min: MinPosition,
) -> Result<Response, Problem> {
    let id = reach(&app, &allowed, named, None).await?.session.id;
    let found = reading::trading_session(&app, id, min).await?;
    let session = &found.value.session;
    let market = app.market(session.currency);
    let now = app.commands().now();
    let body =
        PositionsBody::new(&session.portfolio, session.currency, market.as_deref(), now, found.position);
    Ok(Answer::ok().position(body.position).json(&body))
}
