//! POST /wallets/{id}/holds.

use crate::app::App;
use crate::auth::rule::Hold;
use crate::door::PREFIX;
use crate::input::{JsonBody, Keyed, WalletPath};
use crate::openapi::Problems;
use crate::output::{Answer, Effect, HeldBody};
use crate::problem::Problem;
use crate::routes::movement::{HoldForm, ask, reach};
use axum::extract::State;
use axum::response::Response;

/// Hold money back
///
/// What is held stays posted and is not available any more. It is captured, in parts if need be, or released; a hold that
/// is neither captured nor extended in time expires, and what it kept back is available again.
#[utoipa::path(
    post, path = "/wallets/{id}/holds", tag = "holds", security(("access_token" = []), ("api_key" = ["wallet:hold"])),
    params(
        ("id" = uuid::Uuid, Path, description = "The wallet"),
        ("Idempotency-Key" = String, Header, description = "Makes repeating the request safe"),
        ("If-Match" = Option<String>, Header, description = "Only if the wallet is at this version"),
    ),
    request_body = HoldForm<'_>,
    responses((status = 201, description = "Held", body = HeldBody), Problems)
)]
pub(crate) async fn hold(
    State(app): State<App>,
    Keyed { allowed, context }: Keyed<Hold>,
    WalletPath(id): WalletPath,
    body: JsonBody,
) -> Result<Response, Problem> {
    let form: HoldForm<'_> = body.read()?;
    let reached = reach(&app, allowed.authority, id).await?;
    let wish = reached.wish(&context, form.bounds(), |check| form.aim(check, reached.wallet.currency))?;
    let did = ask(&app, context, wish).await?;
    let answer = match &did.effect {
        Effect::Held(body) => Answer::created().location(&format!("{PREFIX}/holds/{}", body.hold.id)),
        _ => Answer::created(),
    };
    Ok(did.answer(answer))
}
