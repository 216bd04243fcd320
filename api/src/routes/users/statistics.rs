//! GET /users/{id}/statistics: a user in figures.

use crate::app::App;
use crate::auth::Subject;
use crate::auth::rule::ReadProfile;
use crate::input::MinPosition;
use crate::openapi::Problems;
use crate::output::Answer;
use crate::problem::Problem;
use crate::routes::reading;
use axum::extract::State;
use axum::response::Response;
use domain::{Timestamp, UserId};
use projections::{LIMIT_MAX, Page};
use serde::Serialize;
use time::OffsetDateTime;
use utoipa::ToSchema;

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Statistics {
    #[schema(value_type = uuid::Uuid)]
    user_id: UserId,
    /// How often they signed in, ever.
    login_count: u64,
    #[schema(value_type = Option<String>, format = DateTime)]
    last_login_at: Option<Timestamp>,
    /// Wrong passwords since the last right one, a reset or an unlocking, wherever one was asked for. Up to four are known to
    /// the node that saw them, until it restarts; from the fifth on every node tells the same, for 30 days after the last.
    failed_logins: u32,
    /// When the last of those was.
    #[schema(value_type = Option<String>, format = DateTime)]
    last_failed_login_at: Option<Timestamp>,
    /// Login sessions that are open now.
    active_sessions: usize,
    wallets: usize,
    /// In all wallets together, counted up to 10,000: that many means that many or more.
    #[schema(maximum = 10_000)]
    transactions: i64,
    /// Everything up to here is counted.
    position: i64,
}

/// A user in figures
///
/// From read models, each as far as it is; `position` is that of the one that is least far. Failed logins are no events, so
/// they are as they are now. No ETag: no one version covers all of it.
#[utoipa::path(
    get, path = "/users/{id}/statistics", tag = "users", security(("access_token" = []), ("api_key" = ["profile:read"])),
    params(
        ("id" = String, Path, description = "One's own id, or `me`; an admin: anybody's"),
        ("min_position" = Option<i64>, Query, description = "Wait until this position is included"),
    ),
    responses((status = 200, description = "The figures", body = Statistics), Problems)
)]
pub(crate) async fn statistics(
    State(app): State<App>,
    subject: Subject<ReadProfile>,
    min: MinPosition,
) -> Result<Response, Problem> {
    let (user_id, models) = (subject.user_id, app.read_models());
    // Nobody has as many sessions as fit on the longest page.
    let sessions = Page { cursor: None, limit: LIMIT_MAX };
    let now = Timestamp::from(OffsetDateTime::now_utc());
    let profile = reading::profile(&app, user_id, min).await?;
    let failed = app.commands().wrong_passwords(user_id).await?;
    let (sessions, wallets, transactions) = tokio::try_join!(
        models.login_sessions(user_id, now, &sessions, min.0),
        models.wallets_of(user_id, min.0),
        models.transactions_of_user(user_id, min.0),
    )?;
    let positions = [profile.position, sessions.position, wallets.position, transactions.position];
    let body = Statistics {
        user_id,
        login_count: u64::try_from(profile.value.login_count).unwrap_or(0),
        last_login_at: profile.value.last_login_at,
        failed_logins: failed.count,
        last_failed_login_at: failed.last_at,
        active_sessions: sessions.value.map_or(0, |page| page.items.len()),
        wallets: wallets.value.len(),
        transactions: transactions.value,
        position: positions.into_iter().min().unwrap_or(0),
    };
    Ok(Answer::ok().position(body.position).json(&body))
}
