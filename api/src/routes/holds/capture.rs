//! POST /holds/{id}/capture.

use crate::app::App;
use crate::auth::rule::Hold;
use crate::input::{HoldPath, JsonBody, Keyed};
use crate::openapi::Problems;
use crate::output::{Answer, HeldBody};
use crate::problem::Problem;
use crate::routes::movement::{CaptureForm, ask, hold_of};
use axum::extract::State;
use axum::response::Response;

/// Capture a hold, or a part of it
///
/// What is captured leaves the wallet. Nothing can go wrong with it that was not ruled out when the hold was placed, but that
/// the hold has ended: then the answer is 409 `hold_ended`, and `ended_by` names the event that was first. Each `capture_id`
/// is good for one capture of its hold: the same one is answered as it was, another one is 422 `capture_id_reused`.
#[utoipa::path(
    post, path = "/holds/{id}/capture", tag = "holds", security(("access_token" = []), ("api_key" = ["wallet:hold"])),
    params(
        ("id" = String, Path, description = "The hold"),
        ("Idempotency-Key" = String, Header, description = "Makes repeating the request safe"),
        ("If-Match" = Option<String>, Header, description = "Only if the hold is at this version"),
    ),
    request_body = CaptureForm<'_>,
    responses((status = 200, description = "The hold as it is now", body = HeldBody), Problems)
)]
pub(crate) async fn capture(
    State(app): State<App>,
    Keyed { allowed, context }: Keyed<Hold>,
    HoldPath(id): HoldPath,
    body: JsonBody,
) -> Result<Response, Problem> {
    let form: CaptureForm<'_> = body.read()?;
    let reached = hold_of(&app, allowed.authority, id).await?;
    let wish = reached.wish(&context, form.bounds(), |check| form.aim(check, id, reached.wallet.currency))?;
    Ok(ask(&app, context, wish).await?.answer(Answer::ok()))
}
