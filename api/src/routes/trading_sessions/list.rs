//! GET /trading-sessions, and those of one user.

use crate::app::App;
use crate::auth::Allowed;
use crate::auth::rule::ReadTrading;
use crate::input::{Check, ListQuery, MinPosition, Query};
use crate::openapi::Problems;
use crate::output::{Answer, ListBody, TradingSessionBody};
use crate::problem::{Flaw, Problem};
use axum::extract::State;
use axum::response::Response;
use commands::Authority;
use domain::UserId;
use domain::trading::SessionState;
use projections::{Page, SessionFilter, SessionStatus};
use serde::Deserialize;
use utoipa::IntoParams;

#[derive(Clone, Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct SessionsQuery {
    /// `active`: not stopped; or `stopped`.
    #[param(example = "active")]
    status: Option<String>,
    /// `starting`, `running`, `paused`, `halted`, `stopping` or `stopped`.
    #[param(example = "running")]
    state: Option<String>,
}

impl SessionsQuery {
    fn read(&self, check: &mut Check) -> SessionFilter {
        SessionFilter {
            status: check.parameter("?status", self.status.as_deref(), |name| match name {
                "active" => Ok(SessionStatus::Active),
                "stopped" => Ok(SessionStatus::Stopped),
                _ => Err(Flaw::not_among(&["active", "stopped"])),
            }),
            state: check.parameter("?state", self.state.as_deref(), |name| {
                let unknown = || Flaw::none_of(&SessionState::ALL.map(SessionState::as_str));
                SessionState::parse(name).ok_or_else(unknown)
            }),
        }
    }
}

/// Trading sessions, newest first
///
/// One's own; those of everybody for admins and services.
#[utoipa::path(
    get, path = "/trading-sessions", tag = "trading",
    security(("access_token" = []), ("api_key" = ["trading:read"])),
    params(
        SessionsQuery,
        ListQuery,
        ("min_position" = Option<i64>, Query, description = "Wait until this position is included"),
    ),
    responses((status = 200, description = "A page", body = ListBody<TradingSessionBody>), Problems)
)]
pub(crate) async fn list(
    State(app): State<App>,
    allowed: Allowed<ReadTrading>,
    Query(filter): Query<SessionsQuery>,
    Query(query): Query<ListQuery>,
    min: MinPosition,
) -> Result<Response, Problem> {
    let of = match allowed.authority {
        Authority::Owner(user_id) => Some(user_id),
        Authority::Anybody => None,
    };
    let body = page(&app, of, &filter, query, min).await?;
    Ok(Answer::ok().position(body.position).json(&body))
}

pub(crate) async fn page(
    app: &App,
    of: Option<UserId>,
    filter: &SessionsQuery,
    query: ListQuery,
    min: MinPosition,
) -> Result<ListBody<TradingSessionBody>, Problem> {
    let mut check = Check::default();
    let limit = query.limit(&mut check);
    let filter = filter.read(&mut check);
    check.finish()?;
    let page = Page { cursor: query.cursor, limit };
    let found = app.read_models().trading_sessions(of, filter, &page, min.0).await?;
    let items = found.value.items.iter().map(|row| TradingSessionBody::new(&row.session, row.version));
    let next_cursor = found.value.next_cursor;
    Ok(ListBody { items: items.collect(), next_cursor, position: found.position })
}
