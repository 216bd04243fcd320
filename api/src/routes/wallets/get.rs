//! GET /wallets/{id}.

use crate::app::App;
use crate::auth::Allowed;
use crate::auth::rule::ReadWallet;
use crate::input::{AsOfQuery, IfNoneMatch, MinPosition, Query, WalletPath};
use crate::openapi::Problems;
use crate::output::{Answer, WalletBody};
use crate::problem::Problem;
use crate::routes::{movement, reading};
use axum::extract::State;
use axum::response::Response;

/// A wallet, as it is or as it was
///
/// As it was, it is what its last event until then left. Before it was opened, the answer is 404.
#[utoipa::path(
    get, path = "/wallets/{id}", tag = "wallets", security(("access_token" = []), ("api_key" = ["wallet:read"])),
    params(
        ("id" = uuid::Uuid, Path, description = "The wallet"),
        AsOfQuery,
        ("min_position" = Option<i64>, Query, description = "Wait until this position is included"),
        ("If-None-Match" = Option<String>, Header, description = "Only if it has another version"),
    ),
    responses(
        (status = 200, description = "The wallet", body = WalletBody),
        (status = 304, description = "It is as the client has it"),
        Problems,
    )
)]
pub(crate) async fn get(
    State(app): State<App>,
    allowed: Allowed<ReadWallet>,
    WalletPath(id): WalletPath,
    Query(as_of): Query<AsOfQuery>,
    min: MinPosition,
    known: Option<IfNoneMatch>,
) -> Result<Response, Problem> {
    movement::wallet_of(&app, allowed.authority, id).await?;
    let wallet = reading::wallet_as_of(&app, id, as_of.read()?, min).await?;
    let version = wallet.value.version;
    let answer = Answer::ok().position(wallet.position).version(version);
    if known.is_some_and(|known| known.has(version)) {
        return Ok(answer.not_modified());
    }
    Ok(answer.json(&wallet.value))
}
