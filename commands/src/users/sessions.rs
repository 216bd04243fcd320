//! How login sessions go on and end.

use super::SignedIn;
use crate::{Commands, Context, Failure, Outcome};
use domain::user::{EndReason, UserCommand};
use domain::{LoginSessionId, Timestamp, UserId};

impl Commands {
    /// Exchanges a refresh token for the next one.
    pub async fn refresh(&self, context: Context, token: &str) -> Result<SignedIn, Failure> {
        let token = self.refresh_tokens().verify(token).ok_or(Failure::InvalidRefreshToken)?;
        let (user_id, session_id) = (token.user_id, token.session_id);
        let command = UserCommand::RefreshSession {
            session_id,
            generation: token.generation,
            policy: self.options().session_policy,
            at: Timestamp::default(),
        };
        let done = match self.ask_user(&context, None, user_id, command).await {
            Err(Failure::Refused { .. }) => return Err(Failure::InvalidRefreshToken),
            outcome => outcome?,
        };
        if done.events.iter().any(|recorded| recorded.event_type == "RefreshTokenReused") {
            return Err(Failure::RefreshTokenReused { session_id });
        }
        self.signed_in(done, user_id, session_id)
    }

    pub async fn logout(&self, context: Context, user_id: UserId, session_id: LoginSessionId) -> Outcome {
        self.end_session(context, user_id, session_id, EndReason::Logout).await
    }

    /// Ends one session. One that has ended already is nothing to do. A repeat is known whoever it is thought to belong to:
    /// once it has ended, nobody can be asked whose it was.
    pub async fn end_session(
        &self,
        context: Context,
        user_id: UserId,
        session_id: LoginSessionId,
        reason: EndReason,
    ) -> Outcome {
        let key = self.request_key(&context, &[b"end_session", session_id.0.as_bytes()]);
        let command = UserCommand::EndSession { session_id, reason, at: Timestamp::default() };
        self.ask_user(&context, key, user_id, command).await
    }

    /// Ends every session of a user, but for one if that is to go on.
    pub async fn end_sessions(
        &self,
        context: Context,
        user_id: UserId,
        except: Option<LoginSessionId>,
        reason: EndReason,
    ) -> Outcome {
        let kept = except.map_or_else(Vec::new, |session| session.0.as_bytes().to_vec());
        let key = self.request_key(&context, &[b"end_sessions", user_id.0.as_bytes(), &kept]);
        let command = UserCommand::EndSessions { except, reason, at: Timestamp::default() };
        self.ask_user(&context, key, user_id, command).await
    }
}
