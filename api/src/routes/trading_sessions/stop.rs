//! POST /trading-sessions/{id}/stop.

use super::forms::{StopForm, read_or_default};
use super::{Changed, ask, reach};
use crate::app::App;
use crate::auth::rule::Trade;
use crate::door::Arrival;
use crate::input::{Asked, Check, JsonBody, TradingSessionPath};
use crate::openapi::Problems;
use crate::output::TradingSessionAtBody;
use crate::problem::Problem;
use axum::extract::State;
use axum::response::Response;
use commands::sessions::SessionWish;
use domain::Reference;

/// What a session says that was stopped without a word.
const REASON: &str = "requested";

/// Stop a session, for good
///
/// At once, and what was held in a wallet is free in the same step. While a run is under way the session is `stopping`, and
/// stops as soon as it is known what became of its orders. What it holds is not sold. Stopping it again is 409
/// `wrong_session_state`.
#[utoipa::path(
    post, path = "/trading-sessions/{id}/stop", tag = "trading",
    security(("access_token" = []), ("api_key" = ["trading:write"])),
    params(
        ("id" = String, Path, description = "The session, or `current`"),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes repeating the request safe"),
        ("If-Match" = Option<String>, Header, description = "Only if the session is at this version"),
    ),
    request_body = Option<StopForm<'_>>,
    responses((status = 200, description = "The session as it is now", body = TradingSessionAtBody), Problems)
)]
pub(crate) async fn stop(
    State(app): State<App>,
    Asked { allowed, context }: Asked<Trade>,
    named: TradingSessionPath,
    arrival: Arrival,
    body: Option<JsonBody>,
) -> Result<Response, Problem> {
    let form: StopForm<'_> = read_or_default(body.as_ref())?;
    let reached = reach(&app, &allowed, named, Some(&context)).await?;
    let mut check = Check::default();
    let reason = check.optional("/reason", form.reason, Reference::parse);
    check.finish()?;
    let reason = reason.map_or_else(|| REASON.to_owned(), |reason| reason.to_string());
    let changed = Changed { event: "trading_session_stopped", updated_fields: "state" };
    ask(&app, context, &arrival, reached, (SessionWish::Stop { reason }, changed)).await
}
