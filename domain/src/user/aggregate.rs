//! The rules of a user.
//!
//! The state keeps what there is now: sessions that are open and keys that are good, both bounded, so it does not grow
//! with age.

use super::preferences::PreferencesChange;
use super::{
    ApiKey, EndReason, Exchange, LoginSession, PasswordChangeReason, Preferences, Role, SettingsHeld,
    UserCommand, UserEvent, UserRefusal, UserStatus,
};
use crate::aggregate::aggregate_shim;
use crate::{AggregateKind, ApiKeyId, Decide, LoginSessionId, Sealed, SealedIn, Timestamp, UserId};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    /// Nothing until somebody registers.
    pub(super) person: Option<Person>,
    pub(super) sessions: Vec<LoginSession>,
    pub(super) api_keys: Vec<ApiKey>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Person {
    pub user_id: UserId,
    pub username: SealedIn,
    pub email: SealedIn,
    pub name: Option<SealedIn>,
    pub roles: Vec<Role>,
    pub status: UserStatus,
    pub email_verified: bool,
    /// Counts their addresses and passwords: what proves an address under one proves nothing under the next.
    pub email_version: u64,
    pub password_version: u64,
    pub preferences: Preferences,
    /// Counts how often they changed: whatever else happens to the user leaves it alone.
    pub preferences_version: u64,
    /// Where credentials are left.
    pub exchanges: Vec<Exchange>,
    /// Nothing until they set something.
    pub settings: Option<Arc<SettingsHeld>>,
    pub login_count: u64,
    pub last_login_at: Option<Timestamp>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

impl User {
    pub const fn person(&self) -> Option<&Person> {
        self.person.as_ref()
    }

    pub fn sessions(&self) -> &[LoginSession] {
        &self.sessions
    }

    pub fn api_keys(&self) -> &[ApiKey] {
        &self.api_keys
    }

    pub fn api_key(&self, id: ApiKeyId) -> Option<&ApiKey> {
        self.api_keys.iter().find(|key| key.key_id == id)
    }

    /// Whoever is not erased.
    pub(super) fn living_person(&self) -> Result<&Person, UserRefusal> {
        let person = self.person.as_ref().filter(|person| person.status != UserStatus::Erased);
        person.ok_or(UserRefusal::NotFound)
    }

    pub(super) fn active_person(&self) -> Result<&Person, UserRefusal> {
        let person = self.living_person()?;
        if person.status == UserStatus::Suspended { Err(UserRefusal::Suspended) } else { Ok(person) }
    }

    /// One event, and after it the end of every session.
    fn and_end_sessions(
        &self,
        event: UserEvent,
        except: Option<LoginSessionId>,
        reason: EndReason,
        at: Timestamp,
    ) -> Vec<UserEvent> {
        std::iter::once(event).chain(self.end_sessions(except, reason, at)).collect()
    }

    /// Whether they are here, and as what.
    fn decide_standing(&self, command: UserCommand) -> Result<Vec<UserEvent>, UserRefusal> {
        match command {
            UserCommand::ChangeRoles { roles, at } => {
                if self.living_person()?.roles == roles {
                    return Ok(vec![]);
                }
                let changed = UserEvent::RolesChanged { roles, changed_at: at };
                Ok(self.and_end_sessions(changed, None, EndReason::RolesChanged, at))
            }
            UserCommand::Suspend { at } => {
                if self.living_person()?.status == UserStatus::Suspended {
                    return Ok(vec![]);
                }
                let suspended = UserEvent::UserSuspended { suspended_at: at };
                Ok(self.and_end_sessions(suspended, None, EndReason::Suspended, at))
            }
            UserCommand::Reactivate { at } => {
                let is_suspended = self.living_person()?.status == UserStatus::Suspended;
                let reactivated = UserEvent::UserReactivated { reactivated_at: at };
                Ok(if is_suspended { vec![reactivated] } else { vec![] })
            }
            UserCommand::Erase { at } => {
                self.living_person()?;
                // The sessions first: nothing comes after the erasure.
                let ended = self.end_sessions(None, EndReason::Erased, at);
                Ok(ended.chain([UserEvent::UserErased { erased_at: at }]).collect())
            }
            // The others are about what is theirs.
            _ => Ok(vec![]),
        }
    }

    fn verify_email(
        &self,
        email_version: u64,
        email: Option<Sealed>,
        at: Timestamp,
    ) -> Result<Vec<UserEvent>, UserRefusal> {
        let person = self.active_person()?;
        if person.email_version != email_version || (email.is_none() && person.email_verified) {
            return Err(UserRefusal::EmailChanged);
        }
        let changed = email.map(|email| UserEvent::ProfileChanged {
            username: None,
            email: Some(email),
            name: None,
            name_removed: false,
            changed_at: at,
        });
        Ok(changed.into_iter().chain([UserEvent::EmailVerified { verified_at: at }]).collect())
    }
}

impl User {
    fn change_preferences(
        &self,
        change: PreferencesChange,
        expected_version: Option<u64>,
        at: Timestamp,
    ) -> Result<Vec<UserEvent>, UserRefusal> {
        let Person { preferences: before, preferences_version: actual, .. } = self.active_person()?;
        if let Some(expected) = expected_version.filter(|expected| expected != actual) {
            return Err(UserRefusal::StalePreferences { expected, actual: *actual });
        }
        let preferences = before.changed(change)?;
        let is_same = preferences == *before;
        let changed = UserEvent::PreferencesChanged { preferences, changed_at: at };
        Ok(if is_same { vec![] } else { vec![changed] })
    }
}

impl Decide for User {
    const KIND: AggregateKind = AggregateKind::User;
    const SCHEMA: i32 = 5;
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
            UserCommand::OpenSession { .. }
            | UserCommand::RefreshSession { .. }
            | UserCommand::EndSession { .. }
            | UserCommand::EndSessions { .. }
            | UserCommand::ExpireSessions { .. } => self.decide_session(command),
            UserCommand::ChangeRoles { .. }
            | UserCommand::Suspend { .. }
            | UserCommand::Reactivate { .. }
            | UserCommand::Erase { .. } => self.decide_standing(command),
            UserCommand::CreateApiKey { .. }
            | UserCommand::ChangeApiKey { .. }
            | UserCommand::RotateApiKey { .. }
            | UserCommand::RevokeApiKey { .. } => self.decide_api_key(command),
            UserCommand::ChangeProfile { username, email, name, remove_name, at } => {
                let person = self.active_person()?;
                let name_removed = remove_name && person.name.is_some();
                if username.is_none() && email.is_none() && name.is_none() && !name_removed {
                    return Ok(vec![]);
                }
                Ok(vec![UserEvent::ProfileChanged { username, email, name, name_removed, changed_at: at }])
            }
            UserCommand::VerifyEmail { email_version, email, at } => {
                self.verify_email(email_version, email, at)
            }
            UserCommand::ChangePassword { password_version, reason, except, at } => {
                let person = self.active_person()?;
                if person.password_version != password_version {
                    return Err(UserRefusal::PasswordChanged);
                }
                let password_version = password_version + 1;
                let mut events =
                    vec![UserEvent::PasswordChanged { reason, password_version, changed_at: at }];
                // Whoever has to reset it may have lost the account, and with it the keys: to somebody who copied them,
                // or made some.
                if reason == PasswordChangeReason::Reset {
                    events.extend(self.switch_off_api_keys(at));
                }
                events.extend(self.end_sessions(except, EndReason::PasswordChanged, at));
                Ok(events)
            }
            UserCommand::ChangePreferences { change, expected_version, at } => {
                self.change_preferences(change, expected_version, at)
            }
            UserCommand::Settings { asked, at } => {
                let held = self.active_person()?.settings.as_deref();
                held.unwrap_or(&SettingsHeld::default()).decide(*asked, at)
            }
            UserCommand::ChangeCredentials { exchange, credentials, at } => {
                let person = self.active_person()?;
                if credentials.is_none() && !person.exchanges.contains(&exchange) {
                    return Err(UserRefusal::NoCredentials);
                }
                Ok(vec![UserEvent::ExchangeCredentialsChanged { exchange, credentials, changed_at: at }])
            }
        }
    }

    fn evolve(&mut self, event: &UserEvent) {
        self.fold(event);
    }
}

aggregate_shim!(User, "user", UserCommand, UserEvent, UserRefusal);
