//! Deposits and withdrawals, whichever way their wallet is named.

use crate::app::App;
use crate::directory::WalletFacts;
use crate::input::{Check, Raw};
use crate::output::{Answer, Moved};
use crate::problem::{Code, Problem};
use axum::response::Response;
use commands::wallets::{Aim, Wish};
use commands::{Authority, Bounds, Done};
use domain::wallet::Movement;
use domain::{Currency, Reference, WalletId};
use serde::Deserialize;
use utoipa::ToSchema;

#[derive(Deserialize, ToSchema)]
#[schema(as = MovementRequest)]
pub(crate) struct MovementForm<'a> {
    /// A decimal string, or a JSON number that is an integer.
    #[serde(borrow)]
    #[schema(value_type = String, required, pattern = "^[0-9]{1,18}(\\.[0-9]{1,18})?$", example = "12.34")]
    pub(crate) amount: Raw<'a>,
    /// The wallet's own, if left out.
    #[schema(value_type = Option<String>, pattern = "^[A-Za-z0-9]{3,10}$", example = "USD")]
    pub(crate) currency: Raw<'a>,
    /// What it is for, up to 140 characters.
    #[schema(value_type = Option<String>, min_length = 1, max_length = 140, example = "invoice 7")]
    pub(crate) reference: Raw<'a>,
}

impl MovementForm<'_> {
    /// The currency it names, for who has to find the wallet by it. One that is not valid is refused with the rest.
    pub(crate) fn named_currency(&self) -> Option<Currency> {
        Check::default().optional("/currency", self.currency, Currency::parse)
    }

    pub(crate) fn read(&self, wallet: Currency) -> Result<Movement, Problem> {
        let mut check = Check::default();
        let named = check.optional("/currency", self.currency, Currency::parse);
        let currency = named.unwrap_or(wallet);
        let amount = check.amount("/amount", self.amount, currency);
        let reference = check.optional("/reference", self.reference, Reference::parse);
        let Some(amount) = amount else { return Err(check.into_problem()) };
        check.finish()?;
        Ok(Movement { amount, currency, reference })
    }
}

/// The wallet, if it is within reach.
pub(crate) async fn wallet_of(app: &App, authority: Authority, id: WalletId) -> Result<WalletFacts, Problem> {
    let facts = app.directory().wallet(id).await?;
    facts.filter(|facts| authority.covers(facts.owner)).ok_or_else(|| Problem::of(Code::WalletNotFound))
}

pub(crate) fn wish(wallet: WalletFacts, authority: Authority, aim: Aim) -> Wish {
    Wish { wallet_id: wallet.id, authority, aim, bounds: Bounds::default() }
}

/// Services deposit, and owners only where this installation lets them: with their own keys, too.
pub(crate) fn check_deposit(app: &App, authority: Authority) -> Result<(), Problem> {
    if authority == Authority::Anybody || app.settings().self_deposit {
        return Ok(());
    }
    Err(Problem::new(
        Code::DepositNotAllowed,
        "here deposits are made by services, not by the owners of wallets",
    ))
}

pub(crate) fn answer(done: &Done) -> Result<Response, Problem> {
    let recorded = done.events.first().ok_or_else(|| Problem::internal(&"a movement without its event"))?;
    let moved = Moved::render(recorded).map_err(|error| Problem::internal(&error))?;
    Ok(Answer::created()
        .position(moved.position)
        .version(moved.wallet.version)
        .replayed(done.replayed)
        .json(&moved))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Result<Movement, Problem> {
        serde_json::from_str::<MovementForm<'_>>(json).unwrap().read(Currency::USD)
    }

    #[test]
    fn the_wallets_currency_is_meant_unless_another_is_named() {
        assert_eq!(read(r#"{"amount": "1.50"}"#).unwrap().amount.minor(), 150);
        let eth = read(r#"{"amount": "1.5", "currency": "eth"}"#).unwrap();
        assert_eq!((eth.currency.code(), eth.amount.scale()), ("ETH", 18));
    }

    #[test]
    fn an_amount_and_a_reference_are_refused_together() {
        let problem = read(r#"{"amount": 12.5, "currency": "XYZ", "reference": "a\u0000"}"#).unwrap_err();
        let body: serde_json::Value =
            serde_json::from_slice(&problem.write(&mut axum::http::HeaderMap::new(), "r")).unwrap();
        let codes: Vec<_> = body["errors"].as_array().unwrap().iter().map(|error| &error["code"]).collect();
        assert_eq!(codes, ["unknown_currency", "not_an_integer", "control_character"]);
    }
}
