//! What can have happened to a user. No event holds a readable personal value or a secret.

use super::{ApiKeyChange, Exchange, Preferences, SettingsCause, TelegramHeld};
use crate::event_types::event_types;
use crate::settings::{PresetName, Settings};
use crate::{ApiKeyId, LoginSessionId, Scopes, Sealed, Timestamp, UserId};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

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
    /// What is left out stays as it was.
    ProfileChanged {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        username: Option<Sealed>,
        /// A new address is verified only by [`Self::EmailVerified`].
        #[serde(default, skip_serializing_if = "Option::is_none")]
        email: Option<Sealed>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        name: Option<Sealed>,
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        name_removed: bool,
        changed_at: Timestamp,
    },
    EmailVerified {
        verified_at: Timestamp,
    },
    PasswordChanged {
        reason: PasswordChangeReason,
        password_version: u64,
        changed_at: Timestamp,
    },
    RolesChanged {
        roles: Vec<Role>,
        changed_at: Timestamp,
    },
    UserSuspended {
        suspended_at: Timestamp,
    },
    UserReactivated {
        reactivated_at: Timestamp,
    },
    /// The key to everything personal in this history is destroyed with it.
    UserErased {
        erased_at: Timestamp,
    },
    /// All of them, as they are now.
    PreferencesChanged {
        preferences: Preferences,
        changed_at: Timestamp,
    },
    ApiKeyCreated {
        key_id: ApiKeyId,
        name: Sealed,
        scopes: Scopes,
        expires_at: Timestamp,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        cidrs: Option<Sealed>,
        created_at: Timestamp,
    },
    ApiKeyChanged {
        key_id: ApiKeyId,
        #[serde(flatten)]
        change: ApiKeyChange,
        changed_at: Timestamp,
    },
    /// Another secret; the one before is good until `previous_until`.
    ApiKeyRotated {
        key_id: ApiKeyId,
        generation: u32,
        previous_until: Timestamp,
        rotated_at: Timestamp,
    },
    ApiKeyRevoked {
        key_id: ApiKeyId,
        revoked_at: Timestamp,
    },
    ExchangeCredentialsChanged {
        exchange: Exchange,
        /// Nothing, if they were removed.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        credentials: Option<CredentialsHeld>,
        changed_at: Timestamp,
    },
    /// All of them, as they are now.
    SettingsChanged {
        settings: Arc<Settings>,
        /// Which secrets are kept beside them, each with a hint.
        #[serde(default, skip_serializing_if = "TelegramHeld::is_empty")]
        telegram: TelegramHeld,
        settings_version: u64,
        /// The names of those that differ from before.
        fields: Vec<String>,
        cause: SettingsCause,
        changed_at: Timestamp,
    },
    PresetSaved {
        name: PresetName,
        settings: Arc<Settings>,
        preset_version: u64,
        saved_at: Timestamp,
    },
    PresetRenamed {
        name: PresetName,
        new_name: PresetName,
        renamed_at: Timestamp,
    },
    /// The settings are the preset's now.
    PresetApplied {
        name: PresetName,
        applied_at: Timestamp,
    },
    PresetDeleted {
        name: PresetName,
        deleted_at: Timestamp,
    },
}

/// What may be told of credentials that were left here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CredentialsHeld {
    pub key_hint: Sealed,
    pub verified: bool,
    pub permissions: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PasswordChangeReason {
    /// By who knew the old one.
    Changed,
    /// By a link in a mail.
    Reset,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EndReason {
    Logout,
    Expired,
    /// A newer session took its place.
    Replaced,
    TokenReused,
    /// Ended from another session, or by an admin.
    Revoked,
    LogoutAll,
    PasswordChanged,
    RolesChanged,
    Suspended,
    Erased,
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

event_types! {
    UserEvent:
    UserRegistered,
    LoginSessionOpened,
    LoginSessionRefreshed,
    RefreshTokenReused,
    LoginSessionEnded,
    ProfileChanged,
    EmailVerified,
    PasswordChanged,
    RolesChanged,
    UserSuspended,
    UserReactivated,
    UserErased,
    PreferencesChanged,
    ApiKeyCreated,
    ApiKeyChanged,
    ApiKeyRotated,
    ApiKeyRevoked,
    ExchangeCredentialsChanged,
    SettingsChanged,
    PresetSaved,
    PresetRenamed,
    PresetApplied,
    PresetDeleted,
}
