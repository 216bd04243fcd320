//! GET /wallets/{id}/transactions.

use crate::app::App;
use crate::auth::Allowed;
use crate::auth::rule::ReadWallet;
use crate::input::{Check, ListQuery, MinPosition, Query, WalletPath};
use crate::openapi::Problems;
use crate::output::{Answer, ListBody, TransactionBody};
use crate::problem::Problem;
use crate::routes::movement;
use axum::extract::State;
use axum::response::Response;
use domain::WalletId;
use projections::Page;

/// A wallet's transactions, newest first
#[utoipa::path(
    get, path = "/wallets/{id}/transactions", tag = "wallets", security(("access_token" = []), ("api_key" = ["wallet:read"])),
    params(
        ("id" = uuid::Uuid, Path, description = "The wallet"),
        ListQuery,
        ("min_position" = Option<i64>, Query, description = "Wait until this position is included"),
    ),
    responses((status = 200, description = "A page", body = ListBody<TransactionBody>), Problems)
)]
pub(crate) async fn transactions(
    State(app): State<App>,
    allowed: Allowed<ReadWallet>,
    WalletPath(id): WalletPath,
    Query(query): Query<ListQuery>,
    min: MinPosition,
) -> Result<Response, Problem> {
    movement::wallet_of(&app, allowed.authority, id).await?;
    page(&app, id, query, min).await
}

/// One page of a wallet that may be read.
pub(crate) async fn page(
    app: &App,
    id: WalletId,
    query: ListQuery,
    min: MinPosition,
) -> Result<Response, Problem> {
    let mut check = Check::default();
    let limit = query.limit(&mut check);
    check.finish()?;
    let page = Page { cursor: query.cursor, limit };
    let found = app.read_models().transactions(id, &page, min.0).await?;
    let body = ListBody {
        items: found.value.items.into_iter().map(TransactionBody::from).collect(),
        next_cursor: found.value.next_cursor,
        position: found.position,
    };
    Ok(Answer::ok().position(body.position).json(&body))
}
