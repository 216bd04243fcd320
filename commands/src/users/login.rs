//! Login.

use crate::throttle::{Account, Past};
use crate::{ClaimKind, Commands, Context, Done, Failure, SecretKind};
use domain::user::{User, UserCommand};
use domain::{Email, LoginSessionId, Timestamp, UserId, Username};
use journal::{JournalError, Recorded};
use secrecy::SecretString;
use sqlx::Row;
use sqlx::postgres::PgRow;
use std::sync::Arc;
use std::time::Instant;
use uuid::Uuid;

#[derive(Debug)]
pub struct Login {
    pub identifier: Identifier,
    pub password: SecretString,
    pub ip: Option<String>,
    pub user_agent: Option<String>,
}

#[derive(Clone, Debug)]
pub enum Identifier {
    Email(Email),
    Username(Username),
}

/// A login or a refresh that succeeded.
#[derive(Debug)]
pub struct SignedIn {
    pub user: Box<User>,
    pub session_id: LoginSessionId,
    pub refresh_token: String,
    /// Of the user; nothing, if nothing happened because a token that was just exchanged was asked for again.
    pub version: Option<i64>,
    pub position: i64,
    /// What happened: with a login, the oldest session may have had to go.
    pub events: Vec<Arc<Recorded>>,
}

pub(super) struct Credentials {
    pub(super) user_id: UserId,
    pub(super) hash: String,
    pub(super) version: u64,
}

/// Who a name belongs to, if to anybody, and how often it was guessed at.
struct Found {
    account: Account,
    credentials: Option<Credentials>,
}

impl Commands {
    /// Opens a login session. The same work is done, and the same is said, whether the user exists or not.
    pub async fn login(&self, context: Context, login: Login) -> Result<SignedIn, Failure> {
        let Found { account, credentials } = self.find_credentials(&login.identifier).await?;
        let stored = credentials.as_ref().map(|found| found.hash.clone());
        let right = self.try_password(&account, login.password.clone(), stored).await?;
        let Some(credentials) = credentials.filter(|_| right) else {
            return Err(Failure::InvalidCredentials);
        };
        self.keep_hash_current(&credentials, login.password).await;
        let Credentials { user_id, version, .. } = credentials;
        let vault = self.vault();
        let session_id = LoginSessionId(Uuid::now_v7());
        let Some(data_key) = vault.user_key(user_id).await? else {
            return Err(Failure::InvalidCredentials);
        };
        let seal = |field: &str, plain: Option<String>| {
            plain.map(|plain| vault.seal(&data_key, user_id, "LoginSessionOpened", field, &plain)).transpose()
        };
        let open = UserCommand::OpenSession {
            session_id,
            password_version: version,
            ip: seal("ip", login.ip)?,
            user_agent: seal("user_agent", login.user_agent)?,
            policy: self.options().session_policy,
            at: Timestamp::default(),
        };
        let done = self.ask_user(&context, None, user_id, open).await?;
        self.signed_in(done, user_id, session_id)
    }

    pub(super) fn signed_in(
        &self,
        done: Done,
        user_id: UserId,
        session_id: LoginSessionId,
    ) -> Result<SignedIn, Failure> {
        let user = done.user.ok_or_else(|| Failure::Internal("a login without a user".to_owned()))?;
        let session = user.session(session_id).ok_or(Failure::InvalidRefreshToken)?;
        let refresh_token = self.refresh_tokens().issue(user_id, session_id, session.generation);
        let version = done.events.last().map(|recorded| recorded.sequence);
        let (position, events) = (done.position, done.events);
        Ok(SignedIn { user, session_id, refresh_token, version, position, events })
    }

    /// By claim, never by a read model: a user can log in the moment they are registered. One question, whoever it is;
    /// address and name of a user lead to the same account.
    async fn find_credentials(&self, identifier: &Identifier) -> Result<Found, Failure> {
        let (kind, normalised) = match identifier {
            Identifier::Email(email) => (ClaimKind::Email, email.normalised()),
            Identifier::Username(name) => (ClaimKind::Username, name.normalised()),
        };
        let digest = self.vault().claim(kind.as_str(), &normalised);
        let asked = Instant::now();
        let query = format!(
            "select s.owner, s.version, s.value, {} from (select $2::uuid as digest) as named \
             left join claims c on c.kind = $1 and c.digest = named.digest \
             left join secrets s on s.owner = c.owner and s.kind = $3 \
             left join sign_in_failures f on f.id = coalesce(s.owner, named.digest)",
            Past::COLUMNS
        );
        let row = sqlx::query(&query)
            .bind(kind.as_str())
            .bind(digest)
            .bind(SecretKind::Password.as_str())
            .fetch_one(self.journal().pool())
            .await
            .map_err(JournalError::Postgres)?;
        let credentials = Credentials::of(&row)?;
        let id = credentials.as_ref().map_or(digest, |found| found.user_id.0);
        let past = Past::of(&row).map_err(JournalError::Postgres)?;
        Ok(Found { account: Account { id, past, asked }, credentials })
    }
}

impl Credentials {
    pub(super) fn of(row: &PgRow) -> Result<Option<Self>, Failure> {
        let broken = |error: &dyn std::fmt::Display| Failure::Internal(error.to_string());
        let owner: Option<Uuid> = row.try_get("owner").map_err(|e| broken(&e))?;
        let Some(owner) = owner else { return Ok(None) };
        let hash: Vec<u8> = row.try_get("value").map_err(|e| broken(&e))?;
        let version: i64 = row.try_get("version").map_err(|e| broken(&e))?;
        Ok(Some(Self {
            user_id: UserId(owner),
            hash: String::from_utf8(hash).map_err(|e| broken(&e))?,
            version: u64::try_from(version).map_err(|e| broken(&e))?,
        }))
    }
}
