//! GET /users/{id}/balance/transactions.

use super::balance::{CurrencyQuery, wallet_in};
use crate::app::App;
use crate::auth::Subject;
use crate::auth::rule::ReadWallet;
use crate::input::{ListQuery, MinPosition, Query};
use crate::openapi::Problems;
use crate::output::{ListBody, TransactionBody};
use crate::problem::Problem;
use crate::routes::wallets::transactions::{TransactionsQuery, page};
use axum::extract::State;
use axum::response::Response;

/// The transactions behind a balance, newest first
#[utoipa::path(
    get, path = "/users/{id}/balance/transactions", tag = "users", security(("access_token" = []), ("api_key" = ["wallet:read"])),
    params(
        ("id" = String, Path, description = "One's own id, or `me`"),
        CurrencyQuery,
        TransactionsQuery,
        ListQuery,
        ("min_position" = Option<i64>, Query, description = "Wait until this position is included"),
    ),
    responses((status = 200, description = "A page", body = ListBody<TransactionBody>), Problems)
)]
pub(crate) async fn transactions(
    State(app): State<App>,
    subject: Subject<ReadWallet>,
    Query(currency): Query<CurrencyQuery>,
    Query(filter): Query<TransactionsQuery>,
    Query(query): Query<ListQuery>,
    min: MinPosition,
) -> Result<Response, Problem> {
    let wallet = wallet_in(&app, subject.user_id, currency.read()?).await?;
    page(&app, wallet, &filter, query, min).await
}
