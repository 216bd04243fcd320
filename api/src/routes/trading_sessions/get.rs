//! GET /trading-sessions/{id}.

use super::reach;
use crate::app::App;
use crate::auth::Allowed;
use crate::auth::rule::ReadTrading;
use crate::input::{AsOfQuery, IfNoneMatch, MinPosition, Query, TradingSessionPath};
use crate::openapi::Problems;
use crate::output::{Answer, TradingSessionBody};
use crate::problem::Problem;
use crate::routes::reading;
use axum::extract::State;
use axum::response::Response;

/// A trading session, as it is or as it was
///
/// `current` is one's newest that has not stopped. Before it was started, the answer is 404.
#[utoipa::path(
    get, path = "/trading-sessions/{id}", tag = "trading",
    security(("access_token" = []), ("api_key" = ["trading:read"])),
    params(
        ("id" = String, Path, description = "The session, or `current`"),
        AsOfQuery,
        ("min_position" = Option<i64>, Query, description = "Wait until this position is included"),
        ("If-None-Match" = Option<String>, Header, description = "Only if it has another version"),
    ),
    responses(
        (status = 200, description = "The session", body = TradingSessionBody),
        (status = 304, description = "It is as the client has it"),
        Problems,
    )
)]
pub(crate) async fn get(
    State(app): State<App>,
    allowed: Allowed<ReadTrading>,
    named: TradingSessionPath,
    Query(as_of): Query<AsOfQuery>,
    min: MinPosition,
    known: Option<IfNoneMatch>,
) -> Result<Response, Problem> {
    let id = reach(&app, &allowed, named, None).await?.session.id;
    let session = reading::trading_session_as_of(&app, id, as_of.read()?, min).await?;
    let version = session.value.version;
    let answer = Answer::ok().position(session.position).version(version);
    if known.is_some_and(|known| known.has(version)) {
        return Ok(answer.not_modified());
    }
    Ok(answer.json(&session.value))
}
