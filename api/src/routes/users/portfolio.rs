//! GET /users/{id}/portfolio.

use crate::app::App;
use crate::auth::Subject;
use crate::auth::rule::ReadPortfolio;
use crate::input::{Check, MinPosition, Query};
use crate::openapi::Problems;
use crate::output::{Answer, PortfolioBody};
use crate::problem::Problem;
use crate::routes::reading;
use axum::extract::State;
use axum::response::Response;
use domain::Currency;
use serde::Deserialize;
use utoipa::IntoParams;

#[derive(Clone, Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct PortfolioQuery {
    /// What to value it in; without it, the user's default currency.
    #[param(example = "USDT")]
    currency: Option<String>,
}

/// All that a user has: wallets, and what their sessions hold, valued
///
/// By the quotes of now, in one currency. What has no price in it is listed under `unpriced` and counts in no total. Paper is
/// never counted together with what is real; what a session keeps back in a wallet is in that wallet.
#[utoipa::path(
    get, path = "/users/{id}/portfolio", tag = "users",
    security(("access_token" = []), ("api_key" = ["wallet:read", "trading:read"])),
    params(
        ("id" = String, Path, description = "One's own id, or `me`"),
        PortfolioQuery,
        ("min_position" = Option<i64>, Query, description = "Wait until this position is included"),
    ),
    responses((status = 200, description = "Everything", body = PortfolioBody), Problems)
)]
pub(crate) async fn portfolio(
    State(app): State<App>,
    subject: Subject<ReadPortfolio>,
    Query(query): Query<PortfolioQuery>,
    min: MinPosition,
) -> Result<Response, Problem> {
    let mut check = Check::default();
    let currency = check.parameter("?currency", query.currency.as_deref(), Currency::parse);
    check.finish()?;
    let preferences = reading::preferences(&app, subject.user_id, min).await?;
    let currency = currency.unwrap_or(preferences.value.preferences.default_currency);
    let all = app.read_models().user_portfolio(subject.user_id, min.0).await?;
    let position = all.position.min(preferences.position);
    let market = |currency| app.market(currency);
    let now = app.commands().now();
    let body = PortfolioBody::new(subject.user_id, (currency, now), all.value, market, position);
    Ok(Answer::ok().position(body.position).json(&body))
}
