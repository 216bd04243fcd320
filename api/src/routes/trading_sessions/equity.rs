//! GET /trading-sessions/{id}/equity.

use super::reach;
use crate::app::App;
use crate::auth::Allowed;
use crate::auth::rule::ReadTrading;
use crate::input::{Check, ListQuery, MinPosition, Query, TradingSessionPath, moment, number};
use crate::openapi::Problems;
use crate::output::{Answer, EquityBody, ListBody};
use crate::problem::Problem;
use axum::extract::State;
use axum::response::Response;
use projections::{EquityFilter, Page};
use serde::Deserialize;
use std::ops::RangeInclusive;
use utoipa::IntoParams;

/// From a curve that can be told from a line, up to more points than a screen is wide.
const POINTS: RangeInclusive<u16> = 5..=2_000;

#[derive(Clone, Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct EquityQuery {
    /// Only from this moment on.
    #[param(value_type = Option<String>, format = DateTime)]
    from: Option<String>,
    /// Only what was before this moment.
    #[param(value_type = Option<String>, format = DateTime)]
    to: Option<String>,
    /// The whole curve at once, oldest first, thinned to about so many points.
    #[param(value_type = Option<u16>, minimum = 5, maximum = 2000, example = 500)]
    points: Option<String>,
}

/// What a session was worth, whenever that was found out
///
/// Page by page, newest first; or, with `points`, the whole curve, oldest first. A thinned one keeps its ends, its highest and
/// lowest points, its drawdown, and all money that came or went.
#[utoipa::path(
    get, path = "/trading-sessions/{id}/equity", tag = "trading",
    security(("access_token" = []), ("api_key" = ["trading:read"])),
    params(
        ("id" = String, Path, description = "The session, or `current`"),
        EquityQuery,
        ListQuery,
        ("min_position" = Option<i64>, Query, description = "Wait until this position is included"),
    ),
    responses((status = 200, description = "Points of the curve", body = ListBody<EquityBody>), Problems)
)]
pub(crate) async fn equity(
    State(app): State<App>,
    allowed: Allowed<ReadTrading>,
    named: TradingSessionPath,
    Query(wanted): Query<EquityQuery>,
    Query(query): Query<ListQuery>,
    min: MinPosition,
) -> Result<Response, Problem> {
    let id = reach(&app, &allowed, named, None).await?.session.id;
    let mut check = Check::default();
    let limit = query.limit(&mut check);
    let filter = EquityFilter {
        from: check.parameter("?from", wanted.from.as_deref(), moment),
        to: check.parameter("?to", wanted.to.as_deref(), moment),
    };
    let points = check.parameter("?points", wanted.points.as_deref(), |text| number(text, POINTS));
    check.finish()?;
    let body = if let Some(points) = points {
        let curve = app.read_models().equity_curve(id, filter, points, min.0).await?;
        let items = curve.value.into_iter().map(EquityBody::from).collect();
        ListBody { items, next_cursor: None, position: curve.position }
    } else {
        let page = Page { cursor: query.cursor, limit };
        let found = app.read_models().equity_points(id, filter, &page, min.0).await?;
        let items = found.value.items.into_iter().map(EquityBody::from).collect();
        ListBody { items, next_cursor: found.value.next_cursor, position: found.position }
    };
    Ok(Answer::ok().position(body.position).json(&body))
}
