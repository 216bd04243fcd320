//! The answer to what changed an account: the user as they are now. Sessions that ended with it are refused from here on,
//! before anybody hears of it.

use crate::app::App;
use crate::door::Arrival;
use crate::output::{Answer, UserBody};
use crate::problem::Problem;
use axum::response::Response;
use commands::Done;
use serde::Serialize;
use utoipa::ToSchema;

/// The user, as the command left them.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ChangedUser {
    user: UserBody,
    position: i64,
}

/// A mail will be sent, if there is to be one. Whether there is, is not said.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct MailAccepted {
    /// Always true.
    accepted: bool,
}

pub(super) async fn answer(
    app: &App,
    arrival: &Arrival,
    event: &'static str,
    done: Done,
) -> Result<Response, Problem> {
    app.admission().heed(&done.events);
    let person = done.user.as_deref().and_then(|user| user.person());
    let person = person.ok_or_else(|| Problem::internal(&"a change of a user without one"))?;
    let version = done.events.last().map(|recorded| recorded.sequence);
    let version = version.ok_or_else(|| Problem::internal(&"a change without events"))?;
    tracing::info!(
        event,
        user_id = %person.user_id,
        request_id = arrival.request_id.as_str(),
        position = done.position
    );
    let user = UserBody::of_person(app.vault(), person, version).await?;
    Ok(Answer::ok()
        .position(done.position)
        .version(version)
        .json(&ChangedUser { user, position: done.position }))
}

pub(super) fn accepted() -> Response {
    Answer::accepted().json(&MailAccepted { accepted: true })
}
