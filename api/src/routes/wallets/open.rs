//! POST /wallets.

use super::standing::{Changed, logged};
use crate::app::App;
use crate::auth::require_recent_login_if;
use crate::auth::rule::ManageAnyAccount;
use crate::door::{Arrival, PREFIX};
use crate::input::{Asked, Check, JsonBody, Raw};
use crate::openapi::Problems;
use crate::output::{Answer, WalletAtBody, WalletBody};
use crate::problem::{Code, Flaw, Problem};
use axum::extract::State;
use axum::response::Response;
use domain::{Currency, UserId};
use serde::Deserialize;
use utoipa::ToSchema;

#[derive(Deserialize, ToSchema)]
#[schema(as = NewWallet)]
pub(crate) struct OpenForm<'a> {
    #[serde(borrow)]
    #[schema(value_type = String, required, pattern = "^[A-Za-z0-9]{3,10}$", example = "ETH")]
    currency: Raw<'a>,
    /// Whose it is to be, said by an admin; one's own, if left out.
    #[schema(value_type = Option<String>, format = Uuid, example = "0199f3a2-7c11-7e4b-9d3a-5b2f6c8e1a02")]
    user_id: Raw<'a>,
    /// An admin's own, for somebody else's wallet, if their last sign-in is longer ago than a few minutes.
    #[schema(value_type = Option<String>, format = Password, max_length = 1024, example = "correct horse battery staple")]
    current_password: Raw<'a>,
}

/// Open a wallet in another currency
///
/// A user has one open wallet in each currency.
#[utoipa::path(
    post, path = "/wallets", tag = "wallets", security(("access_token" = [])),
    params(("Idempotency-Key" = Option<String>, Header, description = "Makes repeating the request safe")),
    request_body = OpenForm<'_>,
    responses((status = 201, description = "Opened", body = WalletAtBody), Problems)
)]
pub(crate) async fn open(
    State(app): State<App>,
    Asked { allowed, context }: Asked<ManageAnyAccount>,
    arrival: Arrival,
    body: JsonBody,
) -> Result<Response, Problem> {
    let form: OpenForm<'_> = body.read()?;
    let own = allowed.caller.user_id();
    let (currency, user_id) = form.read(own)?;
    if !allowed.authority.covers(user_id) {
        return Err(Problem::of(Code::UserNotFound));
    }
    require_recent_login_if(user_id != own, &app, allowed.caller, form.current_password).await?;
    let done = app.commands().open_wallet(context, user_id, currency).await?;
    let opened = done.events.first().map(|recorded| WalletBody::of(recorded)).transpose();
    let wallet = opened.map_err(|error| Problem::internal(&error))?.flatten();
    let wallet = wallet.ok_or_else(|| Problem::internal(&"an opening without its event"))?;
    logged(&arrival, &Changed { event: "wallet_opened", user_id, updated_fields: "" }, &done);
    Ok(Answer::created()
        .position(done.position)
        .version(wallet.version)
        .replayed(done.replayed)
        .location(&format!("{PREFIX}/wallets/{}", wallet.id))
        .json(&WalletAtBody { wallet, position: done.position }))
}

impl OpenForm<'_> {
    fn read(&self, own: UserId) -> Result<(Currency, UserId), Problem> {
        let mut check = Check::default();
        let currency = check.required("/currency", self.currency, Currency::parse);
        let user_id =
            check.optional("/user_id", self.user_id, |text| text.parse().map_err(|_| Flaw::NotAUserId));
        match currency {
            Some(currency) if check.is_clean() => Ok((currency, user_id.unwrap_or(own))),
            _ => Err(check.into_problem()),
        }
    }
}
