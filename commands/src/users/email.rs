//! A user's e-mail address: proved by a token that was mailed to it, and changed only when the new one is.

use super::recovery::used;
use crate::envelope::Beside;
use crate::mail::{MailKind, MailToken, Params, Purpose, Wanted, is_capped, redeem};
use crate::vault::SealedAt;
use crate::{ClaimKind, Commands, Context, Failure, Outcome, RequestKey, SecretKind};
use domain::user::{Person, UserCommand};
use domain::{Email, Sealed, Timestamp, UserId};
use journal::JournalError;

impl Commands {
    /// Proves the address that the token was mailed to; if that was a new one, it takes the old one's place.
    pub async fn verify_email(&self, context: Context, token: &str) -> Outcome {
        let token = MailToken::parse(token).ok_or(Failure::InvalidMailToken)?;
        let user_id = token.user_for(Purpose::Verify).ok_or(Failure::InvalidMailToken)?;
        let key = self.request_key(&context, &[b"verify_email", token.digest().as_bytes()]);
        let attempt = self.try_verify(&context, key, &token);
        self.once(&context, self.answer_again(key, user_id), attempt).await.map_err(used)
    }

    async fn try_verify(&self, context: &Context, key: Option<RequestKey>, token: &MailToken) -> Outcome {
        let now = self.options().clock.now();
        let redeemed = redeem(self.journal(), token, Purpose::Verify, now).await;
        let redeemed = redeemed.map_err(JournalError::Postgres)?;
        let (user_id, held, email_version) = redeemed.ok_or(Failure::InvalidMailToken)?;
        let mut dropped = vec![(SecretKind::VerifyToken, String::new())];
        let mut claims = Vec::new();
        if let Some(sealed) = &held.email {
            let email = self.open_new_email(user_id, sealed).await?;
            claims.extend(self.new_claims(user_id, [(ClaimKind::Email, email.normalised())]).await?);
            // A link that was mailed to the old address is not for who has only that.
            dropped.push((SecretKind::ResetToken, String::new()));
        }
        let command = UserCommand::VerifyEmail { email_version, email: held.email, at: Timestamp::default() };
        let beside = Beside { claims, dropped, ..Beside::default() };
        self.change_user(context, key, user_id, command, beside).await
    }

    /// Wants the mail with the token once more. Who has proved their address gets none.
    pub async fn resend_verification(&self, user_id: UserId) -> Result<(), Failure> {
        let wanted = Wanted::of(MailKind::VerifyEmail, user_id);
        Ok(self.outbox().want(&[wanted]).await.map_err(JournalError::Postgres)?)
    }

    /// Wants a mail to the address that is to become the user's, and word of it to the present one. Nothing changes before
    /// the new one is proved.
    pub(super) async fn start_email_change(&self, person: &Person, new: &Email) -> Result<(), Failure> {
        let user_id = person.user_id;
        let now = self.options().clock.now();
        // Silently, as for every mail with a token: word to the present address is no way to pester its owner either.
        let capped = is_capped(self.journal(), user_id, Purpose::Verify, now).await;
        if capped.map_err(JournalError::Postgres)? {
            return Ok(());
        }
        let notice = Wanted {
            params: Params { at: Some(now), ..Params::default() },
            ..Wanted::of(MailKind::EmailChangeAsked, user_id)
        };
        let verification = Wanted {
            address: Some(new.as_str().to_owned()),
            params: Params { email_version: Some(person.email_version), ..Params::default() },
            ..Wanted::of(MailKind::VerifyNewEmail, user_id)
        };
        let wanted = self.outbox().want_instead(user_id, &[notice, verification]).await;
        Ok(wanted.map_err(JournalError::Postgres)?)
    }

    async fn open_new_email(&self, user_id: UserId, sealed: &Sealed) -> Result<Email, Failure> {
        let place = SealedAt { user_id, event_type: "ProfileChanged", field: "email", sealed };
        let opened = self.vault().open_many(&[place]).await?;
        let text = opened.into_iter().next().flatten().ok_or(Failure::InvalidMailToken)?;
        Email::parse(&text).map_err(|error| Failure::Internal(error.to_string()))
    }
}
