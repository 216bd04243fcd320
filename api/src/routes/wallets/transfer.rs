//! POST /wallets/{id}/transfer.

use crate::app::App;
use crate::auth::rule::Transfer;
use crate::input::{JsonBody, Keyed, WalletPath};
use crate::openapi::Problems;
use crate::output::{Answer, TransferredBody};
use crate::problem::Problem;
use crate::routes::movement::{TransferForm, ask, reach};
use axum::extract::State;
use axum::response::Response;

/// Transfer to another wallet of the same currency
///
/// Both wallets change at once. The recipient is named by a wallet's id, or by a username: then their open wallet in this
/// currency is meant. Of a recipient's wallet that is not the caller's, `to` tells `id` and `currency` and nothing that is
/// in it; a service, which reaches every wallet, is shown the whole.
#[utoipa::path(
    post, path = "/wallets/{id}/transfer", tag = "wallets", security(("access_token" = []), ("api_key" = ["wallet:transfer"])),
    params(
        ("id" = uuid::Uuid, Path, description = "The wallet it comes from"),
        ("Idempotency-Key" = String, Header, description = "Makes repeating the request safe"),
        ("If-Match" = Option<String>, Header, description = "Only if the wallet it comes from is at this version"),
    ),
    request_body = TransferForm<'_>,
    responses((status = 201, description = "Transferred", body = TransferredBody), Problems)
)]
pub(crate) async fn transfer(
    State(app): State<App>,
    Keyed { allowed, context }: Keyed<Transfer>,
    WalletPath(id): WalletPath,
    body: JsonBody,
) -> Result<Response, Problem> {
    let form: TransferForm<'_> = body.read()?;
    let reached = reach(&app, allowed.authority, id).await?;
    let wish = reached.wish(&context, form.bounds(), |check| form.aim(check, reached.wallet.currency))?;
    Ok(ask(&app, context, wish).await?.answer(Answer::created()))
}
