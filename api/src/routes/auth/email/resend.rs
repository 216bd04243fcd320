//! POST /auth/email/resend: the mail that proves one's address, once more.

use crate::app::App;
use crate::auth::Allowed;
use crate::auth::rule::ManageAccount;
use crate::input::IdempotencyKey;
use crate::openapi::Problems;
use crate::problem::Problem;
use crate::routes::auth::changed::{self, MailAccepted};
use axum::extract::State;
use axum::response::Response;

/// Ask for the mail that proves one's address once more
///
/// Its token takes the place of the one before. Whose address is proved gets none, and few are sent in an hour.
#[utoipa::path(
    post, path = "/auth/email/resend", tag = "auth", security(("access_token" = [])),
    params(("Idempotency-Key" = Option<String>, Header, description = "Taken, and not needed: nothing changes but which link is good, and that is the newest, however often one is asked for")),
    responses((status = 202, description = "Accepted", body = MailAccepted), Problems)
)]
pub(crate) async fn resend(
    State(app): State<App>,
    allowed: Allowed<ManageAccount>,
    // Only that it is one: a repeat does what the first did, and says the same.
    _: IdempotencyKey,
) -> Result<Response, Problem> {
    let person = allowed.caller.person()?;
    app.commands().resend_verification(person.user_id).await?;
    Ok(changed::accepted())
}
