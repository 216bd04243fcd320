//! POST /users/{id}/balance/deposit and /withdraw: the default wallet, or that of the currency in the body.

use super::balance::wallet_in;
use crate::app::App;
use crate::auth::Subject;
use crate::auth::rule::{Deposit, Withdraw};
use crate::input::{JsonBody, Keyed, UserPath};
use crate::openapi::Problems;
use crate::output::{Answer, MovedBody};
use crate::problem::Problem;
use crate::routes::movement::{MovementForm, Reached, ask, check_deposit};
use axum::extract::State;
use axum::response::Response;
use commands::wallets::Aim;

/// Deposit into a user's wallet
#[utoipa::path(
    post, path = "/users/{id}/balance/deposit", tag = "users", security(("access_token" = []), ("api_key" = ["wallet:deposit"])),
    params(
        ("id" = String, Path, description = "One's own id, or `me`"),
        ("Idempotency-Key" = String, Header, description = "Makes repeating the request safe"),
        ("If-Match" = Option<String>, Header, description = "Only if the wallet is at this version"),
    ),
    request_body = MovementForm<'_>,
    responses((status = 201, description = "Deposited", body = MovedBody), Problems)
)]
pub(crate) async fn deposit(
    State(app): State<App>,
    named: UserPath,
    Keyed { allowed, context }: Keyed<Deposit>,
    body: JsonBody,
) -> Result<Response, Problem> {
    let subject = Subject::of(allowed, &named)?;
    let form: MovementForm<'_> = body.read()?;
    check_deposit(&app, subject.allowed.authority)?;
    let wallet = wallet_in(&app, subject.user_id, form.named_currency()).await?;
    let reached = Reached { wallet, authority: subject.allowed.authority };
    let wish = reached
        .wish(&context, form.bounds(), |check| form.movement(check, wallet.currency).map(Aim::Deposit))?;
    Ok(ask(&app, context, wish).await?.answer(Answer::created()))
}

/// Withdraw from a user's wallet
#[utoipa::path(
    post, path = "/users/{id}/balance/withdraw", tag = "users", security(("access_token" = []), ("api_key" = ["wallet:withdraw"])),
    params(
        ("id" = String, Path, description = "One's own id, or `me`"),
        ("Idempotency-Key" = String, Header, description = "Makes repeating the request safe"),
        ("If-Match" = Option<String>, Header, description = "Only if the wallet is at this version"),
    ),
    request_body = MovementForm<'_>,
    responses((status = 201, description = "Withdrawn", body = MovedBody), Problems)
)]
pub(crate) async fn withdraw(
    State(app): State<App>,
    named: UserPath,
    Keyed { allowed, context }: Keyed<Withdraw>,
    body: JsonBody,
) -> Result<Response, Problem> {
    let subject = Subject::of(allowed, &named)?;
    let form: MovementForm<'_> = body.read()?;
    let wallet = wallet_in(&app, subject.user_id, form.named_currency()).await?;
    let reached = Reached { wallet, authority: subject.allowed.authority };
    let wish = reached
        .wish(&context, form.bounds(), |check| form.movement(check, wallet.currency).map(Aim::Withdraw))?;
    Ok(ask(&app, context, wish).await?.answer(Answer::created()))
}
