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

/// The signed-in user, where the path names them: by id, or as `me`. Anybody else is not found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct OwnUser(pub AuthUser);

impl FromRequestParts<App> for OwnUser {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let user = AuthUser::from_request_parts(parts, app).await?;
        let named = Path::<String>::from_request_parts(parts, app).await;
        let is_own = named.is_ok_and(|Path(id)| id == "me" || id.parse() == Ok(user.user_id));
        if is_own { Ok(Self(user)) } else { Err(Problem::of(Code::UserNotFound)) }
    }
}
