//! The circumstances of a command: who sends it, under which key, for which version.

use super::headers::{IdempotencyKey, IfMatch, RequiredKey};
use crate::app::App;
use crate::auth::AuthUser;
use crate::door::Arrival;
use crate::problem::Problem;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use commands::{Context, Principal};

/// A command of a signed-in user that must have a key: money moves.
#[derive(Debug)]
pub(crate) struct Keyed {
    pub user: AuthUser,
    pub context: Context,
}

impl FromRequestParts<App> for Keyed {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        // Who it is comes first: a stranger learns nothing about the rest of their request.
        let user = AuthUser::from_request_parts(parts, app).await?;
        let RequiredKey(key) = RequiredKey::from_request_parts(parts, app).await?;
        let IfMatch(expected_version) = IfMatch::from_request_parts(parts, app).await?;
        let arrival = Arrival::from_request_parts(parts, app).await?;
        let context = arrival.context(user.principal(), Some(key));
        Ok(Self { user, context: Context { expected_version, ..context } })
    }
}

/// A command of somebody who need not be known yet, with a key if they like.
#[derive(Debug)]
pub(crate) struct Anonymous(pub Context);

impl<S: Sync> FromRequestParts<S> for Anonymous {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let IdempotencyKey(key) = IdempotencyKey::from_request_parts(parts, state).await?;
        let arrival = Arrival::from_request_parts(parts, state).await?;
        Ok(Self(arrival.context(Principal::Anonymous, key)))
    }
}
