//! POST /trading-sessions/{id}/rebalance.

use super::{Changed, answer, as_left, confirm, reach, submit};
use crate::app::App;
use crate::auth::ConfirmationForm;
use crate::auth::rule::Trade;
use crate::door::Arrival;
use crate::input::{Asked, JsonBody, TradingSessionPath};
use crate::openapi::Problems;
use crate::output::{Answer, RebalanceBody};
use crate::problem::Problem;
use axum::extract::State;
use axum::response::Response;
use commands::Done;
use commands::sessions::SessionWish;
use domain::Event;
use domain::trading::SessionEvent;
use uuid::Uuid;

/// Bring a session to its targets now
///
/// The answer says that it will run, and as which `run_id`; the run itself begins at once, and is seen in `/status` and
/// `/runs`. While another run was asked for or is under way, the answer is 409 `run_under_way`. A halted session may run, and
/// sells only.
#[utoipa::path(
    post, path = "/trading-sessions/{id}/rebalance", tag = "trading",
    security(("access_token" = []), ("api_key" = ["trading:write"])),
    params(
        ("id" = String, Path, description = "The session, or `current`"),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes repeating the request safe"),
        ("If-Match" = Option<String>, Header, description = "Only if the session is at this version"),
    ),
    request_body = Option<ConfirmationForm<'_>>,
    responses((status = 200, description = "The session as it is now", body = RebalanceBody), Problems)
)]
pub(crate) async fn rebalance(
    State(app): State<App>,
    Asked { allowed, context }: Asked<Trade>,
    named: TradingSessionPath,
    arrival: Arrival,
    body: Option<JsonBody>,
) -> Result<Response, Problem> {
    ConfirmationForm::of(body.as_ref())?;
    let reached = reach(&app, &allowed, named, Some(&context)).await?;
    confirm(&app, allowed.caller, reached.session.owner, body.as_ref()).await?;
    let done = submit(&app, context, reached, SessionWish::Rebalance).await?;
    let (session, run_id) = (as_left(&done)?, run_id(&done)?);
    Changed { event: "trading_session_rebalance_requested", updated_fields: "" }
        .log(&arrival, &session, &done);
    Ok(answer(Answer::ok(), &done, &session).json(&RebalanceBody {
        position: done.position,
        run_id,
        session,
    }))
}

/// As the event has it, so that a repeat says the same.
fn run_id(done: &Done) -> Result<Uuid, Problem> {
    for recorded in &done.events {
        let event = recorded.event().map_err(|error| Problem::internal(&error))?;
        if let Event::TradingSession(SessionEvent::RunRequested { run_id, .. }) = event {
            return Ok(run_id);
        }
    }
    Err(Problem::internal(&"a run that was requested without its event"))
}
