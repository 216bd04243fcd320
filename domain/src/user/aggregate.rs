//! The rules of a user.
//!
//! The state keeps only sessions that are open, at most as many as the policy allows, so it does not grow with age.

use super::{EndReason, Role, SessionPolicy, UserCommand, UserEvent, UserRefusal, UserStatus};
use crate::aggregate::aggregate_shim;
use crate::{AggregateKind, Decide, LoginSessionId, Sealed, Timestamp, UserId};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    /// Nothing until somebody registers.
    person: Option<Person>,
    sessions: Vec<LoginSession>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Person {
    pub user_id: UserId,
    pub username: Sealed,
    pub email: Sealed,
    pub name: Option<Sealed>,
    pub roles: Vec<Role>,
    pub status: UserStatus,
    pub email_verified: bool,
    pub password_version: u64,
    pub login_count: u64,
    pub last_login_at: Option<Timestamp>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

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
    pub const fn person(&self) -> Option<&Person> {
        self.person.as_ref()
    }

    pub fn sessions(&self) -> &[LoginSession] {
        &self.sessions
    }

    pub fn session(&self, id: LoginSessionId) -> Option<&LoginSession> {
        self.sessions.iter().find(|session| session.session_id == id)
    }

    fn active_person(&self) -> Result<&Person, UserRefusal> {
        let person = self.person.as_ref().ok_or(UserRefusal::NotFound)?;
        match person.status {
            UserStatus::Active => Ok(person),
            UserStatus::Suspended => Err(UserRefusal::Suspended),
            UserStatus::Erased => Err(UserRefusal::NotFound),
        }
    }

    /// Ends what is over and, of the oldest, as many as it takes for one more to fit.
    fn make_room(&self, policy: SessionPolicy, at: Timestamp) -> Vec<UserEvent> {
        let (over, open): (Vec<_>, Vec<_>) = self.sessions.iter().partition(|session| session.is_over(at));
        let excess = (open.len() + 1).saturating_sub(policy.sessions_max.max(1));
        let replaced = open.into_iter().take(excess).map(|session| (session, EndReason::Replaced));
        over.into_iter()
            .map(|session| (session, EndReason::Expired))
            .chain(replaced)
            .map(|(session, reason)| UserEvent::LoginSessionEnded {
                session_id: session.session_id,
                reason,
                ended_at: at,
            })
            .collect()
    }

    fn refresh(
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
            UserEvent::LoginSessionEnded { session_id, reason: EndReason::TokenReused, ended_at: at },
        ])
    }
}

impl Decide for User {
    const KIND: AggregateKind = AggregateKind::User;
    const SCHEMA: i32 = 1;
    type Refusal = UserRefusal;

    fn owner(&self) -> Option<UserId> {
        self.person.as_ref().map(|person| person.user_id)
    }

    fn decide(&self, command: UserCommand) -> Result<Vec<UserEvent>, UserRefusal> {
        match command {
            UserCommand::Register { user_id, username, email, name, roles, at } => {
                if self.person.is_some() {
                    return Err(UserRefusal::AlreadyRegistered);
                }
                Ok(vec![UserEvent::UserRegistered {
                    user_id,
                    username,
                    email,
                    name,
                    roles,
                    registered_at: at,
                }])
            }
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
                let ended = UserEvent::LoginSessionEnded { session_id, reason, ended_at: at };
                Ok(if open { vec![ended] } else { vec![] })
            }
        }
    }

    fn evolve(&mut self, event: &UserEvent) {
        match event.clone() {
            UserEvent::UserRegistered { user_id, username, email, name, roles, registered_at } => {
                self.person = Some(Person {
                    user_id,
                    username,
                    email,
                    name,
                    roles,
                    status: UserStatus::Active,
                    email_verified: false,
                    password_version: 1,
                    login_count: 0,
                    last_login_at: None,
                    created_at: registered_at,
                    updated_at: registered_at,
                });
            }
            UserEvent::LoginSessionOpened {
                session_id, opened_at, expires_at, ends_at, login_count, ..
            } => {
                self.sessions.push(LoginSession {
                    session_id,
                    generation: 1,
                    opened_at,
                    refreshed_at: opened_at,
                    expires_at,
                    ends_at,
                });
                if let Some(person) = &mut self.person {
                    person.login_count = login_count;
                    person.last_login_at = Some(opened_at);
                }
            }
            UserEvent::LoginSessionRefreshed { session_id, generation, refreshed_at, expires_at } => {
                if let Some(session) = self.sessions.iter_mut().find(|s| s.session_id == session_id) {
                    session.generation = generation;
                    session.refreshed_at = refreshed_at;
                    session.expires_at = expires_at;
                }
            }
            UserEvent::RefreshTokenReused { .. } => {}
            UserEvent::LoginSessionEnded { session_id, .. } => {
                self.sessions.retain(|session| session.session_id != session_id);
            }
        }
    }
}

aggregate_shim!(User, "user", UserCommand, UserEvent, UserRefusal);
