//! Keys that programs sign in with, and the rules of them. The secrets themselves are elsewhere: a user knows which keys there are and what they may.

use super::{Role, User, UserCommand, UserEvent, UserRefusal};
use crate::{ApiKeyId, Scope, Scopes, Sealed, SealedIn, Timestamp};
use serde::{Deserialize, Serialize};

/// Keys a user may hold at a time.
pub const API_KEYS_MAX: usize = 25;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApiKey {
    pub key_id: ApiKeyId,
    pub name: SealedIn,
    pub scopes: Scopes,
    /// The networks it may be used from; none means everywhere, and so does an empty list.
    pub cidrs: Option<SealedIn>,
    pub is_active: bool,
    pub expires_at: Timestamp,
    /// Counts its secrets: a rotation makes the next.
    pub generation: u32,
    /// How long the secret before the newest is good, if there was one.
    pub previous_until: Option<Timestamp>,
    pub created_at: Timestamp,
}

impl ApiKey {
    pub(super) fn evolve(&mut self, event_type: &'static str, change: &ApiKeyChange) {
        let here = |sealed: &Sealed| SealedIn::new(event_type, sealed.clone());
        if let Some(name) = &change.name {
            self.name = here(name);
        }
        if let Some(cidrs) = &change.cidrs {
            self.cidrs = Some(here(cidrs));
        }
        self.scopes = change.scopes.unwrap_or(self.scopes);
        self.is_active = change.is_active.unwrap_or(self.is_active);
        self.expires_at = change.expires_at.unwrap_or(self.expires_at);
    }
}

/// What is to be changed of a key; what is left out stays.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApiKeyChange {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<Sealed>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scopes: Option<Scopes>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub is_active: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
    /// The networks it may be used from, as one sealed list; an empty one means everywhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cidrs: Option<Sealed>,
}

impl User {
    pub(super) fn decide_api_key(&self, command: UserCommand) -> Result<Vec<UserEvent>, UserRefusal> {
        match command {
            UserCommand::CreateApiKey { key_id, name, scopes, expires_at, cidrs, at } => {
                self.may_give(scopes)?;
                if self.api_keys.len() >= API_KEYS_MAX {
                    return Err(UserRefusal::TooManyKeys { max: API_KEYS_MAX });
                }
                Ok(vec![UserEvent::ApiKeyCreated { key_id, name, scopes, expires_at, cidrs, created_at: at }])
            }
            UserCommand::ChangeApiKey { key_id, change, at } => {
                self.held_key(key_id)?;
                self.may_give(change.scopes.unwrap_or_default())?;
                if change == ApiKeyChange::default() {
                    return Ok(vec![]);
                }
                Ok(vec![UserEvent::ApiKeyChanged { key_id, change, changed_at: at }])
            }
            UserCommand::RotateApiKey { key_id, generation, previous_for, at } => {
                let key = self.held_key(key_id)?;
                if key.generation != generation {
                    return Err(UserRefusal::KeyRotated);
                }
                Ok(vec![UserEvent::ApiKeyRotated {
                    key_id,
                    generation: generation + 1,
                    previous_until: at.plus(previous_for).min(key.expires_at),
                    rotated_at: at,
                }])
            }
            UserCommand::RevokeApiKey { key_id, at } => {
                self.living_person()?;
                self.api_key(key_id).ok_or(UserRefusal::KeyNotFound)?;
                Ok(vec![UserEvent::ApiKeyRevoked { key_id, revoked_at: at }])
            }
            // The others are not about keys.
            _ => Ok(vec![]),
        }
    }

    /// Those that work stop, until somebody has looked at them and switches them on again.
    pub(super) fn switch_off_api_keys(&self, at: Timestamp) -> impl Iterator<Item = UserEvent> + '_ {
        let change = ApiKeyChange { is_active: Some(false), ..ApiKeyChange::default() };
        let working = self.api_keys.iter().filter(|key| key.is_active);
        working.map(move |key| UserEvent::ApiKeyChanged {
            key_id: key.key_id,
            change: change.clone(),
            changed_at: at,
        })
    }

    fn held_key(&self, id: ApiKeyId) -> Result<&ApiKey, UserRefusal> {
        self.active_person()?;
        self.api_key(id).ok_or(UserRefusal::KeyNotFound)
    }

    /// A person's keys do what the person does; who reads everybody's history is a service.
    fn may_give(&self, scopes: Scopes) -> Result<(), UserRefusal> {
        let person = self.active_person()?;
        if scopes.contains(Scope::Audit) && !person.roles.contains(&Role::Service) {
            return Err(UserRefusal::ScopeNotAllowed { scope: Scope::Audit });
        }
        Ok(())
    }
}
