//! Login sessions: how they begin, go on and end.

use super::{EndReason, SessionPolicy, User, UserCommand, UserEvent, UserRefusal};
use crate::{LoginSessionId, Timestamp};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoginSession {
    pub session_id: LoginSessionId,
    pub generation: u32,
    pub opened_at: Timestamp,
    pub refreshed_at: Timestamp,
    pub expires_at: Timestamp,
    pub ends_at: Timestamp,
}

impl LoginSession {
    pub fn is_over(&self, at: Timestamp) -> bool {
        at >= self.expires_at || at >= self.ends_at
    }
}

impl User {
    pub fn session(&self, id: LoginSessionId) -> Option<&LoginSession> {
        self.sessions().iter().find(|session| session.session_id == id)
    }

    pub(super) fn decide_session(&self, command: UserCommand) -> Result<Vec<UserEvent>, UserRefusal> {
        match command {
            UserCommand::OpenSession { session_id, password_version, ip, user_agent, policy, at } => {
                let person = self.active_person()?;
                if person.password_version != password_version {
                    return Err(UserRefusal::PasswordChanged);
                }
                let mut events = self.make_room(policy, at);
                events.push(UserEvent::LoginSessionOpened {
                    session_id,
                    ip,
                    user_agent,
                    opened_at: at,
                    expires_at: at.plus(policy.idle.min(policy.absolute)),
                    ends_at: at.plus(policy.absolute),
                    login_count: person.login_count + 1,
                });
                Ok(events)
            }
            UserCommand::RefreshSession { session_id, generation, policy, at } => {
                self.active_person()?;
                self.refresh(session_id, generation, policy, at)
            }
            UserCommand::EndSession { session_id, reason, at } => {
                self.person.as_ref().ok_or(UserRefusal::NotFound)?;
                let open = self.session(session_id).is_some();
                Ok(if open { vec![ended(session_id, reason, at)] } else { vec![] })
            }
            UserCommand::EndSessions { except, reason, at } => {
                self.living_person()?;
                Ok(self.end_sessions(except, reason, at).collect())
            }
            UserCommand::ExpireSessions { at } => {
                self.living_person()?;
                Ok(self.expire_sessions(at).collect())
            }
            // The others are not about sessions.
            _ => Ok(vec![]),
        }
    }

    /// Ends what is over and, of the oldest, as many as it takes for one more to fit.
    pub(super) fn make_room(&self, policy: SessionPolicy, at: Timestamp) -> Vec<UserEvent> {
        let (over, open): (Vec<_>, Vec<_>) = self.sessions().iter().partition(|session| session.is_over(at));
        let excess = (open.len() + 1).saturating_sub(policy.sessions_max.max(1));
        let replaced = open.into_iter().take(excess).map(|session| (session, EndReason::Replaced));
        over.into_iter()
            .map(|session| (session, EndReason::Expired))
            .chain(replaced)
            .map(|(session, reason)| ended(session.session_id, reason, at))
            .collect()
    }

    pub(super) fn refresh(
        &self,
        session_id: LoginSessionId,
        generation: u32,
        policy: SessionPolicy,
        at: Timestamp,
    ) -> Result<Vec<UserEvent>, UserRefusal> {
        let session = self.session(session_id).ok_or(UserRefusal::SessionEnded)?;
        if session.is_over(at) || generation > session.generation {
            return Err(UserRefusal::SessionEnded);
        }
        if generation == session.generation {
            return Ok(vec![UserEvent::LoginSessionRefreshed {
                session_id,
                generation: generation + 1,
                refreshed_at: at,
                expires_at: at.plus(policy.idle).min(session.ends_at),
            }]);
        }
        let previous = generation + 1 == session.generation;
        if previous && at.since(session.refreshed_at) <= policy.grace {
            return Ok(vec![]);
        }
        Ok(vec![
            UserEvent::RefreshTokenReused { session_id, generation },
            ended(session_id, EndReason::TokenReused, at),
        ])
    }

    /// Ends those that are over.
    pub(super) fn expire_sessions(&self, at: Timestamp) -> impl Iterator<Item = UserEvent> + '_ {
        let over = self.sessions().iter().filter(move |session| session.is_over(at));
        over.map(move |session| ended(session.session_id, EndReason::Expired, at))
    }

    /// Ends every session but one.
    pub(super) fn end_sessions(
        &self,
        except: Option<LoginSessionId>,
        reason: EndReason,
        at: Timestamp,
    ) -> impl Iterator<Item = UserEvent> + '_ {
        let ids = self.sessions().iter().map(|session| session.session_id);
        ids.filter(move |id| Some(*id) != except).map(move |id| ended(id, reason, at))
    }
}

pub(super) fn ended(session_id: LoginSessionId, reason: EndReason, at: Timestamp) -> UserEvent {
    UserEvent::LoginSessionEnded { session_id, reason, ended_at: at }
}
