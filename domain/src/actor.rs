//! Who did it: stands in the metadata of every event.

use crate::{ApiKeyId, LoginSessionId};
use serde::{Deserialize, Serialize};
use std::fmt;
use uuid::Uuid;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ActorKind {
    /// Nobody yet: a registration or a login.
    Anonymous,
    User,
    Service,
    /// Counterfoil itself.
    System,
}

impl ActorKind {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Anonymous => "anonymous",
            Self::User => "user",
            Self::Service => "service",
            Self::System => "system",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Actor {
    pub kind: ActorKind,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<Uuid>,
    /// The login session they acted in, if it was in one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_id: Option<LoginSessionId>,
    /// The key that a program of theirs acted with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub api_key_id: Option<ApiKeyId>,
}

impl Actor {
    pub const ANONYMOUS: Self = Self::new(ActorKind::Anonymous, None);
    pub const SYSTEM: Self = Self::new(ActorKind::System, None);

    pub const fn new(kind: ActorKind, id: Option<Uuid>) -> Self {
        Self { kind, id, session_id: None, api_key_id: None }
    }

    pub const fn user(id: Uuid) -> Self {
        Self::new(ActorKind::User, Some(id))
    }

    pub const fn service(id: Uuid) -> Self {
        Self::new(ActorKind::Service, Some(id))
    }

    #[must_use]
    pub const fn in_session(self, session_id: LoginSessionId) -> Self {
        Self { session_id: Some(session_id), ..self }
    }

    #[must_use]
    pub const fn with_key(self, api_key_id: ApiKeyId) -> Self {
        Self { api_key_id: Some(api_key_id), ..self }
    }

    /// The same, without what they proved themselves with.
    #[must_use]
    pub const fn bare(self) -> Self {
        Self::new(self.kind, self.id)
    }
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.id {
            Some(id) => write!(f, "{}:{id}", self.kind.as_str()),
            None => f.write_str(self.kind.as_str()),
        }
    }
}
