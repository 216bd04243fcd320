//! The answer to what changed a user, whoever asked for it: the user as it left them. Sessions that ended with it are
//! refused from here on, before anybody hears of it.

use crate::app::App;
use crate::door::Arrival;
use crate::output::{Answer, UserBody};
use crate::problem::{Code, Problem};
use axum::response::Response;
use commands::Done;
use domain::UserId;
use serde::Serialize;
use utoipa::ToSchema;

/// The user, as the command left them.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct UserChanged {
    user: UserBody,
    position: i64,
    /// A new e-mail address that waits for the mail to it to be answered: until then the present one stays.
    #[serde(skip_serializing_if = "Option::is_none")]
    pending_email: Option<String>,
}

/// What happened, for the log: names of fields and never a value.
#[derive(Debug)]
pub(crate) struct Happened<'a> {
    pub(crate) event: &'static str,
    pub(crate) user_id: UserId,
    pub(crate) updated_fields: &'a [&'static str],
    pub(crate) pending_email: Option<&'a str>,
}

pub(crate) async fn answer(
    app: &App,
    arrival: &Arrival,
    happened: Happened<'_>,
    done: &Done,
) -> Result<Response, Problem> {
    app.admission().heed(&done.events);
    if !done.replayed && !done.events.is_empty() {
        tracing::info!(
            event = happened.event,
            user_id = %happened.user_id,
            request_id = arrival.request_id.as_str(),
            position = done.position,
            updated_fields = happened.updated_fields.join(","),
        );
    }
    let user = body(app, done).await?;
    let pending_email = happened.pending_email.map(str::to_owned);
    let answer = if pending_email.is_some() { Answer::accepted() } else { Answer::ok() };
    let body = UserChanged { position: done.position, pending_email, user };
    Ok(answer.position(done.position).version(body.user.version).replayed(done.replayed).json(&body))
}

/// As the command left them, so that a repeat reads the same.
async fn body(app: &App, done: &Done) -> Result<UserBody, Problem> {
    let user = done.user.as_deref().ok_or_else(|| Problem::internal(&"a change of a user without one"))?;
    let person = user.person().ok_or_else(|| Problem::of(Code::UserNotFound))?;
    Ok(UserBody::of_person(app.vault(), person, done.user_version).await?)
}
