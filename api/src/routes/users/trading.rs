//! GET /users/{id}/trading-sessions and /users/{id}/trades.

use crate::app::App;
use crate::auth::Subject;
use crate::auth::rule::ReadTrading;
use crate::input::{ListQuery, MinPosition, Query};
use crate::openapi::Problems;
use crate::output::{Answer, ListBody, TradeBody, TradingSessionBody};
use crate::problem::Problem;
use crate::routes::reading;
use crate::routes::trading_sessions::list::{self, SessionsQuery};
use crate::routes::trading_sessions::trades::{self as listed, AskedTrades, TradesQuery};
use axum::extract::State;
use axum::response::Response;
use projections::TradesOf;

/// A user's trading sessions, newest first
#[utoipa::path(
    get, path = "/users/{id}/trading-sessions", tag = "users",
    security(("access_token" = []), ("api_key" = ["trading:read"])),
    params(
        ("id" = String, Path, description = "One's own id, or `me`"),
        SessionsQuery,
        ListQuery,
        ("min_position" = Option<i64>, Query, description = "Wait until this position is included"),
    ),
    responses((status = 200, description = "A page", body = ListBody<TradingSessionBody>), Problems)
)]
pub(crate) async fn trading_sessions(
    State(app): State<App>,
    subject: Subject<ReadTrading>,
    Query(filter): Query<SessionsQuery>,
    Query(query): Query<ListQuery>,
    min: MinPosition,
) -> Result<Response, Problem> {
    reading::somebody(&app, &subject).await?;
    let body = list::page(&app, Some(subject.user_id), &filter, query, min).await?;
    Ok(Answer::ok().position(body.position).json(&body))
}

/// A user's trades in all sessions, newest first
///
/// As `/trading-sessions/{id}/trades` lists those of one, also as CSV.
#[utoipa::path(
    get, path = "/users/{id}/trades", tag = "users",
    security(("access_token" = []), ("api_key" = ["trading:read"])),
    params(
        ("id" = String, Path, description = "One's own id, or `me`"),
        TradesQuery,
        ListQuery,
        ("min_position" = Option<i64>, Query, description = "Wait until this position is included"),
    ),
    responses(
        (status = 200, description = "A page", content((ListBody<TradeBody> = "application/json"), (String = "text/csv"))),
        Problems,
    )
)]
pub(crate) async fn trades(
    State(app): State<App>,
    subject: Subject<ReadTrading>,
    asked: AskedTrades,
) -> Result<Response, Problem> {
    reading::somebody(&app, &subject).await?;
    listed::page(&app, TradesOf::User(subject.user_id), asked).await
}
