//! Keys that programs sign in with. The secrets themselves are elsewhere: a user knows which keys there are and what they may.

use crate::{ApiKeyId, Scopes, Sealed, SealedIn, Timestamp};
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
