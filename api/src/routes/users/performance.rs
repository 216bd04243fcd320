//! GET /users/{id}/performance: all sessions of a kind and a currency, as if they were one.

use crate::app::App;
use crate::auth::Subject;
use crate::auth::rule::ReadTrading;
use crate::input::MinPosition;
use crate::openapi::Problems;
use crate::output::{Answer, ListBody, PerformanceTogetherBody};
use crate::problem::Problem;
use crate::routes::reading;
use axum::extract::State;
use axum::response::Response;
use domain::Currency;
use domain::trading::exact;
use domain::trading::performance::{ClosedTrade, Performance};
use domain::trading::together::{Course, together};
use domain::user::TradingMode;
use projections::{Page, PerformanceInputs, SessionFilter};
use rust_decimal::Decimal;
use std::collections::BTreeMap;

/// Sessions that are looked at, the newest: each of them may have a curve of thousands of points.
const SESSIONS_MAX: u16 = 100;

#[derive(Default)]
struct Together {
    courses: Vec<Course>,
    trades: Vec<ClosedTrade>,
    fees: Decimal,
}

/// How a user's sessions have done together
///
/// For each currency and for paper and live apart, as if all of them were one: a session that begins brings its capital along,
/// and one that ends takes away what it is worth. Of the newest 100 sessions.
#[utoipa::path(
    get, path = "/users/{id}/performance", tag = "users",
    security(("access_token" = []), ("api_key" = ["trading:read"])),
    params(
        ("id" = String, Path, description = "One's own id, or `me`"),
        ("min_position" = Option<i64>, Query, description = "Wait until this position is included"),
    ),
    responses(
        (status = 200, description = "One item per currency and mode", body = ListBody<PerformanceTogetherBody>),
        Problems,
    )
)]
pub(crate) async fn performance(
    State(app): State<App>,
    subject: Subject<ReadTrading>,
    min: MinPosition,
) -> Result<Response, Problem> {
    reading::somebody(&app, &subject).await?;
    let page = Page { cursor: None, limit: SESSIONS_MAX };
    let (of, all) = (Some(subject.user_id), SessionFilter::default());
    let found = app.read_models().trading_sessions(of, all, &page, min.0).await?;
    let mut groups: BTreeMap<(bool, Currency), Together> = BTreeMap::new();
    for row in found.value.items {
        let inputs = reading::performance(&app, row.session.session_id, MinPosition(None)).await?.value;
        let is_live = row.session.mode == TradingMode::Live;
        add(groups.entry((is_live, row.session.currency)).or_default(), inputs);
    }
    let items = groups.into_iter().map(told).collect::<Result<_, _>>()?;
    let body = ListBody { items, next_cursor: None, position: found.position };
    Ok(Answer::ok().position(body.position).json(&body))
}

fn add(group: &mut Together, inputs: PerformanceInputs) {
    group.fees = exact::add(group.fees, inputs.fees).unwrap_or(group.fees);
    group.trades.extend(inputs.trades);
    group.courses.push(Course { curve: inputs.curve, ended_at: inputs.session.session.ended_at });
}

fn told(
    ((is_live, currency), group): ((bool, Currency), Together),
) -> Result<PerformanceTogetherBody, Problem> {
    let curve = together(&group.courses).map_err(|error| Problem::internal(&error))?;
    Ok(PerformanceTogetherBody {
        mode: if is_live { TradingMode::Live } else { TradingMode::Paper },
        currency,
        sessions: group.courses.len(),
        figures: Performance::of(&curve, &group.trades, group.fees).into(),
    })
}
