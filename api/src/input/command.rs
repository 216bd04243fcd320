//! The circumstances of a command: who sends it, under which key, for which version.

use super::headers::{IdempotencyKey, IfMatch, RequiredKey};
use crate::app::App;
use crate::auth::{Allowed, Caller, Rule, Subject};
use crate::door::Arrival;
use crate::problem::Problem;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use commands::{Context, Principal};

/// A command that must have a key: money moves.
#[derive(Debug)]
pub(crate) struct Keyed<R> {
    pub allowed: Allowed<R>,
    pub context: Context,
}

impl<R: Rule> FromRequestParts<App> for Keyed<R> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        // Who it is comes first: a stranger learns nothing about the rest of their request.
        let allowed = Allowed::from_request_parts(parts, app).await?;
        let RequiredKey(key) = RequiredKey::from_request_parts(parts, app).await?;
        let context = context(parts, app, allowed.caller, Some(key)).await?;
        Ok(Self { allowed, context })
    }
}

/// A command that names nobody in its path, with a key if they like.
#[derive(Debug)]
pub(crate) struct Asked<R> {
    pub allowed: Allowed<R>,
    pub context: Context,
}

impl<R> From<Keyed<R>> for Asked<R> {
    fn from(Keyed { allowed, context }: Keyed<R>) -> Self {
        Self { allowed, context }
    }
}

impl<R: Rule> FromRequestParts<App> for Asked<R> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let allowed = Allowed::from_request_parts(parts, app).await?;
        let IdempotencyKey(key) = IdempotencyKey::from_request_parts(parts, app).await?;
        let context = context(parts, app, allowed.caller, key).await?;
        Ok(Self { allowed, context })
    }
}

/// A command to the user in the path, with a key if they like.
#[derive(Debug)]
pub(crate) struct Change<R> {
    pub subject: Subject<R>,
    pub context: Context,
}

impl<R: Rule> FromRequestParts<App> for Change<R> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let subject = Subject::from_request_parts(parts, app).await?;
        let IdempotencyKey(key) = IdempotencyKey::from_request_parts(parts, app).await?;
        let context = context(parts, app, subject.caller(), key).await?;
        Ok(Self { subject, context })
    }
}

async fn context(
    parts: &mut Parts,
    app: &App,
    caller: Caller,
    key: Option<String>,
) -> Result<Context, Problem> {
    let IfMatch(tag) = IfMatch::from_request_parts(parts, app).await?;
    // What is beside it is no version.
    let expected_version = tag.map(|tag| tag.version);
    let arrival = Arrival::from_request_parts(parts, app).await?;
    Ok(Context { expected_version, ..arrival.context(caller.principal(), key) })
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
