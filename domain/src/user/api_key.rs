//! Keys that programs sign in with. The secrets themselves are elsewhere: a user knows which keys there are and what they may.

use crate::{ApiKeyId, Scopes, Sealed, Timestamp};
use serde::{Deserialize, Serialize};

/// Keys a user may hold at a time.
pub const API_KEYS_MAX: usize = 25;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApiKey {
    pub key_id: ApiKeyId,
    pub scopes: Scopes,
    pub is_active: bool,
    pub expires_at: Timestamp,
    /// Counts its secrets: a rotation makes the next.
    pub generation: u32,
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
