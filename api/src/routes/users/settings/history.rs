//! GET /users/settings/history.

use crate::app::App;
use crate::auth::Allowed;
use crate::auth::rule::ReadSettings;
use crate::input::{Check, ListQuery, MinPosition, Query};
use crate::openapi::Problems;
use crate::output::{Answer, ListBody, SettingsVersionBody};
use crate::problem::Problem;
use axum::extract::State;
use axum::response::Response;
use projections::Page;

/// How one's settings came to be what they are, newest first
///
/// Who changed what, when, and by what: a patch, an import, a preset, or going back. `POST /users/settings/revert` goes back
/// to any of these versions.
#[utoipa::path(
    get, path = "/users/settings/history", tag = "settings",
    security(("access_token" = []), ("api_key" = ["settings:read"])),
    params(
        ListQuery,
        ("min_position" = Option<i64>, Query, description = "Wait until this position is included"),
    ),
    responses((status = 200, description = "A page", body = ListBody<SettingsVersionBody>), Problems)
)]
pub(crate) async fn history(
    State(app): State<App>,
    allowed: Allowed<ReadSettings>,
    Query(paging): Query<ListQuery>,
    min: MinPosition,
) -> Result<Response, Problem> {
    let mut check = Check::default();
    let limit = paging.limit(&mut check);
    check.finish()?;
    let page = Page { cursor: paging.cursor, limit };
    let found = app.read_models().settings_history(allowed.caller.user_id(), &page, min.0).await?;
    let body = ListBody {
        items: found.value.items.into_iter().map(SettingsVersionBody::from).collect(),
        next_cursor: found.value.next_cursor,
        position: found.position,
    };
    Ok(Answer::ok().position(body.position).json(&body))
}
