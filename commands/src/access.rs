//! Who asks, and what for: what every use case is told beside its input.

use domain::{Actor, ApiKeyId, LoginSessionId, UserId};
use serde::{Deserialize, Serialize};
use std::time::Instant;
use uuid::Uuid;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Principal {
    Anonymous,
    /// Counterfoil itself.
    System,
    /// Signed in with an access token.
    Person {
        user_id: UserId,
        session_id: LoginSessionId,
    },
    /// A program with a key.
    Key {
        key_id: ApiKeyId,
        owner: UserId,
        is_service: bool,
    },
}

impl Principal {
    pub const fn actor(self) -> Actor {
        match self {
            Self::Anonymous => Actor::ANONYMOUS,
            Self::System => Actor::SYSTEM,
            Self::Person { user_id, session_id } => Actor::user(user_id.0).in_session(session_id),
            Self::Key { key_id, owner, is_service } => {
                let actor = if is_service { Actor::service(owner.0) } else { Actor::user(owner.0) };
                actor.with_key(key_id)
            }
        }
    }

    /// Whose keys are one's own: part of the digest of an idempotency key.
    pub fn key_scope(self) -> Uuid {
        match self {
            Self::Anonymous | Self::System => Uuid::nil(),
            Self::Person { user_id, .. } | Self::Key { owner: user_id, .. } => user_id.0,
        }
    }
}

/// What a command may touch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Authority {
    /// What belongs to this user; anything else is not found.
    Owner(UserId),
    /// Everybody's: an admin's and a service's.
    Anybody,
}

impl Authority {
    pub fn covers(self, owner: UserId) -> bool {
        match self {
            Self::Owner(user_id) => user_id == owner,
            Self::Anybody => true,
        }
    }
}

/// The circumstances of one request.
#[derive(Clone, Debug)]
pub struct Context {
    pub principal: Principal,
    /// The client's `Idempotency-Key`, as sent.
    pub key: Option<String>,
    pub correlation_id: Uuid,
    /// From `If-Match`.
    pub expected_version: Option<i64>,
    /// When the request was there: everything it takes until the command is decided counts.
    pub received: Instant,
}
