//! What a user can be asked to do. Personal data arrives sealed, times and ids arrive decided.

use super::{
    ApiKeyChange, AskedOfSettings, CredentialsHeld, EndReason, Exchange, PasswordChangeReason,
    PreferencesChange, Role,
};
use crate::{ApiKeyId, LoginSessionId, Scopes, Sealed, Timestamp, UserId};
use serde::{Deserialize, Serialize};
use std::time::Duration;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum UserCommand {
    Register {
        user_id: UserId,
        username: Sealed,
        email: Sealed,
        name: Option<Sealed>,
        roles: Vec<Role>,
        at: Timestamp,
    },
    OpenSession {
        session_id: LoginSessionId,
        /// The password's version that the login was verified against.
        password_version: u64,
        ip: Option<Sealed>,
        user_agent: Option<Sealed>,
        policy: SessionPolicy,
        at: Timestamp,
    },
    RefreshSession {
        session_id: LoginSessionId,
        /// Which of the session's refresh tokens was shown.
        generation: u32,
        policy: SessionPolicy,
        at: Timestamp,
    },
    EndSession {
        session_id: LoginSessionId,
        reason: EndReason,
        at: Timestamp,
    },
    EndSessions {
        except: Option<LoginSessionId>,
        reason: EndReason,
        at: Timestamp,
    },
    /// Ends those that are over, whichever they are by then.
    ExpireSessions {
        at: Timestamp,
    },
    /// What is left out stays.
    ChangeProfile {
        username: Option<Sealed>,
        email: Option<Sealed>,
        name: Option<Sealed>,
        remove_name: bool,
        at: Timestamp,
    },
    VerifyEmail {
        /// Which of the user's addresses, one after the other, was proved.
        email_version: u64,
        /// The address, if it takes the place of the one before with this.
        email: Option<Sealed>,
        at: Timestamp,
    },
    ChangePassword {
        /// The version that who asks knew, or that the link in the mail was made for.
        password_version: u64,
        reason: PasswordChangeReason,
        /// The session that asks goes on.
        except: Option<LoginSessionId>,
        at: Timestamp,
    },
    ChangeRoles {
        roles: Vec<Role>,
        at: Timestamp,
    },
    Suspend {
        at: Timestamp,
    },
    Reactivate {
        at: Timestamp,
    },
    Erase {
        at: Timestamp,
    },
    ChangePreferences {
        change: PreferencesChange,
        /// The preferences' own version, if only that is to be changed.
        expected_version: Option<u64>,
        at: Timestamp,
    },
    CreateApiKey {
        key_id: ApiKeyId,
        name: Sealed,
        scopes: Scopes,
        expires_at: Timestamp,
        cidrs: Option<Sealed>,
        at: Timestamp,
    },
    ChangeApiKey {
        key_id: ApiKeyId,
        change: ApiKeyChange,
        at: Timestamp,
    },
    RotateApiKey {
        key_id: ApiKeyId,
        /// The secret that was newest when the next one was made.
        generation: u32,
        previous_for: Duration,
        at: Timestamp,
    },
    RevokeApiKey {
        key_id: ApiKeyId,
        at: Timestamp,
    },
    ChangeCredentials {
        exchange: Exchange,
        credentials: Option<CredentialsHeld>,
        at: Timestamp,
    },
    Settings {
        asked: Box<AskedOfSettings>,
        at: Timestamp,
    },
}

impl UserCommand {
    /// The same command at this time: all of a batch are decided at one moment, and it is not known before.
    #[must_use]
    pub fn at(mut self, now: Timestamp) -> Self {
        match &mut self {
            Self::Register { at, .. }
            | Self::OpenSession { at, .. }
            | Self::RefreshSession { at, .. }
            | Self::EndSession { at, .. }
            | Self::EndSessions { at, .. }
            | Self::ExpireSessions { at }
            | Self::ChangeProfile { at, .. }
            | Self::VerifyEmail { at, .. }
            | Self::ChangePassword { at, .. }
            | Self::ChangeRoles { at, .. }
            | Self::Suspend { at }
            | Self::Reactivate { at }
            | Self::Erase { at }
            | Self::ChangePreferences { at, .. }
            | Self::CreateApiKey { at, .. }
            | Self::ChangeApiKey { at, .. }
            | Self::RotateApiKey { at, .. }
            | Self::RevokeApiKey { at, .. }
            | Self::ChangeCredentials { at, .. }
            | Self::Settings { at, .. } => *at = now,
        }
        self
    }

    /// The name it is counted under.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Register { .. } => "register",
            Self::OpenSession { .. } => "open_session",
            Self::RefreshSession { .. } => "refresh_session",
            Self::EndSession { .. } => "end_session",
            Self::EndSessions { .. } => "end_sessions",
            Self::ExpireSessions { .. } => "expire_sessions",
            Self::ChangeProfile { .. } => "change_profile",
            Self::VerifyEmail { .. } => "verify_email",
            Self::ChangePassword { .. } => "change_password",
            Self::ChangeRoles { .. } => "change_roles",
            Self::Suspend { .. } => "suspend",
            Self::Reactivate { .. } => "reactivate",
            Self::Erase { .. } => "erase",
            Self::ChangePreferences { .. } => "change_preferences",
            Self::CreateApiKey { .. } => "create_api_key",
            Self::ChangeApiKey { .. } => "change_api_key",
            Self::RotateApiKey { .. } => "rotate_api_key",
            Self::RevokeApiKey { .. } => "revoke_api_key",
            Self::ChangeCredentials { .. } => "change_credentials",
            Self::Settings { asked, .. } => asked.command.name(),
        }
    }
}

/// How long a login session lives and how many there may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionPolicy {
    /// Unused for so long, it ends.
    pub idle: Duration,
    /// However used, it ends.
    pub absolute: Duration,
    /// How long the token before the newest is still answered: its answer may have been lost on the way.
    pub grace: Duration,
    /// One more, and the oldest goes.
    pub sessions_max: usize,
}
