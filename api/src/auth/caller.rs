//! Whoever sent a request: a person with an access token, or a program with an API key.

use super::KeyHolder;
use super::locales::note_asker;
use super::tokens::TokenRefusal;
use crate::app::App;
use crate::door::Arrival;
use crate::limits::KeyMeter;
use crate::problem::{Code, Problem};
use axum::extract::FromRequestParts;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use commands::Principal;
use domain::{LoginSessionId, Scope, UserId};

pub(crate) const X_API_KEY: HeaderName = HeaderName::from_static("x-api-key");
/// A bearer that begins like this is an API key.
const KEYS_BEGIN: &str = "cf_";

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
    /// When they signed in with their password, in seconds since 1970.
    pub auth_time: u64,
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

    /// Whether sealed values may be shown to them in plain text.
    pub(crate) const fn reads_profiles(self) -> bool {
        match self {
            Self::Person(_) => true,
            Self::Key(key) => key.scopes.contains(Scope::ProfileRead),
        }
    }

    /// Somebody whose power is not bound to what is theirs.
    pub(crate) const fn is_admin(self) -> bool {
        matches!(self, Self::Person(Person { is_admin: true, .. }))
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
        let caller = Self::admitted(parts, app).await?;
        note_asker(caller.user_id());
        Ok(caller)
    }
}

impl Caller {
    async fn admitted(parts: &Parts, app: &App) -> Result<Self, Problem> {
        let admitted = match credential(&parts.headers) {
            Ok(Credential::Key(key)) => {
                let meter = parts.extensions.get::<KeyMeter>();
                let meter = meter.ok_or_else(|| Problem::internal(&"a request from nowhere"))?;
                return app.admission().admit_key(key, meter).await.map(Self::Key);
            }
            Ok(Credential::Token(token)) => app.admission().admit(token).await.map(Self::Person),
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

/// What a request says of who sent it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Credential<'a> {
    Token(&'a str),
    Key(&'a str),
}

/// A token or a key as a bearer, or a key in a header of its own. Both at once may be two callers, so they are nobody.
fn credential(headers: &HeaderMap) -> Result<Credential<'_>, TokenRefusal> {
    let key = headers.get(&X_API_KEY).map(HeaderValue::to_str).transpose();
    let key = key.map_err(|_| TokenRefusal::Malformed)?;
    let Some(value) = headers.get(AUTHORIZATION) else {
        return key.map(Credential::Key).ok_or(TokenRefusal::Missing);
    };
    let value = value.to_str().map_err(|_| TokenRefusal::Malformed)?;
    let (scheme, token) = value.split_once(' ').ok_or(TokenRefusal::Malformed)?;
    if !scheme.eq_ignore_ascii_case("bearer") || key.is_some() {
        return Err(TokenRefusal::Malformed);
    }
    let token = token.trim_start();
    Ok(if token.starts_with(KEYS_BEGIN) { Credential::Key(token) } else { Credential::Token(token) })
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

    fn said<'a>(
        headers: &'a mut HeaderMap,
        named: &[(HeaderName, &'static str)],
    ) -> Result<Credential<'a>, TokenRefusal> {
        for (name, value) in named {
            headers.insert(name, HeaderValue::from_static(value));
        }
        credential(headers)
    }

    fn bearer(value: &'static str) -> Result<String, TokenRefusal> {
        said(&mut HeaderMap::new(), &[(AUTHORIZATION, value)]).map(|credential| format!("{credential:?}"))
    }

    #[test]
    fn the_scheme_is_bearer_in_any_case() {
        assert_eq!(bearer("Bearer abc").unwrap(), "Token(\"abc\")");
        assert_eq!(bearer("bearer  abc").unwrap(), "Token(\"abc\")");
        assert_eq!(bearer("Basic abc"), Err(TokenRefusal::Malformed));
        assert_eq!(bearer("Bearer"), Err(TokenRefusal::Malformed));
        assert_eq!(credential(&HeaderMap::new()), Err(TokenRefusal::Missing));
    }

    #[test]
    fn a_key_comes_as_a_bearer_or_in_a_header_of_its_own() {
        assert_eq!(bearer("Bearer cf_live_x").unwrap(), "Key(\"cf_live_x\")");
        assert_eq!(bearer("Bearer cfr_x").unwrap(), "Token(\"cfr_x\")", "a refresh token is no key");
        assert_eq!(said(&mut HeaderMap::new(), &[(X_API_KEY, "abc")]), Ok(Credential::Key("abc")));
        let both = [(X_API_KEY, "cf_live_x"), (AUTHORIZATION, "Bearer cf_live_x")];
        assert_eq!(said(&mut HeaderMap::new(), &both), Err(TokenRefusal::Malformed));
    }
}
