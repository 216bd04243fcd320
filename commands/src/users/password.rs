//! Passwords: changed by who knows the old one, and hashed again when hashing has become harder.

use super::login::Credentials;
use crate::envelope::Beside;
use crate::password::{NewPassword, needs_rehash};
use crate::{Commands, Context, Failure, NewSecret, Outcome, RequestKey, SecretKind};
use domain::user::{PasswordChangeReason, Person, User, UserCommand};
use domain::{Email, LoginSessionId, Timestamp, UserId, Username};
use journal::JournalError;
use secrecy::SecretString;

#[derive(Debug)]
pub struct PasswordChange {
    pub current: SecretString,
    pub new: SecretString,
    /// Whether common passwords are refused.
    pub blocklist: bool,
}

impl Commands {
    /// Ends every session but the one that asks. A wrong current password counts like a failed sign-in.
    pub async fn change_password(
        &self,
        context: Context,
        user_id: UserId,
        session_id: LoginSessionId,
        change: PasswordChange,
    ) -> Outcome {
        let again = self.change_password_again(&context, user_id, &change);
        let attempt = self.try_password_change(&context, user_id, session_id, &change);
        self.once(&context, again, attempt).await
    }

    async fn try_password_change(
        &self,
        context: &Context,
        user_id: UserId,
        session_id: LoginSessionId,
        change: &PasswordChange,
    ) -> Outcome {
        let user = self.load_user(user_id).await?;
        let person = user.person().ok_or(Failure::InvalidCredentials)?;
        let new = self.fit_password(person, change.new.clone(), change.blocklist).await?;
        let version = self.prove(user_id, change.current.clone()).await?;
        let command = UserCommand::ChangePassword {
            password_version: version,
            reason: PasswordChangeReason::Changed,
            except: Some(session_id),
            at: Timestamp::default(),
        };
        let hash = self.hash_for(context, new.into_secret()).await?;
        let key = self.password_change_key(context, user_id, change, &hash).await?;
        let beside = new_password_beside(hash, version)?;
        self.change_user(context, key, user_id, command, beside).await
    }

    /// Whoever tries other passwords under a key that is known guesses, and is counted like everybody who does.
    async fn change_password_again(
        &self,
        context: &Context,
        user_id: UserId,
        change: &PasswordChange,
    ) -> Outcome {
        let account = self.throttle().account(user_id).await?;
        let guess = self.throttle().reserve(&account).await?;
        let hash = self.hash_for(context, change.new.clone()).await?;
        let key = self.password_change_key(context, user_id, change, &hash).await?;
        let answer = self.answer_again(key, user_id).await;
        if matches!(answer, Err(Failure::KeyReused)) {
            guess.settle(false).await;
        }
        answer
    }

    async fn password_change_key(
        &self,
        context: &Context,
        user_id: UserId,
        change: &PasswordChange,
        new_hash: &str,
    ) -> Result<Option<RequestKey>, Failure> {
        if context.key.is_none() {
            return Ok(None);
        }
        let current = self.hash_for(context, change.current.clone()).await?;
        let parts =
            [b"change_password".as_slice(), user_id.0.as_bytes(), current.as_bytes(), new_hash.as_bytes()];
        Ok(self.request_key(context, &parts))
    }

    /// Whether whoever asks in this user's name is the one who knows their password. A wrong one counts like a failed
    /// sign-in.
    pub async fn prove_password(&self, user_id: UserId, current: SecretString) -> Result<(), Failure> {
        self.prove(user_id, current).await.map(|_| ())
    }

    /// Answers which of their passwords, one after the other, it was.
    async fn prove(&self, user_id: UserId, current: SecretString) -> Result<u64, Failure> {
        let Credentials { hash, version, .. } =
            self.credentials_of(user_id).await?.ok_or(Failure::InvalidCredentials)?;
        if self.check_password(user_id, current, Some(hash)).await? {
            Ok(version)
        } else {
            Err(Failure::InvalidCredentials)
        }
    }

    /// A password that passed the policy for this person.
    pub(super) async fn fit_password(
        &self,
        person: &Person,
        password: SecretString,
        blocklist: bool,
    ) -> Result<NewPassword, Failure> {
        let (username, email) = self.names_of(person).await?;
        NewPassword::parse(password, &username, &email, blocklist).map_err(Failure::UnfitPassword)
    }

    async fn names_of(&self, person: &Person) -> Result<(Username, Email), Failure> {
        let plain = self.opened(person).await?;
        // Nothing opens of who was erased a moment ago.
        let (Some(username), Some(email)) = (plain.username, plain.email) else {
            return Err(Failure::InvalidCredentials);
        };
        let broken = |error: domain::TextError| Failure::Internal(error.to_string());
        Ok((Username::parse(&username).map_err(broken)?, Email::parse(&email).map_err(broken)?))
    }

    pub(super) async fn load_user(&self, user_id: UserId) -> Result<User, Failure> {
        let mut loaded = self.journal().load::<User>(&[user_id.0]).await?;
        Ok(loaded.remove(&user_id.0).unwrap_or_default().state)
    }

    pub(super) async fn credentials_of(&self, user_id: UserId) -> Result<Option<Credentials>, Failure> {
        let row = sqlx::query(
            "select owner, version, value from secrets where owner = $1 and kind = $2 and name = ''",
        )
        .bind(user_id.0)
        .bind(SecretKind::Password.as_str())
        .fetch_optional(self.journal().pool())
        .await
        .map_err(JournalError::Postgres)?;
        row.as_ref().map_or(Ok(None), Credentials::of)
    }

    /// After the right password was given: if its hash is weaker than new ones are, it is made anew. Nothing happened to
    /// the user by that, so it is no event; and it is put only in the place of that very hash. Whoever signs in does not
    /// care, so it may fail.
    pub(super) async fn keep_hash_current(&self, credentials: &Credentials, password: SecretString) {
        if !needs_rehash(&credentials.hash) {
            return;
        }
        let Ok(hash) = self.hasher().hash(password).await else { return };
        let replaced = sqlx::query(
            "update secrets set value = $1 where owner = $2 and kind = $3 and name = '' and value = $4",
        )
        .bind(hash.into_bytes())
        .bind(credentials.user_id.0)
        .bind(SecretKind::Password.as_str())
        .bind(credentials.hash.as_bytes())
        .execute(self.journal().pool())
        .await;
        match replaced {
            Ok(_) => tracing::info!(event = "password_rehashed", user_id = %credentials.user_id),
            Err(error) => tracing::warn!(event = "password_not_rehashed", error_message = %error),
        }
    }
}

/// What is written with a change of password: its hash; and no link that was mailed before is good any more. A link to
/// another address may have been asked for by who the change is to keep out.
pub(super) fn new_password_beside(hash: String, version_before: u64) -> Result<Beside, Failure> {
    let version = i64::try_from(version_before + 1).map_err(|error| Failure::Internal(error.to_string()))?;
    let secret =
        NewSecret { kind: SecretKind::Password, name: String::new(), version, value: hash.into_bytes() };
    Ok(Beside {
        secrets: vec![secret],
        dropped: [SecretKind::ResetToken, SecretKind::VerifyToken].map(|kind| (kind, String::new())).into(),
        ..Beside::default()
    })
}
