//! Whoever sent a request: a person with an access token, or a program with an API key.

use super::tokens::TokenRefusal;
use crate::app::App;
use crate::door::Arrival;
use crate::problem::{Code, Problem};
use axum::extract::FromRequestParts;
use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use commands::Principal;
use domain::{ApiKeyId, LoginSessionId, Scopes, UserId};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Caller {
    Person(Person),
    Key(KeyHolder),
}

/// Proved by an access token whose login session is still open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Person {
    pub user_id: UserId,
    pub session_id: LoginSessionId,
    pub is_admin: bool,
}

/// Proved by an API key that is good at this moment and from this address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct KeyHolder {
    pub key_id: ApiKeyId,
    pub owner: UserId,
    /// A service's keys reach every user, a person's only their owner.
    pub is_service: bool,
    pub scopes: Scopes,
}

impl Caller {
    pub(crate) const fn user_id(self) -> UserId {
        match self {
            Self::Person(person) => person.user_id,
            Self::Key(key) => key.owner,
        }
    }

    pub(crate) const fn principal(self) -> Principal {
        match self {
            Self::Person(Person { user_id, session_id, .. }) => Principal::Person { user_id, session_id },
            Self::Key(KeyHolder { key_id, owner, is_service, .. }) => {
                Principal::Key { key_id, owner, is_service }
            }
        }
    }

    /// Keys may do much, but never what their holder could use to become more than a key.
    pub(crate) fn person(self) -> Result<Person, Problem> {
        match self {
            Self::Person(person) => Ok(person),
            Self::Key(_) => Err(Problem::of(Code::PersonRequired)),
        }
    }
}

impl FromRequestParts<App> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let admitted = match bearer(&parts.headers) {
            Ok(token) => app.admission().admit(token).await.map(Self::Person),
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
