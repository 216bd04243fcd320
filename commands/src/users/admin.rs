//! What admins and operators do with other people's accounts.

use crate::{ClaimKind, Commands, Context, Failure, Outcome, Refusal};
use domain::user::{Role, User, UserCommand};
use domain::{Email, Timestamp, UserId};
use journal::JournalError;

/// How often a role is given again to somebody who changed meanwhile: a login now and then, never several a moment.
const TRIES_MAX: usize = 5;

/// What came of giving somebody a role.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RoleGiven {
    Now,
    Already,
}

impl Commands {
    /// Ends every session of theirs with it: nobody suspended goes on as if nothing were.
    pub async fn suspend(&self, context: Context, user_id: UserId) -> Outcome {
        let key = self.request_key(&context, &[b"suspend", user_id.0.as_bytes()]);
        self.ask_user(&context, key, user_id, UserCommand::Suspend { at: Timestamp::default() }).await
    }

    pub async fn reactivate(&self, context: Context, user_id: UserId) -> Outcome {
        let key = self.request_key(&context, &[b"reactivate", user_id.0.as_bytes()]);
        self.ask_user(&context, key, user_id, UserCommand::Reactivate { at: Timestamp::default() }).await
    }

    /// Whoever holds an address.
    pub async fn user_with_email(&self, email: &Email) -> Result<Option<UserId>, Failure> {
        let kind = ClaimKind::Email.as_str();
        let owner = sqlx::query_scalar("select owner from claims where kind = $1 and digest = $2")
            .bind(kind)
            .bind(self.vault().claim(kind, &email.normalised()))
            .fetch_optional(self.journal().pool())
            .await
            .map_err(JournalError::Postgres)?;
        Ok(owner.map(UserId))
    }

    /// One role more. It ends every session, so that nobody goes on with a token of before.
    pub async fn give_role(
        &self,
        context: Context,
        user_id: UserId,
        role: Role,
    ) -> Result<RoleGiven, Failure> {
        let mut tries = 0;
        loop {
            tries += 1;
            let loaded =
                self.journal().load::<User>(&[user_id.0]).await?.remove(&user_id.0).unwrap_or_default();
            let roles = loaded.state.person().map(|person| person.roles.clone()).unwrap_or_default();
            if roles.contains(&role) {
                return Ok(RoleGiven::Already);
            }
            let roles = roles.into_iter().chain([role]).collect();
            let context = Context { expected_version: Some(loaded.sequence), ..context.clone() };
            let command = UserCommand::ChangeRoles { roles, at: Timestamp::default() };
            match self.ask_user(&context, None, user_id, command).await {
                Err(Failure::Refused { refusal: Refusal::StaleVersion { .. }, .. }) if tries < TRIES_MAX => {}
                outcome => return outcome.map(|_| RoleGiven::Now),
            }
        }
    }
}
