//! Which mails there are.

use domain::{ApiKeyId, Timestamp};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MailKind {
    /// To an address that is the user's, and is not proved yet.
    VerifyEmail,
    /// To an address that is to become the user's.
    VerifyNewEmail,
    /// To the address that may be replaced.
    EmailChangeAsked,
    /// To the address that was replaced.
    EmailChanged,
    ResetPassword,
    PasswordChanged,
    /// Somebody has stolen a refresh token.
    TokenReused,
    ApiKeyCreated,
    /// A while before a key stops working.
    ApiKeyExpires,
    /// A trading session passed a limit of its owner's.
    SessionHalted,
}

impl MailKind {
    const ALL: [Self; 10] = [
        Self::VerifyEmail,
        Self::VerifyNewEmail,
        Self::EmailChangeAsked,
        Self::EmailChanged,
        Self::ResetPassword,
        Self::PasswordChanged,
        Self::TokenReused,
        Self::ApiKeyCreated,
        Self::ApiKeyExpires,
        Self::SessionHalted,
    ];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::VerifyEmail => "verify_email",
            Self::VerifyNewEmail => "verify_new_email",
            Self::EmailChangeAsked => "email_change_asked",
            Self::EmailChanged => "email_changed",
            Self::ResetPassword => "reset_password",
            Self::PasswordChanged => "password_changed",
            Self::TokenReused => "token_reused",
            Self::ApiKeyCreated => "api_key_created",
            Self::ApiKeyExpires => "api_key_expires",
            Self::SessionHalted => "session_halted",
        }
    }

    pub(crate) fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }

    /// Leads to something that only an active account may do.
    pub(crate) const fn needs_active_account(self) -> bool {
        matches!(
            self,
            Self::VerifyEmail | Self::VerifyNewEmail | Self::EmailChangeAsked | Self::ResetPassword
        )
    }

    /// Is a service that its owner may do without. What was asked for, and what would warn of an intruder, is not.
    pub(crate) const fn is_notification(self) -> bool {
        matches!(self, Self::ApiKeyExpires | Self::SessionHalted)
    }
}

/// What a mail rests on, beside its user. Nothing secret.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Params {
    /// The address of then: a mail about an earlier one is not wanted any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) email_version: Option<u64>,
    /// When what it tells of happened, or is going to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) at: Option<Timestamp>,
    /// The claim on the address it was asked for by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) claim: Option<Uuid>,
    /// The key it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) api_key: Option<ApiKeyId>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_reads_back() {
        for kind in MailKind::ALL {
            assert_eq!(MailKind::parse(kind.as_str()), Some(kind));
        }
        assert_eq!(MailKind::parse("love_letter"), None);
    }
}
