//! POST /holds/{id}/release.

use crate::app::App;
use crate::auth::rule::Hold;
use crate::input::{HoldPath, JsonBody, Keyed};
use crate::openapi::Problems;
use crate::output::{Answer, HeldBody};
use crate::problem::Problem;
use crate::routes::movement::{ReleaseForm, ask, hold_of};
use axum::extract::State;
use axum::response::Response;
use commands::wallets::Aim;

/// Release a hold
///
/// Whatever is left of it is available again. What was captured stays captured.
#[utoipa::path(
    post, path = "/holds/{id}/release", tag = "holds", security(("access_token" = []), ("api_key" = ["wallet:hold"])),
    params(
        ("id" = String, Path, description = "The hold"),
        ("Idempotency-Key" = String, Header, description = "Makes repeating the request safe"),
        ("If-Match" = Option<String>, Header, description = "Only if the hold is at this version"),
    ),
    request_body = Option<ReleaseForm<'_>>,
    responses((status = 200, description = "The hold as it is now", body = HeldBody), Problems)
)]
pub(crate) async fn release(
    State(app): State<App>,
    Keyed { allowed, context }: Keyed<Hold>,
    HoldPath(id): HoldPath,
    body: Option<JsonBody>,
) -> Result<Response, Problem> {
    let form: ReleaseForm<'_> = body.as_ref().map(JsonBody::read).transpose()?.unwrap_or_default();
    let reached = hold_of(&app, allowed.authority, id).await?;
    let wish = reached.wish(&context, form.bounds(), |_| Some(Aim::Release { hold: id.sequence }))?;
    Ok(ask(&app, context, wish).await?.answer(Answer::ok()))
}
