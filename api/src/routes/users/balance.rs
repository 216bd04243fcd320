//! GET /users/{id}/balance: the default wallet's, or that of the currency named.

use crate::app::App;
use crate::auth::Subject;
use crate::auth::rule::ReadWallet;
use crate::directory::WalletFacts;
use crate::input::{AsOfQuery, Check, IfNoneMatch, MinPosition, Query};
use crate::openapi::Problems;
use crate::output::{Answer, BalanceBody};
use crate::problem::{Code, Problem};
use crate::routes::reading;
use axum::extract::State;
use axum::response::Response;
use domain::{Currency, UserId};
use serde::Deserialize;
use utoipa::IntoParams;

/// Which of a user's wallets is meant.
#[derive(Clone, Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct CurrencyQuery {
    /// The default wallet is meant without it.
    #[param(example = "USD")]
    currency: Option<String>,
}

impl CurrencyQuery {
    pub(super) fn read(&self) -> Result<Option<Currency>, Problem> {
        let mut check = Check::default();
        let currency = check.parameter("?currency", self.currency.as_deref(), Currency::parse);
        check.finish()?;
        Ok(currency)
    }
}

/// A user's wallet: the one of a currency, or else of the currency they registered with. The open one, if there is one.
pub(crate) async fn wallet_in(
    app: &App,
    user_id: UserId,
    currency: Option<Currency>,
) -> Result<WalletFacts, Problem> {
    let first = app.directory().default_wallet(user_id).await?;
    let currency = currency.or(first.map(|facts| facts.currency));
    if let Some(facts) = open_wallet(app, user_id, currency).await? {
        return Ok(facts);
    }
    if let Some(facts) = first.filter(|facts| Some(facts.currency) == currency) {
        return Ok(facts);
    }
    let wallets = reading::wallets(app, user_id, MinPosition::default()).await?;
    let found = wallets.value.into_iter().find(|wallet| Some(wallet.currency) == currency);
    let found = found.ok_or_else(|| Problem::of(Code::WalletNotFound))?;
    Ok(WalletFacts { id: found.id, owner: found.user_id, currency: found.currency })
}

async fn open_wallet(
    app: &App,
    user_id: UserId,
    currency: Option<Currency>,
) -> Result<Option<WalletFacts>, Problem> {
    let Some(currency) = currency else { return Ok(None) };
    match app.commands().wallet_held_by(user_id, currency).await? {
        Some(id) => Ok(app.directory().wallet(id).await?),
        None => Ok(None),
    }
}

/// A user's balance, as it is or as it was
#[utoipa::path(
    get, path = "/users/{id}/balance", tag = "users", security(("access_token" = []), ("api_key" = ["wallet:read"])),
    params(
        ("id" = String, Path, description = "One's own id, or `me`"),
        CurrencyQuery,
        AsOfQuery,
        ("min_position" = Option<i64>, Query, description = "Wait until this position is included"),
        ("If-None-Match" = Option<String>, Header, description = "Only if it has another version"),
    ),
    responses(
        (status = 200, description = "The wallet, and its balance", body = BalanceBody),
        (status = 304, description = "It is as the client has it"),
        Problems,
    )
)]
pub(crate) async fn balance(
    State(app): State<App>,
    subject: Subject<ReadWallet>,
    Query(query): Query<CurrencyQuery>,
    Query(as_of): Query<AsOfQuery>,
    min: MinPosition,
    known: Option<IfNoneMatch>,
) -> Result<Response, Problem> {
    let wallet = wallet_in(&app, subject.user_id, query.read()?).await?;
    let wallet = reading::wallet_as_of(&app, wallet.id, as_of.read()?, min).await?;
    let version = wallet.value.version;
    let answer = Answer::ok().position(wallet.position).version(version);
    if known.is_some_and(|known| known.has(version)) {
        return Ok(answer.not_modified());
    }
    Ok(answer.json(&BalanceBody::from(wallet.value)))
}
