//! What can have happened to a user. No event holds a readable personal value or a secret.

use crate::{LoginSessionId, Sealed, Timestamp, UserId};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum UserEvent {
    UserRegistered {
        user_id: UserId,
        username: Sealed,
        email: Sealed,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        name: Option<Sealed>,
        roles: Vec<Role>,
        registered_at: Timestamp,
    },
    LoginSessionOpened {
        session_id: LoginSessionId,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        ip: Option<Sealed>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        user_agent: Option<Sealed>,
        opened_at: Timestamp,
        /// Idle expiry: moves with each refresh.
        expires_at: Timestamp,
        ends_at: Timestamp,
        login_count: u64,
    },
    LoginSessionRefreshed {
        session_id: LoginSessionId,
        generation: u32,
        refreshed_at: Timestamp,
        expires_at: Timestamp,
    },
    /// A refresh token was shown that had been replaced long ago: two hold it, and one of them stole it.
    RefreshTokenReused {
        session_id: LoginSessionId,
        generation: u32,
    },
    LoginSessionEnded {
        session_id: LoginSessionId,
        reason: EndReason,
        ended_at: Timestamp,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EndReason {
    Logout,
    Expired,
    /// A newer session took its place.
    Replaced,
    TokenReused,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    User,
    Service,
    Admin,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UserStatus {
    #[default]
    Active,
    Suspended,
    Erased,
}

impl UserEvent {
    pub const fn type_name(&self) -> &'static str {
        match self {
            Self::UserRegistered { .. } => "UserRegistered",
            Self::LoginSessionOpened { .. } => "LoginSessionOpened",
            Self::LoginSessionRefreshed { .. } => "LoginSessionRefreshed",
            Self::RefreshTokenReused { .. } => "RefreshTokenReused",
            Self::LoginSessionEnded { .. } => "LoginSessionEnded",
        }
    }
}

impl cqrs_es::DomainEvent for UserEvent {
    fn event_type(&self) -> String {
        self.type_name().to_owned()
    }

    fn event_version(&self) -> String {
        "1.0".to_owned()
    }
}
