//! DELETE /users/{id}, and DELETE /auth/{id}: erases somebody for ever.

use super::changed::{self, Happened, UserChanged};
use crate::app::App;
use crate::auth::require_recent_login;
use crate::auth::rule::ManageAnyAccount;
use crate::door::Arrival;
use crate::input::{Change, JsonBody, Raw};
use crate::openapi::Problems;
use crate::problem::Problem;
use axum::extract::{FromRequest, Request, State};
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE, TRANSFER_ENCODING};
use axum::response::Response;
use serde::Deserialize;
use utoipa::ToSchema;

#[derive(Default, Deserialize, ToSchema)]
#[schema(as = Erasure)]
pub(crate) struct ErasureForm<'a> {
    /// One's own, if the last sign-in is longer ago than a few minutes.
    #[serde(borrow)]
    #[schema(value_type = Option<String>, max_length = 1024, example = "correct horse battery staple")]
    current_password: Raw<'a>,
}

/// A body that need not be there.
#[derive(Debug)]
pub(crate) struct ErasureBody(Option<JsonBody>);

impl<S: Send + Sync> FromRequest<S> for ErasureBody {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let headers = request.headers();
        let is_empty = headers.get(CONTENT_LENGTH).is_none_or(|length| length == "0");
        if is_empty && !headers.contains_key(TRANSFER_ENCODING) && !headers.contains_key(CONTENT_TYPE) {
            return Ok(Self(None));
        }
        JsonBody::from_request(request, state).await.map(|body| Self(Some(body)))
    }
}

/// Erase a user, for ever
///
/// Nothing that could tell who they were can be read afterwards: neither here nor in the journal, the stream, or a copy of
/// either. Their wallets must be empty. Their address and name are free again; what happened to money stays, under an id
/// that means nobody. Whoever did not sign in just now sends their password, an admin theirs.
#[utoipa::path(
    delete, path = "/users/{id}", tag = "users", security(("access_token" = [])),
    params(
        ("id" = String, Path, description = "One's own id, or `me`; an admin: anybody's"),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes repeating the request safe"),
        ("If-Match" = Option<String>, Header, description = "Only if the user is at this version"),
    ),
    request_body = Option<ErasureForm<'_>>,
    responses((status = 200, description = "Erased: nothing is left but the id", body = UserChanged), Problems)
)]
pub(crate) async fn delete(
    State(app): State<App>,
    change: Change<ManageAnyAccount>,
    arrival: Arrival,
    body: ErasureBody,
) -> Result<Response, Problem> {
    erase(&app, change, &arrival, &body).await
}

/// The same as DELETE /users/{id}, which takes its place
#[utoipa::path(
    delete, path = "/auth/{id}", tag = "auth", security(("access_token" = [])),
    params(
        ("id" = String, Path, description = "One's own id, or `me`; an admin: anybody's"),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes repeating the request safe"),
        ("If-Match" = Option<String>, Header, description = "Only if the user is at this version"),
    ),
    request_body = Option<ErasureForm<'_>>,
    responses((status = 200, description = "Erased: nothing is left but the id", body = UserChanged), Problems)
)]
#[deprecated]
pub(crate) async fn delete_by_old_name(
    State(app): State<App>,
    change: Change<ManageAnyAccount>,
    arrival: Arrival,
    body: ErasureBody,
) -> Result<Response, Problem> {
    erase(&app, change, &arrival, &body).await
}

async fn erase(
    app: &App,
    Change { subject, context }: Change<ManageAnyAccount>,
    arrival: &Arrival,
    body: &ErasureBody,
) -> Result<Response, Problem> {
    let user_id = subject.user_id;
    let form = body.0.as_ref().map(JsonBody::read::<ErasureForm<'_>>).transpose()?.unwrap_or_default();
    require_recent_login(app, subject.caller(), form.current_password).await?;
    let done = app.commands().erase(context, user_id).await?;
    let happened =
        Happened { event: "UserErased", user_id, updated_fields: &["status"], pending_email: None };
    changed::answer(app, arrival, happened, &done).await
}
