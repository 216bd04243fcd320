//! GET /holds/{id}.

use crate::app::App;
use crate::auth::Allowed;
use crate::auth::rule::ReadHolds;
use crate::input::{HoldPath, IfNoneMatch, MinPosition};
use crate::openapi::Problems;
use crate::output::{Answer, StandingHoldBody};
use crate::problem::Problem;
use crate::routes::{movement, reading};
use axum::extract::State;
use axum::response::Response;

/// A hold, and what has become of it
///
/// Its version, which `If-Match` is about, is that of its last event.
#[utoipa::path(
    get, path = "/holds/{id}", tag = "holds",
    security(("access_token" = []), ("api_key" = ["wallet:read"]), ("api_key" = ["wallet:hold"])),
    params(
        ("id" = String, Path, description = "The hold"),
        ("min_position" = Option<i64>, Query, description = "Wait until this position is included"),
        ("If-None-Match" = Option<String>, Header, description = "Only if it has another version"),
    ),
    responses(
        (status = 200, description = "The hold", body = StandingHoldBody),
        (status = 304, description = "It is as the client has it"),
        Problems,
    )
)]
pub(crate) async fn get(
    State(app): State<App>,
    allowed: Allowed<ReadHolds>,
    HoldPath(id): HoldPath,
    min: MinPosition,
    known: Option<IfNoneMatch>,
) -> Result<Response, Problem> {
    movement::hold_of(&app, allowed.authority, id).await?;
    let hold = reading::hold(&app, id, min).await?;
    let version = hold.value.version;
    let answer = Answer::ok().position(hold.position).version(version);
    if known.is_some_and(|known| known.has(version)) {
        return Ok(answer.not_modified());
    }
    Ok(answer.json(&StandingHoldBody::from(hold.value)))
}
