//! GET /trading-sessions/{id}/runs.

use super::reach;
use crate::app::App;
use crate::auth::Allowed;
use crate::auth::rule::ReadTrading;
use crate::input::{Check, ListQuery, MinPosition, Query, TradingSessionPath};
use crate::openapi::Problems;
use crate::output::{Answer, ListBody, RunBody};
use crate::problem::Problem;
use axum::extract::State;
use axum::response::Response;
use projections::Page;

/// A session's runs, newest first: when they were due, what was planned, and what came of it
#[utoipa::path(
    get, path = "/trading-sessions/{id}/runs", tag = "trading",
    security(("access_token" = []), ("api_key" = ["trading:read"])),
    params(
        ("id" = String, Path, description = "The session, or `current`"),
        ListQuery,
        ("min_position" = Option<i64>, Query, description = "Wait until this position is included"),
    ),
    responses((status = 200, description = "A page", body = ListBody<RunBody>), Problems)
)]
pub(crate) async fn runs(
    State(app): State<App>,
    allowed: Allowed<ReadTrading>,
    named: TradingSessionPath,
    Query(query): Query<ListQuery>,
    min: MinPosition,
) -> Result<Response, Problem> {
    let id = reach(&app, &allowed, named, None).await?.session.id;
    let mut check = Check::default();
    let limit = query.limit(&mut check);
    check.finish()?;
    let found = app.read_models().trading_runs(id, &Page { cursor: query.cursor, limit }, min.0).await?;
    let body = ListBody {
        items: found.value.items.into_iter().map(RunBody::from).collect(),
        next_cursor: found.value.next_cursor,
        position: found.position,
    };
    Ok(Answer::ok().position(body.position).json(&body))
}
