//! Credentials for exchanges: left here, never shown again.

pub(crate) mod get;
pub(crate) mod put;
pub(crate) mod remove;

use crate::app::App;
use crate::door::Arrival;
use crate::input::MinPosition;
use crate::problem::{Code, Detail, Problem};
use axum::extract::{FromRequestParts, RawPathParams};
use axum::http::request::Parts;
use commands::Done;
use domain::UserId;
use domain::user::Exchange;
use projections::{At, CredentialsOf};

/// The exchange named in the path. Of one that is not known nobody has credentials.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ExchangePath(pub Exchange);

impl<S: Send + Sync> FromRequestParts<S> for ExchangePath {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let named = RawPathParams::from_request_parts(parts, state).await;
        let named = named.map_err(|_| Problem::of(Code::CredentialsNotFound))?;
        let exchange = named.iter().find(|(name, _)| *name == "exchange");
        exchange.and_then(|(_, name)| Exchange::parse(name)).map(Self).ok_or_else(|| {
            Problem::new(Detail::KnownExchanges { names: Exchange::ALL.map(Exchange::as_str).to_vec() })
        })
    }
}

/// What is missing may only not be there yet: then the read model is asked again, once it is as far as the journal.
async fn held_by(
    app: &App,
    user_id: UserId,
    min: MinPosition,
    is_enough: impl Fn(&CredentialsOf) -> bool,
) -> Result<At<CredentialsOf>, Problem> {
    let found = app.read_models().credentials_of(user_id, min.0).await?;
    if is_enough(&found.value) {
        return Ok(found);
    }
    let head = app.journal().head().await?.position;
    Ok(app.read_models().credentials_of(user_id, Some(head)).await?)
}

fn log(arrival: &Arrival, user_id: UserId, done: &Done) {
    // What is answered again was written down the first time.
    if done.replayed {
        return;
    }
    tracing::info!(
        event = "ExchangeCredentialsChanged",
        user_id = %user_id,
        request_id = arrival.request_id.as_str(),
        position = done.position,
        updated_fields = "key,secret",
    );
}
