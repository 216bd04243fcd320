//! GET /trading-sessions/{id}/preview.

use super::reach;
use crate::app::App;
use crate::auth::Allowed;
use crate::auth::rule::ReadTrading;
use crate::input::{MinPosition, TradingSessionPath};
use crate::openapi::Problems;
use crate::output::{Answer, PlanBody, PreviewBody};
use crate::problem::{Detail, Problem};
use crate::routes::reading;
use axum::extract::State;
use axum::response::Response;
use domain::trading::planner::{self, Fault};

/// What a run would buy and sell now
///
/// Planned as a run plans, from what the session holds and the quotes of now; nothing is changed. Where a price is missing or
/// too old, the answer is 409 `market_unavailable`, with `fault` and `asset`.
#[utoipa::path(
    get, path = "/trading-sessions/{id}/preview", tag = "trading",
    security(("access_token" = []), ("api_key" = ["trading:read"])),
    params(
        ("id" = String, Path, description = "The session, or `current`"),
        ("min_position" = Option<i64>, Query, description = "Wait until this position is included"),
    ),
    responses((status = 200, description = "The plan", body = PreviewBody), Problems)
)]
pub(crate) async fn preview(
    State(app): State<App>,
    allowed: Allowed<ReadTrading>,
    named: TradingSessionPath,
    min: MinPosition,
) -> Result<Response, Problem> {
    let id = reach(&app, &allowed, named, None).await?.session.id;
    let found = reading::trading_session(&app, id, min).await?;
    let session = &found.value.session;
    if !session.state.is_active() {
        let problem = Problem::new(Detail::SessionStopped);
        return Err(problem.fact("state", session.state.as_str()));
    }
    let market = app
        .market(session.currency)
        .ok_or_else(|| Problem::new(Detail::NoPrices { currency: session.currency }))?;
    let inputs = session.inputs(&market, app.commands().now());
    let plan = planner::plan(&inputs).map_err(|fault| unplannable(&fault))?;
    let plan = PlanBody::new(&inputs, &plan);
    let body = PreviewBody { session_id: id, dry_run: session.dry_run, plan, position: found.position };
    Ok(Answer::ok().position(body.position).json(&body))
}

fn unplannable(fault: &Fault) -> Problem {
    let detail = match *fault {
        Fault::PriceMissing { asset } => Detail::NoPrice { asset },
        Fault::PriceStale { asset, age_s } => Detail::StalePrice { asset, age_s },
        Fault::TooLarge => Detail::NumberTooLarge,
    };
    let problem = Problem::new(detail).fact("fault", fault.code());
    match fault {
        Fault::PriceMissing { asset } | Fault::PriceStale { asset, .. } => {
            problem.fact("asset", asset.code())
        }
        Fault::TooLarge => problem,
    }
}
