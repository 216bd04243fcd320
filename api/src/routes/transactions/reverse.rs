//! POST /transactions/{id}/reverse.

use crate::app::App;
use crate::auth::require_recent_login_if;
use crate::auth::rule::Reverse;
use crate::input::{JsonBody, Keyed, TransactionPath};
use crate::openapi::Problems;
use crate::output::{Answer, MovedBody};
use crate::problem::Problem;
use crate::routes::movement::{ReverseForm, Undoing, ask};
use axum::extract::State;
use axum::response::Response;

/// Undo a transaction
///
/// By a new one, of the whole amount, that names it in `reverses`. Each can be undone once, a transfer once for both of its
/// halves, and a reversal never. A hold can be undone when it has been captured.
///
/// To undo a deposit takes what a withdrawal takes, to undo a withdrawal or a captured hold what a deposit takes. A transfer
/// is given back by whoever received it: who sent it gets 403 `reversal_not_allowed`. Services with the scope that goes
/// with it (`wallet:withdraw`, `wallet:deposit`, `wallet:transfer`) and admins reach everybody's.
#[utoipa::path(
    post, path = "/transactions/{id}/reverse", tag = "wallets",
    security(
        ("access_token" = []), ("api_key" = ["wallet:withdraw"]), ("api_key" = ["wallet:deposit"]),
        ("api_key" = ["wallet:transfer"]),
    ),
    params(
        ("id" = String, Path, description = "The transaction"),
        ("Idempotency-Key" = String, Header, description = "Makes repeating the request safe"),
        ("If-Match" = Option<String>, Header, description = "Only if the wallet of the transaction is at this version"),
    ),
    request_body = Option<ReverseForm<'_>>,
    responses((status = 201, description = "Undone", body = MovedBody), Problems)
)]
pub(crate) async fn reverse(
    State(app): State<App>,
    Keyed { allowed, context }: Keyed<Reverse>,
    TransactionPath(id): TransactionPath,
    body: Option<JsonBody>,
) -> Result<Response, Problem> {
    let form: ReverseForm<'_> = body.as_ref().map(JsonBody::read).transpose()?.unwrap_or_default();
    let undoing = Undoing::of(&app, &allowed, id).await?;
    require_recent_login_if(undoing.is_anothers, &app, allowed.caller, form.current_password).await?;
    let wish = undoing.reached.wish(&context, form.bounds(), |check| Some(undoing.aim(check, &form)))?;
    Ok(ask(&app, context, wish).await?.answer(Answer::created()))
}
