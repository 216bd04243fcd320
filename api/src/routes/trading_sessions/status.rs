//! GET /trading-sessions/{id}/status.

use super::reach;
use crate::app::App;
use crate::auth::Allowed;
use crate::auth::rule::ReadTrading;
use crate::etag::ETag;
use crate::input::{IfNoneMatch, MinPosition, TradingSessionPath};
use crate::openapi::Problems;
use crate::output::{Answer, TradingStatusBody};
use crate::problem::Problem;
use crate::routes::reading;
use axum::extract::State;
use axum::response::Response;

/// How a session is doing: whether it runs, when next and when last, with what result, and the orders that are out
#[utoipa::path(
    get, path = "/trading-sessions/{id}/status", tag = "trading",
    security(("access_token" = []), ("api_key" = ["trading:read"])),
    params(
        ("id" = String, Path, description = "The session, or `current`"),
        ("min_position" = Option<i64>, Query, description = "Wait until this position is included"),
        ("If-None-Match" = Option<String>, Header, description = "Only if it has another version"),
    ),
    responses(
        (status = 200, description = "Its status", body = TradingStatusBody),
        (status = 304, description = "It is as the client has it"),
        Problems,
    )
)]
pub(crate) async fn status(
    State(app): State<App>,
    allowed: Allowed<ReadTrading>,
    named: TradingSessionPath,
    min: MinPosition,
    known: Option<IfNoneMatch>,
) -> Result<Response, Problem> {
    let id = reach(&app, &allowed, named, None).await?.session.id;
    let found = reading::trading_session(&app, id, min).await?;
    // `current` may be another session by now, with the same version.
    let tag = ETag { version: found.value.version, beside: Some(found.value.started_position) };
    let answer = Answer::ok().position(found.position).version(tag);
    if known.is_some_and(|known| known.has(tag)) {
        return Ok(answer.not_modified());
    }
    Ok(answer.json(&TradingStatusBody::new(&found.value.session, found.value.version, found.position)))
}
