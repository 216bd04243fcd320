//! POST /holds/{id}/extend.

use crate::app::App;
use crate::auth::rule::Hold;
use crate::input::{HoldPath, JsonBody, Keyed};
use crate::openapi::Problems;
use crate::output::{Answer, HeldBody};
use crate::problem::Problem;
use crate::routes::movement::{ExtendForm, ask, hold_of};
use axum::extract::State;
use axum::response::Response;

/// Give a hold more time
///
/// Its lease begins anew. It never gets shorter.
#[utoipa::path(
    post, path = "/holds/{id}/extend", tag = "holds", security(("access_token" = []), ("api_key" = ["wallet:hold"])),
    params(
        ("id" = String, Path, description = "The hold"),
        ("Idempotency-Key" = String, Header, description = "Makes repeating the request safe"),
        ("If-Match" = Option<String>, Header, description = "Only if the hold is at this version"),
    ),
    request_body = ExtendForm<'_>,
    responses((status = 200, description = "The hold as it is now", body = HeldBody), Problems)
)]
pub(crate) async fn extend(
    State(app): State<App>,
    Keyed { allowed, context }: Keyed<Hold>,
    HoldPath(id): HoldPath,
    body: JsonBody,
) -> Result<Response, Problem> {
    let form: ExtendForm<'_> = body.read()?;
    let reached = hold_of(&app, allowed.authority, id).await?;
    let wish = reached.wish(&context, form.bounds(), |check| form.aim(check, id))?;
    Ok(ask(&app, context, wish).await?.answer(Answer::ok()))
}
