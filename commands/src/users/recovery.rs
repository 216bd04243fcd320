//! A forgotten password: a mail is asked for by an address, and its token is good for one new password.
//!
//! Whether anybody has the address is not looked up before the answer: what is asked for is written down as it is, known or
//! not, and found out by the courier. So the answer and the time it takes say nothing.

use super::password::new_password_beside;
use crate::mail::{MailKind, MailToken, Params, Purpose, Wanted, redeem};
use crate::{ClaimKind, Commands, Context, Failure, Outcome, Refusal, RequestKey};
use domain::user::{PasswordChangeReason, UserCommand, UserRefusal};
use domain::{Email, Timestamp};
use journal::JournalError;
use secrecy::SecretString;

impl Commands {
    /// Wants a mail to whoever has this address.
    pub async fn forgot_password(&self, email: &Email) -> Result<(), Failure> {
        let claim = self.vault().claim(ClaimKind::Email.as_str(), &email.normalised());
        let wanted = Wanted {
            kind: MailKind::ResetPassword,
            user_id: None,
            address: None,
            params: Params { claim: Some(claim), ..Params::default() },
            due: None,
        };
        Ok(self.outbox().want(&[wanted]).await.map_err(JournalError::Postgres)?)
    }

    /// Sets a new password for who holds the token, and ends every session. The version of the password that the token was
    /// made for is the guard: of many who use it at once, one changes that.
    pub async fn reset_password(
        &self,
        context: Context,
        token: &str,
        new: SecretString,
        blocklist: bool,
    ) -> Outcome {
        let token = MailToken::parse(token).ok_or(Failure::InvalidMailToken)?;
        let user_id = token.user_for(Purpose::Reset).ok_or(Failure::InvalidMailToken)?;
        let again = async {
            let hash = self.hash_for(&context, new.clone()).await?;
            self.answer_again(self.reset_key(&context, &token, &hash), user_id).await
        };
        let attempt = self.try_reset(&context, &token, new.clone(), blocklist);
        let done = self.once(&context, again, attempt).await.map_err(used)?;
        // The new password is to work at once, whoever guessed at the old one.
        if !done.replayed
            && let Err(error) = self.unlock(user_id).await
        {
            tracing::warn!(event = "not_unlocked", %user_id, error_message = %error);
        }
        Ok(done)
    }

    async fn try_reset(
        &self,
        context: &Context,
        token: &MailToken,
        new: SecretString,
        blocklist: bool,
    ) -> Outcome {
        let now = self.options().clock.now();
        let redeemed = redeem(self.journal(), token, Purpose::Reset, now).await;
        let redeemed = redeemed.map_err(JournalError::Postgres)?;
        let (user_id, held, version) = redeemed.ok_or(Failure::InvalidMailToken)?;
        let user = self.load_user(user_id).await?;
        // Another address is another mailbox, and perhaps another's.
        let person = user.person().filter(|person| person.email_version == held.email_version);
        let person = person.ok_or(Failure::InvalidMailToken)?;
        let new = self.fit_password(person, new, blocklist).await?;
        let command = UserCommand::ChangePassword {
            password_version: version,
            reason: PasswordChangeReason::Reset,
            except: None,
            at: Timestamp::default(),
        };
        let hash = self.hash_for(context, new.into_secret()).await?;
        let key = self.reset_key(context, token, &hash);
        let beside = new_password_beside(hash, version)?;
        self.change_user(context, key, user_id, command, beside).await
    }

    fn reset_key(&self, context: &Context, token: &MailToken, hash: &str) -> Option<RequestKey> {
        self.request_key(context, &[b"reset_password", token.digest().as_bytes(), hash.as_bytes()])
    }
}

/// A refusal that means that the token has done its work, or can never do it.
pub(super) fn used(failure: Failure) -> Failure {
    match failure {
        Failure::Refused {
            refusal:
                Refusal::User(UserRefusal::PasswordChanged | UserRefusal::EmailChanged | UserRefusal::NotFound),
            position,
            replayed,
        } => Failure::Refused { refusal: Refusal::MailTokenUsed, position, replayed },
        other => other,
    }
}
