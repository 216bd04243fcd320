//! GET /holds: those of many wallets that somebody still has to end.

use crate::app::App;
use crate::auth::Allowed;
use crate::auth::rule::ReadHolds;
use crate::input::{Check, ListQuery, MinPosition, Query};
use crate::openapi::Problems;
use crate::output::{Answer, ListBody, StandingHoldBody};
use crate::problem::{Flaw, Problem};
use axum::extract::State;
use axum::response::Response;
use commands::Authority;
use projections::{ActiveHolds, HoldsState, Page};
use serde::Deserialize;
use utoipa::IntoParams;

#[derive(Clone, Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct HoldsQuery {
    /// `active` (which is what is meant without it), or `stale`: active, and four fifths of the lease have gone by without
    /// being renewed.
    #[param(example = "stale")]
    state: Option<String>,
}

fn state(name: &str) -> Result<HoldsState, Flaw> {
    match name {
        "active" => Ok(HoldsState::Active),
        "stale" => Ok(HoldsState::Stale),
        _ => Err(Flaw::not_among(&["active", "stale"])),
    }
}

/// Active holds, those that expire first before the others
///
/// One's own; those of everybody for admins and services. A hold that is extended while pages are turned moves behind, and
/// may be seen there again.
#[utoipa::path(
    get, path = "/holds", tag = "holds",
    security(("access_token" = []), ("api_key" = ["wallet:read"]), ("api_key" = ["wallet:hold"])),
    params(
        HoldsQuery,
        ListQuery,
        ("min_position" = Option<i64>, Query, description = "Wait until this position is included"),
    ),
    responses((status = 200, description = "A page", body = ListBody<StandingHoldBody>), Problems)
)]
pub(crate) async fn list(
    State(app): State<App>,
    allowed: Allowed<ReadHolds>,
    Query(query): Query<HoldsQuery>,
    Query(paging): Query<ListQuery>,
    min: MinPosition,
) -> Result<Response, Problem> {
    let mut check = Check::default();
    let limit = paging.limit(&mut check);
    let state = check.parameter("?state", query.state.as_deref(), state);
    check.finish()?;
    let wanted = ActiveHolds {
        of: match allowed.authority {
            Authority::Owner(user_id) => Some(user_id),
            Authority::Anybody => None,
        },
        state: state.unwrap_or(HoldsState::Active),
        now: app.commands().now(),
    };
    let page = Page { cursor: paging.cursor, limit };
    let found = app.read_models().active_holds(wanted, &page, min.0).await?;
    let body = ListBody {
        items: found.value.items.into_iter().map(StandingHoldBody::from).collect(),
        next_cursor: found.value.next_cursor,
        position: found.position,
    };
    Ok(Answer::ok().position(body.position).json(&body))
}
