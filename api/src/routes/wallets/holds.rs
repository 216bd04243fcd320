//! GET /wallets/{id}/holds.

use crate::app::App;
use crate::auth::Allowed;
use crate::auth::rule::ReadHolds;
use crate::input::{Check, ListQuery, MinPosition, Query, WalletPath};
use crate::openapi::Problems;
use crate::output::{Answer, ListBody, StandingHoldBody};
use crate::problem::{Flaw, Problem};
use crate::routes::movement;
use axum::extract::State;
use axum::response::Response;
use domain::wallet::HoldStatus;
use projections::Page;
use serde::Deserialize;
use utoipa::IntoParams;

#[derive(Clone, Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct WalletHoldsQuery {
    /// Only these: `active`, `captured`, `released` or `expired`.
    #[param(example = "active")]
    status: Option<String>,
}

/// A wallet's holds, newest first
///
/// A `next_cursor` brings its filter along and is refused with another one.
#[utoipa::path(
    get, path = "/wallets/{id}/holds", tag = "holds",
    security(("access_token" = []), ("api_key" = ["wallet:read"]), ("api_key" = ["wallet:hold"])),
    params(
        ("id" = uuid::Uuid, Path, description = "The wallet"),
        WalletHoldsQuery,
        ListQuery,
        ("min_position" = Option<i64>, Query, description = "Wait until this position is included"),
    ),
    responses((status = 200, description = "A page", body = ListBody<StandingHoldBody>), Problems)
)]
pub(crate) async fn holds(
    State(app): State<App>,
    allowed: Allowed<ReadHolds>,
    WalletPath(id): WalletPath,
    Query(query): Query<WalletHoldsQuery>,
    Query(paging): Query<ListQuery>,
    min: MinPosition,
) -> Result<Response, Problem> {
    movement::wallet_of(&app, allowed.authority, id).await?;
    let mut check = Check::default();
    let limit = paging.limit(&mut check);
    let status = check.parameter("?status", query.status.as_deref(), |name| {
        let known = HoldStatus::parse(name);
        known.ok_or_else(|| Flaw::none_of(&HoldStatus::ALL.map(HoldStatus::as_str)))
    });
    check.finish()?;
    let page = Page { cursor: paging.cursor, limit };
    let found = app.read_models().holds_of(id, status, &page, min.0).await?;
    let body = ListBody {
        items: found.value.items.into_iter().map(StandingHoldBody::from).collect(),
        next_cursor: found.value.next_cursor,
        position: found.position,
    };
    Ok(Answer::ok().position(body.position).json(&body))
}
