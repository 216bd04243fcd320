//! The signed-in user, as an argument of a handler.

use super::tokens::{Access, AccessTokens, Issued, TokenRefusal};
use super::verified::VerifiedTokens;
use super::{Revocations, TokenKeys};
use crate::app::App;
use crate::door::Arrival;
use crate::problem::Problem;
use axum::extract::FromRequestParts;
use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use commands::{Authority, Principal};
use domain::user::{LoginSession, Role, User};
use domain::{LoginSessionId, Timestamp, UserId};
use journal::Journal;
use std::time::Duration;
use time::OffsetDateTime;

/// Whoever sent the request, proved by an access token whose login session is still open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct AuthUser {
    pub user_id: UserId,
    pub session_id: LoginSessionId,
}

impl AuthUser {
    pub(crate) const fn principal(self) -> Principal {
        Principal::Person { user_id: self.user_id, session_id: self.session_id }
    }

    pub(crate) const fn authority(self) -> Authority {
        Authority::Owner(self.user_id)
    }
}

impl FromRequestParts<App> for AuthUser {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let admitted = match bearer(&parts.headers) {
            Ok(token) => app.admission().admit(token).await,
            Err(refusal) => Err(refusal.into()),
        };
        admitted.map_err(|declined| match declined {
            Declined::Refused(refusal) => {
                metrics::counter!("counterfoil_tokens_refused_total", "reason" => refusal.reason())
                    .increment(1);
                // Without a token a page is merely asking whether anybody is signed in.
                if refusal != TokenRefusal::Missing {
                    let request_id =
                        parts.extensions.get::<Arrival>().map(|arrival| arrival.request_id.as_str());
                    tracing::debug!(event = "token_refused", request_id, error_type = refusal.reason());
                }
                refusal.into()
            }
            Declined::Unknowable(problem) => problem,
        })
    }
}

fn bearer(headers: &HeaderMap) -> Result<&str, TokenRefusal> {
    let value = headers.get(AUTHORIZATION).ok_or(TokenRefusal::Missing)?;
    let value = value.to_str().map_err(|_| TokenRefusal::Malformed)?;
    let (scheme, token) = value.split_once(' ').ok_or(TokenRefusal::Malformed)?;
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(TokenRefusal::Malformed);
    }
    Ok(token.trim_start())
}

/// Why nobody was admitted: the token is wrong, or it could not be found out.
#[derive(Debug)]
pub(crate) enum Declined {
    Refused(TokenRefusal),
    Unknowable(Problem),
}

impl From<TokenRefusal> for Declined {
    fn from(refusal: TokenRefusal) -> Self {
        Self::Refused(refusal)
    }
}

/// Everything it takes to tell a good token from another.
#[derive(Debug)]
pub(crate) struct Admission {
    tokens: AccessTokens,
    verified: VerifiedTokens,
    revocations: Revocations,
    journal: Journal,
}

impl Admission {
    pub(crate) fn new(keys: TokenKeys, ttl: Duration, journal: Journal) -> Self {
        Self {
            tokens: AccessTokens::new(keys, ttl),
            verified: VerifiedTokens::new(),
            revocations: Revocations::new(ttl),
            journal,
        }
    }

    pub(crate) const fn tokens(&self) -> &AccessTokens {
        &self.tokens
    }

    pub(crate) const fn revocations(&self) -> &Revocations {
        &self.revocations
    }

    /// A new token, known here from the start.
    pub(crate) fn issue(
        &self,
        user_id: UserId,
        session: &LoginSession,
        roles: Vec<Role>,
    ) -> Result<Issued, jsonwebtoken::errors::Error> {
        let issued = self.tokens.issue(user_id, session, roles)?;
        self.verified.insert(&issued.token, issued.access);
        Ok(issued)
    }

    async fn admit(&self, token: &str) -> Result<AuthUser, Declined> {
        let (access, is_known) = match self.verified.get(token) {
            Some(access) => (access, true),
            None => (self.tokens.verify(token)?, false),
        };
        if access.has_expired() {
            return Err(TokenRefusal::Expired.into());
        }
        if self.revocations.has_ended(access.session_id) {
            return Err(TokenRefusal::SessionEnded.into());
        }
        if !is_known || self.revocations.is_stale() {
            self.check_session(access).await?;
            self.verified.insert(token, access);
        }
        Ok(AuthUser { user_id: access.user_id, session_id: access.session_id })
    }

    /// Whether the session is open in the journal: asked once for a token that this process did not issue.
    async fn check_session(&self, access: Access) -> Result<(), Declined> {
        let users = self
            .journal
            .load::<User>(&[access.user_id.0])
            .await
            .map_err(|error| Declined::Unknowable(error.into()))?;
        let now = Timestamp::from(OffsetDateTime::now_utc());
        let session = users.get(&access.user_id.0).and_then(|user| user.state.session(access.session_id));
        let is_open = session.is_some_and(|session| !session.is_over(now));
        if is_open { Ok(()) } else { Err(TokenRefusal::SessionEnded.into()) }
    }
}

/// Counts a login by what came of it.
pub(crate) fn count_login(outcome: &'static str) {
    metrics::counter!("counterfoil_logins_total", "outcome" => outcome).increment(1);
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    #[test]
    fn the_scheme_is_bearer_in_any_case() {
        let with = |value: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(AUTHORIZATION, HeaderValue::from_static(value));
            bearer(&headers).map(str::to_owned)
        };
        assert_eq!(with("Bearer abc"), Ok("abc".to_owned()));
        assert_eq!(with("bearer  abc"), Ok("abc".to_owned()));
        assert_eq!(with("Basic abc"), Err(TokenRefusal::Malformed));
        assert_eq!(with("Bearer"), Err(TokenRefusal::Malformed));
        assert_eq!(bearer(&HeaderMap::new()), Err(TokenRefusal::Missing));
    }
}
