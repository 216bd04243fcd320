//! GET /audit/trial-balance.

use crate::app::App;
use crate::auth::Allowed;
use crate::auth::rule::Audit;
use crate::input::{AsOfQuery, MinPosition, Query};
use crate::openapi::Problems;
use crate::output::{Answer, TrialBalanceBody};
use crate::problem::Problem;
use crate::routes::reading;
use axum::extract::State;
use axum::response::Response;

/// The trial balance: in every currency, what wallets hold and what came from the world are zero together
///
/// Both sides are summed up independently: the balance in each wallet's last event, and every amount that was ever posted.
/// As of the position that both read models have reached, or of an earlier one, or of a moment.
#[utoipa::path(
    get, path = "/audit/trial-balance", tag = "audit", security(("access_token" = []), ("api_key" = ["audit"])),
    params(
        AsOfQuery,
        ("min_position" = Option<i64>, Query, description = "Wait until this position is included"),
    ),
    responses((status = 200, description = "The trial balance", body = TrialBalanceBody), Problems)
)]
pub(crate) async fn trial_balance(
    State(app): State<App>,
    _: Allowed<Audit>,
    Query(as_of): Query<AsOfQuery>,
    min: MinPosition,
) -> Result<Response, Problem> {
    let position = match as_of.read()? {
        Some(as_of) => Some(reading::position_of(&app, as_of, min).await?),
        None => None,
    };
    let body = TrialBalanceBody::from(app.read_models().trial_balance(position, min.0).await?);
    if !body.balanced {
        tracing::error!(event = "trial_balance_differs", position = body.position);
    }
    Ok(Answer::ok().position(body.position).json(&body))
}
