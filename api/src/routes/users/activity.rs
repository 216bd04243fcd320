//! GET /users/{id}/activity: what happened to an account and to its wallets.

use crate::app::App;
use crate::auth::Subject;
use crate::auth::rule::ManageAnyAccount;
use crate::input::{Check, ListQuery, MinPosition, Query, moment};
use crate::openapi::Problems;
use crate::output::{ActivityBody, Answer, ListBody};
use crate::problem::{Flaw, Problem};
use crate::routes::reading;
use axum::extract::State;
use axum::response::Response;
use projections::{ActivityFilter, Page};
use serde::Deserialize;
use utoipa::IntoParams;

#[derive(Clone, Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct ActivityQuery {
    /// Only this type of event, such as `PasswordChanged` or `WalletDeposited`.
    #[serde(rename = "type")]
    event_type: Option<String>,
    /// Only what happened at this moment or later.
    #[param(value_type = Option<String>, format = DateTime)]
    from: Option<String>,
    /// Only what happened before this moment.
    #[param(value_type = Option<String>, format = DateTime)]
    to: Option<String>,
}

impl ActivityQuery {
    fn read(&self, check: &mut Check) -> ActivityFilter {
        let event_type = check.parameter("?type", self.event_type.as_deref(), |name| {
            let known = ActivityFilter::lists(name).then(|| name.to_owned());
            known.ok_or(Flaw::NotListedEvent)
        });
        let from = check.parameter("?from", self.from.as_deref(), moment);
        let to = check.parameter("?to", self.to.as_deref(), moment);
        ActivityFilter { event_type, from, to }
    }
}

/// What happened to an account and to its wallets, newest first
///
/// Logins and their ends, every change of the account, and every movement of its money: who did it (somebody signed in, an
/// API key of theirs, a service, an admin, the system), and from where, as far as that is known. A page that looks for one
/// `type` in a long history may be shorter than `limit`, even empty; there is more as long as there is a `next_cursor`.
#[utoipa::path(
    get, path = "/users/{id}/activity", tag = "users", security(("access_token" = [])),
    params(
        ("id" = String, Path, description = "One's own id, or `me`"),
        ActivityQuery,
        ListQuery,
        ("min_position" = Option<i64>, Query, description = "Wait until this position is included"),
    ),
    responses((status = 200, description = "A page", body = ListBody<ActivityBody>), Problems)
)]
pub(crate) async fn activity(
    State(app): State<App>,
    subject: Subject<ManageAnyAccount>,
    Query(query): Query<ActivityQuery>,
    Query(paging): Query<ListQuery>,
    min: MinPosition,
) -> Result<Response, Problem> {
    let mut check = Check::default();
    let limit = paging.limit(&mut check);
    let filter = query.read(&mut check);
    check.finish()?;
    let page = Page { cursor: paging.cursor, limit };
    let found = reading::activity(&app, subject.user_id, filter, &page, min).await?;
    let body = ListBody {
        items: found.value.items.into_iter().map(ActivityBody::from).collect(),
        next_cursor: found.value.next_cursor,
        position: found.position,
    };
    Ok(Answer::ok().position(body.position).json(&body))
}
