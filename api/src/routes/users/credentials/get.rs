//! GET /users/{id}/exchange-credentials and …/{exchange}.

use super::{ExchangePath, held_by};
use crate::app::App;
use crate::auth::Subject;
use crate::auth::rule::ManageAccount;
use crate::input::{IfNoneMatch, MinPosition};
use crate::openapi::Problems;
use crate::output::{Answer, CredentialsAtBody, CredentialsBody, ListBody};
use crate::problem::{Code, Problem};
use axum::extract::State;
use axum::response::Response;

/// For which exchanges one left credentials
///
/// What can be told of them. They themselves are never shown.
#[utoipa::path(
    get, path = "/users/{id}/exchange-credentials", tag = "users", security(("access_token" = [])),
    params(
        ("id" = String, Path, description = "One's own id, or `me`"),
        ("min_position" = Option<i64>, Query, description = "Wait until this position is included"),
        ("If-None-Match" = Option<String>, Header, description = "Only if the user has another version"),
    ),
    responses(
        (status = 200, description = "All of them", body = ListBody<CredentialsBody>),
        (status = 304, description = "The user is as the client has them"),
        Problems,
    )
)]
pub(crate) async fn list(
    State(app): State<App>,
    subject: Subject<ManageAccount>,
    min: MinPosition,
    known: Option<IfNoneMatch>,
) -> Result<Response, Problem> {
    let found = held_by(&app, subject.user_id, min, |_| true).await?;
    let answer = Answer::ok().position(found.position).version(found.value.version);
    if known.is_some_and(|known| known.has(found.value.version)) {
        return Ok(answer.not_modified());
    }
    let items: Vec<CredentialsBody> = found.value.held.into_iter().map(CredentialsBody::from).collect();
    let body = ListBody { items, next_cursor: None, position: found.position };
    Ok(answer.json(&body))
}

/// What can be told of the credentials one left for an exchange
#[utoipa::path(
    get, path = "/users/{id}/exchange-credentials/{exchange}", tag = "users", security(("access_token" = [])),
    params(
        ("id" = String, Path, description = "One's own id, or `me`"),
        ("exchange" = String, Path, description = "`binance` or `coinmarketcap`"),
        ("min_position" = Option<i64>, Query, description = "Wait until this position is included"),
        ("If-None-Match" = Option<String>, Header, description = "Only if the user has another version"),
    ),
    responses(
        (status = 200, description = "What can be told of them", body = CredentialsAtBody),
        (status = 304, description = "The user is as the client has them"),
        Problems,
    )
)]
pub(crate) async fn get(
    State(app): State<App>,
    subject: Subject<ManageAccount>,
    ExchangePath(exchange): ExchangePath,
    min: MinPosition,
    known: Option<IfNoneMatch>,
) -> Result<Response, Problem> {
    let is_there = |held: &projections::CredentialsOf| held.held.iter().any(|row| row.exchange == exchange);
    let found = held_by(&app, subject.user_id, min, is_there).await?;
    let row = found.value.held.into_iter().find(|row| row.exchange == exchange);
    let row = row.ok_or_else(|| Problem::of(Code::CredentialsNotFound))?;
    let answer = Answer::ok().position(found.position).version(found.value.version);
    if known.is_some_and(|known| known.has(found.value.version)) {
        return Ok(answer.not_modified());
    }
    Ok(answer.json(&CredentialsAtBody { credentials: row.into(), position: found.position }))
}
