//! What the routes about passwords and addresses answer: the user as they are now, as every other change does, or that a
//! mail may come.

use crate::app::App;
use crate::door::Arrival;
use crate::output::Answer;
use crate::problem::Problem;
use crate::routes::users::changed::{self, Happened};
use axum::response::Response;
use commands::Done;
use serde::Serialize;
use utoipa::ToSchema;

/// A mail will be sent, if there is to be one. Whether there is, is not said.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct MailAccepted {
    /// Always true.
    accepted: bool,
}

/// To whoever it was about: a link in a mail names nobody else.
pub(super) async fn answer(
    app: &App,
    arrival: &Arrival,
    event: &'static str,
    updated_fields: &[&'static str],
    done: &Done,
) -> Result<Response, Problem> {
    let person = done.user.as_deref().and_then(|user| user.person());
    let person = person.ok_or_else(|| Problem::internal(&"a change of a user without one"))?;
    let happened = Happened { event, user_id: person.user_id, updated_fields, pending_email: None };
    changed::answer(app, arrival, happened, done).await
}

pub(super) fn accepted() -> Response {
    Answer::accepted().json(&MailAccepted { accepted: true })
}
