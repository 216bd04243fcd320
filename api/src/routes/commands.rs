//! GET /commands/{key}: what became of a command whose answer was lost.

use crate::app::App;
use crate::auth::Allowed;
use crate::auth::rule::AskAfterCommands;
use crate::input::IdempotencyKey;
use crate::openapi::Problems;
use crate::output::Answer;
use crate::problem::{Detail, Problem};
use crate::routes::movement::problem_of;
use axum::extract::{Path, State};
use axum::response::Response;
use commands::CommandStatus;
use domain::Timestamp;
use serde::Serialize;
use std::time::Duration;
use time::OffsetDateTime;
use utoipa::ToSchema;

/// The write side counts from when the server had the head of the request; the rest is for the way to there.
const FINAL_AFTER: Duration = commands::FINAL_AFTER.saturating_add(Duration::from_secs(2));

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CommandStatus)]
pub(crate) struct CommandBody {
    key: String,
    #[schema(example = "committed")]
    status: &'static str,
    /// Of its last event, to be waited for with `min_position`; for a refusal, where the journal ended when it was decided.
    position: i64,
    /// How many events it led to.
    events: i32,
    /// The problem it was refused with.
    #[schema(value_type = Option<String>)]
    refusal: Option<&'static str>,
}

/// What became of a command, by its Idempotency-Key
#[utoipa::path(
    get, path = "/commands/{key}", tag = "events", security(("access_token" = []), ("api_key" = [])),
    params(("key" = String, Path, description = "The Idempotency-Key of the command")),
    responses((status = 200, description = "Committed or refused", body = CommandBody), Problems)
)]
pub(crate) async fn get_command(
    State(app): State<App>,
    allowed: Allowed<AskAfterCommands>,
    Path(key): Path<String>,
) -> Result<Response, Problem> {
    let key = IdempotencyKey::parse(&key)?;
    let body = match app.commands().status(allowed.caller.principal(), &key).await? {
        CommandStatus::Committed { position, events } => {
            CommandBody { key, status: "committed", position, events, refusal: None }
        }
        CommandStatus::Refused { position, refusal } => {
            let refusal = Some(problem_of(&app, refusal, position).await?.code().as_str());
            CommandBody { key, status: "refused", position, events: 0, refusal }
        }
        CommandStatus::Unknown => return Err(unknown()),
    };
    Ok(Answer::ok().position(body.position).json(&body))
}

fn unknown() -> Problem {
    let final_after = Timestamp::from(OffsetDateTime::now_utc()).plus(FINAL_AFTER);
    Problem::new(Detail::NeverWillBe).fact("final_after", final_after.to_string())
}
