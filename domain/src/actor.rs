//! Who did it: stands in the metadata of every event.

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
}

impl Actor {
    pub const ANONYMOUS: Self = Self { kind: ActorKind::Anonymous, id: None };
    pub const SYSTEM: Self = Self { kind: ActorKind::System, id: None };

    pub const fn user(id: Uuid) -> Self {
        Self { kind: ActorKind::User, id: Some(id) }
    }

    pub const fn service(id: Uuid) -> Self {
        Self { kind: ActorKind::Service, id: Some(id) }
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
