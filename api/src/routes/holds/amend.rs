//! POST /holds/{id}/amend.

use crate::app::App;
use crate::auth::rule::Hold;
use crate::input::{HoldPath, JsonBody, Keyed};
use crate::openapi::Problems;
use crate::output::{Answer, HeldBody};
use crate::problem::Problem;
use crate::routes::movement::{AmendForm, ask, hold_of};
use axum::extract::State;
use axum::response::Response;

/// Change how much is held
///
/// To a new total, up or down, in one step: there is no moment in which the money is free. It cannot fall below what is
/// captured; at exactly that, the hold has ended.
#[utoipa::path(
    post, path = "/holds/{id}/amend", tag = "holds", security(("access_token" = []), ("api_key" = ["wallet:hold"])),
    params(
        ("id" = String, Path, description = "The hold"),
        ("Idempotency-Key" = String, Header, description = "Makes repeating the request safe"),
        ("If-Match" = Option<String>, Header, description = "Only if the hold is at this version"),
    ),
    request_body = AmendForm<'_>,
    responses((status = 200, description = "The hold as it is now", body = HeldBody), Problems)
)]
pub(crate) async fn amend(
    State(app): State<App>,
    Keyed { allowed, context }: Keyed<Hold>,
    HoldPath(id): HoldPath,
    body: JsonBody,
) -> Result<Response, Problem> {
    let form: AmendForm<'_> = body.read()?;
    let reached = hold_of(&app, allowed.authority, id).await?;
    let wish = reached.wish(&context, form.bounds(), |check| form.aim(check, id, reached.wallet.currency))?;
    Ok(ask(&app, context, wish).await?.answer(Answer::ok()))
}
