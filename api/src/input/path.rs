//! Ids in the path. One that is not an id names nothing, so it is answered like one that names nothing: 404.

use crate::app::App;
use crate::auth::AuthUser;
use crate::problem::{Code, Problem};
use axum::extract::{FromRequestParts, Path};
use axum::http::request::Parts;
use domain::WalletId;

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

/// The user named in the path, whoever asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct UserPath(String);

impl UserPath {
    /// Named by id, or as `me`. Anybody else is not found.
    pub(crate) fn must_be(&self, user: AuthUser) -> Result<(), Problem> {
        let is_own = self.0 == "me" || self.0.parse() == Ok(user.user_id);
        if is_own { Ok(()) } else { Err(Problem::of(Code::UserNotFound)) }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for UserPath {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let named = Path::<String>::from_request_parts(parts, state).await;
        named.map(|Path(id)| Self(id)).map_err(|_| Problem::of(Code::UserNotFound))
    }
}

/// The signed-in user, where the path names them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct OwnUser(pub AuthUser);

impl FromRequestParts<App> for OwnUser {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let user = AuthUser::from_request_parts(parts, app).await?;
        UserPath::from_request_parts(parts, app).await?.must_be(user)?;
        Ok(Self(user))
    }
}
