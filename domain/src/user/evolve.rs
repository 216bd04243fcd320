//! How what happened changes a user.

use super::{ApiKey, LoginSession, Person, Preferences, User, UserEvent, UserStatus};
use crate::{Sealed, SealedIn, Timestamp};
use std::sync::Arc;

impl User {
    pub(super) fn fold(&mut self, event: &UserEvent) {
        match event.clone() {
            UserEvent::UserRegistered { user_id, username, email, name, roles, registered_at } => {
                self.person = Some(Person {
                    user_id,
                    username: SealedIn::new(event.type_name(), username),
                    email: SealedIn::new(event.type_name(), email),
                    name: name.map(|name| SealedIn::new(event.type_name(), name)),
                    roles,
                    status: UserStatus::Active,
                    email_verified: false,
                    email_version: 1,
                    password_version: 1,
                    preferences: Preferences::default(),
                    preferences_version: 0,
                    exchanges: Vec::new(),
                    settings: None,
                    login_count: 0,
                    last_login_at: None,
                    created_at: registered_at,
                    updated_at: registered_at,
                });
            }
            UserEvent::RefreshTokenReused { .. } => {}
            UserEvent::LoginSessionOpened { .. }
            | UserEvent::LoginSessionRefreshed { .. }
            | UserEvent::LoginSessionEnded { .. } => self.evolve_sessions(event),
            UserEvent::ApiKeyCreated { .. }
            | UserEvent::ApiKeyChanged { .. }
            | UserEvent::ApiKeyRotated { .. }
            | UserEvent::ApiKeyRevoked { .. } => self.evolve_api_keys(event),
            _ => {
                if let Some(person) = &mut self.person {
                    person.evolve(event);
                }
                if matches!(event, UserEvent::UserErased { .. }) {
                    self.api_keys.clear();
                }
            }
        }
    }
}

impl Person {
    fn evolve(&mut self, event: &UserEvent) {
        match event.clone() {
            UserEvent::ProfileChanged { username, email, name, name_removed, changed_at } => {
                if let Some(username) = username {
                    self.username = SealedIn::new(event.type_name(), username);
                }
                if let Some(email) = email {
                    self.email = SealedIn::new(event.type_name(), email);
                    self.email_verified = false;
                    self.email_version += 1;
                }
                if name_removed || name.is_some() {
                    self.name = name.map(|name| SealedIn::new(event.type_name(), name));
                }
                self.updated_at = changed_at;
            }
            UserEvent::EmailVerified { verified_at } => {
                self.email_verified = true;
                self.updated_at = verified_at;
            }
            UserEvent::PasswordChanged { password_version, .. } => {
                self.password_version = password_version;
                self.email_version += 1;
            }
            UserEvent::RolesChanged { roles, changed_at } => {
                self.roles = roles;
                self.updated_at = changed_at;
            }
            UserEvent::UserSuspended { suspended_at: at } => self.now_is(UserStatus::Suspended, at),
            UserEvent::UserReactivated { reactivated_at: at } => self.now_is(UserStatus::Active, at),
            UserEvent::UserErased { erased_at: at } => {
                self.settings = None;
                self.now_is(UserStatus::Erased, at);
            }
            UserEvent::SettingsChanged { .. }
            | UserEvent::PresetSaved { .. }
            | UserEvent::PresetRenamed { .. }
            | UserEvent::PresetApplied { .. }
            | UserEvent::PresetDeleted { .. } => {
                Arc::make_mut(self.settings.get_or_insert_default()).evolve(event);
            }
            UserEvent::PreferencesChanged { preferences, .. } => {
                self.preferences = preferences;
                self.preferences_version += 1;
            }
            UserEvent::ExchangeCredentialsChanged { exchange, credentials, .. } => {
                self.exchanges.retain(|held| *held != exchange);
                if credentials.is_some() {
                    self.exchanges.push(exchange);
                }
            }
            // Sessions, keys and the beginning are the user's.
            _ => {}
        }
    }

    fn now_is(&mut self, status: UserStatus, at: Timestamp) {
        self.status = status;
        self.updated_at = at;
    }
}

impl User {
    fn evolve_sessions(&mut self, event: &UserEvent) {
        match *event {
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
            UserEvent::LoginSessionEnded { session_id, .. } => {
                self.sessions.retain(|session| session.session_id != session_id);
            }
            _ => {}
        }
    }

    fn evolve_api_keys(&mut self, event: &UserEvent) {
        match *event {
            UserEvent::ApiKeyCreated { key_id, ref name, scopes, expires_at, ref cidrs, created_at } => {
                let here = |sealed: &Sealed| SealedIn::new(event.type_name(), sealed.clone());
                self.api_keys.push(ApiKey {
                    key_id,
                    name: here(name),
                    scopes,
                    cidrs: cidrs.as_ref().map(here),
                    is_active: true,
                    expires_at,
                    generation: 1,
                    previous_until: None,
                    created_at,
                });
            }
            UserEvent::ApiKeyChanged { key_id, ref change, .. } => {
                if let Some(key) = self.api_keys.iter_mut().find(|key| key.key_id == key_id) {
                    key.evolve(event.type_name(), change);
                }
            }
            UserEvent::ApiKeyRotated { key_id, generation, previous_until, .. } => {
                if let Some(key) = self.api_keys.iter_mut().find(|key| key.key_id == key_id) {
                    key.generation = generation;
                    key.previous_until = Some(previous_until);
                }
            }
            UserEvent::ApiKeyRevoked { key_id, .. } => self.api_keys.retain(|key| key.key_id != key_id),
            _ => {}
        }
    }
}
