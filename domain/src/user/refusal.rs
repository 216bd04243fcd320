//! Why a user's command is declined.

use crate::Currency;
use crate::Scope;
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(tag = "refusal", rename_all = "snake_case")]
pub enum UserRefusal {
    #[error("there is no such user")]
    NotFound,
    #[error("the user is registered already")]
    AlreadyRegistered,
    #[error("the user is suspended")]
    Suspended,
    #[error("the password changed while it was being checked")]
    PasswordChanged,
    #[error("the login session has ended")]
    SessionEnded,
    #[error("the address changed, or was verified already")]
    EmailChanged,
    #[error("there is no such key")]
    KeyNotFound,
    #[error("there are {max} keys already, and no more may be held")]
    TooManyKeys { max: usize },
    #[error("the key was rotated by somebody else just now")]
    KeyRotated,
    #[error("only a service's key may have the scope {scope}")]
    ScopeNotAllowed { scope: Scope },
    #[error("there are no credentials for this exchange")]
    NoCredentials,
    #[error("version {expected} of the preferences was expected, it is {actual}")]
    StalePreferences { expected: u64, actual: u64 },
    #[error("has more decimals than {currency}")]
    CapitalTooFine { currency: Currency },
    #[error("has more digits than an amount in {currency} can have")]
    CapitalTooLarge { currency: Currency },
}
