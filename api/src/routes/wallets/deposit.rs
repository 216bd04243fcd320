//! POST /wallets/{id}/deposit.

use crate::app::App;
use crate::auth::rule::Deposit;
use crate::input::{JsonBody, Keyed, WalletPath};
use crate::openapi::Problems;
use crate::output::{Answer, MovedBody};
use crate::problem::Problem;
use crate::routes::movement::{MovementForm, ask, check_deposit, reach};
use axum::extract::State;
use axum::response::Response;
use commands::wallets::Aim;

/// Deposit into a wallet
#[utoipa::path(
    post, path = "/wallets/{id}/deposit", tag = "wallets", security(("access_token" = []), ("api_key" = ["wallet:deposit"])),
    params(
        ("id" = uuid::Uuid, Path, description = "The wallet"),
        ("Idempotency-Key" = String, Header, description = "Makes repeating the request safe"),
        ("If-Match" = Option<String>, Header, description = "Only if the wallet is at this version"),
    ),
    request_body = MovementForm<'_>,
    responses((status = 201, description = "Deposited", body = MovedBody), Problems)
)]
pub(crate) async fn deposit(
    State(app): State<App>,
    Keyed { allowed, context }: Keyed<Deposit>,
    WalletPath(id): WalletPath,
    body: JsonBody,
) -> Result<Response, Problem> {
    let form: MovementForm<'_> = body.read()?;
    let reached = reach(&app, allowed.authority, id).await?;
    check_deposit(&app, allowed.authority)?;
    let wish = reached.wish(&context, form.bounds(), |check| {
        form.movement(check, reached.wallet.currency).map(Aim::Deposit)
    })?;
    Ok(ask(&app, context, wish).await?.answer(Answer::created()))
}
