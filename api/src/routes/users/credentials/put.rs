//! PUT /users/{id}/exchange-credentials/{exchange}.

use super::{ExchangePath, log};
use crate::app::App;
use crate::auth::require_recent_login;
use crate::auth::rule::ManageAccount;
use crate::door::Arrival;
use crate::input::{Change, Check, JsonBody, Raw};
use crate::openapi::Problems;
use crate::output::{Answer, CredentialsAtBody, CredentialsBody};
use crate::problem::{Flaw, Problem};
use axum::extract::State;
use axum::response::Response;
use commands::users::{ExchangeCredentials, Unverified};
use domain::user::Exchange;
use secrecy::SecretString;
use serde::Deserialize;
use utoipa::ToSchema;

/// How short a key may be is the exchange's business; none has a longer one: Binance's have 64 characters.
const LENGTHS: std::ops::RangeInclusive<usize> = 1..=256;

#[derive(Deserialize, ToSchema)]
#[schema(as = CredentialsRequest)]
pub(crate) struct CredentialsForm<'a> {
    #[serde(borrow)]
    #[schema(value_type = String, required, min_length = 1, max_length = 256, pattern = "^[!-~]+$",
             example = "vmPUZE6mv9SD5VNHk4HlWFsOr6aKE2zvsw0MuIgwCIPy6utIco14y7Ju91duEhWjyg")]
    key: Raw<'a>,
    /// Required of Binance; CoinMarketCap has none.
    #[schema(value_type = Option<String>, min_length = 1, max_length = 256, pattern = "^[!-~]+$",
             example = "NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j")]
    secret: Raw<'a>,
    /// Of the account here, if the last sign-in is longer ago than a few minutes.
    #[schema(value_type = Option<String>, format = Password, max_length = 1024, example = "correct horse battery staple")]
    current_password: Raw<'a>,
}

/// Leave credentials for an exchange
///
/// They are sealed, and no answer ever shows them again. What was there for this exchange before is gone. Give them no
/// more rights than trading takes: nobody here withdraws.
#[utoipa::path(
    put, path = "/users/{id}/exchange-credentials/{exchange}", tag = "users", security(("access_token" = [])),
    params(
        ("id" = String, Path, description = "One's own id, or `me`"),
        ("exchange" = String, Path, description = "`binance` or `coinmarketcap`"),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes repeating the request safe"),
        ("If-Match" = Option<String>, Header, description = "Only if the user is at this version"),
    ),
    request_body = CredentialsForm<'_>,
    responses((status = 200, description = "Sealed", body = CredentialsAtBody), Problems)
)]
pub(crate) async fn put(
    State(app): State<App>,
    Change { subject, context }: Change<ManageAccount>,
    ExchangePath(exchange): ExchangePath,
    arrival: Arrival,
    body: JsonBody,
) -> Result<Response, Problem> {
    let form: CredentialsForm<'_> = body.read()?;
    let credentials = form.read(exchange)?;
    require_recent_login(&app, subject.caller(), form.current_password).await?;
    let user_id = subject.user_id;
    let done = app.commands().leave_credentials(context, user_id, exchange, credentials, &Unverified).await?;
    let changed = done.events.last().ok_or_else(|| Problem::internal(&"credentials without an event"))?;
    let body = CredentialsBody::of_event(app.vault(), changed).await?;
    let credentials = body.ok_or_else(|| Problem::internal(&"credentials with another event"))?;
    log(&arrival, user_id, &done);
    Ok(Answer::ok()
        .position(done.position)
        .version(done.user_version)
        .replayed(done.replayed)
        .json(&CredentialsAtBody { credentials, position: done.position }))
}

impl CredentialsForm<'_> {
    fn read(&self, exchange: Exchange) -> Result<ExchangeCredentials, Problem> {
        let mut check = Check::default();
        let key = check.required("/key", self.key, visible);
        let secret = match exchange {
            Exchange::Binance => check.required("/secret", self.secret, visible),
            Exchange::Coinmarketcap => check.optional("/secret", self.secret, visible),
        };
        let Some(key) = key else { return Err(check.into_problem()) };
        check.finish()?;
        Ok(ExchangeCredentials { key, secret })
    }
}

/// As exchanges make them. What is wrong is said without the value.
fn visible(text: &str) -> Result<SecretString, Flaw> {
    if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(Flaw::NotVisibleAscii);
    }
    match text.len() {
        length if length < *LENGTHS.start() => Err(Flaw::TooShort { min: *LENGTHS.start() }),
        length if length > *LENGTHS.end() => Err(Flaw::TooLong { max: *LENGTHS.end() }),
        _ => Ok(text.into()),
    }
}
