//! Registration, login, refresh, logout.
//!
//! Everything slow (hashing, sealing, finding a user by an address) happens here, before the sequencer; what it rested
//! on (the password's version, the token's generation) goes along and is decided again there.

use crate::decide::Claim;
use crate::envelope::{OpenSession, Register};
use crate::password::NewPassword;
use crate::{Command, Commands, Context, Done, Failure, Outcome};
use domain::user::{EndReason, User, UserEvent};
use domain::{Currency, DisplayName, Email, Event, LoginSessionId, UserId, Username, WalletId};
use journal::JournalError;
use secrecy::SecretString;
use sqlx::Row;
use uuid::Uuid;

/// The kinds of claims and secrets that registration takes.
pub(crate) const EMAIL_CLAIM: &str = "email";
pub(crate) const USERNAME_CLAIM: &str = "username";
pub(crate) const PASSWORD_SECRET: &str = "password";

#[derive(Debug)]
pub struct Registration {
    pub username: Username,
    pub email: Email,
    pub password: NewPassword,
    pub name: Option<DisplayName>,
    pub currency: Option<Currency>,
}

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
}

struct Credentials {
    user_id: UserId,
    hash: String,
    version: u64,
}

impl Commands {
    /// A user and their first wallet, in one append.
    pub async fn register(&self, context: Context, new: Registration) -> Outcome {
        let vault = self.vault();
        let currency = new.currency.unwrap_or(self.options().default_currency);
        let username_claim = vault.claim(USERNAME_CLAIM, &new.username.normalised());
        let email_claim = vault.claim(EMAIL_CLAIM, &new.email.normalised());
        let taken = self.find_taken([(USERNAME_CLAIM, username_claim), (EMAIL_CLAIM, email_claim)]).await?;
        let password = new.password.into_secret();
        let password_hash = match self.salt_of(&context) {
            Some(salt) => self.hasher().hash_salted(password, salt).await?,
            None => self.hasher().hash(password).await?,
        };
        let key = self.request_key(
            &context,
            &[
                b"register",
                new.username.as_str().as_bytes(),
                new.email.as_str().as_bytes(),
                new.name.as_ref().map_or("", |name| name.as_str()).as_bytes(),
                currency.code().as_bytes(),
                password_hash.as_bytes(),
            ],
        );
        let user_id = UserId(Uuid::now_v7());
        let (data_key, wrapped) = vault.new_user_key(user_id)?;
        let seal = |field: &str, plain: &str| vault.seal(&data_key, user_id, "UserRegistered", field, plain);
        let register = Register {
            user_id,
            wallet_id: WalletId(Uuid::now_v7()),
            currency,
            username: seal("username", new.username.as_str())?,
            email: seal("email", new.email.as_str())?,
            name: new.name.as_ref().map(|name| seal("name", name.as_str())).transpose()?,
            username_claim,
            email_claim,
            username_taken: taken.contains(&username_claim),
            email_taken: taken.contains(&email_claim),
            password_hash: password_hash.into_bytes(),
            wrapped_data_key: wrapped.value,
        };
        self.submit(self.envelope(&context, key, Command::Register(Box::new(register)))).await
    }

    /// Opens a login session. The same work is done, and the same is said, whether the user exists or not.
    pub async fn login(&self, context: Context, login: Login) -> Result<SignedIn, Failure> {
        let credentials = self.find_credentials(&login.identifier).await?;
        let stored = credentials.as_ref().map(|found| found.hash.clone());
        let right = self.hasher().verify(login.password, stored).await?;
        let Some(Credentials { user_id, version, .. }) = credentials.filter(|_| right) else {
            return Err(Failure::InvalidCredentials);
        };
        let vault = self.vault();
        let session_id = LoginSessionId(Uuid::now_v7());
        let Some(data_key) = vault.user_key(user_id).await? else {
            return Err(Failure::InvalidCredentials);
        };
        let seal = |field: &str, plain: Option<String>| {
            plain.map(|plain| vault.seal(&data_key, user_id, "LoginSessionOpened", field, &plain)).transpose()
        };
        let open = OpenSession {
            user_id,
            session_id,
            password_version: version,
            ip: seal("ip", login.ip)?,
            user_agent: seal("user_agent", login.user_agent)?,
            policy: self.options().session_policy,
        };
        let done = self.submit(self.envelope(&context, None, Command::OpenSession(Box::new(open)))).await?;
        self.signed_in(done, user_id, session_id)
    }

    /// Exchanges a refresh token for the next one.
    pub async fn refresh(&self, context: Context, token: &str) -> Result<SignedIn, Failure> {
        let token = self.refresh_tokens().verify(token).ok_or(Failure::InvalidRefreshToken)?;
        let (user_id, session_id) = (token.user_id, token.session_id);
        let command = Command::RefreshSession {
            user_id,
            session_id,
            generation: token.generation,
            policy: self.options().session_policy,
        };
        let done = match self.submit(self.envelope(&context, None, command)).await {
            Err(Failure::Refused { .. }) => return Err(Failure::InvalidRefreshToken),
            outcome => outcome?,
        };
        if done.events.iter().any(|recorded| recorded.event_type == "RefreshTokenReused") {
            return Err(Failure::RefreshTokenReused { session_id });
        }
        self.signed_in(done, user_id, session_id)
    }

    pub async fn logout(&self, context: Context, user_id: UserId, session_id: LoginSessionId) -> Outcome {
        let command = Command::EndSession { user_id, session_id, reason: EndReason::Logout };
        self.submit(self.envelope(&context, None, command)).await
    }

    fn signed_in(
        &self,
        done: Done,
        user_id: UserId,
        session_id: LoginSessionId,
    ) -> Result<SignedIn, Failure> {
        let user = done.user.ok_or_else(|| Failure::Internal("a login without a user".to_owned()))?;
        let session = user.session(session_id).ok_or(Failure::InvalidRefreshToken)?;
        let refresh_token = self.refresh_tokens().issue(user_id, session_id, session.generation);
        let version = done.events.last().map(|recorded| recorded.sequence);
        Ok(SignedIn { refresh_token, session_id, version, position: done.position, user })
    }

    /// Which of these are held already. The sequencer would find out too, at the cost of a batch decided anew: that would
    /// be a cheap way to slow everybody down.
    async fn find_taken(&self, wanted: [Claim; 2]) -> Result<Vec<Uuid>, Failure> {
        let kinds = wanted.map(|(kind, _)| kind);
        let digests = wanted.map(|(_, digest)| digest);
        sqlx::query_scalar(
            "select digest from claims join unnest($1::text[], $2::uuid[]) as wanted (kind, digest) \
             using (kind, digest)",
        )
        .bind(kinds.as_slice())
        .bind(digests.as_slice())
        .fetch_all(self.journal().pool())
        .await
        .map_err(|error| JournalError::Postgres(error).into())
    }

    /// A repeat of a request has to be known as the same request, password and all, and nothing may be kept of the
    /// password that is easier to guess from than its hash. So the hash itself is compared: its salt follows from the
    /// key, which is used once.
    fn salt_of(&self, context: &Context) -> Option<[u8; 16]> {
        let key = context.key.as_ref()?;
        let key = self.vault().request_key(context.principal.key_scope(), key);
        Some(self.vault().fingerprint(&[b"password salt", key.as_bytes()]).into_bytes())
    }

    /// By claim, never by a read model: a user can log in the moment they are registered.
    async fn find_credentials(&self, identifier: &Identifier) -> Result<Option<Credentials>, Failure> {
        let (kind, digest) = match identifier {
            Identifier::Email(email) => (EMAIL_CLAIM, self.vault().claim(EMAIL_CLAIM, &email.normalised())),
            Identifier::Username(name) => {
                (USERNAME_CLAIM, self.vault().claim(USERNAME_CLAIM, &name.normalised()))
            }
        };
        let row = sqlx::query(
            "select s.owner, s.version, s.value from claims c join secrets s on s.owner = c.owner and s.kind = $3 \
             where c.kind = $1 and c.digest = $2",
        )
        .bind(kind)
        .bind(digest)
        .bind(PASSWORD_SECRET)
        .fetch_optional(self.journal().pool())
        .await
        .map_err(|_| Failure::unavailable("the database cannot be reached"))?;
        let broken = |error: &dyn std::fmt::Display| Failure::Internal(error.to_string());
        let Some(row) = row else { return Ok(None) };
        let hash: Vec<u8> = row.try_get("value").map_err(|e| broken(&e))?;
        let version: i64 = row.try_get("version").map_err(|e| broken(&e))?;
        Ok(Some(Credentials {
            user_id: UserId(row.try_get("owner").map_err(|e| broken(&e))?),
            hash: String::from_utf8(hash).map_err(|e| broken(&e))?,
            version: u64::try_from(version).map_err(|e| broken(&e))?,
        }))
    }
}

/// The login session an event ended, if it is such an event.
pub fn ended_session(event: &Event) -> Option<LoginSessionId> {
    match event {
        Event::User(UserEvent::LoginSessionEnded { session_id, .. }) => Some(*session_id),
        _ => None,
    }
}
