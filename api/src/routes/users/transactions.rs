//! GET /users/{id}/balance/transactions.

use super::balance::{CurrencyQuery, wallet_in};
use crate::app::App;
use crate::auth::Subject;
use crate::auth::rule::ReadWallet;
use crate::directory::WalletFacts;
use crate::input::{ListQuery, MinPosition, Query};
use crate::openapi::Problems;
use crate::output::{ListBody, TransactionBody};
use crate::problem::Problem;
use crate::routes::wallets::transactions::{TransactionsQuery, page};
use axum::extract::State;
use axum::response::Response;
use domain::UserId;
use projections::Page;

/// The transactions behind a balance, newest first
///
/// A `next_cursor` brings its currency and its filters along, and is refused with others.
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
    let user_id = subject.user_id;
    let currency = currency.read()?;
    let begun = if currency.is_none() { wallet_gone_on_with(&app, user_id, &query).await? } else { None };
    let wallet = match begun {
        Some(wallet) => wallet,
        None => wallet_in(&app, user_id, currency).await?,
    };
    page(&app, wallet, &filter, query, min).await
}

/// The wallet that a cursor came from, if it is theirs. A cursor that is not good is refused with the page.
async fn wallet_gone_on_with(
    app: &App,
    user_id: UserId,
    query: &ListQuery,
) -> Result<Option<WalletFacts>, Problem> {
    let page = Page { cursor: query.cursor.clone(), ..Page::default() };
    let Some(wallet) = page.transactions_of() else { return Ok(None) };
    let facts = app.directory().wallet(wallet).await?;
    Ok(facts.filter(|facts| facts.owner == user_id))
}
