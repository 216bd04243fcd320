//! Whether an access token is good: its signature, its time, and its login session. API keys come in here too.

use super::caller::{Declined, Person};
use super::tokens::{Access, AccessTokens, Issued, TokenRefusal};
use super::verified::VerifiedTokens;
use super::{ApiKeys, KeyHolder, Locales, RevocationFeed, Revocations, TokenKeys};
use crate::limits::KeyMeter;
use crate::problem::Problem;
use domain::user::{LoginSession, Role, User};
use domain::{Timestamp, UserId};
use journal::{Journal, Recorded, Tail};
use std::sync::Arc;
use std::time::Duration;
use time::OffsetDateTime;

/// Everything it takes to tell a good token from another.
#[derive(Debug)]
pub(crate) struct Admission {
    tokens: AccessTokens,
    verified: VerifiedTokens,
    revocations: Revocations,
    api_keys: ApiKeys,
    locales: Locales,
    journal: Journal,
}

impl Admission {
    pub(crate) fn new(keys: TokenKeys, ttl: Duration, journal: Journal, api_keys: ApiKeys) -> Self {
        Self {
            tokens: AccessTokens::new(keys, ttl),
            verified: VerifiedTokens::new(),
            revocations: Revocations::new(ttl),
            api_keys,
            locales: Locales::new(journal.clone()),
            journal,
        }
    }

    pub(crate) const fn tokens(&self) -> &AccessTokens {
        &self.tokens
    }

    pub(crate) const fn revocations(&self) -> &Revocations {
        &self.revocations
    }

    pub(crate) const fn api_keys(&self) -> &ApiKeys {
        &self.api_keys
    }

    pub(crate) const fn locales(&self) -> &Locales {
        &self.locales
    }

    /// Follows the journal from here on. To be called before the first request is let in.
    pub(crate) fn feed(&self, tail: Tail) -> RevocationFeed {
        let (owners, vault) = (self.api_keys.owners().clone(), self.api_keys.vault().clone());
        self.revocations.feed(self.journal.clone(), tail, owners, self.locales.clone(), vault)
    }

    /// What a command did, known here before its answer: sessions that it ended, keys and preferences that it changed.
    pub(crate) fn heed(&self, events: &[Arc<Recorded>]) {
        for recorded in events {
            self.revocations.follow(recorded);
            self.api_keys.owners().follow(recorded);
            self.locales.follow(recorded);
        }
    }

    pub(super) async fn admit_key(&self, key: &str, meter: &KeyMeter) -> Result<KeyHolder, Problem> {
        self.api_keys.admit(key, meter, !self.revocations.is_stale()).await
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

    pub(super) async fn admit(&self, token: &str) -> Result<Person, Declined> {
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
        let Access { user_id, session_id, is_admin, auth_time, .. } = access;
        Ok(Person { user_id, session_id, is_admin, auth_time })
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
