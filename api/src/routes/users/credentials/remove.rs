//! DELETE /users/{id}/exchange-credentials/{exchange}.

use super::{ExchangePath, log};
use crate::app::App;
use crate::auth::rule::ManageAccount;
use crate::door::Arrival;
use crate::input::Change;
use crate::openapi::Problems;
use crate::output::{Answer, RemovedCredentialsBody};
use crate::problem::Problem;
use axum::extract::State;
use axum::response::Response;

/// Remove the credentials one left for an exchange
#[utoipa::path(
    delete, path = "/users/{id}/exchange-credentials/{exchange}", tag = "users", security(("access_token" = [])),
    params(
        ("id" = String, Path, description = "One's own id, or `me`"),
        ("exchange" = String, Path, description = "`binance` or `coinmarketcap`"),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes repeating the request safe"),
        ("If-Match" = Option<String>, Header, description = "Only if the user is at this version"),
    ),
    responses((status = 200, description = "They are gone", body = RemovedCredentialsBody), Problems)
)]
pub(crate) async fn remove(
    State(app): State<App>,
    Change { subject, context }: Change<ManageAccount>,
    ExchangePath(exchange): ExchangePath,
    arrival: Arrival,
) -> Result<Response, Problem> {
    let user_id = subject.user_id;
    let done = app.commands().remove_credentials(context, user_id, exchange).await?;
    log(&arrival, user_id, &done);
    let answer = Answer::ok().position(done.position).version(done.user_version).replayed(done.replayed);
    Ok(answer.json(&RemovedCredentialsBody { exchange, removed: true, position: done.position }))
}
