//! GET /wallets/{id}/explain.

use crate::app::App;
use crate::auth::Allowed;
use crate::auth::rule::ReadWallet;
use crate::input::{IfNoneMatch, MinPosition, WalletPath};
use crate::openapi::Problems;
use crate::output::{Answer, ExplainedWalletBody};
use crate::problem::Problem;
use crate::routes::{movement, reading};
use axum::extract::State;
use axum::response::Response;
use domain::{AggregateKind, AggregateRef};

/// Events that are told: enough to see what happened last. Whoever wants all of them reads `/events`.
const EVENTS: i64 = 20;

/// Why a wallet has what it has
///
/// What is posted, held and available, every hold that keeps something back, and the last events that led there: all of it
/// as of one position, so that it adds up.
#[utoipa::path(
    get, path = "/wallets/{id}/explain", tag = "wallets", security(("access_token" = []), ("api_key" = ["wallet:read"])),
    params(
        ("id" = uuid::Uuid, Path, description = "The wallet"),
        ("min_position" = Option<i64>, Query, description = "Wait until this position is included"),
        ("If-None-Match" = Option<String>, Header, description = "Only if it has another version"),
    ),
    responses(
        (status = 200, description = "The wallet, explained", body = ExplainedWalletBody),
        (status = 304, description = "It is as the client has it"),
        Problems,
    )
)]
pub(crate) async fn explain(
    State(app): State<App>,
    allowed: Allowed<ReadWallet>,
    WalletPath(id): WalletPath,
    min: MinPosition,
    known: Option<IfNoneMatch>,
) -> Result<Response, Problem> {
    movement::wallet_of(&app, allowed.authority, id).await?;
    let explained = reading::explained_wallet(&app, id, min).await?;
    let version = explained.value.wallet.version;
    let answer = Answer::ok().position(explained.position).version(version);
    // Holds and events are the wallet's own, so its version covers them too.
    if known.is_some_and(|known| known.has(version)) {
        return Ok(answer.not_modified());
    }
    let aggregate = AggregateRef { kind: AggregateKind::Wallet, id: id.0 };
    // What has happened since is no part of it.
    let last = explained.value.wallet.position;
    let events = app.journal().last_events_at(aggregate, last, EVENTS).await?;
    let body = ExplainedWalletBody::render(explained.position, explained.value, &events);
    let body = body.map_err(|error| Problem::internal(&error))?;
    Ok(answer.json(&body))
}
