//! Access tokens: JWTs signed with Ed25519 (RFC 9068), short-lived, without any personal value.
//!
//! Verification is as narrow as it can be: one algorithm, one type, our own issuer and audience, every claim required,
//! and the key chosen by its name from our ring. What a header says beyond that (`jku`, `x5u`, `jwk`) is not looked at.

use super::TokenKeys;
use crate::problem::{Code, Problem};
use domain::user::LoginSession;
use domain::user::Role;
use domain::{LoginSessionId, UserId};
use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Algorithm, Header, Validation};
use serde::{Deserialize, Serialize};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use uuid::Uuid;

const TYPE: &str = "at+jwt";
const ISSUER: &str = "counterfoil";
const AUDIENCE: &str = "counterfoil";
/// Clocks of nodes may differ by this much.
pub(super) const LEEWAY: Duration = Duration::from_secs(5);
/// Ours have some 500 characters.
const TOKEN_MAX: usize = 2_048;

#[derive(Debug, Serialize, Deserialize)]
struct Claims {
    iss: String,
    aud: String,
    sub: UserId,
    sid: LoginSessionId,
    jti: Uuid,
    iat: u64,
    nbf: u64,
    exp: u64,
    /// When the login session was opened with a password: exchanging its tokens does not move it.
    auth_time: u64,
    roles: Vec<Role>,
}

/// What a token gives access to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Access {
    pub user_id: UserId,
    pub session_id: LoginSessionId,
    /// In seconds since 1970.
    pub expires_at: u64,
    pub is_admin: bool,
    /// In seconds since 1970.
    pub auth_time: u64,
}

/// A new token.
pub(crate) struct Issued {
    pub token: String,
    pub access: Access,
    /// In seconds.
    pub expires_in: u64,
}

/// Why a token is not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TokenRefusal {
    Missing,
    Malformed,
    UnknownKey,
    BadSignature,
    WrongClaims,
    Expired,
    SessionEnded,
}

impl TokenRefusal {
    /// The name it is counted under.
    pub(crate) const fn reason(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Malformed => "malformed",
            Self::UnknownKey => "unknown_key",
            Self::BadSignature => "bad_signature",
            Self::WrongClaims => "wrong_claims",
            Self::Expired => "expired",
            Self::SessionEnded => "session_ended",
        }
    }

    pub(crate) const fn code(self) -> Code {
        match self {
            Self::Missing => Code::MissingToken,
            Self::Expired => Code::TokenExpired,
            Self::SessionEnded => Code::SessionEnded,
            // Which of its parts is wrong helps only whoever forges them.
            Self::Malformed | Self::UnknownKey | Self::BadSignature | Self::WrongClaims => Code::InvalidToken,
        }
    }
}

impl From<TokenRefusal> for Problem {
    fn from(refusal: TokenRefusal) -> Self {
        Self::of(refusal.code())
    }
}

#[derive(Debug)]
pub(crate) struct AccessTokens {
    keys: TokenKeys,
    ttl: Duration,
    validation: Validation,
}

impl AccessTokens {
    pub(crate) fn new(keys: TokenKeys, ttl: Duration) -> Self {
        let mut validation = Validation::new(Algorithm::EdDSA);
        validation.leeway = LEEWAY.as_secs();
        validation.validate_nbf = true;
        validation.set_issuer(&[ISSUER]);
        validation.set_audience(&[AUDIENCE]);
        validation.set_required_spec_claims(&["exp", "nbf", "iss", "aud", "sub"]);
        Self { keys, ttl, validation }
    }

    pub(crate) const fn keys(&self) -> &TokenKeys {
        &self.keys
    }

    /// A token that ends with its login session, if not before.
    pub(crate) fn issue(
        &self,
        user_id: UserId,
        session: &LoginSession,
        roles: Vec<Role>,
    ) -> Result<Issued, jsonwebtoken::errors::Error> {
        let now = now();
        let session_id = session.session_id;
        let session_ends = session.expires_at.min(session.ends_at).as_seconds();
        let expires_at = (now + self.ttl.as_secs()).min(u64::try_from(session_ends).unwrap_or(0));
        let auth_time = u64::try_from(session.opened_at.as_seconds()).unwrap_or(0);
        let claims = Claims {
            iss: ISSUER.to_owned(),
            aud: AUDIENCE.to_owned(),
            sub: user_id,
            sid: session_id,
            jti: Uuid::now_v7(),
            iat: now,
            nbf: now,
            exp: expires_at,
            auth_time,
            roles,
        };
        let is_admin = claims.roles.contains(&Role::Admin);
        let token = self.keys.sign(|kid, key| {
            let mut header = Header::new(Algorithm::EdDSA);
            header.typ = Some(TYPE.to_owned());
            header.kid = Some(kid.to_owned());
            jsonwebtoken::encode(&header, &claims, key)
        })?;
        let access = Access { user_id, session_id, expires_at, is_admin, auth_time };
        Ok(Issued { token, access, expires_in: expires_at.saturating_sub(now) })
    }

    pub(crate) fn verify(&self, token: &str) -> Result<Access, TokenRefusal> {
        if token.len() > TOKEN_MAX {
            return Err(TokenRefusal::Malformed);
        }
        let header = jsonwebtoken::decode_header(token).map_err(|_| TokenRefusal::Malformed)?;
        if header.alg != Algorithm::EdDSA || header.typ.as_deref() != Some(TYPE) {
            return Err(TokenRefusal::Malformed);
        }
        let kid = header.kid.ok_or(TokenRefusal::UnknownKey)?;
        let claims = self
            .keys
            .verify(&kid, |key| jsonwebtoken::decode::<Claims>(token, key, &self.validation))
            .ok_or(TokenRefusal::UnknownKey)?
            .map_err(|error| match error.kind() {
                ErrorKind::InvalidSignature => TokenRefusal::BadSignature,
                ErrorKind::ExpiredSignature => TokenRefusal::Expired,
                _ => TokenRefusal::WrongClaims,
            })?
            .claims;
        let is_admin = claims.roles.contains(&Role::Admin);
        Ok(Access {
            user_id: claims.sub,
            session_id: claims.sid,
            expires_at: claims.exp,
            is_admin,
            auth_time: claims.auth_time,
        })
    }
}

impl Access {
    pub(crate) fn has_expired(&self) -> bool {
        now() > self.expires_at + LEEWAY.as_secs()
    }
}

/// In seconds since 1970.
pub(super) fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::Engine;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use commands::vault::{KeyRing, LiveRing, TokenKey};
    use domain::Timestamp;
    use jsonwebtoken::EncodingKey;
    use serde_json::{Value, json};
    use time::OffsetDateTime;

    fn tokens(ttl: u64) -> (AccessTokens, KeyRing) {
        let ring = KeyRing::generate().unwrap();
        let ttl = Duration::from_secs(ttl);
        let keys = TokenKeys::new(LiveRing::fixed(ring.clone()), ttl).unwrap();
        (AccessTokens::new(keys, ttl), ring)
    }

    fn ids() -> (UserId, LoginSessionId) {
        (UserId(Uuid::from_u128(1)), LoginSessionId(Uuid::from_u128(2)))
    }

    /// A session that ends so many seconds from now.
    fn session(seconds: u64) -> LoginSession {
        let now = Timestamp::from(OffsetDateTime::now_utc());
        LoginSession {
            session_id: ids().1,
            generation: 1,
            opened_at: now,
            refreshed_at: now,
            expires_at: now.plus(Duration::from_secs(seconds)),
            ends_at: Timestamp::MAX,
        }
    }

    fn claims() -> Value {
        let now = now();
        json!({
            "iss": ISSUER, "aud": AUDIENCE, "sub": ids().0, "sid": ids().1, "jti": Uuid::nil(),
            "iat": now, "nbf": now, "exp": now + 60, "auth_time": now, "roles": ["user"],
        })
    }

    fn key_of(ring: &KeyRing) -> &TokenKey {
        ring.signing_key(OffsetDateTime::now_utc().into())
    }

    fn header(ring: &KeyRing) -> Header {
        let mut header = Header::new(Algorithm::EdDSA);
        header.typ = Some(TYPE.to_owned());
        header.kid = Some(key_of(ring).kid().to_owned());
        header
    }

    fn signed(ring: &KeyRing, header: &Header, claims: &Value) -> String {
        jsonwebtoken::encode(header, claims, &EncodingKey::from_ed_der(key_of(ring).pkcs8_der())).unwrap()
    }

    #[test]
    fn what_was_issued_is_accepted() {
        let (tokens, ring) = tokens(60);
        let Issued { token, access, expires_in } =
            tokens.issue(ids().0, &session(3_600), vec![Role::User]).unwrap();
        assert_eq!(tokens.verify(&token), Ok(access));
        assert_eq!(expires_in, 60);
        assert!(!access.has_expired());
        let header = jsonwebtoken::decode_header(&token).unwrap();
        assert_eq!(header.kid.as_deref(), Some(key_of(&ring).kid()));
        assert!(tokens.verify(&signed(&ring, &super::tests::header(&ring), &claims())).is_ok());
    }

    #[test]
    fn a_token_does_not_outlive_its_session() {
        let (tokens, _ring) = tokens(60);
        let issued = tokens.issue(ids().0, &session(7), vec![]).unwrap();
        assert!((6..=7).contains(&issued.expires_in), "{}", issued.expires_in);
        assert_eq!(tokens.verify(&issued.token).unwrap().expires_at, issued.access.expires_at);
        assert_eq!(tokens.issue(ids().0, &session(0), vec![]).unwrap().expires_in, 0);
    }

    #[test]
    fn a_token_says_when_its_session_was_opened_however_often_it_was_refreshed() {
        let (tokens, _ring) = tokens(60);
        let opened_at = Timestamp::from_micros(1_700_000_000_900_000);
        let session = LoginSession { generation: 7, opened_at, ..session(3_600) };
        let issued = tokens.issue(ids().0, &session, vec![]).unwrap();
        assert_eq!(issued.access.auth_time, 1_700_000_000);
        assert_eq!(tokens.verify(&issued.token).unwrap().auth_time, 1_700_000_000);
    }

    #[test]
    fn every_claim_is_required_and_checked() {
        let (tokens, ring) = tokens(60);
        for missing in ["iss", "aud", "sub", "sid", "jti", "iat", "nbf", "exp", "auth_time", "roles"] {
            let mut claims = claims();
            claims.as_object_mut().unwrap().remove(missing);
            let token = signed(&ring, &header(&ring), &claims);
            assert_eq!(tokens.verify(&token), Err(TokenRefusal::WrongClaims), "{missing}");
        }
        let later = now() + 60;
        for (name, wrong) in
            [("iss", json!("other")), ("aud", json!("other")), ("nbf", json!(later)), ("sub", json!(7))]
        {
            let mut claims = claims();
            claims[name] = wrong;
            let token = signed(&ring, &header(&ring), &claims);
            assert_eq!(tokens.verify(&token), Err(TokenRefusal::WrongClaims), "{name}");
        }
    }

    #[test]
    fn an_expired_token_is_refused_as_such() {
        let (tokens, ring) = tokens(60);
        let mut claims = claims();
        claims["exp"] = json!(now() - LEEWAY.as_secs() - 1);
        let token = signed(&ring, &header(&ring), &claims);
        assert_eq!(tokens.verify(&token), Err(TokenRefusal::Expired));
    }

    #[test]
    fn another_algorithm_type_or_key_is_refused() {
        let (tokens, ring) = tokens(60);
        let mut wrong_type = header(&ring);
        wrong_type.typ = Some("JWT".to_owned());
        assert_eq!(tokens.verify(&signed(&ring, &wrong_type, &claims())), Err(TokenRefusal::Malformed));
        let stranger = KeyRing::generate().unwrap();
        let foreign = signed(&stranger, &header(&stranger), &claims());
        assert_eq!(tokens.verify(&foreign), Err(TokenRefusal::UnknownKey));
        let forged = signed(&stranger, &header(&ring), &claims());
        assert_eq!(tokens.verify(&forged), Err(TokenRefusal::BadSignature));

        let mut symmetric = Header::new(Algorithm::HS256);
        symmetric.typ = Some(TYPE.to_owned());
        symmetric.kid = Some(key_of(&ring).kid().to_owned());
        let secret = EncodingKey::from_secret(key_of(&ring).public());
        let confused = jsonwebtoken::encode(&symmetric, &claims(), &secret).unwrap();
        assert_eq!(tokens.verify(&confused), Err(TokenRefusal::Malformed));
    }

    #[test]
    fn an_unsigned_or_changed_token_is_refused() {
        let (tokens, ring) = tokens(60);
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let none = json!({"alg": "none", "typ": TYPE, "kid": key_of(&ring).kid()});
        assert_eq!(
            tokens.verify(&format!("{}.{}.", part(&none), part(&claims()))),
            Err(TokenRefusal::Malformed)
        );

        let token = signed(&ring, &header(&ring), &claims());
        let parts: Vec<&str> = token.split('.').collect();
        let mut other = claims();
        other["sub"] = json!(Uuid::from_u128(9));
        let changed = format!("{}.{}.{}", parts[0], part(&other), parts[2]);
        assert_eq!(tokens.verify(&changed), Err(TokenRefusal::BadSignature));
        for garbage in ["", ".", "..", "a.b.c", &"x".repeat(5_000)] {
            assert_eq!(tokens.verify(garbage), Err(TokenRefusal::Malformed), "{garbage:.10}");
        }
    }
}
