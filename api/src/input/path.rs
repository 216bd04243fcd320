//! Ids in the path. One that is not an id names nothing, so it is answered like one that names nothing: 404.

use crate::problem::{Code, Problem};
use axum::extract::{FromRequestParts, Path, RawPathParams};
use axum::http::request::Parts;
use domain::{ApiKeyId, EntryId, LoginSessionId, TradingSessionId, UserId, WalletId};
use uuid::Uuid;

/// The wallet named in the path, whoever owns it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct WalletPath(pub WalletId);

impl<S: Send + Sync> FromRequestParts<S> for WalletPath {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let Path(id) = Path::<WalletId>::from_request_parts(parts, state)
            .await
            .map_err(|_| Problem::of(Code::WalletNotFound))?;
        Ok(Self(id))
    }
}

/// The hold named in the path, whoever owns it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct HoldPath(pub EntryId);

impl<S: Send + Sync> FromRequestParts<S> for HoldPath {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let Path(id) = Path::<EntryId>::from_request_parts(parts, state)
            .await
            .map_err(|_| Problem::of(Code::HoldNotFound))?;
        Ok(Self(id))
    }
}

/// The transaction named in the path, whoever owns it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TransactionPath(pub EntryId);

impl<S: Send + Sync> FromRequestParts<S> for TransactionPath {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let Path(id) = Path::<EntryId>::from_request_parts(parts, state)
            .await
            .map_err(|_| Problem::of(Code::TransactionNotFound))?;
        Ok(Self(id))
    }
}

/// The trading session named in the path as `{id}`, whoever owns it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TradingSessionPath {
    Id(TradingSessionId),
    /// `current`: the caller's newest that has not stopped.
    Current,
}

impl<S: Send + Sync> FromRequestParts<S> for TradingSessionPath {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let not_found = || Problem::of(Code::TradingSessionNotFound);
        let named = RawPathParams::from_request_parts(parts, state).await.map_err(|_| not_found())?;
        match named.iter().find(|(name, _)| *name == "id").map(|(_, id)| id) {
            Some("current") => Ok(Self::Current),
            Some(id) => id.parse().map(Self::Id).map_err(|_| not_found()),
            None => Err(not_found()),
        }
    }
}

/// The trade named in the path as `{trade}`, whoever made it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TradePath(pub Uuid);

impl<S: Send + Sync> FromRequestParts<S> for TradePath {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let not_found = || Problem::of(Code::TradeNotFound);
        let named = RawPathParams::from_request_parts(parts, state).await.map_err(|_| not_found())?;
        let trade = named.iter().find(|(name, _)| *name == "trade").and_then(|(_, id)| id.parse().ok());
        trade.map(Self).ok_or_else(not_found)
    }
}

/// The user named in the path as `{id}`, by id or as `me`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct UserPath(String);

impl UserPath {
    pub(crate) fn id(&self, me: UserId) -> Option<UserId> {
        if self.0 == "me" { Some(me) } else { self.0.parse().ok() }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for UserPath {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let not_found = || Problem::of(Code::UserNotFound);
        let named = RawPathParams::from_request_parts(parts, state).await.map_err(|_| not_found())?;
        let id = named.iter().find(|(name, _)| *name == "id");
        id.map(|(_, id)| Self(id.to_owned())).ok_or_else(not_found)
    }
}

/// The API key named in the path as `{key}`, whoever has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ApiKeyPath(pub ApiKeyId);

impl<S: Send + Sync> FromRequestParts<S> for ApiKeyPath {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let not_found = || Problem::of(Code::ApiKeyNotFound);
        let named = RawPathParams::from_request_parts(parts, state).await.map_err(|_| not_found())?;
        let key = named.iter().find(|(name, _)| *name == "key").and_then(|(_, key)| key.parse().ok());
        key.map(Self).ok_or_else(not_found)
    }
}

/// The login session named in the path as `{sid}`, whoever it belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LoginSessionPath(pub LoginSessionId);

impl<S: Send + Sync> FromRequestParts<S> for LoginSessionPath {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let Path(id) = Path::<LoginSessionId>::from_request_parts(parts, state)
            .await
            .map_err(|_| Problem::of(Code::SessionNotFound))?;
        Ok(Self(id))
    }
}
