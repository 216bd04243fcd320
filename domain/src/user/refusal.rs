//! Why a user's command is declined.

use crate::Currency;
use crate::Scope;
use crate::settings::{Barred, Flaw};
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
    #[error("{} of these settings are not for users to set", barred.len())]
    SettingsForbidden { barred: Vec<Barred> },
    #[error("{} settings are not valid", flaws.len())]
    SettingsInvalid { flaws: Vec<Flaw> },
    #[error("version {expected} was expected, it is {actual}")]
    StaleSettings { expected: u64, actual: u64 },
    #[error("the settings never had version {version}")]
    NoSuchSettings { version: u64 },
    #[error("there is no such preset")]
    PresetNotFound,
    #[error("there is a preset of this name already")]
    PresetExists,
    #[error("there are {max} presets already, and no more may be held")]
    TooManyPresets { max: usize },
}
